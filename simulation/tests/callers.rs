// SPDX-License-Identifier: EUPL-1.2
//! What callers and people with browsers notice of one another.

use std::time::Duration;

use bus::{SfuCommand, SfuEvent, TrackSid};
use sfu_media::shard::counters::DropReason;
use simulation::client::Kind;
use simulation::deployment::{ClientId, Deployment};

fn meet(deployment: &mut Deployment, shards: &[u16]) -> Vec<ClientId> {
    let clients: Vec<_> = shards.iter().map(|shard| deployment.join("RM_1", *shard)).collect();
    let limit = Duration::from_secs(3);
    deployment.run_until("connecting", limit, |d| clients.iter().all(|client| d.client(*client).is_connected()));
    clients
}

/// Frames that came without a gap and without a fault.
#[track_caller]
fn frames_of(deployment: &Deployment, client: ClientId, track: &TrackSid) -> u64 {
    let reception = deployment.client(client).reception(track.as_str()).expect("a section for the track");
    assert_eq!((&reception.faults[..], reception.lost), (&[][..], 0), "{reception:?}");
    reception.frames
}

#[track_caller]
fn check_heard_once(heard: &[u32], least: usize) {
    assert!(heard.windows(2).all(|pair| pair[1] == pair[0] + 1), "{heard:?}");
    assert!(heard.len() >= least, "{} of {least}", heard.len());
}

#[test]
fn callers_hear_each_person_once_and_are_heard_on_all_shards() {
    let mut deployment = Deployment::new(2, 21);
    let people = meet(&mut deployment, &[0, 1]);
    let voices: Vec<_> = people.iter().map(|person| deployment.publish(*person, Kind::Audio)).collect();
    let calls: Vec<_> = (0..3).map(|_| deployment.call("RM_1")).collect();
    for (leg, called) in &calls {
        voices.iter().for_each(|voice| deployment.hear(leg, voice));
        calls.iter().filter(|(other, _)| other != leg).for_each(|(_, other)| deployment.hear(leg, other));
        people.iter().for_each(|person| deployment.subscribe_to_caller(*person, called));
    }
    deployment.run_for(Duration::from_secs(5));
    for voice in &voices {
        check_heard_once(deployment.bridge().heard(voice), 245);
    }
    for (_, called) in &calls {
        assert!(deployment.bridge().heard(called).is_empty(), "it is mixed before it is a packet");
        for person in &people {
            assert!(frames_of(&deployment, *person, called) >= 240);
        }
    }
    let counters = deployment.bridge().counters();
    assert_eq!((counters.tracks, counters.heard_tracks), (3, 5));
    assert_eq!(counters.dropped_packets[DropReason::NoAudience], 0);
    // Once to each shard, though both people are on one each and there may be more of them.
    assert!(counters.published_packets <= 2 * 3 * 251, "{counters:?}");
}

#[test]
fn a_muted_caller_is_not_heard_and_then_goes_on_without_a_gap() {
    let mut deployment = Deployment::new(2, 22);
    let [anna] = meet(&mut deployment, &[1])[..] else { unreachable!() };
    let (leg, called) = deployment.call("RM_1");
    deployment.subscribe_to_caller(anna, &called);
    deployment.run_for(Duration::from_secs(2));
    let mute = |is_muted| SfuCommand::Mute { transport: leg.clone(), track: called.clone(), is_muted };
    deployment.command(mute(true));
    // What is on its way arrives.
    deployment.run_for(Duration::from_millis(200));
    let before = frames_of(&deployment, anna, &called);
    assert!(before >= 90, "{before}");
    deployment.run_for(Duration::from_millis(1_800));
    assert_eq!(frames_of(&deployment, anna, &called), before);
    deployment.command(mute(false));
    deployment.run_for(Duration::from_secs(1));
    assert!((before + 45..=before + 51).contains(&frames_of(&deployment, anna, &called)));
    assert_eq!(deployment.bridge().counters().dropped_packets[DropReason::Muted], 100);
}

#[test]
fn callers_are_speakers_like_everybody() {
    let mut deployment = Deployment::new(1, 23);
    let [anna] = meet(&mut deployment, &[0])[..] else { unreachable!() };
    let voice = deployment.publish(anna, Kind::Audio);
    let (leg, called) = deployment.call("RM_1");
    deployment.run_for(Duration::from_secs(2));
    let events = deployment.take_events();
    assert!(events.contains(&SfuEvent::Connected { transport: leg.clone() }));
    assert!(events.contains(&SfuEvent::TrackStarted { track: called.clone() }));
    let speakers_of = |events: &[SfuEvent], wanted: u16| -> Vec<Vec<TrackSid>> {
        let told = events.iter().filter_map(|event| match event {
            SfuEvent::Speakers { levels, source } if *source == wanted => Some(levels),
            _ => None,
        });
        told.map(|levels| levels.iter().map(|level| level.track.clone()).collect()).collect()
    };
    assert_eq!(speakers_of(&events, 0).last(), Some(&vec![voice]));
    assert_eq!(speakers_of(&events, 1).last(), Some(&vec![called]));
    deployment.command(SfuCommand::CloseTransport { transport: leg });
    deployment.run_for(Duration::from_secs(1));
    // Its room goes on, and hears that nobody speaks there any more.
    assert_eq!(speakers_of(&deployment.take_events(), 1), [vec![]; 1]);
}

#[test]
fn who_leaves_is_gone_for_the_other_side() {
    let mut deployment = Deployment::new(2, 24);
    let [anna, bert] = meet(&mut deployment, &[0, 1])[..] else { unreachable!() };
    let voice = deployment.publish(anna, Kind::Audio);
    let (leg, called) = deployment.call("RM_1");
    deployment.hear(&leg, &voice);
    deployment.subscribe_to_caller(bert, &called);
    deployment.run_for(Duration::from_secs(1));
    let transport = deployment.transport(anna);
    deployment.command(SfuCommand::CloseTransport { transport });
    let heard = deployment.bridge().heard(&voice).len();
    assert!(heard >= 45, "{heard}");
    assert_eq!(deployment.bridge().counters().heard_tracks, 0);
    deployment.command(SfuCommand::CloseTransport { transport: leg });
    deployment.run_for(Duration::from_millis(200));
    let frames = frames_of(&deployment, bert, &called);
    deployment.run_for(Duration::from_secs(1));
    assert_eq!(deployment.bridge().heard(&voice).len(), heard);
    assert_eq!(frames_of(&deployment, bert, &called), frames);
    assert_eq!((deployment.bridge().counters().tracks, deployment.shard(1).counters().subscriptions), (0, 0));
}

#[test]
fn a_caller_who_comes_before_the_publisher_is_connected_hears_all() {
    let mut deployment = Deployment::new(1, 25);
    let anna = deployment.join("RM_1", 0);
    let (leg, _) = deployment.call("RM_1");
    let voice = deployment.publish(anna, Kind::Audio);
    deployment.hear(&leg, &voice);
    assert_eq!(deployment.bridge().counters().heard_tracks, 0, "she is not there yet");
    deployment.run_for(Duration::from_secs(3));
    let heard = deployment.bridge().heard(&voice);
    check_heard_once(heard, 100);
    assert_eq!(heard.first(), Some(&0));
    assert!(deployment.bridge().ended().is_empty());
}
