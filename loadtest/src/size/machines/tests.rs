// SPDX-License-Identifier: EUPL-1.2
//! More people, dearer work and stricter limits never need less.

use super::*;
use crate::size::mix::{Habits, Sizes, Sources};
use crate::size::room::{Group, Sends};
use crate::size::streams::Stream;

const HABITS: Habits = Habits { cameras: 0.8, phones: 0.05, tiles: 9, on_stage: 3 };
const LARGE: Machine = Machine { cores: 64, link_bps: 100e9 };

fn rooms(people: usize) -> Vec<Room> {
    let sizes = Sizes::Skewed { people, meetings: people / 10, town_halls: vec![people / 4] }.draw(1).unwrap();
    Sources::new().rooms(&sizes, &HABITS, 1)
}

fn demands(costs: &Costs) -> Demands<'_> {
    Demands { costs, limit: 0.6, placements: 100 }
}

/// So many times some costs, which are not the defaults: those change with each measurement.
fn dearer(factor: f64) -> Costs {
    Costs::default().with_kinds([5.0, 1.5, 0.9, 2.5, 0.05, 5.0, 100.0, 0.0].map(|cost| cost * factor))
}

fn never_falls(values: &[usize]) -> bool {
    values.is_sorted() && values.first() < values.last()
}

#[test]
fn the_recommended_number_is_enough_and_one_less_is_not() {
    let (rooms, costs) = (rooms(800), dearer(4.0));
    let demands = demands(&costs);
    let node = demands.smallest_node(&rooms).unwrap();
    assert!(node.shards > 2 && node.fullest_p99 <= 0.6, "{node:?}");
    assert!(demands.simulate(&rooms, node.shards - 1).fullest_p99 > 0.6, "{node:?}");
}

#[test]
fn who_asks_for_more_gets_no_less() {
    let cores = |people: usize, factor: f64, limit: f64| {
        let costs = dearer(factor);
        Demands { limit, ..demands(&costs) }.smallest_node(&rooms(people)).unwrap().shards
    };
    let by_people: Vec<_> = [50, 100, 200, 400, 800].map(|people| cores(people, 4.0, 0.6)).into();
    assert!(never_falls(&by_people), "{by_people:?}");
    let by_cost: Vec<_> = [1.0, 2.0, 4.0, 8.0].map(|factor| cores(400, factor, 0.6)).into();
    assert!(never_falls(&by_cost), "{by_cost:?}");
    let by_limit: Vec<_> = [0.9, 0.75, 0.6].map(|limit| cores(400, 4.0, limit)).into();
    assert!(never_falls(&by_limit), "{by_limit:?}");
}

#[test]
fn smaller_machines_are_more_machines() {
    let (rooms, costs) = (rooms(800), dearer(4.0));
    let demands = demands(&costs);
    let machines = |machine| demands.smallest_fleet(&rooms, machine).unwrap().machines;
    assert_eq!(machines(LARGE), 1);
    let by_cores: Vec<_> = [64, 16, 8, 4].map(|cores| machines(Machine { cores, ..LARGE })).into();
    assert!(never_falls(&by_cores), "{by_cores:?}");
    let by_link: Vec<_> = [100e9, 1e9, 0.3e9].map(|link_bps| machines(Machine { link_bps, ..LARGE })).into();
    assert!(never_falls(&by_link), "{by_link:?}");
}

#[test]
fn only_a_room_that_is_too_large_is_divided() {
    let (rooms, costs) = (rooms(1_600), dearer(4.0));
    let demands = demands(&costs);
    let fleet = demands.smallest_fleet(&rooms, Machine { cores: 2, ..LARGE }).unwrap();
    assert_eq!(fleet.divided_rooms, 1, "the town hall: {fleet:?}");
    assert!(fleet.fullest_p99 <= 0.6 && fleet.link_share <= 0.6, "{fleet:?}");
    assert_eq!(demands.smallest_fleet(&rooms, LARGE).unwrap().divided_rooms, 0);
}

#[test]
fn rooms_that_need_cores_share_machines_with_rooms_that_need_the_link() {
    // Each takes half of a machine of one core and 1 Gbit/s in one respect, and a tenth in the other.
    let costs = Costs::default().with_kinds([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1e5, 0.0]);
    let room = |people: usize, bits: f64| {
        let group = |count, microphone| {
            let sends = Sends { microphone, camera: Vec::new() };
            Group { count, are_people: true, sends, receives: Vec::new() }
        };
        let stream = Stream { bits, ..Stream::default() };
        Room { groups: vec![group(1, Some(stream)), group(people - 1, None)] }
    };
    let rooms = [vec![room(5, 1e8); 10], vec![room(1, 5e8); 10]].concat();
    let demands = Demands { limit: 0.65, ..demands(&costs) };
    let fleet = demands.smallest_fleet(&rooms, Machine { cores: 1, link_bps: 1e9 }).unwrap();
    assert_eq!((fleet.machines, fleet.divided_rooms), (10, 0), "one of either kind on each: {fleet:?}");
}

#[test]
fn what_no_number_can_carry_is_said() {
    let costs = dearer(1e6);
    assert_eq!(demands(&costs).smallest_fleet(&rooms(20), LARGE), None);
    // A single publisher is more than a core.
    assert_eq!(demands(&costs).smallest_node(&rooms(20)), None);
    // The town hall makes a shard busy for a third of its time, which is no reason for the server to divide it.
    let (rooms, costs) = (rooms(400), dearer(4.0));
    assert_eq!(Demands { limit: 0.2, ..demands(&costs) }.smallest_node(&rooms), None);
}

#[test]
fn the_smallest_is_found() {
    for wanted in 1..200 {
        for first in [0, 1, wanted / 2, wanted] {
            assert_eq!(smallest(first, 256, |number| number >= wanted), Some(wanted));
        }
    }
    assert_eq!(smallest(1, 256, |number| number >= 257), None);
    assert_eq!(smallest(300, 256, |_| true), None, "where the search would begin beyond its end");
}
