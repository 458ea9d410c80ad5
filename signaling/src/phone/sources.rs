// SPDX-License-Identifier: EUPL-1.2
//! Numbers from which wrong codes came, and for how long they are not answered: longer each time, unless people come in from
//! there as well.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::attempts::Key;
use crate::forgetting::forget_least;

/// Wrong codes of a number before it is not answered for a while. Two calls, so that nobody is kept out by one bad call.
const WRONG_BEFORE_BLOCK: u32 = 6;

/// Wrong codes before the next block: one call.
const WRONG_BEFORE_NEXT: u32 = 3;

/// How long it is not answered at first. Whoever mistypes finds a pen in that time.
const FIRST_BLOCK: Duration = Duration::from_secs(60);

/// By what each block is longer than the one before.
const GROWTH: u32 = 4;

/// The longest block.
const LONGEST_BLOCK: Duration = Duration::from_secs(24 * 3600);

/// How long until a wrong code is forgotten. A company's people may all call from its one number.
const FORGET_ONE: Duration = Duration::from_secs(30 * 60);

/// How long after the last wrong code, and the block, one of the blocks before is forgotten; then another one after as long.
const FORGET_BLOCK: Duration = Duration::from_secs(3 * 3600);

/// How often it is told at most that the same number is blocked.
const TELL_INTERVAL: Duration = Duration::from_secs(3600);

/// Numbers that are remembered. When there are more, those go that are blocked least, and of these the oldest; what all
/// together may try is counted elsewhere.
pub(super) const REMEMBERED: usize = 20_000;

/// A number's record.
#[derive(Clone, Copy, Debug)]
struct Record {
    wrong: u32,
    /// When the last one came, or was forgotten.
    counted_at: Instant,
    last_wrong: Instant,
    blocks: u32,
    /// When the last block ended, the last wrong code came after it, or one of the blocks was forgotten.
    calm_since: Instant,
    blocked_until: Option<Instant>,
    told_at: Option<Instant>,
}

/// That a number is not answered for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) lasts: Duration,
    /// Nobody was told of it within the last hour.
    pub(super) is_news: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Sources(HashMap<Key, Record>);

impl Sources {
    /// How long that one is not answered yet.
    pub(super) fn blocked_for(&self, now: Instant, key: &Key) -> Option<Duration> {
        let until = self.0.get(key)?.blocked_until?;
        Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Counts a wrong code. Whoever has given too many is not answered for a while.
    pub(super) fn wrong(&mut self, now: Instant, key: &Key) -> Option<Block> {
        if self.0.len() >= REMEMBERED && !self.0.contains_key(key) {
            self.make_room(now);
        }
        let record = self.0.entry(*key).or_insert_with(|| Record::new(now));
        record.forget(now);
        record.wrong += 1;
        (record.last_wrong, record.calm_since) = (now, now);
        let limit = if record.blocks == 0 { WRONG_BEFORE_BLOCK } else { WRONG_BEFORE_NEXT };
        if record.wrong < limit {
            return None;
        }
        let lasts = FIRST_BLOCK.saturating_mul(GROWTH.saturating_pow(record.blocks)).min(LONGEST_BLOCK);
        record.wrong = 0;
        record.blocks += 1;
        (record.blocked_until, record.calm_since) = (Some(now + lasts), now + lasts);
        let is_news = record.told_at.is_none_or(|told| now.saturating_duration_since(told) >= TELL_INTERVAL);
        if is_news {
            record.told_at = Some(now);
        }
        Some(Block { lasts, is_news })
    }

    /// Somebody came in from there without a wrong code, so not all who call from there guess: a company's people may have one
    /// number. One wrong code and one block are forgotten. Whoever guesses and knows a right code as well is held by what all
    /// together may try.
    pub(super) fn right(&mut self, now: Instant, key: &Key) {
        if let Some(record) = self.0.get_mut(key) {
            record.forget(now);
            (record.wrong, record.blocks) = (record.wrong.saturating_sub(1), record.blocks.saturating_sub(1));
        }
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets what means nothing any more, and if that is not enough, those that are blocked least and were wrong longest
    /// ago.
    fn make_room(&mut self, now: Instant) {
        self.0.retain(|_, record| !record.is_over(now));
        forget_least(&mut self.0, REMEMBERED, Record::weight);
    }
}

impl Record {
    fn new(now: Instant) -> Self {
        Self {
            wrong: 0,
            counted_at: now,
            last_wrong: now,
            blocks: 0,
            calm_since: now,
            blocked_until: None,
            told_at: None,
        }
    }

    fn forget(&mut self, now: Instant) {
        while self.blocks > 0 && now.saturating_duration_since(self.calm_since) >= FORGET_BLOCK {
            self.blocks -= 1;
            self.calm_since += FORGET_BLOCK;
        }
        while self.wrong > 0 && now.saturating_duration_since(self.counted_at) >= FORGET_ONE {
            self.wrong -= 1;
            self.counted_at += FORGET_ONE;
        }
        if self.wrong == 0 {
            self.counted_at = now;
        }
    }

    /// Whether nothing is left of it.
    fn is_over(&self, now: Instant) -> bool {
        let calm = now.saturating_duration_since(self.calm_since);
        calm >= FORGET_BLOCK * self.blocks && calm >= FORGET_ONE * self.wrong
    }

    /// Those that weigh least are forgotten first.
    fn weight(&self) -> (u32, Option<Instant>, Instant) {
        (self.blocks, self.blocked_until, self.last_wrong)
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::seq::IndexedRandom as _;
    use rand::{Rng as _, SeedableRng as _};

    use super::*;

    fn key(number: u32) -> Key {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[test]
    fn two_bad_calls_are_followed_by_a_short_block_and_further_ones_by_longer_blocks() {
        let (mut sources, mut now) = (Sources::default(), Instant::now());
        for _ in 1..WRONG_BEFORE_BLOCK {
            assert_eq!(sources.wrong(now, &key(1)), None);
        }
        let first = sources.wrong(now, &key(1)).expect("a block");
        assert_eq!(first, Block { lasts: FIRST_BLOCK, is_news: true });
        assert_eq!(sources.blocked_for(now, &key(1)), Some(FIRST_BLOCK));
        assert_eq!(sources.blocked_for(now, &key(2)), None, "somebody else");
        assert_eq!(sources.blocked_for(now + FIRST_BLOCK, &key(1)), None, "later");
        let mut last = first.lasts;
        for _ in 0..8 {
            now += last;
            let blocks: Vec<_> = (0..WRONG_BEFORE_NEXT).filter_map(|_| sources.wrong(now, &key(1))).collect();
            let [block] = blocks.as_slice() else { panic!("one call, one block: {blocks:?}") };
            assert_eq!(block.lasts, (last * GROWTH).min(LONGEST_BLOCK));
            last = block.lasts;
        }
        assert_eq!(last, LONGEST_BLOCK);
    }

    #[test]
    fn a_number_tries_few_codes_in_a_day_however_it_goes_about_it() {
        let (mut sources, start) = (Sources::default(), Instant::now());
        let tries = (0..24 * 3600).filter(|second| {
            let now = start + Duration::from_secs(*second);
            let may = sources.blocked_for(now, &key(1)).is_none();
            if may {
                sources.wrong(now, &key(1));
            }
            may
        });
        assert!(tries.count() < 30);
    }

    #[test]
    fn blocks_are_forgotten_one_by_one() {
        let (mut sources, mut now) = (Sources::default(), Instant::now());
        let block =
            |sources: &mut Sources, now| (0..9).find_map(|_| sources.wrong(now, &key(1))).expect("a block").lasts;
        for times in [1, GROWTH, GROWTH * GROWTH] {
            let lasts = block(&mut sources, now);
            assert_eq!(lasts, FIRST_BLOCK * times);
            now += lasts;
        }
        now += FORGET_BLOCK;
        assert_eq!(block(&mut sources, now), FIRST_BLOCK * GROWTH.pow(2), "the third");
        sources.right(now, &key(1));
        sources.right(now, &key(1));
        now += FIRST_BLOCK * GROWTH.pow(2);
        assert_eq!(block(&mut sources, now), FIRST_BLOCK * GROWTH, "two who came in");
        sources.right(now, &key(2));
        now += LONGEST_BLOCK;
        assert_eq!(block(&mut sources, now), FIRST_BLOCK, "a day is enough for all of them");
    }

    #[test]
    fn a_company_of_500_behind_one_number_is_hardly_kept_waiting() {
        const WEEK: u64 = 7 * 24 * 3600;
        let (mut sources, start) = (Sources::default(), Instant::now());
        let mut random = StdRng::seed_from_u64(20_261_123);
        // Each calls once a day, most of them about nine and about two, and one in twelve mistypes once or twice.
        let mut calls: Vec<(u64, u32)> = (0..7 * 500)
            .map(|number| {
                let hour = *[9, 9, 9, 14, 14, 11].choose(&mut random).expect("hours");
                let second = number / 500 * 24 * 3600 + hour * 3600 + random.random_range(0..1800);
                (second, if random.random_bool(0.08) { random.random_range(1..=2) } else { 0 })
            })
            .collect();
        calls.sort_unstable();
        let (mut turned_away, mut longest, mut wrong) = (0, Duration::ZERO, 0);
        for (second, mistakes) in calls {
            assert!(second < WEEK);
            let now = start + Duration::from_secs(second);
            if let Some(wait) = sources.blocked_for(now, &key(1)) {
                turned_away += 1;
                longest = longest.max(wait);
                continue;
            }
            wrong += mistakes;
            let blocked = (0..mistakes).filter_map(|_| sources.wrong(now, &key(1))).count();
            if mistakes == 0 && blocked == 0 {
                sources.right(now, &key(1));
            }
        }
        assert!(wrong > 200, "otherwise this shows nothing: {wrong}");
        assert!(longest <= FIRST_BLOCK * GROWTH, "{longest:?}");
        assert!(turned_away * 20 < 7 * 500, "one in twenty at most calls again a little later: {turned_away}");
    }

    #[test]
    fn it_is_told_once_an_hour() {
        let (mut sources, start) = (Sources::default(), Instant::now());
        let mut told = Vec::new();
        for second in 0..3 * 3600 {
            let now = start + Duration::from_secs(second);
            let Some(block) = sources.wrong(now, &key(1)) else { continue };
            if block.is_news {
                told.push(now);
            }
        }
        assert!(told.len() >= 2);
        assert!(told.windows(2).all(|two| two[1] - two[0] >= TELL_INTERVAL), "{}", told.len());
    }

    #[test]
    fn who_mistypes_now_and_then_is_never_blocked() {
        let (mut sources, start) = (Sources::default(), Instant::now());
        for number in 0..200 {
            assert_eq!(sources.wrong(start + FORGET_ONE * number, &key(1)), None, "{number}");
        }
    }

    #[test]
    fn memory_is_bounded_and_who_is_blocked_is_remembered() {
        let (mut sources, now) = (Sources::default(), Instant::now());
        for _ in 0..WRONG_BEFORE_BLOCK {
            sources.wrong(now, &key(0));
        }
        for number in 1..=2 * REMEMBERED as u32 {
            sources.wrong(now + Duration::from_millis(number.into()), &key(number));
            assert!(sources.len() <= REMEMBERED);
        }
        assert!(sources.blocked_for(now, &key(0)).is_some());
        let newest = key(2 * REMEMBERED as u32);
        assert!(sources.0.contains_key(&newest) && !sources.0.contains_key(&key(1)), "the oldest went");
    }
}
