// SPDX-License-Identifier: EUPL-1.2
//! Whether a shard's thread keeps up with what arrives.
//!
//! A thread that has enough time empties its inputs every few turns, however busy it is, and loses nothing but now and
//! then a burst that the kernel has no room for. One that has too little does either in every turn: what waits never
//! ends, or where the kernel keeps no more than a thread takes at once, some of it is lost each time.

use std::time::{Duration, Instant};

/// A thread that is behind for so long has too much to do. It takes less to work off a burst, as of the keyframes of a
/// room, or what came while the machine let another process run; and sound that waits for longer is late.
const PERIOD: Duration = Duration::from_millis(200);

/// Looks at a thread's turns.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The first turn since which none has caught up, or the end of the last whole period since then, moved on by the
    /// time that the thread was asleep.
    behind_since: Option<Instant>,
    lost_so_far: u64,
}

impl Pace {
    /// Notes a turn: whether it left something in the inputs, or had to begin with what the turn before had left there, and
    /// how much the kernel has lost since the beginning. Says whether the thread has been awake for another [`PERIOD`] in
    /// which no turn has caught up.
    pub(super) fn handle_turn(&mut self, now: Instant, is_behind: bool, lost_so_far: u64) -> bool {
        let has_lost = std::mem::replace(&mut self.lost_so_far, lost_so_far) != lost_so_far;
        if !is_behind && !has_lost {
            self.behind_since = None;
            return false;
        }
        let since = self.behind_since.get_or_insert(now);
        let is_over = now.saturating_duration_since(*since) >= PERIOD;
        if is_over {
            *since = now;
        }
        is_over
    }

    /// Notes that the thread was asleep for so long. It had nothing left to do then, whatever the turn before was like, so
    /// a long sleep ends what was; a nap between bursts of which the kernel loses some does not.
    pub(super) fn handle_sleep(&mut self, asleep: Duration) {
        match &mut self.behind_since {
            Some(since) if asleep < PERIOD => *since += asleep,
            since => *since = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many periods are found in turns of so many milliseconds each, of which `turn` says whether they are behind
    /// and how much was lost in them.
    fn periods(turns: u64, turn_ms: u64, turn: impl Fn(u64) -> (bool, u64)) -> usize {
        let (mut pace, mut now, mut lost) = (Pace::default(), Instant::now(), 0);
        let is_over = |index: u64| {
            let (is_behind, lost_now) = turn(index);
            now += Duration::from_millis(turn_ms);
            lost += lost_now;
            pace.handle_turn(now, is_behind, lost)
        };
        (0..turns).map(is_over).filter(|is_over| *is_over).count()
    }

    #[test]
    fn a_thread_that_never_catches_up_is_overloaded_five_times_a_second() {
        assert_eq!(periods(1_001, 1, |_| (true, 0)), 5);
    }

    #[test]
    fn a_thread_that_catches_up_now_and_then_is_not() {
        assert_eq!(periods(10_000, 1, |index| (index % 200 != 0, 0)), 0);
        assert_eq!(periods(10_000, 1, |index| (index % 202 != 0, 0)), 49, "just too seldom");
    }

    #[test]
    fn a_thread_that_loses_something_in_every_turn_is_overloaded() {
        assert_eq!(periods(101, 10, |_| (false, 3)), 5);
        assert_eq!(periods(101, 10, |index| (index % 2 == 0, index % 2)), 5, "or is behind in the others");
    }

    #[test]
    fn a_burst_that_the_kernel_has_no_room_for_is_no_overload() {
        assert_eq!(periods(1_000, 10, |index| (false, u64::from(index % 10 != 0))), 0);
    }

    #[test]
    fn a_thread_that_was_asleep_is_not_behind() {
        assert_eq!(periods(10, 10_000, |index| (index % 2 == 0, 0)), 0);
        // Time after time it worked off what was left, slept, and was woken by more than it takes in a turn.
        let overloads = |asleep: Duration| {
            let (mut pace, mut now) = (Pace::default(), Instant::now());
            let is_over = |_| {
                let is_over = pace.handle_turn(now, true, 0);
                pace.handle_sleep(asleep);
                now += asleep + Duration::from_millis(50);
                is_over
            };
            (0..9).map(is_over).filter(|is_over| *is_over).count()
        };
        assert_eq!(overloads(PERIOD), 0);
        assert_eq!(
            overloads(Duration::from_millis(10)),
            2,
            "naps: awake for 400 ms, and never without something to do"
        );
    }
}
