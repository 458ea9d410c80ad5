// SPDX-License-Identifier: EUPL-1.2
//! Whether a line has been losing so much for a while that its caller should know why they are not understood.

use std::time::{Duration, Instant};

use crate::media::jitter_buffer::JitterStatistics;

/// A second's packets, of which ten are looked at together.
const TICKS: u32 = 50;
const SECONDS: usize = 10;

/// With more loss than this, in percent, a line is bad. By ITU-T G.107 and G.113 appendix I, G.711 with concealment
/// (Bpl 25.1) comes down from 93 to 70 at 8 %, and below 70 many listeners are dissatisfied (G.109).
const BAD_PERCENT: u64 = 8;

/// With fewer packets in ten seconds than a fifth of what is sent when somebody speaks, nothing can be said.
const FEWEST_PACKETS: u64 = 100;

/// How long nothing more is said.
const QUIET: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Default)]
struct Counts {
    expected: u64,
    lost: u64,
}

/// See the [module](self).
#[derive(Default)]
pub(super) struct LineQuality {
    seconds: [Counts; SECONDS],
    at: usize,
    full_seconds: usize,
    ticks: u32,
    before: Counts,
    quiet_until: Option<Instant>,
}

impl LineQuality {
    /// Goes on by 20 ms. Whether the line is to be called bad now.
    pub(super) fn tick(&mut self, now: Instant, jitter: &JitterStatistics) -> bool {
        self.ticks += 1;
        if self.ticks < TICKS {
            return false;
        }
        self.ticks = 0;
        // What came too late was lost as much as what never came, and is among the lost already.
        let useless = jitter.late_packets + jitter.duplicate_packets + jitter.discarded_packets;
        let expected = jitter.received_packets.saturating_sub(useless) + jitter.lost_packets;
        let now_counts = Counts { expected, lost: jitter.lost_packets };
        if let Some(second) = self.seconds.get_mut(self.at) {
            second.expected = now_counts.expected.saturating_sub(self.before.expected);
            second.lost = now_counts.lost.saturating_sub(self.before.lost);
        }
        self.before = now_counts;
        self.at = (self.at + 1) % SECONDS;
        self.full_seconds = (self.full_seconds + 1).min(SECONDS);
        let expected: u64 = self.seconds.iter().map(|second| second.expected).sum();
        let lost: u64 = self.seconds.iter().map(|second| second.lost).sum();
        let is_bad = self.full_seconds == SECONDS && expected >= FEWEST_PACKETS && lost * 100 > expected * BAD_PERCENT;
        if !is_bad || self.quiet_until.is_some_and(|until| now < until) {
            return false;
        }
        self.quiet_until = Some(now + QUIET);
        true
    }

    /// Something else was agreed on: what was lost before says nothing about what comes.
    pub(super) fn restart(&mut self) {
        (self.seconds, self.at, self.full_seconds, self.ticks) = Default::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::FRAME_TIME;

    /// When a line is called bad, in seconds, that loses of each hundred packets so many.
    fn called_bad(seconds: u32, loss_percent: impl Fn(u32) -> u64) -> Vec<u32> {
        let start = Instant::now();
        let mut line = LineQuality::default();
        let mut jitter = JitterStatistics::default();
        let mut called = Vec::new();
        for tick in 1..=seconds * TICKS {
            // Spread evenly.
            let percent = loss_percent(tick / TICKS);
            let is_lost = u64::from(tick % 100) * percent / 100 != (u64::from(tick % 100) + 1) * percent / 100;
            if is_lost {
                jitter.lost_packets += 1;
            } else {
                jitter.received_packets += 1;
            }
            if line.tick(start + FRAME_TIME * tick, &jitter) {
                called.push(tick / TICKS);
            }
        }
        called
    }

    #[test]
    fn a_line_that_loses_a_tenth_is_bad_after_ten_seconds_and_again_after_a_minute() {
        assert_eq!(called_bad(135, |_| 10), [10, 70, 130]);
    }

    #[test]
    fn a_line_that_loses_less_is_not_bad() {
        assert!(called_bad(60, |_| 8).is_empty());
        assert!(called_bad(60, |second| if second % 20 == 0 { 60 } else { 0 }).is_empty(), "6 % over ten seconds");
    }

    #[test]
    fn what_came_late_counts_once() {
        let mut line = LineQuality::default();
        let start = Instant::now();
        let mut jitter = JitterStatistics::default();
        for tick in 1..=600 {
            jitter.received_packets += 1;
            if tick % 14 == 0 {
                jitter.lost_packets += 1;
                jitter.late_packets += 1;
            }
            assert!(!line.tick(start + FRAME_TIME * tick, &jitter), "7 %");
        }
    }

    #[test]
    fn of_few_packets_nothing_is_said() {
        let mut line = LineQuality::default();
        let start = Instant::now();
        let mut jitter = JitterStatistics::default();
        for tick in 1..=1_000 {
            jitter.lost_packets += u64::from(tick % 10 == 0);
            assert!(!line.tick(start + FRAME_TIME * tick, &jitter));
        }
    }

    #[test]
    fn another_agreement_begins_anew() {
        let mut line = LineQuality::default();
        let start = Instant::now();
        let mut jitter = JitterStatistics::default();
        for tick in 1..=900 {
            jitter.received_packets += 1;
            jitter.lost_packets += 1;
            if tick == 450 {
                line.restart();
            }
            assert!(!line.tick(start + FRAME_TIME * tick, &jitter), "{tick}");
        }
    }
}
