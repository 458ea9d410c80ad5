// SPDX-License-Identifier: EUPL-1.2
//! When which client of a shard next needs attention: a heap with lazy deletion.
//!
//! A client has at most one live entry. Moving its deadline forward in time leaves a stale entry behind, which is
//! dropped when it surfaces, so the heap holds few more entries than there are clients.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Deadlines of clients, by their slot.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, usize)>>,
    /// The live deadline of each slot.
    deadlines: Vec<Option<Instant>>,
}

impl Timers {
    /// Makes sure that `slot` is due at `deadline` or earlier.
    pub(super) fn wake_by(&mut self, slot: usize, deadline: Instant) {
        if self.deadlines.len() <= slot {
            self.deadlines.resize(slot + 1, None);
        }
        if self.deadlines[slot].is_none_or(|current| deadline < current) {
            self.deadlines[slot] = Some(deadline);
            self.heap.push(Reverse((deadline, slot)));
        }
    }

    /// Makes sure that `slot` is not due before `earliest`, if it is due at all.
    pub(super) fn put_off(&mut self, slot: usize, earliest: Instant) {
        if self.deadlines.get(slot).copied().flatten().is_some_and(|deadline| deadline < earliest) {
            self.deadlines[slot] = Some(earliest);
            self.heap.push(Reverse((earliest, slot)));
        }
    }

    /// Forgets `slot`.
    pub(super) fn cancel(&mut self, slot: usize) {
        if let Some(deadline) = self.deadlines.get_mut(slot) {
            *deadline = None;
        }
    }

    /// The earliest deadline.
    pub(super) fn next(&mut self) -> Option<Instant> {
        while let Some(Reverse((deadline, slot))) = self.heap.peek().copied() {
            if self.deadlines[slot] == Some(deadline) {
                return Some(deadline);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes a slot that is due at `now`, with its deadline cleared.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        if self.next()? > now {
            return None;
        }
        let Reverse((_, slot)) = self.heap.pop()?;
        self.deadlines[slot] = None;
        Some(slot)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests choose the time that they count from")]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_wish_of_a_slot_counts_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        timers.wake_by(0, at(30));
        timers.wake_by(1, at(20));
        timers.wake_by(0, at(10));
        timers.wake_by(0, at(40));
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(timers.pop_due(at(50)), Some(0));
        assert_eq!(timers.pop_due(at(50)), Some(1));
        assert_eq!(timers.pop_due(at(50)), None);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_slot_can_be_put_off_but_not_woken_by_that() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        timers.put_off(5, at(1));
        timers.wake_by(0, at(0));
        timers.wake_by(1, at(3));
        timers.put_off(0, at(2));
        timers.put_off(1, at(2));
        assert_eq!((timers.pop_due(at(1)), timers.next()), (None, Some(at(2))));
        assert_eq!((timers.pop_due(at(2)), timers.next()), (Some(0), Some(at(3))));
        assert_eq!((timers.pop_due(at(3)), timers.pop_due(at(9))), (Some(1), None));
    }

    #[test]
    fn a_cancelled_slot_is_never_due() {
        let start = Instant::now();
        let mut timers = Timers::default();
        timers.wake_by(3, start);
        timers.cancel(3);
        assert_eq!(timers.pop_due(start), None);
    }
}
