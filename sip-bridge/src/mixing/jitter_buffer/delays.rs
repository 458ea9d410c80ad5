// SPDX-License-Identifier: EUPL-1.2
//! How much later than the fastest of them packets come, and how long one must wait so that nearly all are there.

use std::time::{Duration, Instant};

/// What is told apart: so many steps of 10 ms.
const BINS: usize = 13;
const BIN_US: i64 = 10_000;

/// The last step that is waited for before anything is known: 40 ms in all.
const FIRST_BIN: usize = 3;

/// One packet in 25 may be too late; waiting for the last one makes conversation slow.
const TAIL: f32 = 0.04;

/// What a packet's delay still counts when the next has come: two seconds are remembered.
const MEMORY: f32 = 0.99;

/// How long the fastest packet is the measure: clocks drift, and paths change.
const WINDOW: Duration = Duration::from_secs(5);

/// Nobody's delay changes by so much without it being another stream: 2 s.
const RESTART_US: u64 = 2_000_000;

/// The statistics of one source.
#[derive(Debug)]
pub(super) struct Delays {
    epoch: Instant,
    /// Which part of the packets was so late; all together 1.
    bins: [f32; BINS],
    window_start: Instant,
    fastest_us: Option<i64>,
    fastest_before_us: Option<i64>,
}

impl Delays {
    /// Begins with 40 ms, for want of anything better.
    pub(super) fn new(now: Instant) -> Self {
        let mut bins = [0.0; BINS];
        bins[0] = 0.9;
        bins[FIRST_BIN] = 0.1;
        Self { epoch: now, bins, window_start: now, fastest_us: None, fastest_before_us: None }
    }

    /// A packet of this RTP time has come.
    pub(super) fn packet(&mut self, now: Instant, time: i64) {
        let transit = self.transit_us(now, time);
        if now.saturating_duration_since(self.window_start) > WINDOW {
            self.window_start = now;
            self.fastest_before_us = self.fastest_us.take();
        }
        self.fastest_us = Some(self.fastest_us.map_or(transit, |fastest| fastest.min(transit)));
        let bin = (self.of(now, time) / BIN_US).clamp(0, BINS as i64 - 1) as usize;
        for share in &mut self.bins {
            *share *= MEMORY;
        }
        self.bins[bin] += 1.0 - MEMORY;
    }

    /// How long ago a packet of this RTP time would have come, had it been as fast as the fastest, in microseconds.
    pub(super) fn of(&self, now: Instant, time: i64) -> i64 {
        self.fastest().map_or(0, |fastest| self.transit_us(now, time).saturating_sub(fastest))
    }

    /// How long after the fastest could have come a packet should be played, in microseconds: 10 to 120 ms.
    pub(super) fn target_us(&self) -> i64 {
        let mut tail = 0.0;
        for bin in (1..BINS).rev() {
            tail += self.bins[bin];
            if tail > TAIL {
                return (bin as i64 + 1).min(BINS as i64 - 1) * BIN_US;
            }
        }
        BIN_US
    }

    /// Whether a packet of this RTP time is so early or late that it must be of another stream.
    pub(super) fn is_far(&self, now: Instant, time: i64) -> bool {
        self.fastest().is_some_and(|fastest| fastest.abs_diff(self.transit_us(now, time)) > RESTART_US)
    }

    /// Another stream begins; its times have nothing to do with those before, but its path has.
    pub(super) fn restart(&mut self, now: Instant) {
        self.window_start = now;
        self.fastest_us = None;
        self.fastest_before_us = None;
    }

    fn fastest(&self) -> Option<i64> {
        match (self.fastest_us, self.fastest_before_us) {
            (Some(now), Some(before)) => Some(now.min(before)),
            (now, before) => now.or(before),
        }
    }

    fn transit_us(&self, now: Instant, time: i64) -> i64 {
        let arrival = i64::try_from(now.saturating_duration_since(self.epoch).as_micros()).unwrap_or(i64::MAX);
        arrival.saturating_sub(time.saturating_mul(125) / 6)
    }
}
