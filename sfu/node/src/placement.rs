// SPDX-License-Identifier: EUPL-1.2
//! On which shard a client shall be: where its room is. Then what one publishes is taken in, kept and written to the
//! others by one thread, which wakes up once for it; a room on all shards costs half as much again, and wakes all of them
//! for each packet. A room that is too much for one shard goes on at the next.
//!
//! Rooms go to the shard that has the least to do, so that a join storm in one does not disturb another.

use std::time::{Duration, Instant};

use sfu_media::ids::ShardId;

use crate::metrics::Snapshot;

/// A shard that is busy for this share of its time takes nobody in any more, as long as another one is less busy: those
/// who are there will switch their cameras on.
pub const FULL_SHARE: f64 = 0.5;

/// What somebody who is about to connect will take of a shard: a join is some milliseconds of work, which are about a
/// hundredth of the half second over which shares are measured.
const CONNECTING_SHARE: f64 = 0.01;

/// What somebody who is there takes at least. Decides between shards that have been measured to do nothing.
const PRESENT_SHARE: f64 = 0.000_1;

/// What is known of a shard's work.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    /// Share of its time that it was busy lately.
    busy: f64,
    connecting: usize,
    present: usize,
}

impl Load {
    fn share(self) -> f64 {
        self.busy + CONNECTING_SHARE * self.connecting as f64 + PRESENT_SHARE * self.present as f64
    }
}

/// The shards' work, and where the next client goes.
#[derive(Debug)]
pub struct Placement {
    loads: Vec<Load>,
}

impl Placement {
    /// Of so many shards.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        Self { loads: vec![Load::default(); shards] }
    }

    /// The shards' shares of busy time, from 0 to 1, in the order of their ids.
    pub fn handle_busy_shares(&mut self, shares: impl IntoIterator<Item = f64>) {
        for (load, share) in self.loads.iter_mut().zip(shares) {
            load.busy = share;
        }
    }

    /// Chooses a shard for somebody whose room is on `home`, if it is anywhere yet. `None` when there is no choice.
    pub(crate) fn choose(&self, home: Option<ShardId>) -> Option<ShardId> {
        if self.loads.len() < 2 {
            return None;
        }
        let share = |shard: ShardId| self.loads.get(usize::from(shard.0)).map_or(f64::INFINITY, |load| load.share());
        let shards = (0..).map(ShardId).take(self.loads.len());
        let least = || shards.min_by(|one, other| share(*one).total_cmp(&share(*other)));
        home.filter(|home| share(*home) < FULL_SHARE).or_else(least)
    }

    /// Somebody is about to connect there.
    pub(crate) fn add(&mut self, shard: ShardId) {
        if let Some(load) = self.loads.get_mut(usize::from(shard.0)) {
            load.connecting += 1;
            load.present += 1;
        }
    }

    /// Somebody is connected there.
    pub(crate) fn connected(&mut self, shard: ShardId) {
        if let Some(load) = self.loads.get_mut(usize::from(shard.0)) {
            load.connecting = load.connecting.saturating_sub(1);
        }
    }

    /// Somebody left who was there, or was to come.
    pub(crate) fn remove(&mut self, shard: ShardId, was_connecting: bool) {
        if let Some(load) = self.loads.get_mut(usize::from(shard.0)) {
            load.connecting = load.connecting.saturating_sub(usize::from(was_connecting));
            load.present = load.present.saturating_sub(1);
        }
    }
}

/// Turns counters of busy time into shares.
#[derive(Debug)]
pub(crate) struct BusyMeter {
    last: Option<Instant>,
    busy: Vec<Duration>,
}

impl BusyMeter {
    /// Of so many shards.
    #[must_use]
    pub(crate) fn new(shards: usize) -> Self {
        Self { last: None, busy: vec![Duration::ZERO; shards] }
    }

    /// The share of the time since the last call that each shard was busy, by its counters now. One that leaves out video
    /// because it has too much to do counts as always busy, however much time that gives it.
    pub(crate) fn shares(&mut self, now: Instant, counters: impl IntoIterator<Item = Snapshot>) -> Vec<f64> {
        let passed = self.last.replace(now).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        let share = |(before, now): (&mut Duration, Snapshot)| {
            let busy = now.turns.busy.saturating_sub(std::mem::replace(before, now.turns.busy));
            if now.shard.shedding_level > 0 {
                1.0
            } else if passed.is_zero() {
                0.0
            } else {
                busy.div_duration_f64(passed).min(1.0)
            }
        };
        self.busy.iter_mut().zip(counters).map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARDS: [ShardId; 3] = [ShardId(0), ShardId(1), ShardId(2)];

    fn placement(shares: [f64; 3]) -> Placement {
        let mut placement = Placement::new(3);
        placement.handle_busy_shares(shares);
        placement
    }

    #[test]
    fn a_room_stays_together_while_its_shard_has_room() {
        let placement = placement([0.4, 0.0, 0.1]);
        assert_eq!(placement.choose(Some(SHARDS[0])), Some(SHARDS[0]));
        assert_eq!(placement.choose(None), Some(SHARDS[1]), "new rooms go where there is least to do");
    }

    #[test]
    fn a_room_goes_on_at_another_shard_when_its_own_is_full() {
        assert_eq!(placement([0.6, 0.3, 0.2]).choose(Some(SHARDS[0])), Some(SHARDS[2]));
        assert_eq!(placement([0.6, 0.9, 0.8]).choose(Some(SHARDS[0])), Some(SHARDS[0]), "all are full");
    }

    #[test]
    fn those_who_are_about_to_connect_count_until_they_are_measured() {
        let mut placement = placement([0.0; 3]);
        for _ in 0..50 {
            placement.add(SHARDS[0]);
        }
        assert_eq!(placement.choose(Some(SHARDS[0])), Some(SHARDS[1]));
        for _ in 0..50 {
            placement.connected(SHARDS[0]);
        }
        assert_eq!(placement.choose(Some(SHARDS[0])), Some(SHARDS[0]));
        assert_eq!(placement.choose(None), Some(SHARDS[1]), "the first has people");
        for _ in 0..50 {
            placement.remove(SHARDS[0], false);
        }
        assert_eq!(placement.choose(None), Some(SHARDS[0]));
    }

    #[test]
    fn there_is_no_choice_without_a_second_shard() {
        assert_eq!(Placement::new(1).choose(None), None);
        assert_eq!(Placement::new(0).choose(None), None);
    }

    #[test]
    fn shares_are_of_the_time_since_the_last_time() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut meter = BusyMeter::new(2);
        assert_eq!(meter.shares(start, [busy_ms(500), busy_ms(0)]), [0.0, 0.0]);
        assert_eq!(meter.shares(start + second, [busy_ms(750), busy_ms(5_000)]), [0.25, 1.0]);
        assert_eq!(meter.shares(start + second, [busy_ms(750), busy_ms(5_000)]), [0.0, 0.0]);
    }

    #[test]
    fn nobody_is_sent_where_video_is_left_out() {
        let start = Instant::now();
        let mut meter = BusyMeter::new(2);
        let mut shedding = busy_ms(100);
        shedding.shard.shedding_level = 1;
        meter.shares(start, [busy_ms(0), busy_ms(0)]);
        assert_eq!(meter.shares(start + Duration::from_secs(1), [shedding, busy_ms(600)]), [1.0, 0.6]);
    }

    fn busy_ms(ms: u64) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.turns.busy = Duration::from_millis(ms);
        snapshot
    }
}
