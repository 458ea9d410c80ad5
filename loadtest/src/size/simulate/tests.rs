// SPDX-License-Identifier: EUPL-1.2
//! What shards have to do, against what can be worked out by hand.

use sfu_media::shard::{PICTURE_AUDIENCE, SOUND_AUDIENCE};

use super::*;
use crate::size::room::{Group, Receives, Sends, View};
use crate::size::streams::Stream;

const VOICE: Stream = Stream { packets: 50.0, frames: 50.0, bits: 40_000.0, history_bytes: 1_000.0 };
const SMALL: Stream = Stream { packets: 30.0, frames: 30.0, bits: 200_000.0, history_bytes: 2_000.0 };
const LARGE: Stream = Stream { packets: 200.0, frames: 30.0, bits: 2_000_000.0, history_bytes: 4_000.0 };

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

/// Costs with which one shard would be loaded so much with these rooms.
fn costs_for(load: f64, rooms: &[Room]) -> Costs {
    let kinds = costs().of_kinds();
    let alone = simulate(rooms, 1, 1, &costs()).cores;
    costs().with_kinds(kinds.map(|cost| cost * load / alone))
}

#[test]
fn a_room_that_is_not_too_large_has_one_shard() {
    let room = [hall(60, 20, 20)];
    let costs = costs_for(0.49, &room);
    let one = simulate(&room, 1, 1, &costs);
    for shards in [2, 8] {
        let node = simulate(&room, shards, 20, &costs);
        assert_eq!(node.work, one.work, "nothing is handed over with {shards} shards");
        assert_eq!((node.emptiest_median, node.fullest_p99), (0.0, one.cores));
    }
}

#[test]
fn a_new_room_goes_where_there_is_least_to_do() {
    let rooms = [hall(20, 10, 5), hall(10, 5, 5)];
    let costs = costs_for(0.4, &rooms);
    let loads = rooms.each_ref().map(|room| simulate(std::slice::from_ref(room), 1, 1, &costs).cores);
    let node = simulate(&rooms, 2, 20, &costs);
    assert!(is_near(node.work.handed_over, 0.0), "{node:?}");
    assert!(is_near(node.fullest_median, loads[0]) && is_near(node.fullest_p99, loads[0]), "{node:?}");
    assert!(is_near(node.emptiest_median, loads[1]), "{node:?}");
}

#[test]
fn a_room_that_is_too_large_goes_on_at_other_shards() {
    let room = [hall(250, 125, 125)];
    // Each of two shards is about as full as the server lets it become, and the third one takes the rest.
    let costs = costs_for(1.2, &room);
    let one = simulate(&room, 1, 1, &costs);
    let node = simulate(&room, 8, 50, &costs);
    // All layers, and sound, once to either of the others however many get them there.
    assert!(is_near(node.work.handed_over, 2.0 * 280.0), "{node:?}");
    assert!(is_near(node.work.history_bytes, 3.0 * 7_000.0), "{node:?}");
    assert_eq!((node.work.sent, node.work.participants), (one.work.sent, one.work.participants));
    let over = 2.0 * 280.0 * costs.over_us / 1e6;
    assert!(is_near(node.cores, one.cores + over), "the rest stays what it was: {node:?}");
    assert!((0.45..0.6).contains(&node.fullest_median), "{node:?}");
    assert_eq!(node.emptiest_median, 0.0, "five shards are left for others");
}

#[test]
fn full_shards_share_what_still_comes() {
    let rooms = [hall(100, 50, 50)];
    let costs = costs_for(1.6, &rooms);
    let node = simulate(&rooms, 2, 50, &costs);
    assert!(is_near(node.work.handed_over, 280.0), "{node:?}");
    assert!(node.emptiest_median > 0.7 && node.fullest_median < 0.9, "{node:?}");
}

#[test]
fn two_people_are_always_together() {
    let sends = Sends { microphone: Some(VOICE), camera: Vec::new() };
    let receives = vec![Receives { hears: true, sees: View::Layer(0) }];
    let room = Room { groups: vec![group(2, sends, receives)] };
    for shards in [2, 4] {
        let node = simulate(std::slice::from_ref(&room), shards, 20, &costs());
        assert!(is_near(node.work.handed_over, 0.0), "{node:?}");
        assert!(is_near(node.work.sent, 100.0), "nobody hears themselves: {node:?}");
        assert!(is_near(node.work.subscriptions, 2.0), "there is nothing to see: {node:?}");
    }
}

#[test]
fn both_sides_share_the_cost_of_handing_over() {
    let room = hall(60, 20, 20);
    // So much per person that the room is on two shards, and the same for all of them.
    let people = costs().with_kinds([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.6e6 / 101.0, 0.0]);
    let with_over = people.set("over_us=2").unwrap();
    let loads = |costs: &Costs| {
        let node = simulate(std::slice::from_ref(&room), 2, 50, costs);
        [node.emptiest_median, node.fullest_median]
    };
    for (with, without) in loads(&with_over).into_iter().zip(loads(&people)) {
        assert!(is_near(with, without + 280.0 / 1e6), "{with} and {without}");
    }
}

#[test]
fn the_packets_of_a_frame_leave_together_for_many() {
    let sound = |room: &Room| (room.people() - 1) as f64 * 50.0;
    let runs_of_pictures = |room: Room| simulate(std::slice::from_ref(&room), 1, 1, &costs()).work.runs - sound(&room);
    // Who gets another layer, or has scrolled the picture away, has a subscription as well.
    for (large, small, hidden) in [(PICTURE_AUDIENCE, 0, 0), (2, PICTURE_AUDIENCE - 2, 0), (2, 0, PICTURE_AUDIENCE - 2)]
    {
        let getting = (large + small) as f64;
        assert!(is_near(runs_of_pictures(hall(large, small, hidden)), getting * 30.0), "{large}, {small}, {hidden}");
        let fewer = runs_of_pictures(hall(large - 1, small, hidden));
        assert!(
            is_near(fewer, (large - 1) as f64 * 200.0 + small as f64 * 30.0),
            "{large}, {small}, {hidden}: {fewer}"
        );
    }
}

#[test]
fn sound_of_several_speakers_leaves_together_for_many() {
    let sends = Sends { microphone: Some(VOICE), camera: Vec::new() };
    let hears = || vec![Receives { hears: true, sees: View::None }];
    let work = |speakers: usize, listeners: usize| {
        let groups = vec![group(speakers, sends.clone(), Vec::new()), group(listeners, Sends::default(), hears())];
        simulate(&[Room { groups }], 1, 1, &costs()).work
    };
    for speakers in 1..=3 {
        let (many, fewer) = (work(speakers, SOUND_AUDIENCE), work(speakers, SOUND_AUDIENCE - 1));
        assert!(is_near(many.sent / many.runs, speakers as f64), "a packet of each of {speakers}: {many:?}");
        assert!(is_near(fewer.sent, fewer.runs), "they hear each of {speakers} at once: {fewer:?}");
    }
}

#[test]
fn everybody_is_placed_once_and_evenly() {
    let rooms = vec![hall(3, 2, 1); 300];
    // Beyond what the shards should have, so that rooms are divided.
    let costs = costs_for(9.6, &rooms);
    let alone = Placement::alone(&rooms[0], &costs);
    let mut placement = Placement::new(16, &costs);
    for seed in 1..=20 {
        placement.clear();
        let mut noise = Noise::new(seed);
        rooms.iter().for_each(|room| placement.add(room, alone, &mut noise));
        let participants: f64 = placement.shards.iter().map(|work| work.participants).sum();
        assert!(is_near(participants, 2_100.0), "seed {seed}: nobody is lost, nobody is there twice");
        let loads: Vec<_> = placement.shards.iter().map(|work| work.cores(&costs)).collect();
        let mean = loads.iter().sum::<f64>() / 16.0;
        assert!(loads.iter().all(|load| (load / mean - 1.0).abs() < 0.1), "seed {seed}: {loads:?}");
    }
}

#[test]
fn rooms_come_in_other_orders_each_time() {
    let mut noise = Noise::new(1);
    let mut order: Vec<_> = (0..5).collect();
    let mut firsts = [0; 5];
    for _ in 0..5_000 {
        shuffle(&mut order, &mut noise);
        firsts[order[0]] += 1;
    }
    assert!(firsts.iter().all(|count| (850..1_150).contains(count)), "{firsts:?}");
    order.sort_unstable();
    assert_eq!(order, [0, 1, 2, 3, 4]);
}

#[test]
fn the_same_seeds_give_the_same_loads() {
    let rooms: Vec<_> = (1..=20).map(|size| hall(size, size, size)).collect();
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
    assert_eq!(hall(30, 20, 10).split(1), [hall(30, 20, 10)]);
}
