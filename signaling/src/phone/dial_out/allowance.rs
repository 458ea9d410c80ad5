// SPDX-License-Identifier: EUPL-1.2
//! How long a call of ours may still be: when more is to be reserved, when whoever was called hears that a minute is left, and
//! when it is over. It opens no socket and reads no clock.

use std::time::{Duration, Instant};

/// How long before the end of what is reserved more is reserved: longer than a database is away that is started anew.
const AHEAD: Duration = Duration::from_secs(120);

/// How long before the end it is said that it comes.
const WARNED: Duration = Duration::from_secs(60);

/// For the sentence that the time is up, which the network counts as well.
const LAST_SENTENCE: Duration = Duration::from_secs(10);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::phone) enum Due {
    /// More minutes are to be reserved. [`Allowance::grown`] says how many there were.
    Grow,
    /// A minute is left.
    OneMinuteLeft,
    /// It is over. Nothing follows.
    TimeUp,
}

/// A call's time, from the moment that somebody has answered.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    answered_at: Instant,
    minutes: u32,
    may_grow: bool,
    is_warned: bool,
    is_over: bool,
}

impl Allowance {
    /// Somebody has answered; so many minutes are reserved.
    pub(super) const fn new(now: Instant, minutes: u32, may_grow: bool) -> Self {
        Self { answered_at: now, minutes, may_grow, is_warned: false, is_over: false }
    }

    /// What is due next, and when.
    fn next(&self) -> Option<(Instant, Due)> {
        let reserved = Duration::from_secs(u64::from(self.minutes) * 60);
        let before = |ahead: Duration| self.answered_at + reserved.saturating_sub(LAST_SENTENCE + ahead);
        if self.is_over {
            None
        } else if self.may_grow {
            Some((before(AHEAD), Due::Grow))
        } else if !self.is_warned {
            Some((before(WARNED), Due::OneMinuteLeft))
        } else {
            Some((before(Duration::ZERO), Due::TimeUp))
        }
    }

    /// When to look again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.next().map(|(at, _)| at)
    }

    /// What is due now.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Due> {
        let (_, due) = self.next().filter(|(at, _)| *at <= now)?;
        match due {
            Due::Grow => {}
            Due::OneMinuteLeft => self.is_warned = true,
            Due::TimeUp => self.is_over = true,
        }
        Some(due)
    }

    /// So many further minutes are reserved, and whether there may be more. Without any the call ends with those that it has.
    pub(super) const fn grown(&mut self, minutes: u32, may_grow: bool) {
        self.minutes += minutes;
        self.may_grow = may_grow && minutes > 0;
    }

    /// Minutes that have begun, which is how networks count.
    pub(super) fn used(&self, now: Instant) -> u32 {
        let minutes = now.saturating_duration_since(self.answered_at).as_millis().div_ceil(60_000);
        // A call that was answered and ended at once is one of a minute.
        u32::try_from(minutes).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_call_grows_and_ends_with_a_warning_within_what_is_reserved() {
        let start = Instant::now();
        let mut call = Allowance::new(start, 10, true);
        assert_eq!((call.poll_timeout(), call.poll(start)), (Some(start + seconds(470)), None));
        assert_eq!(call.poll(start + seconds(470)), Some(Due::Grow));
        call.grown(10, true);
        assert_eq!(call.poll_timeout(), Some(start + seconds(1_070)));
        assert_eq!(call.poll(start + seconds(1_070)), Some(Due::Grow));
        call.grown(0, true);
        assert_eq!(call.poll_timeout(), Some(start + seconds(1_130)));
        assert_eq!(call.poll(start + seconds(1_130)), Some(Due::OneMinuteLeft));
        assert_eq!(call.poll(start + seconds(1_189)), None);
        assert_eq!(call.poll(start + seconds(1_190)), Some(Due::TimeUp));
        assert_eq!((call.poll(start + seconds(2_000)), call.poll_timeout()), (None, None));
    }

    #[test]
    fn what_is_late_comes_in_order() {
        let start = Instant::now();
        let mut call = Allowance::new(start, 1, false);
        let late = start + seconds(100);
        let due: Vec<_> = std::iter::from_fn(|| call.poll(late)).collect();
        assert_eq!(due, [Due::OneMinuteLeft, Due::TimeUp]);
    }

    #[test]
    fn a_minute_that_has_begun_counts() {
        let start = Instant::now();
        let call = Allowance::new(start, 10, true);
        for (after, minutes) in [(0, 1), (1, 1), (60, 1), (61, 2), (600, 10)] {
            assert_eq!(call.used(start + seconds(after)), minutes, "{after} s");
        }
    }
}
