// SPDX-License-Identifier: EUPL-1.2
//! What the shards of a node have to do. Where a room is depends on which rooms were there before it, and who of a large
//! one is on which shard on who came first: chance orders them, over and over, because one placement says little about
//! the next.

use serde::Serialize;

use super::costs::Costs;
use super::placement::Placement;
use super::room::Room;
use super::work::Work;
use crate::quantile::Sorted;
use crate::source::Noise;

/// What came of many placements. Loads are in cores: a shard at 1 has no time left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Simulation {
    pub(crate) shards: usize,
    /// The load of the emptiest shard: half of the placements are above.
    pub(crate) emptiest_median: f64,
    /// The load of the fullest shard: half of the placements are below.
    pub(crate) fullest_median: f64,
    /// Only one in a hundred placements is above.
    pub(crate) fullest_p99: f64,
    /// All shards together, on average.
    pub(crate) cores: f64,
    pub(crate) memory_bytes: f64,
    /// What all shards have to do, on average.
    pub(crate) work: Work,
}

/// Places everybody so many times, each time in another order.
pub(crate) fn simulate(rooms: &[Room], shards: usize, placements: usize, costs: &Costs) -> Simulation {
    let (shards, placements) = (shards.max(1), placements.max(1));
    let mut placement = Placement::new(shards, costs);
    let alone: Vec<_> = rooms.iter().map(|room| Placement::alone(room, costs)).collect();
    let mut order: Vec<_> = (0..rooms.len()).collect();
    let mut total = Work::default();
    let (mut emptiest, mut fullest) = (Vec::with_capacity(placements), Vec::with_capacity(placements));
    for seed in 0..placements {
        let mut noise = Noise::new(seed as u64 + 1);
        placement.clear();
        shuffle(&mut order, &mut noise);
        order.iter().for_each(|&room| placement.add(&rooms[room], alone[room], &mut noise));
        let loads = placement.shards.iter().map(|work| work.cores(costs));
        emptiest.push(loads.clone().fold(f64::INFINITY, f64::min));
        fullest.push(loads.fold(0.0, f64::max));
        placement.shards.iter().for_each(|work| total.add(work));
    }
    let work = total.times(1.0 / placements as f64);
    let (emptiest, fullest) = (Sorted::new(emptiest), Sorted::new(fullest));
    Simulation {
        shards,
        emptiest_median: emptiest.quantile(0.5),
        fullest_median: fullest.quantile(0.5),
        fullest_p99: fullest.quantile(0.99),
        cores: work.cores(costs),
        memory_bytes: work.memory_bytes(shards, costs),
        work,
    }
}

/// Brings them into an order by chance (Fisher and Yates 1938).
fn shuffle(order: &mut [usize], noise: &mut Noise) {
    for place in (1..order.len()).rev() {
        order.swap(place, noise.within(0, place));
    }
}

#[cfg(test)]
mod tests;
