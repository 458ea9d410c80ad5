// SPDX-License-Identifier: EUPL-1.2
//! The timestamps of what we send. They count samples, and over silence, in which nothing is sent, time.

use std::time::Instant;

use super::numbers::RtpTime;

/// So many frames behind real time, something was left out. Less is a thread that was late and catches up.
const LATE_FRAMES: u32 = 3;

/// The media clock of one sender.
pub(super) struct SendClock {
    clock_rate_hz: u32,
    /// The timestamp of the next sample.
    next: RtpTime,
    /// When the clock began, and what it should show but for what was left out.
    began: Option<(Instant, RtpTime)>,
}

impl SendClock {
    pub(super) const fn new(first: RtpTime, clock_rate_hz: u32) -> Self {
        Self { clock_rate_hz, next: first, began: None }
    }

    /// Samples are counted at another rate from now on.
    pub(super) fn set_rate(&mut self, clock_rate_hz: u32) {
        if self.clock_rate_hz != clock_rate_hz {
            (self.clock_rate_hz, self.began) = (clock_rate_hz, None);
        }
    }

    /// The timestamp for a frame that is sent now, and whether it follows a silence that nobody counted. The clock then
    /// has gone on by whole frames.
    pub(super) fn begin(&mut self, now: Instant, frame_ticks: u32) -> (RtpTime, bool) {
        let (began, first) = *self.began.get_or_insert((now, self.next));
        let real = first.plus_ticks(RtpTime::ticks_in(now.saturating_duration_since(began), self.clock_rate_hz));
        let behind = u32::try_from(real.ticks_since(self.next)).unwrap_or(0);
        let is_after_silence = frame_ticks != 0 && behind >= frame_ticks.saturating_mul(LATE_FRAMES);
        if is_after_silence {
            self.next = self.next.plus_ticks(behind - behind % frame_ticks);
        }
        (self.next, is_after_silence)
    }

    /// Goes on by what was sent, or left out.
    pub(super) const fn advance(&mut self, ticks: u32) {
        self.next = self.next.plus_ticks(ticks);
    }

    /// What the clock shows now, for reports.
    pub(super) fn at(&self, now: Instant) -> RtpTime {
        self.began.map_or(self.next, |(began, first)| {
            first.plus_ticks(RtpTime::ticks_in(now.saturating_duration_since(began), self.clock_rate_hz))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Sends frames of 20 ms at these times, and gives timestamps in frames and where silence was seen.
    fn frames(times_ms: &[u64]) -> Vec<(u32, bool)> {
        let start = Instant::now();
        let mut clock = SendClock::new(RtpTime(u32::MAX), 8_000);
        let stamps = times_ms.iter().map(|ms| {
            let (stamp, is_after_silence) = clock.begin(start + Duration::from_millis(*ms), 160);
            clock.advance(160);
            (stamp.0.wrapping_add(1) / 160, is_after_silence)
        });
        stamps.collect()
    }

    #[test]
    fn a_steady_stream_counts_samples() {
        assert_eq!(frames(&[0, 20, 41, 58, 80]), (0..5).map(|n| (n, false)).collect::<Vec<_>>());
    }

    #[test]
    fn silence_is_counted_in_time() {
        assert_eq!(frames(&[0, 20, 1_001, 1_020]), [(0, false), (1, false), (50, true), (51, false)]);
    }

    #[test]
    fn a_late_thread_that_catches_up_leaves_no_hole() {
        assert_eq!(frames(&[0, 75, 75, 76, 80]), (0..5).map(|n| (n, false)).collect::<Vec<_>>());
    }

    #[test]
    fn it_never_runs_away_from_real_time() {
        // Each second one frame is left out, for a minute.
        let times: Vec<u64> = (0..3_000).filter(|frame| frame % 50 != 7).map(|frame| frame * 20).collect();
        for ((stamp, _), ms) in frames(&times).into_iter().zip(&times) {
            let behind = i64::try_from(*ms).unwrap() / 20 - i64::from(stamp);
            assert!((0..3).contains(&behind), "{behind} at {ms} ms");
        }
    }
}
