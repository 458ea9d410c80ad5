// SPDX-License-Identifier: EUPL-1.2
//! How many cores one machine needs, and how many machines of a given size.

use serde::Serialize;
use sfu_node::MAX_SHARDS;

use super::costs::Costs;
use super::room::Room;
use super::simulate::{Simulation, simulate};

/// As many machines as are looked for, and parts of a room.
const MOST_MACHINES: usize = 1_024;

/// What a recommendation has to respect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demands<'a> {
    pub(crate) costs: &'a Costs,
    /// Most that the fullest shard, and the link, may be loaded, as a share.
    pub(crate) limit: f64,
    /// How often everybody is placed anew.
    pub(crate) placements: usize,
}

/// A kind of machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) link_bps: f64,
}

/// Machines, each with one node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Fleet {
    pub(crate) machine: Machine,
    pub(crate) machines: usize,
    /// Rooms that are too large for one of them, and have people on several.
    pub(crate) divided_rooms: usize,
    /// On the machine where it is highest, as in [`Simulation::fullest_p99`].
    pub(crate) fullest_p99: f64,
    /// Share of the link that is used where it is used most.
    pub(crate) link_share: f64,
    /// On the machine that needs most.
    pub(crate) memory_bytes: f64,
}

impl Demands<'_> {
    /// Simulates a node with so many shards.
    pub(crate) fn simulate(&self, rooms: &[Room], shards: usize) -> Simulation {
        simulate(rooms, shards, self.placements, self.costs)
    }

    /// The smallest node whose fullest shard stays below the limit in 99 of 100 placements; `None` when no number of
    /// shards is enough.
    pub(crate) fn smallest_node(&self, rooms: &[Room]) -> Option<Simulation> {
        // More shards only add hand-overs, so that what one would have to do is a lower bound.
        let first = (self.on_one_shard(rooms).cores / self.limit).ceil() as usize;
        let is_enough = |shards| self.simulate(rooms, shards).fullest_p99 <= self.limit;
        smallest(first, MAX_SHARDS, is_enough).map(|shards| self.simulate(rooms, shards))
    }

    /// The fewest machines of one kind. A room stays on one of them unless it is too large; then each gets as many of its
    /// people. `None` when no number of machines is enough.
    pub(crate) fn smallest_fleet(&self, rooms: &[Room], machine: Machine) -> Option<Fleet> {
        let (mut pieces, mut divided_rooms) = (Vec::new(), 0);
        for room in rooms {
            let parts = smallest(1, MOST_MACHINES.min(room.people()), |parts| {
                // The first part has the most people.
                room.split(parts).first().is_some_and(|part| self.fits(part, machine))
            })?;
            divided_rooms += usize::from(parts > 1);
            pieces.extend(room.split(parts));
        }
        let weigh = |room| (self.share_of(std::slice::from_ref(room), machine), room);
        let mut weighed: Vec<_> = pieces.iter().map(weigh).collect();
        weighed.sort_by(|(left, _), (right, _)| right.total_cmp(left));
        // The shares of single rooms do not add up: one is of cores, another one of the link.
        let first = (self.share_of(&pieces, machine) / self.limit).floor() as usize;
        let fleet = |machines: usize| self.fleet(&weighed, machine, machines, divided_rooms);
        let is_enough = |machines| {
            let fleet = fleet(machines);
            fleet.fullest_p99 <= self.limit && fleet.link_share <= self.limit
        };
        smallest(first, MOST_MACHINES, is_enough).map(fleet)
    }

    /// Spreads rooms over machines as one does who looks at their load: each, the largest first, goes where there is
    /// the least.
    fn fleet(&self, rooms: &[(f64, &Room)], machine: Machine, machines: usize, divided_rooms: usize) -> Fleet {
        let mut nodes = vec![(0.0_f64, Vec::new()); machines];
        for (share, room) in rooms {
            if let Some((sum, on_node)) = nodes.iter_mut().min_by(|(left, _), (right, _)| left.total_cmp(right)) {
                *sum += share;
                on_node.push((*room).clone());
            }
        }
        let mut fleet =
            Fleet { machine, machines, divided_rooms, fullest_p99: 0.0, link_share: 0.0, memory_bytes: 0.0 };
        for (_, on_node) in nodes {
            let simulation = self.simulate(&on_node, machine.cores);
            fleet.fullest_p99 = fleet.fullest_p99.max(simulation.fullest_p99);
            fleet.link_share = fleet.link_share.max(link_share(&simulation, machine));
            fleet.memory_bytes = fleet.memory_bytes.max(simulation.memory_bytes);
        }
        fleet
    }

    fn fits(&self, room: &Room, machine: Machine) -> bool {
        // What is far too large needs no long look.
        let room = std::slice::from_ref(room);
        self.share_of(room, machine) <= self.limit && {
            let simulation = self.simulate(room, machine.cores);
            simulation.fullest_p99 <= self.limit && link_share(&simulation, machine) <= self.limit
        }
    }

    /// The share of a machine that some rooms take at least, of its cores or its link.
    fn share_of(&self, rooms: &[Room], machine: Machine) -> f64 {
        let simulation = self.on_one_shard(rooms);
        (simulation.cores / machine.cores as f64).max(link_share(&simulation, machine))
    }

    /// Where nobody has a choice, one placement is as good as many.
    fn on_one_shard(&self, rooms: &[Room]) -> Simulation {
        simulate(rooms, 1, 1, self.costs)
    }
}

/// A link carries as much in either direction at the same time.
fn link_share(simulation: &Simulation, machine: Machine) -> f64 {
    simulation.work.bits_in.max(simulation.work.bits_out) / machine.link_bps
}

/// The smallest number from `first` to `last` that is enough, when all beyond one that is are, too.
fn smallest(first: usize, last: usize, is_enough: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut too_few, mut step) = (first.max(1) - 1, 1);
    let mut enough = loop {
        let next = (too_few + step).min(last);
        if next <= too_few {
            return None;
        }
        if is_enough(next) {
            break next;
        }
        (too_few, step) = (next, step * 2);
    };
    while enough - too_few > 1 {
        let middle = usize::midpoint(too_few, enough);
        if is_enough(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough)
}

#[cfg(test)]
mod tests;
