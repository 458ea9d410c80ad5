// SPDX-License-Identifier: EUPL-1.2
//! When ticks are due: every 20 ms by a schedule that does not drift, whatever a tick takes.
//!
//! A thread that was late makes up for the ticks that it missed, one after the other, because each telephone waits for as
//! many packets. One that stood still for longer leaves them out: what telephones have concealed by then is of no use
//! any more, and doing it would make the thread later still.

use std::time::{Duration, Instant};

use crate::audio::FRAME_TIME;

/// Ticks that are made up for at most: 100 ms, which the jitter buffers of telephones bear.
const MAX_BEHIND: u32 = 5;

/// A tick that begins so late has been late.
const LATE: Duration = Duration::from_millis(5);

/// A tick that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    /// When it should begin. All that is reckoned by ticks uses this time.
    pub(super) at: Instant,
    /// How much later it does.
    pub(super) lateness: Duration,
    /// How many were left out before it.
    pub(super) left_out: u32,
}

impl Tick {
    pub(super) fn is_late(&self) -> bool {
        self.lateness >= LATE
    }
}

/// See the [module](self).
pub(super) struct Pace {
    next: Instant,
}

impl Pace {
    /// The first tick is due now.
    pub(super) const fn new(now: Instant) -> Self {
        Self { next: now }
    }

    /// The tick that is due.
    ///
    /// # Errors
    ///
    /// None is, and how long that stays so.
    pub(super) fn poll(&mut self, now: Instant) -> Result<Tick, Duration> {
        let until = self.next.saturating_duration_since(now);
        if !until.is_zero() {
            return Err(until);
        }
        let behind = now.saturating_duration_since(self.next).as_nanos() / FRAME_TIME.as_nanos();
        let behind = u32::try_from(behind).unwrap_or(u32::MAX);
        let left_out = if behind > MAX_BEHIND { behind } else { 0 };
        let at = self.next + FRAME_TIME * left_out;
        self.next = at + FRAME_TIME;
        Ok(Tick { at, lateness: now.saturating_duration_since(at), left_out })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn ticks_do_not_drift() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for tick in 0..1_000 {
            let due = start + FRAME_TIME * tick;
            let at = due + MS * (tick % 7);
            assert_eq!(pace.poll(at), Ok(Tick { at: due, lateness: MS * (tick % 7), left_out: 0 }));
            assert_eq!(pace.poll(at), Err(FRAME_TIME - MS * (tick % 7)));
        }
    }

    #[test]
    fn what_was_missed_is_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let late = start + MS * 107;
        let made_up: Vec<_> = std::iter::from_fn(|| pace.poll(late).ok()).collect();
        assert_eq!(made_up.len(), 6);
        assert!(made_up.iter().zip(0..).all(|(tick, number)| tick.at == start + FRAME_TIME * number));
        assert_eq!(made_up.iter().filter(|tick| tick.is_late()).count(), 6);
        assert_eq!(made_up[5].lateness, MS * 7);
    }

    #[test]
    fn after_a_long_stop_the_rest_is_left_out_and_the_schedule_stays() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let tick = pace.poll(start + MS * 1_003).unwrap();
        assert_eq!(tick, Tick { at: start + MS * 1_000, lateness: MS * 3, left_out: 50 });
        assert_eq!(pace.poll(start + MS * 1_003), Err(MS * 17));
    }
}
