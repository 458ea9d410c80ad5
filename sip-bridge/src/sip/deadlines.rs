// SPDX-License-Identifier: EUPL-1.2
//! Who has to be woken when: one deadline for each of many.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Instant;

/// As large as the tables whose keys are in it, and no larger.
pub(crate) struct Deadlines<K> {
    in_order: BTreeSet<(Instant, K)>,
    of: HashMap<K, Instant>,
}

impl<K: Copy + Ord + Hash> Deadlines<K> {
    pub(crate) fn new() -> Self {
        Self { in_order: BTreeSet::new(), of: HashMap::new() }
    }

    /// Sets, moves or takes away the deadline of one.
    pub(crate) fn set(&mut self, key: K, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.of.insert(key, at),
            None => self.of.remove(&key),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.in_order.remove(&(before, key));
        }
        if let Some(at) = at {
            self.in_order.insert((at, key));
        }
    }

    /// The next one.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.in_order.first().map(|(at, _)| *at)
    }

    /// Takes one out that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (at, key) = *self.in_order.first()?;
        if at > now {
            return None;
        }
        self.in_order.pop_first();
        self.of.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_moved_deadline_fires_once_and_at_its_new_time() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut deadlines = Deadlines::new();
        deadlines.set(1, Some(at(10)));
        deadlines.set(2, Some(at(20)));
        deadlines.set(1, Some(at(30)));
        assert_eq!(deadlines.next(), Some(at(20)));
        assert_eq!(deadlines.pop_due(at(10)), None);
        assert_eq!(deadlines.pop_due(at(40)), Some(2));
        assert_eq!(deadlines.pop_due(at(40)), Some(1));
        assert_eq!(deadlines.pop_due(at(40)), None);
        deadlines.set(3, Some(at(50)));
        deadlines.set(3, None);
        assert_eq!(deadlines.next(), None);
    }
}
