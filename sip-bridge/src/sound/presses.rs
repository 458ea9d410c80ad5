// SPDX-License-Identifier: EUPL-1.2
//! Each press of a key once, by whichever ways it comes: as events in RTP (RFC 4733), by SIP INFO, and as tones. Telephones
//! and gateways use two of them at the same time now and then.
//!
//! The ways differ in when they tell: INFO when a key goes down or when it is let go, events when it is let go, tones
//! after 40 ms. So presses are compared as times from and to. By one way, each press comes once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::digit::Digit;

/// How far apart the same press may come by two ways. SIP repeats over UDP what got lost after half a second (RFC 3261
/// §17.1.2.1), and sound waits in jitter buffers.
const APART: Duration = Duration::from_secs(1);

/// How long a press is remembered. Nobody holds a key down for longer.
const MEMORY: Duration = Duration::from_secs(10);

/// Presses that are remembered. When one more comes, the oldest is forgotten, and would be told a second time by another
/// way.
const MAX_PRESSES: usize = 32;

/// By what a press came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Event = 1,
    Info = 2,
    Tone = 4,
}

struct Press {
    digit: Digit,
    /// A bit for each [`Way`] by which it came.
    ways: u8,
    until: Instant,
}

/// The latest presses of a call.
#[derive(Default)]
pub(super) struct Presses {
    recent: VecDeque<Press>,
}

impl Presses {
    /// A press ended now, or was told now, and lasted so long as far as is known. Whether it is one that was not told yet.
    pub(super) fn note(&mut self, now: Instant, digit: Digit, duration: Duration, way: Way) -> bool {
        self.recent.retain(|press| now.saturating_duration_since(press.until) < MEMORY);
        let is_same = |press: &&mut Press| {
            let since = now.saturating_duration_since(press.until);
            press.digit == digit && press.ways & way as u8 == 0 && since <= duration + APART
        };
        if let Some(same) = self.recent.iter_mut().find(is_same) {
            same.ways |= way as u8;
            same.until = now;
            return false;
        }
        if self.recent.len() >= MAX_PRESSES {
            self.recent.pop_front();
        }
        self.recent.push_back(Press { digit, ways: way as u8, until: now });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of presses: when in ms, the key, how long it was held in ms, and the way.
    fn told(presses: &[(u64, char, u64, Way)]) -> String {
        let start = Instant::now();
        let mut known = Presses::default();
        let is_new = |(at, label, held, way): &&(u64, char, u64, Way)| {
            let digit = Digit::from_char(*label).unwrap();
            known.note(start + Duration::from_millis(*at), digit, Duration::from_millis(*held), *way)
        };
        presses.iter().filter(is_new).map(|(_, label, ..)| *label).collect()
    }

    #[test]
    fn a_press_that_comes_by_two_ways_is_one() {
        assert_eq!(told(&[(0, '1', 0, Way::Info), (150, '1', 150, Way::Event)]), "1");
        assert_eq!(told(&[(150, '1', 150, Way::Event), (600, '1', 0, Way::Info)]), "1");
        assert_eq!(told(&[(0, '1', 0, Way::Info), (150, '1', 40, Way::Tone), (200, '1', 150, Way::Event)]), "1");
    }

    #[test]
    fn a_key_that_is_held_for_long_is_one_press() {
        assert_eq!(told(&[(0, '5', 0, Way::Info), (6_000, '5', 6_000, Way::Event)]), "5");
    }

    #[test]
    fn the_same_key_twice_is_two_presses_in_any_order_of_ways() {
        let (info, event) = (Way::Info, Way::Event);
        assert_eq!(told(&[(0, '1', 0, info), (100, '1', 90, event), (300, '1', 0, info), (400, '1', 90, event)]), "11");
        assert_eq!(told(&[(0, '1', 0, info), (100, '1', 0, info), (200, '1', 90, event), (400, '1', 90, event)]), "11");
        assert_eq!(told(&[(0, '1', 90, event), (150, '1', 90, event), (300, '1', 90, event)]), "111");
    }

    #[test]
    fn another_key_or_a_later_one_is_another_press() {
        assert_eq!(told(&[(0, '1', 0, Way::Info), (100, '2', 90, Way::Event)]), "12");
        assert_eq!(told(&[(0, '1', 0, Way::Info), (1_500, '1', 90, Way::Event)]), "11");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut presses = Presses::default();
        for _ in 0..1_000 {
            assert!(presses.note(now, Digit::HASH, Duration::ZERO, Way::Info));
        }
        assert_eq!(presses.recent.len(), MAX_PRESSES);
    }
}
