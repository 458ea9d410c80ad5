// SPDX-License-Identifier: EUPL-1.2
//! So many at once, and one more each time a while has passed: the generic cell rate algorithm, of which nothing is kept but
//! one instant. It opens no socket and reads no clock.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::attempts::Key;
use crate::forgetting::forget_least;

/// A day.
#[cfg(test)]
const DAY: Duration = Duration::from_secs(24 * 3600);

/// So many at once, and one more each time `every` has passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) at_once: u32,
    pub(super) every: Duration,
}

impl Limit {
    /// Most in any 24 hours, when all of them are there at their beginning.
    #[cfg(test)]
    pub(super) fn most_a_day(self) -> f64 {
        f64::from(self.at_once) + DAY.as_secs_f64() / self.every.as_secs_f64()
    }

    /// At most as long as it takes until all of it is there again: clocks may have been wrong.
    fn whole(self, used: Duration) -> Duration {
        used.min(self.every * self.at_once)
    }

    /// Whether there is one when all that was taken is there again after that time.
    pub(super) fn leaves_some(self, used: Duration) -> bool {
        self.whole(used) <= self.every * self.at_once.saturating_sub(1)
    }

    /// Whether so many are there. More than are ever there at once never are.
    fn has_room(self, until: Instant, now: Instant, number: u32) -> bool {
        let left = self.at_once.checked_sub(number);
        left.is_some_and(|left| until.saturating_duration_since(now) <= self.every * left)
    }
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    limit: Limit,
    /// When all that was taken is forgotten.
    until: Instant,
}

impl Bucket {
    /// Nothing was taken.
    pub(super) fn full(now: Instant, limit: Limit) -> Self {
        Self { limit, until: now }
    }

    /// At least as much was taken, somewhere else, as is there again after that time.
    pub(super) fn is_used_up_for(&mut self, now: Instant, used: Duration) {
        self.until = self.until.max(now + self.limit.whole(used));
    }

    /// Whether one can be taken.
    pub(super) fn has_room(&self, now: Instant) -> bool {
        self.limit.has_room(self.until, now, 1)
    }

    /// Whether at least half of it is there.
    pub(super) fn is_half_full(&self, now: Instant) -> bool {
        self.until.saturating_duration_since(now) <= self.limit.every * (self.limit.at_once / 2)
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let may = self.has_room(now);
        if may {
            self.until = self.until.max(now) + self.limit.every;
        }
        may
    }

    /// Gives one back that was taken for nothing.
    pub(super) fn give_back(&mut self) {
        self.until = self.until.checked_sub(self.limit.every).unwrap_or(self.until);
    }
}

/// One for each of many. When they are too many, those are forgotten of which least was taken.
#[derive(Debug)]
pub(super) struct Buckets {
    limit: Limit,
    most: usize,
    until: HashMap<Key, Instant>,
}

impl Buckets {
    /// None yet; at most `most` later.
    pub(super) fn new(limit: Limit, most: usize) -> Self {
        Self { limit, most, until: HashMap::new() }
    }

    /// At least as much was taken of that one's, somewhere else, as is there again after that time.
    pub(super) fn is_used_up_for(&mut self, now: Instant, key: &Key, used: Duration) {
        if !used.is_zero() {
            let until = now + self.limit.whole(used);
            let known = self.of(now, key);
            *known = (*known).max(until);
        }
    }

    /// Takes so many of that one's, if they are there.
    pub(super) fn take(&mut self, now: Instant, key: &Key, number: u32) -> bool {
        let until = self.until.get(key).copied().unwrap_or(now);
        let may = self.limit.has_room(until, now, number);
        if may {
            *self.of(now, key) = until.max(now) + self.limit.every * number;
        }
        may
    }

    /// Gives back so many that were taken for nothing.
    pub(super) fn give_back(&mut self, key: &Key, number: u32) {
        if let Some(until) = self.until.get_mut(key) {
            *until = until.checked_sub(self.limit.every * number).unwrap_or(*until);
        }
    }

    /// When all that was taken of that one's is there again.
    fn of(&mut self, now: Instant, key: &Key) -> &mut Instant {
        if self.until.len() >= self.most && !self.until.contains_key(key) {
            self.make_room(now);
        }
        self.until.entry(*key).or_insert(now)
    }

    /// Forgets what is over, and if that is not enough, what will be first.
    fn make_room(&mut self, now: Instant) {
        self.until.retain(|_, until| *until > now);
        forget_least(&mut self.until, self.most, |until| *until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { at_once: 3, every: Duration::from_secs(60) };

    fn key(number: u32) -> Key {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[test]
    fn so_many_at_once_and_one_more_after_a_while() {
        let now = Instant::now();
        let mut bucket = Bucket::full(now, LIMIT);
        assert_eq!((0..10).filter(|_| bucket.take(now)).count(), 3);
        assert!(!bucket.take(now + LIMIT.every / 2));
        assert!(bucket.take(now + LIMIT.every));
        assert!(!bucket.take(now + LIMIT.every));
        bucket.give_back();
        assert!(bucket.take(now + LIMIT.every), "what was given back is there again");
    }

    #[test]
    fn an_empty_one_fills_as_time_passes_and_never_beyond_its_brim() {
        let now = Instant::now();
        let mut bucket = Bucket::full(now, LIMIT);
        bucket.is_used_up_for(now, DAY);
        assert!(!LIMIT.leaves_some(DAY) && LIMIT.leaves_some(LIMIT.every * 2));
        assert!(!bucket.has_room(now) && !bucket.is_half_full(now));
        assert!(bucket.has_room(now + LIMIT.every) && !bucket.is_half_full(now + LIMIT.every));
        assert!(bucket.is_half_full(now + LIMIT.every * 2));
        bucket.give_back();
        let later = now + DAY;
        bucket.give_back();
        assert_eq!((0..10).filter(|_| bucket.take(later)).count(), 3);
    }

    #[test]
    fn a_day_allows_no_more_than_is_said() {
        let now = Instant::now();
        let mut bucket = Bucket::full(now, LIMIT);
        let taken = (0..DAY.as_secs()).filter(|second| bucket.take(now + Duration::from_secs(*second))).count();
        assert!(taken as f64 <= LIMIT.most_a_day(), "{taken}");
        assert!(taken as f64 >= LIMIT.most_a_day() - 1.0, "{taken}");
    }

    #[test]
    fn a_full_table_forgets_those_of_which_least_was_taken() {
        let (now, most) = (Instant::now(), 100);
        let mut buckets = Buckets::new(LIMIT, most);
        assert_eq!((0..10).filter(|_| buckets.take(now, &key(0), 1)).count(), 3);
        for number in 1..10_000 {
            assert!(buckets.take(now, &key(number), 1), "another one's is not used up");
            assert!(buckets.until.len() <= most);
        }
        assert!(!buckets.take(now, &key(0), 1), "it is remembered");
        buckets.give_back(&key(0), 1);
        assert!(buckets.take(now, &key(0), 1));
    }

    #[test]
    fn several_are_taken_only_together() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, 100);
        assert!(!buckets.take(now + DAY, &key(0), 4), "so many are never there");
        assert!(buckets.take(now, &key(0), 2) && !buckets.take(now, &key(0), 2));
        assert!(buckets.take(now, &key(0), 1), "what was refused was not taken");
        buckets.give_back(&key(0), 3);
        buckets.is_used_up_for(now, &key(0), LIMIT.every);
        assert!(!buckets.take(now, &key(0), 3) && buckets.take(now, &key(0), 2));
        buckets.is_used_up_for(now, &key(0), Duration::ZERO);
        assert!(!buckets.take(now, &key(0), 1), "what is known is not forgotten");
        buckets.is_used_up_for(now, &key(1), DAY);
        assert!(buckets.take(now + LIMIT.every * 3, &key(1), 3), "at most the whole was used up");
    }
}
