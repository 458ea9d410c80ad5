// SPDX-License-Identifier: EUPL-1.2
//! What shards have to do, against what can be worked out by hand.

use super::*;
use crate::size::room::{Group, Receives, Sends, View};
use crate::size::streams::Stream;

const VOICE: Stream = Stream { packets: 50.0, runs: 50.0, bits: 40_000.0, history_bytes: 1_000.0 };
const SMALL: Stream = Stream { packets: 30.0, runs: 30.0, bits: 200_000.0, history_bytes: 2_000.0 };
const LARGE: Stream = Stream { packets: 200.0, runs: 30.0, bits: 2_000_000.0, history_bytes: 4_000.0 };

fn costs() -> Costs {
    let kinds = [3.0, 2.0, 1.0, 4.0, 0.1, 7.0, 50.0, 20.0];
    Costs {
        process_mib: 10.0,
        shard_mib: 1.0,
        participant_kib: 100.0,
        subscription_kib: 2.0,
        history_factor: 2.0,
        ..Costs::default()
    }
    .with_kinds(kinds)
}

fn group(count: usize, sends: Sends, receives: Vec<Receives>) -> Group {
    Group { count, are_people: true, sends, receives }
}

/// Some send a camera with two layers and speak; of the others some see the large layer, some the small one, and some
/// have scrolled it away.
fn hall(large: usize, small: usize, hidden: usize) -> Room {
    let sends = Sends { microphone: Some(VOICE), camera: vec![SMALL, LARGE] };
    let sees = |sees| vec![Receives { hears: true, sees }];
    let quiet = Sends::default;
    Room {
        groups: vec![
            group(1, sends, Vec::new()),
            group(large, quiet(), sees(View::Layer(9))),
            group(small, quiet(), sees(View::Layer(0))),
            group(hidden, quiet(), sees(View::Hidden)),
        ],
    }
}

fn is_near(value: f64, wanted: f64) -> bool {
    (value - wanted).abs() <= 1e-9 * wanted.abs().max(1.0)
}

#[test]
fn one_room_on_one_shard_is_the_closed_formula() {
    let (large, small, hidden) = (20.0, 7.0, 5.0);
    let node = simulate(&[hall(20, 7, 5)], 1, 3, &costs());
    let listeners = large + small + hidden;
    let work = node.work;
    assert!(is_near(work.received, 50.0 + 30.0 + 200.0), "{work:?}");
    assert!(is_near(work.handed_over, 0.0), "{work:?}");
    assert!(is_near(work.sent, listeners * 50.0 + large * 200.0 + small * 30.0), "{work:?}");
    assert!(is_near(work.runs, listeners * 50.0 + (large + small) * 30.0), "{work:?}");
    assert!(is_near(work.skipped, large * 30.0 + small * 200.0 + hidden * 230.0), "{work:?}");
    assert!(is_near(work.subscriptions, listeners + large + small), "{work:?}");
    assert!(is_near(work.participants, 1.0 + listeners), "{work:?}");
    assert!(is_near(work.bits_in, 2_240_000.0), "{work:?}");
    assert!(is_near(work.bits_out, listeners * 4e4 + large * 2e6 + small * 2e5), "{work:?}");
    assert!(is_near(work.history_bytes, 7_000.0), "kept once, whoever watches: {work:?}");
    let us = 3.0 * 280.0
        + 1.0 * large * 170.0
        + 4.0 * (listeners * 50.0 + (large + small) * 30.0)
        + 0.1 * work.skipped
        + 7.0 * work.subscriptions
        + 50.0 * work.participants;
    assert!(is_near(node.cores, us / 1e6), "{node:?}");
    let loads = [node.emptiest_median, node.fullest_median, node.fullest_p99];
    assert!(loads.iter().all(|load| is_near(*load, node.cores)), "there is one shard only: {node:?}");
    let kib = 10_240.0 + 1_024.0 + 100.0 * 33.0 + 2.0 * work.subscriptions + 2.0 * 7_000.0 / 1_024.0;
    assert!(is_near(node.memory_bytes, kib * 1_024.0), "{node:?}");
}

#[test]
fn a_packet_is_handed_over_once_however_many_receive_it_there() {
    // With so many viewers there is always one on the other shard.
    let two = simulate(&[hall(60, 20, 20)], 2, 50, &costs());
    assert!(is_near(two.work.handed_over, 280.0), "all layers, and sound: {two:?}");
    assert!(is_near(two.work.history_bytes, 14_000.0), "{two:?}");
    let one = simulate(&[hall(60, 20, 20)], 1, 1, &costs());
    assert!(is_near(two.cores, one.cores + 280.0 * 2.0 / 1e6), "the rest stays what it was");
    let eight = simulate(&[hall(200, 100, 200)], 8, 50, &costs());
    assert!(is_near(eight.work.handed_over, 7.0 * 280.0), "{eight:?}");
}

#[test]
fn two_people_are_on_one_shard_in_every_nth_placement() {
    let sends = Sends { microphone: Some(VOICE), camera: Vec::new() };
    let receives = vec![Receives { hears: true, sees: View::Layer(0) }];
    let room = Room { groups: vec![group(2, sends, receives)] };
    for shards in [2, 4] {
        let node = simulate(std::slice::from_ref(&room), shards, 20_000, &costs());
        let share_apart = node.work.handed_over / (2.0 * VOICE.packets);
        let wanted = 1.0 - 1.0 / shards as f64;
        assert!((share_apart - wanted).abs() < 0.02, "{share_apart} with {shards} shards");
        assert!(is_near(node.work.sent, 100.0), "nobody hears themselves: {node:?}");
        assert!(is_near(node.work.subscriptions, 2.0), "there is nothing to see: {node:?}");
    }
}

#[test]
fn both_sides_share_the_cost_of_handing_over() {
    let only_over = Costs { process_mib: 0.0, ..Costs::default() }.with_kinds([0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let node = simulate(&[hall(60, 20, 20)], 2, 50, &only_over);
    for load in [node.emptiest_median, node.fullest_median] {
        assert!(is_near(load, 280.0 / 1e6), "{node:?}");
    }
}

#[test]
fn everybody_is_placed_once_and_evenly() {
    let rooms = vec![hall(3, 2, 1); 300];
    let mut placement = Placement::new(16);
    let mut sums = [0.0; 16];
    for seed in 1..=20 {
        placement.clear();
        let mut noise = Noise::new(seed);
        rooms.iter().for_each(|room| placement.add(room, &mut noise));
        let participants: f64 = placement.shards.iter().map(|work| work.participants).sum();
        assert!(is_near(participants, 2_100.0), "seed {seed}: nobody is lost, nobody is there twice");
        for (sum, work) in sums.iter_mut().zip(&placement.shards) {
            *sum += work.participants;
        }
    }
    let mean = 20.0 * 2_100.0 / 16.0;
    assert!(sums.iter().all(|sum| (sum / mean - 1.0).abs() < 0.1), "{sums:?}");
}

#[test]
fn the_same_seeds_give_the_same_loads() {
    let rooms = vec![hall(5, 5, 5); 20];
    assert_eq!(simulate(&rooms, 4, 30, &costs()), simulate(&rooms, 4, 30, &costs()));
    let node = simulate(&rooms, 4, 300, &costs());
    let mean = node.cores / 4.0;
    assert!(node.emptiest_median < mean && mean < node.fullest_median && node.fullest_median < node.fullest_p99);
}

#[test]
fn the_parts_of_a_room_serve_everybody() {
    let whole = simulate(&[hall(30, 20, 10)], 1, 1, &costs()).work;
    let parts = hall(30, 20, 10).split(3);
    assert_eq!(parts.iter().map(Room::people).sum::<usize>(), 61);
    let work = simulate(&parts, 1, 1, &costs()).work;
    assert!(is_near(work.participants, whole.participants), "{work:?}");
    assert!(is_near(work.received, 3.0 * whole.received), "each node gets it once: {work:?}");
    assert!(is_near(work.sent, whole.sent + 2.0 * 280.0), "once to either of the others: {work:?}");
    assert_eq!(hall(30, 20, 10).split(1)[0].people(), 61);
}

#[test]
fn quantiles_are_values_that_came() {
    assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.5), 2.0);
    assert_eq!(quantile(&mut (1..=1_000).map(f64::from).collect::<Vec<_>>(), 0.99), 990.0);
    assert_eq!(quantile(&mut [], 0.5), 0.0);
}
