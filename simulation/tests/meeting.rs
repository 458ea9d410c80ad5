// SPDX-License-Identifier: EUPL-1.2
//! What people in a meeting notice: sound and picture arrive whole, also for who comes late, over bad links, after a
//! move, and with a stranger at the door.

use std::net::SocketAddr;
use std::time::Duration;

use sfu_media::shard::counters::DropReason;
use simulation::client::{Client, Kind, ProtectionProfile, Reception, SrtpProtectionProfile};
use simulation::deployment::{ClientId, Deployment};
use simulation::link::LinkQuality;

const CONNECT: Duration = Duration::from_secs(3);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Joins clients one after another, each heard by the shard of its place in the list, and connects them.
fn meet(deployment: &mut Deployment, shards: &[u16]) -> Vec<ClientId> {
    let clients: Vec<_> = shards.iter().map(|shard| deployment.join("RM_1", *shard)).collect();
    deployment.run_until("connecting", CONNECT, |d| clients.iter().all(|client| d.client(*client).is_connected()));
    clients
}

#[track_caller]
fn check_whole(reception: Option<&Reception>, least_frames: u64) -> Reception {
    let reception = reception.expect("a section for the track").clone();
    assert_eq!(reception.faults, Vec::<String>::new());
    assert_eq!(reception.lost, 0, "{reception:?}");
    assert_eq!(reception.broken_frames, 0, "{reception:?}");
    assert!(reception.frames >= least_frames, "{reception:?}");
    reception
}

#[test]
fn two_people_hear_and_see_each_other() {
    let mut deployment = Deployment::new(1, 1);
    let [anna, bert] = meet(&mut deployment, &[0, 0])[..] else { unreachable!() };
    let mut tracks = Vec::new();
    for (from, to) in [(anna, bert), (bert, anna)] {
        for kind in [Kind::Audio, Kind::Video] {
            let track = deployment.publish(from, kind);
            deployment.subscribe(to, from, &track, kind);
            tracks.push((to, track, kind));
        }
    }
    deployment.run_for(Duration::from_secs(10));
    for (to, track, kind) in tracks {
        let least = if kind == Kind::Audio { 480 } else { 285 };
        let reception = check_whole(deployment.client(to).reception(track.as_str()), least);
        if kind == Kind::Video {
            assert_eq!(reception.layers.last(), Some(&2), "the best layer is shown");
        }
    }
}

#[test]
fn the_cheapest_cipher_that_both_know_is_used() {
    let mut deployment = Deployment::new(1, 2);
    let modern = deployment.join("RM_1", 0);
    let sha1_only = Client::with_profiles(77, vec![SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80]);
    let old = deployment.join_as(sha1_only, "RM_1", 0);
    deployment.run_until("connecting", CONNECT, |d| [modern, old].iter().all(|c| d.client(*c).is_connected()));
    assert!(matches!(deployment.client(modern).profile(), Some(ProtectionProfile::AeadAes128Gcm)));
    assert!(matches!(deployment.client(old).profile(), Some(ProtectionProfile::Aes128CmHmacSha1_80)));
    let track = deployment.publish(old, Kind::Video);
    deployment.subscribe(modern, old, &track, Kind::Video);
    deployment.run_for(Duration::from_secs(2));
    check_whole(deployment.client(modern).reception(track.as_str()), 50);
}

#[test]
fn a_late_joiner_gets_a_keyframe() {
    let mut deployment = Deployment::new(1, 3);
    let [anna, bert] = meet(&mut deployment, &[0, 0])[..] else { unreachable!() };
    let track = deployment.publish(anna, Kind::Video);
    deployment.subscribe(bert, anna, &track, Kind::Video);
    deployment.run_for(Duration::from_secs(5));
    let late = deployment.join("RM_1", 0);
    let joined = deployment.now;
    deployment.subscribe(late, anna, &track, Kind::Video);
    deployment.run_for(Duration::from_secs(3));
    let reception = check_whole(deployment.client(late).reception(track.as_str()), 60);
    let waited = reception.first_frame.expect("a picture").saturating_duration_since(joined);
    assert!(waited <= Duration::from_secs(2), "the picture came after {waited:?}");
    check_whole(deployment.client(bert).reception(track.as_str()), 230);
}

#[test]
fn many_late_joiners_cost_few_keyframes() {
    let mut deployment = Deployment::new(2, 4);
    let [anna] = meet(&mut deployment, &[0])[..] else { unreachable!() };
    let track = deployment.publish(anna, Kind::Video);
    deployment.run_for(Duration::from_secs(1));
    let before = deployment.client(anna).requested_keyframes();
    for n in 0..30 {
        let client = deployment.join("RM_1", n % 2);
        deployment.subscribe(client, anna, &track, Kind::Video);
    }
    deployment.run_for(Duration::from_secs(2));
    // Three layers, at most one request per layer in 500 ms.
    let requested = deployment.client(anna).requested_keyframes() - before;
    assert!((1..=12).contains(&requested), "{requested} keyframes were asked for");
}

#[test]
fn a_lost_packet_is_retransmitted() {
    for seed in 0..5 {
        let mut deployment = Deployment::new(1, 500 + seed);
        let [anna, bert] = meet(&mut deployment, &[0, 0])[..] else { unreachable!() };
        let lossy = LinkQuality { loss: 0.05, delay: ms(20), jitter: ms(5), ..LinkQuality::default() };
        deployment.links(anna).0.quality = lossy;
        deployment.links(bert).1.quality = lossy;
        let track = deployment.publish(anna, Kind::Video);
        deployment.subscribe(bert, anna, &track, Kind::Video);
        deployment.run_for(Duration::from_secs(20));
        let reception = deployment.client(bert).reception(track.as_str()).expect("a section").clone();
        assert_eq!(reception.faults, Vec::<String>::new(), "seed {seed}");
        assert!(deployment.client(anna).retransmitted() > 0, "seed {seed}");
        assert!(reception.repaired > 0, "seed {seed}");
        assert!(reception.frames >= 570 && reception.lost <= 3, "seed {seed}: {reception:?}");
    }
}

/// All that clients noticed of a meeting over bad links, without the times.
fn bad_meeting(seed: u64) -> Vec<Reception> {
    let mut deployment = Deployment::new(2, seed);
    let [anna, bert, carl] = meet(&mut deployment, &[0, 1, 0])[..] else { unreachable!() };
    for client in [anna, bert, carl] {
        let bad = LinkQuality { loss: 0.05, delay: ms(20), jitter: ms(10), reordered: 0.02, ..LinkQuality::default() };
        let (up, down) = deployment.links(client);
        (up.quality, down.quality) = (bad, bad);
    }
    let tracks = [anna, bert].map(|client| deployment.publish(client, Kind::Video));
    for (publisher, track) in [anna, bert].into_iter().zip(&tracks) {
        for receiver in [anna, bert, carl].into_iter().filter(|receiver| *receiver != publisher) {
            deployment.subscribe(receiver, publisher, track, Kind::Video);
        }
    }
    deployment.run_for(Duration::from_secs(10));
    let received = [(bert, 0), (carl, 0), (anna, 1), (carl, 1)];
    let reception = |(client, track): (ClientId, usize)| {
        let reception = deployment.client(client).reception(tracks[track].as_str()).expect("a section");
        Reception { first_frame: None, last_frame: None, ..reception.clone() }
    };
    received.map(reception).to_vec()
}

#[test]
fn a_seed_decides_all_that_happens() {
    assert_eq!(bad_meeting(21), bad_meeting(21));
    assert_ne!(bad_meeting(21), bad_meeting(22));
}

#[test]
fn reordering_costs_nothing() {
    let mut deployment = Deployment::new(1, 6);
    let [anna, bert] = meet(&mut deployment, &[0, 0])[..] else { unreachable!() };
    let quality = LinkQuality { reordered: 0.05, delay: ms(8), ..LinkQuality::default() };
    deployment.links(anna).0.quality = quality;
    deployment.links(bert).1.quality = quality;
    let track = deployment.publish(anna, Kind::Video);
    deployment.subscribe(bert, anna, &track, Kind::Video);
    deployment.run_for(Duration::from_secs(10));
    check_whole(deployment.client(bert).reception(track.as_str()), 280);
}

#[test]
fn a_layer_switch_is_seamless() {
    let mut deployment = Deployment::new(1, 7);
    let [anna, bert] = meet(&mut deployment, &[0, 0])[..] else { unreachable!() };
    let track = deployment.publish(anna, Kind::Video);
    deployment.subscribe(bert, anna, &track, Kind::Video);
    deployment.run_for(Duration::from_secs(3));
    for max_layer in [0, 2, 1, 2, 0] {
        let transport = deployment.transport(bert);
        let settings = bus::SubscriptionSettings { is_paused: false, max_layer };
        deployment.command(bus::SfuCommand::ConfigureSubscription { transport, track: track.clone(), settings });
        deployment.run_for(Duration::from_secs(2));
        let reception = check_whole(deployment.client(bert).reception(track.as_str()), 1);
        assert_eq!(reception.layers.last(), Some(&max_layer));
        assert!(reception.longest_gap <= ms(150), "{reception:?}");
    }
}

#[test]
fn a_layer_that_stops_is_replaced() {
    let mut deployment = Deployment::new(1, 8);
    let [anna, bert] = meet(&mut deployment, &[0, 0])[..] else { unreachable!() };
    let track = deployment.publish(anna, Kind::Video);
    deployment.subscribe(bert, anna, &track, Kind::Video);
    deployment.run_for(Duration::from_secs(3));
    deployment.client_mut(anna).enable_layer(2, false);
    deployment.run_for(Duration::from_secs(4));
    let reception = check_whole(deployment.client(bert).reception(track.as_str()), 150);
    assert_eq!(reception.layers.last(), Some(&1));
    assert!(reception.longest_gap <= ms(2_000), "{reception:?}");
    deployment.client_mut(anna).enable_layer(2, true);
    deployment.run_for(Duration::from_secs(3));
    let reception = check_whole(deployment.client(bert).reception(track.as_str()), 240);
    assert_eq!(reception.layers.last(), Some(&2));
}

#[test]
fn two_shards_carry_one_room() {
    let mut deployment = Deployment::new(2, 9);
    let [anna, bert, carl] = meet(&mut deployment, &[0, 1, 1])[..] else { unreachable!() };
    let picture = deployment.publish(anna, Kind::Video);
    let sound = deployment.publish(bert, Kind::Audio);
    for receiver in [bert, carl] {
        deployment.subscribe(receiver, anna, &picture, Kind::Video);
    }
    for receiver in [anna, carl] {
        deployment.subscribe(receiver, bert, &sound, Kind::Audio);
    }
    deployment.run_for(Duration::from_secs(5));
    for receiver in [bert, carl] {
        check_whole(deployment.client(receiver).reception(picture.as_str()), 140);
    }
    for receiver in [anna, carl] {
        check_whole(deployment.client(receiver).reception(sound.as_str()), 240);
    }
}

/// Whoever hears a client passes it on to where its room is. Another room goes elsewhere, where there is less to do.
#[test]
fn a_room_stays_together_whichever_shards_hear_its_clients() {
    let mut deployment = Deployment::keeping_rooms_together(3, 12);
    let [anna, bert, carl] = meet(&mut deployment, &[2, 1, 0])[..] else { unreachable!() };
    let picture = deployment.publish(anna, Kind::Video);
    let sound = deployment.publish(bert, Kind::Audio);
    for receiver in [bert, carl] {
        deployment.subscribe(receiver, anna, &picture, Kind::Video);
    }
    deployment.subscribe(carl, bert, &sound, Kind::Audio);
    deployment.join("RM_elsewhere", 0);
    deployment.run_for(Duration::from_secs(5));
    for receiver in [bert, carl] {
        check_whole(deployment.client(receiver).reception(picture.as_str()), 140);
    }
    check_whole(deployment.client(carl).reception(sound.as_str()), 240);
    let mut clients = deployment.clients_by_shard();
    clients.sort_unstable();
    assert_eq!(clients, [0, 1, 3]);
}

#[test]
fn a_client_that_changes_its_address_keeps_its_call() {
    for target in [0, 1] {
        let mut deployment = Deployment::new(2, 10);
        let [anna, bert] = meet(&mut deployment, &[0, 1])[..] else { unreachable!() };
        let up = deployment.publish(anna, Kind::Video);
        let down = deployment.publish(bert, Kind::Video);
        deployment.subscribe(bert, anna, &up, Kind::Video);
        deployment.subscribe(anna, bert, &down, Kind::Video);
        deployment.run_for(Duration::from_secs(3));
        deployment.move_client(anna, SocketAddr::from(([203, 0, 113, 9], 4_711)), target);
        deployment.run_for(Duration::from_secs(3));
        for (receiver, track) in [(bert, &up), (anna, &down)] {
            let reception = deployment.client(receiver).reception(track.as_str()).expect("a section").clone();
            assert_eq!(reception.faults, Vec::<String>::new());
            let silent = deployment.now.saturating_duration_since(reception.last_frame.expect("frames"));
            assert!(silent <= ms(100), "moved to shard {target}: nothing for {silent:?}");
            assert!(reception.longest_gap <= ms(1_000), "moved to shard {target}: {reception:?}");
        }
    }
}

#[test]
fn a_stray_client_hello_does_not_silence_a_join() {
    for (name, packet) in strays() {
        let mut deployment = Deployment::new(1, 11);
        let anna = deployment.join("RM_1", 0);
        let stranger = SocketAddr::from(([203, 0, 113, 66], 40_000));
        // Before, between and after each step of the join.
        for _ in 0..60 {
            deployment.inject(0, stranger, &packet);
            deployment.run_for(ms(1));
        }
        deployment.run_until(name, CONNECT, |d| d.client(anna).is_connected());
        assert!(deployment.shard(0).counters().unknown_datagrams >= 60, "{name}");
        deployment.inject(0, stranger, &packet);
        let bert = deployment.join("RM_1", 0);
        let track = deployment.publish(anna, Kind::Video);
        deployment.subscribe(bert, anna, &track, Kind::Video);
        deployment.run_for(Duration::from_secs(2));
        check_whole(deployment.client(bert).reception(track.as_str()), 40);
    }
}

#[test]
fn what_is_wrong_from_a_client_of_ours_is_counted_and_hurts_nobody() {
    let mut deployment = Deployment::new(1, 15);
    let [anna, bert] = meet(&mut deployment, &[0, 0])[..] else { unreachable!() };
    let track = deployment.publish(anna, Kind::Video);
    deployment.subscribe(bert, anna, &track, Kind::Video);
    let address = SocketAddr::from(([203, 0, 113, 9], 4_711));
    deployment.move_client(anna, address, 0);
    deployment.run_for(Duration::from_secs(2));
    let before = deployment.shard(0).counters();
    for _ in 0..50 {
        deployment.inject(0, address, &[&[0x80, 96][..], &[7; 60]].concat());
        deployment.inject(0, address, &[&[0x80, 200, 0, 6][..], &[7; 60]].concat());
        deployment.inject(0, address, &[63; 60]);
        deployment.run_for(ms(20));
    }
    deployment.run_for(Duration::from_secs(1));
    let after = deployment.shard(0).counters();
    let not_authentic = DropReason::NotAuthentic;
    assert_eq!(after.dropped_packets[not_authentic] - before.dropped_packets[not_authentic], 50);
    assert_eq!(after.dropped_rtcp - before.dropped_rtcp, 50);
    assert_eq!(after.dropped_dtls - before.dropped_dtls, 50);
    check_whole(deployment.client(bert).reception(track.as_str()), 90);
}

/// A whole ClientHello record, a fragment of one, an alert, and noise of every first byte.
fn strays() -> Vec<(&'static str, Vec<u8>)> {
    let mut hello =
        vec![22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 142, 1, 0, 0, 130, 0, 0, 0, 0, 0, 0, 0, 130, 0xFE, 0xFD];
    hello.resize(155, 7);
    let fragment = hello[..37].to_vec();
    let alert = vec![21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40];
    vec![("a foreign ClientHello", hello), ("a handshake fragment", fragment), ("an alert", alert)]
}

#[test]
fn a_muted_track_goes_silent_and_comes_back_with_a_keyframe() {
    let mut deployment = Deployment::new(1, 12);
    let [anna, bert] = meet(&mut deployment, &[0, 0])[..] else { unreachable!() };
    let track = deployment.publish(anna, Kind::Video);
    deployment.subscribe(bert, anna, &track, Kind::Video);
    deployment.run_for(Duration::from_secs(2));
    let mute = |deployment: &mut Deployment, is_muted| {
        let transport = deployment.transport(anna);
        deployment.command(bus::SfuCommand::Mute { transport, track: track.clone(), is_muted });
    };
    mute(&mut deployment, true);
    deployment.run_for(ms(100));
    let before = check_whole(deployment.client(bert).reception(track.as_str()), 50);
    deployment.run_for(Duration::from_secs(2));
    let during = check_whole(deployment.client(bert).reception(track.as_str()), 50);
    assert_eq!(before.frames, during.frames, "nothing passes while muted");
    mute(&mut deployment, false);
    deployment.run_for(Duration::from_secs(2));
    let after = check_whole(deployment.client(bert).reception(track.as_str()), 90);
    assert!(after.keyframes > during.keyframes);
}

#[test]
fn the_loudest_are_reported() {
    let mut deployment = Deployment::new(2, 13);
    let [anna, bert] = meet(&mut deployment, &[0, 1])[..] else { unreachable!() };
    let quiet = deployment.publish(anna, Kind::Audio);
    let loud = deployment.publish(bert, Kind::Audio);
    deployment.client_mut(anna).speak(110);
    deployment.client_mut(bert).speak(15);
    deployment.take_events();
    deployment.run_for(Duration::from_secs(3));
    let mut heard = Vec::new();
    for event in deployment.take_events() {
        if let bus::SfuEvent::Speakers { levels, .. } = event {
            heard.extend(levels.into_iter().map(|level| level.track));
        }
    }
    assert!(heard.contains(&loud), "{heard:?}");
    assert!(!heard.contains(&quiet), "{heard:?}");
}

#[test]
fn a_client_that_vanishes_is_given_up() {
    let mut deployment = Deployment::new(1, 14);
    let [anna, bert] = meet(&mut deployment, &[0, 0])[..] else { unreachable!() };
    let track = deployment.publish(anna, Kind::Video);
    deployment.subscribe(bert, anna, &track, Kind::Video);
    deployment.run_for(Duration::from_secs(2));
    deployment.links(anna).0.quality.loss = 1.0;
    deployment.run_for(Duration::from_secs(40));
    let gone =
        bus::SfuEvent::Failed { transport: deployment.transport(anna), reason: bus::TransportFailure::ConsentLost };
    assert!(deployment.take_events().contains(&gone));
    assert_eq!(deployment.shard(0).counters().transports, 1);
    assert_eq!(deployment.shard(0).counters().subscriptions, 0);
}
