// SPDX-License-Identifier: EUPL-1.2
//! Who speaks.

use bus::SpeakerLevel;

use super::*;
use crate::rooms::output::Speaker;

fn hear(room: &mut Fixture, source: u16, levels: &[(&TrackSid, f32)]) {
    let levels = levels.iter().map(|(track, level)| SpeakerLevel { track: (*track).clone(), level: *level }).collect();
    room.handle(Input::Sfu(SfuEvent::Speakers { levels, source }));
}

fn told(room: &mut Fixture, who: &Someone) -> Vec<Vec<Speaker>> {
    let told = room.told(who).into_iter();
    told.filter_map(|notice| if let Notice::Speakers(speakers) = notice { Some(speakers) } else { None }).collect()
}

fn speaker(who: &Someone, level: f32) -> Speaker {
    Speaker { participant: who.sid.clone(), level, is_active: level > 0.0 }
}

#[test]
fn only_changes_are_told_and_only_to_those_who_hear() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let deaf = room.join_as(joiner_with("deaf", r#"{"canSubscribe":false}"#));
    let track = room.publish(&ann, microphone("m"));
    room.forget_all();
    hear(&mut room, 0, &[(&track, 0.45)]);
    assert_eq!(told(&mut room, &bob), [[speaker(&ann, 0.5)]]);
    assert_eq!(told(&mut room, &ann), [[speaker(&ann, 0.5)]], "whoever speaks sees it too");
    assert!(told(&mut room, &deaf).is_empty());
    room.pass(Duration::from_secs(1));
    hear(&mut room, 0, &[(&track, 0.48)]);
    assert!(told(&mut room, &bob).is_empty(), "hardly louder");
    hear(&mut room, 0, &[]);
    assert_eq!(told(&mut room, &bob), [[speaker(&ann, 0.0)]]);
}

#[test]
fn changes_are_told_twice_a_second_at_most() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&ann, microphone("m"));
    hear(&mut room, 0, &[(&track, 1.0)]);
    room.forget_all();
    for level in [0.1, 0.2, 0.3] {
        hear(&mut room, 0, &[(&track, level)]);
    }
    assert!(told(&mut room, &bob).is_empty());
    room.pass(Duration::from_millis(500));
    assert_eq!(told(&mut room, &bob), [[speaker(&ann, 0.375)]]);
}

#[test]
fn shards_count_each_for_itself() {
    let mut room = room();
    let (ann, bob, cy) = (room.join("ann"), room.join("bob"), room.join("cy"));
    let (of_ann, of_bob) = (room.publish(&ann, microphone("m")), room.publish(&bob, microphone("m")));
    room.forget_all();
    hear(&mut room, 0, &[(&of_ann, 1.0)]);
    hear(&mut room, 1, &[(&of_bob, 0.5)]);
    room.pass(Duration::from_secs(1));
    assert_eq!(told(&mut room, &cy), [[speaker(&ann, 1.0)], [speaker(&bob, 0.5)]]);
    hear(&mut room, 1, &[]);
    assert_eq!(told(&mut room, &cy), [[speaker(&bob, 0.0)]], "the other shard still hears the first");
}

#[test]
fn the_muted_are_silent() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&ann, AddTrack { is_muted: true, ..microphone("m") });
    room.forget_all();
    hear(&mut room, 0, &[(&track, 1.0), (&"TR_gone".into(), 1.0)]);
    assert!(told(&mut room, &bob).is_empty());
}

#[test]
fn whoever_comes_later_learns_who_is_speaking() {
    let mut room = room();
    let ann = room.join("ann");
    let track = room.publish(&ann, microphone("m"));
    hear(&mut room, 0, &[(&track, 1.0)]);
    let bob = room.join("bob");
    assert_eq!(told(&mut room, &bob), [[speaker(&ann, 1.0)]]);
    let session = room.resume("bob", &bob.sid);
    let told = room.told_to(session);
    assert!(
        told.contains(&Notice::Speakers(vec![speaker(&ann, 1.0), speaker(&bob, 0.0)]))
            || told.contains(&Notice::Speakers(vec![speaker(&bob, 0.0), speaker(&ann, 1.0)]))
    );
}
