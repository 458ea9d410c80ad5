// SPDX-License-Identifier: EUPL-1.2
//! Keys that we press, when we call somebody (RFC 4733 §2.5.1): updates while the tone lasts, its end three times, and a
//! pause before the next.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::numbers::RtpTime;
use crate::digit::Digit;

/// Between packets, as with sound.
const UPDATE_TIME: Duration = Duration::from_millis(20);
/// Packets of a tone before its end: 100 ms in all, which every detector hears (Q.24 wants 40 ms).
const UPDATES: u32 = 4;
/// How often the end is said (RFC 4733 §2.5.1.4).
const ENDS: u32 = 3;
/// From the beginning of a tone to that of the next, in packets: as long a pause as a tone.
const PERIOD: u32 = 10;
/// Keys that wait. When it is full, further ones are refused.
const MAX_WAITING: usize = 64;
/// How loud, in dBm0 below zero.
const VOLUME: u8 = 10;

/// An event's packet.
pub(super) struct EventPacket {
    pub(super) is_first: bool,
    pub(super) payload: [u8; 4],
    /// When the tone began.
    pub(super) started: RtpTime,
}

struct Tone {
    digit: Digit,
    began: Instant,
    started: RtpTime,
    /// Packets so far.
    sent: u32,
}

/// The keys that a call still has to press.
#[derive(Default)]
pub(super) struct SentDigits {
    waiting: VecDeque<Digit>,
    tone: Option<Tone>,
    /// Before which no tone begins.
    pause_until: Option<Instant>,
}

impl SentDigits {
    /// Queues a key; `false` when there are too many.
    pub(super) fn push(&mut self, digit: Digit) -> bool {
        let has_room = self.waiting.len() < MAX_WAITING;
        if has_room {
            self.waiting.push_back(digit);
        }
        has_room
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether a tone sounds, in place of which there is no other sound.
    pub(super) const fn is_sounding(&self) -> bool {
        self.tone.is_some()
    }

    /// When the next packet is due. `None` as long as there are no keys; in the past for one that waits.
    pub(super) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        match &self.tone {
            Some(tone) => Some(tone.began + UPDATE_TIME * tone.sent),
            None if self.waiting.is_empty() => None,
            None => Some(self.pause_until.unwrap_or(now)),
        }
    }

    /// A packet that is due. `starts` is the timestamp for a tone that begins now.
    pub(super) fn poll(&mut self, now: Instant, starts: RtpTime, clock_rate_hz: u32) -> Option<EventPacket> {
        self.poll_timeout(now).filter(|due| *due <= now)?;
        let tone = match &mut self.tone {
            Some(tone) => tone,
            None => {
                let digit = self.waiting.pop_front()?;
                self.tone.insert(Tone { digit, began: now, started: starts, sent: 0 })
            }
        };
        let is_end = tone.sent >= UPDATES;
        let updates = (tone.sent + 1).min(UPDATES + 1);
        let ticks = RtpTime::ticks_in(UPDATE_TIME * updates, clock_rate_hz);
        let [high, low] = u16::try_from(ticks).unwrap_or(u16::MAX).to_be_bytes();
        let payload = [tone.digit.event(), u8::from(is_end) << 7 | VOLUME, high, low];
        let packet = EventPacket { is_first: tone.sent == 0, payload, started: tone.started };
        tone.sent += 1;
        if tone.sent == UPDATES + ENDS {
            self.pause_until = Some(tone.began + UPDATE_TIME * PERIOD);
            self.tone = None;
        }
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rtp::received_digits::ReceivedDigits;

    #[test]
    fn a_key_is_a_tone_with_three_ends_and_a_pause() {
        let start = Instant::now();
        let mut sent = SentDigits::default();
        assert_eq!(sent.poll_timeout(start), None);
        for label in "5#".chars() {
            assert!(sent.push(Digit::from_char(label).unwrap()));
        }
        let mut packets = Vec::new();
        for tick in 0..30 {
            let now = start + UPDATE_TIME * tick;
            while let Some(packet) = sent.poll(now, RtpTime(tick * 160), 8_000) {
                packets.push((tick, packet.is_first, packet.payload, packet.started.0));
            }
        }
        let tone = |event: u8, first_tick: u32| {
            (0..7).map(move |n: u32| {
                let duration = (160 * (n + 1).min(5)).to_be_bytes();
                let flags = if n < 4 { 10 } else { 0x8a };
                (first_tick + n, n == 0, [event, flags, duration[2], duration[3]], first_tick * 160)
            })
        };
        assert_eq!(packets, tone(5, 0).chain(tone(11, 10)).collect::<Vec<_>>());
        assert!(!sent.is_sounding());
    }

    #[test]
    fn the_receiver_hears_each_key_once() {
        let start = Instant::now();
        let mut sent = SentDigits::default();
        let mut received = ReceivedDigits::new(8_000, 20);
        let dialled = "0123456789*#ABCD5555";
        for label in dialled.chars() {
            sent.push(Digit::from_char(label).unwrap());
        }
        let mut heard = String::new();
        for tick in 0..400 {
            let now = start + UPDATE_TIME * tick;
            if let Some(packet) = sent.poll(now, RtpTime(tick * 160), 8_000) {
                let presses = received.handle(now, packet.started, packet.is_first, &packet.payload);
                heard.extend(presses.into_iter().flatten().map(|press| press.digit.as_char()));
            }
        }
        assert_eq!(heard, dialled);
    }

    #[test]
    fn keys_beyond_the_bound_are_refused() {
        let mut sent = SentDigits::default();
        let digit = Digit::from_char('1').unwrap();
        assert!((0..MAX_WAITING).all(|_| sent.push(digit)));
        assert!(!sent.push(digit));
    }
}
