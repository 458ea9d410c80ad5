// SPDX-License-Identifier: EUPL-1.2
//! How packets' ways differ in length: what the delay has to cover.
//!
//! A packet's transit is when it came minus when its sound was made, by clocks that have nothing to do with each other. Only
//! differences mean something: to the fastest packet of the last ten seconds or so. That it must be of late makes
//! differences of the clocks' speed vanish: 200 ppm are 2 ms in ten seconds.

use super::{LONGEST_TARGET, SHORTEST_TARGET, micros};

/// Packets that are remembered: ten seconds of 20 ms.
const HISTORY: usize = 512;

/// The latest of them, which decide about growing: 1.3 s of 20 ms.
const RECENT: usize = 64;

/// Older ones are forgotten in any case; a sender with long pauses fills the history slowly.
const OLDEST_US: i64 = 30_000_000;

/// The target is reckoned anew every so many packets.
const RECKON_EVERY: usize = 8;

/// The share of packets that shall be in time, of the whole history and of the recent ones. What is more late than that
/// is rare enough to be concealed.
const SHARE_OF_ALL: f64 = 0.985;
const SHARE_OF_RECENT: f64 = 0.95;

/// When all recent packets took this much longer than the fastest one, the way itself has become longer.
const LONGER_WAY_US: i64 = 60_000;

/// What is aimed at before anything is known of the way.
const FIRST_TARGET_US: i64 = 40_000;

/// How fast the target may shrink, in µs for each second.
const SHRINK_US_PER_SECOND: i64 = 10_000;

pub(super) struct Transit {
    /// When it came and how long it took, oldest overwritten first.
    history: Box<[(i64, i64); HISTORY]>,
    scratch: Box<[i64; HISTORY]>,
    written: usize,
    /// How many of the history count: less after the way has changed.
    valid: usize,
    base_us: i64,
    target_us: i64,
    reckoned_us: i64,
}

impl Transit {
    pub(super) fn new() -> Self {
        Self {
            history: Box::new([(0, 0); HISTORY]),
            scratch: Box::new([0; HISTORY]),
            written: 0,
            valid: 0,
            base_us: 0,
            target_us: FIRST_TARGET_US,
            reckoned_us: 0,
        }
    }

    pub(super) fn restart(&mut self) {
        self.written = 0;
        self.valid = 0;
    }

    /// The fastest packet's transit.
    pub(super) fn base_us(&self) -> i64 {
        self.base_us
    }

    /// How far behind the fastest packet playing should stay.
    pub(super) fn target_us(&self) -> i64 {
        self.target_us
    }

    /// Compared to the fastest, if there is one.
    pub(super) fn relative_us(&self, transit_us: i64) -> Option<i64> {
        (self.valid > 0).then_some(transit_us - self.base_us)
    }

    pub(super) fn observe(&mut self, now_us: i64, transit_us: i64) {
        self.history[self.written % HISTORY] = (now_us, transit_us);
        self.written = self.written.wrapping_add(1);
        self.valid = (self.valid + 1).min(HISTORY);
        if self.valid == 1 || transit_us < self.base_us {
            self.base_us = transit_us;
        }
        // A packet that is later than all the target allows says so at once.
        let is_urgent = transit_us - self.base_us > self.target_us;
        if is_urgent || self.written.is_multiple_of(RECKON_EVERY) {
            self.reckon(now_us);
        }
    }

    fn reckon(&mut self, now_us: i64) {
        let recent = self.sorted(RECENT, now_us);
        let (recent_fastest, recent_late) = (first(recent), quantile(recent, SHARE_OF_RECENT));
        let all = self.sorted(self.valid, now_us);
        let (fastest, late) = (first(all), quantile(all, SHARE_OF_ALL));
        if self.valid > RECENT && recent_fastest - fastest > LONGER_WAY_US {
            self.valid = RECENT;
            self.base_us = recent_fastest;
            self.aim(now_us, recent_late - recent_fastest);
        } else {
            self.base_us = fastest;
            self.aim(now_us, late.max(recent_late) - fastest);
        }
    }

    fn aim(&mut self, now_us: i64, late_us: i64) {
        let wanted = late_us.clamp(micros(SHORTEST_TARGET), micros(LONGEST_TARGET));
        let elapsed_us = (now_us - self.reckoned_us).clamp(0, 1_000_000);
        let lowest = self.target_us - elapsed_us * SHRINK_US_PER_SECOND / 1_000_000;
        self.target_us = wanted.max(lowest);
        self.reckoned_us = now_us;
    }

    /// The transits of the last packets, by length. Never empty once one was observed.
    fn sorted(&mut self, packets: usize, now_us: i64) -> &[i64] {
        let packets = packets.min(self.valid);
        let mut taken = 0;
        for back in 1..=packets {
            let (came_us, transit_us) = self.history[self.written.wrapping_sub(back) % HISTORY];
            if back > 1 && now_us - came_us > OLDEST_US {
                break;
            }
            self.scratch[taken] = transit_us;
            taken += 1;
        }
        let taken = &mut self.scratch[..taken];
        taken.sort_unstable();
        taken
    }
}

fn first(sorted: &[i64]) -> i64 {
    sorted.first().copied().unwrap_or_default()
}

fn quantile(sorted: &[i64], share: f64) -> i64 {
    let index = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(index.saturating_sub(1)).or(sorted.last()).copied().unwrap_or_default()
}
