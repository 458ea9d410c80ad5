// SPDX-License-Identifier: EUPL-1.2
//! Announcing, muting and ending tracks.

use super::*;
use crate::rooms::info::{AUDIO_FEATURE_STEREO, Quality};
use crate::rooms::output::RequestOutcome;

/// Why a track was refused.
fn refusal(room: &mut Fixture, who: &Someone, track: AddTrack) -> Option<RequestOutcome> {
    room.request(who, Request::AddTrack(track));
    room.told(who).into_iter().find_map(|notice| match notice {
        Notice::Answered { outcome, add_track: Some(_), .. } => Some(outcome),
        _ => None,
    })
}

fn seen_tracks(room: &mut Fixture, by: &Someone, of: &Someone) -> Option<Vec<TrackInfo>> {
    room.update(by, of).map(|info| info.tracks.clone())
}

#[test]
fn a_track_is_announced_when_it_has_its_m_line() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    room.forget_all();
    let track = room.add_track(&ann, camera("c"));
    assert!(track.as_str().starts_with("TR_VC"));
    let published = room.ordered().into_iter().find_map(|command| match command {
        SfuCommand::Publish { publication, .. } => Some(publication),
        _ => None,
    });
    assert!(published.is_some_and(|published| published.track == track && published.cid == "c"));
    assert_eq!(room.updates(&bob), []);
    room.negotiate(&ann, 1, &[]);
    assert_eq!(room.updates(&bob), [], "an answer without it changes nothing");
    room.negotiate(&ann, 2, &[("7", &track)]);
    let tracks = seen_tracks(&mut room, &bob, &ann).expect("an update");
    assert_eq!((tracks.len(), &tracks[0].sid, tracks[0].mid.as_str()), (1, &track, "7"));
    assert!(room.update(&ann, &ann).is_some_and(|info| info.is_publisher), "the publisher itself is told too");
}

#[test]
fn a_track_ends_when_its_m_line_does() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let (kept, dropped) = (room.publish(&ann, microphone("m")), room.publish(&ann, camera("c")));
    room.forget_all();
    room.negotiate(&ann, 9, &[("m", &kept)]);
    let tracks = seen_tracks(&mut room, &bob, &ann).expect("an update");
    assert_eq!(tracks.iter().map(|track| &track.sid).collect::<Vec<_>>(), [&kept]);
    let commands = room.ordered();
    assert!(commands.iter().any(|command| matches!(command,
        SfuCommand::Unsubscribe { transport, tracks } if *transport == bob.transport && *tracks == [dropped.clone()])));
    assert!(commands.iter().any(|command| matches!(command, SfuCommand::Unpublish { track, .. } if *track == dropped)));
}

#[test]
fn a_client_that_asks_again_gets_the_track_that_waits() {
    let mut room = room();
    let ann = room.join("ann");
    let first = room.add_track(&ann, camera("c"));
    assert_eq!(room.add_track(&ann, camera("c")), first);
    room.negotiate(&ann, 1, &[("1", &first)]);
    assert_ne!(room.add_track(&ann, camera("c")), first, "one that is published is another one's");
}

#[test]
fn a_client_that_asks_again_may_have_muted_meanwhile() {
    let mut room = room();
    let ann = room.join("ann");
    let track = room.add_track(&ann, microphone("m"));
    room.forget_all();
    assert_eq!(room.add_track(&ann, AddTrack { is_muted: true, ..microphone("m") }), track);
    let muted = room.ordered().into_iter().find_map(|command| match command {
        SfuCommand::Mute { track, is_muted, .. } => Some((track, is_muted)),
        _ => None,
    });
    assert_eq!(muted, Some((track, true)), "the SFU takes no second announcement");
}

#[test]
fn nobody_publishes_more_than_it_may() {
    let mut room = room();
    let listener = room.join_as(joiner_with("listener", r#"{"canPublish":false}"#));
    assert_eq!(refusal(&mut room, &listener, microphone("m")), Some(RequestOutcome::NotAllowed));
    let speaker = room.join_as(joiner_with("speaker", r#"{"canPublishSources":["microphone"]}"#));
    assert_eq!(refusal(&mut room, &speaker, camera("c")), Some(RequestOutcome::NotAllowed));
    assert_eq!(
        refusal(&mut room, &speaker, AddTrack { source: TrackSource::Unknown, ..microphone("u") }),
        Some(RequestOutcome::NotAllowed)
    );
    assert_eq!(refusal(&mut room, &speaker, microphone("m")), None);
    assert!(!room.ordered().iter().any(|command| matches!(command,
        SfuCommand::Publish { transport, .. } if *transport == listener.transport)));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut room = room();
    let ann = room.join("ann");
    let check = |room: &mut Fixture, track| refusal(room, &ann, track).expect("refused");
    assert_eq!(check(&mut room, AddTrack { kind: None, ..camera("c") }), RequestOutcome::UnsupportedType);
    assert_eq!(check(&mut room, AddTrack { is_backup_codec: true, ..camera("c") }), RequestOutcome::UnsupportedType);
    assert_eq!(check(&mut room, camera("")), RequestOutcome::InvalidRequest);
    assert_eq!(check(&mut room, camera(&"c".repeat(1000))), RequestOutcome::InvalidRequest);
}

#[test]
fn not_too_many_tracks_wait() {
    let mut room = room();
    let ann = room.join("ann");
    for number in 0..20 {
        assert_eq!(refusal(&mut room, &ann, camera(&number.to_string())), None);
    }
    assert_eq!(refusal(&mut room, &ann, camera("one more")), Some(RequestOutcome::LimitExceeded));
    assert_eq!(refusal(&mut room, &ann, camera("7")), None, "one that waits is not another one");
}

#[test]
fn a_muted_track_is_muted_at_the_sfu_and_for_everybody() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&ann, microphone("m"));
    room.pass(Duration::from_secs(1));
    room.forget_all();
    room.request(&ann, Request::Mute { track: track.clone(), is_muted: true });
    assert!(matches!(room.ordered().as_slice(), [SfuCommand::Mute { is_muted: true, .. }]));
    assert!(seen_tracks(&mut room, &bob, &ann).expect("an update")[0].is_muted);
    room.request(&ann, Request::Mute { track: track.clone(), is_muted: true });
    assert!(room.ordered().is_empty() && room.updates(&bob).is_empty(), "once is enough");
    room.request(&bob, Request::Mute { track, is_muted: false });
    assert!(room.ordered().is_empty(), "nobody opens what is not its own");
}

#[test]
fn a_track_can_begin_muted() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    room.forget_all();
    room.publish(&ann, AddTrack { is_muted: true, ..microphone("m") });
    let commands = room.ordered();
    assert!(commands.iter().any(|command| matches!(command,
        SfuCommand::Publish { publication, .. } if publication.is_muted)));
    assert!(seen_tracks(&mut room, &bob, &ann).expect("an update")[0].is_muted);
}

#[test]
fn what_a_client_says_about_a_track_is_kept() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let sound = AddTrack { audio_features: vec![AUDIO_FEATURE_STEREO], ..microphone("m") };
    let (sound, picture) = (room.publish(&ann, sound), room.publish(&ann, camera("c")));
    let tracks = seen_tracks(&mut room, &bob, &ann).expect("an update");
    let of = |sid: &TrackSid, tracks: &[TrackInfo]| tracks.iter().find(|track| track.sid == *sid).cloned().expect("it");
    assert!(of(&sound, &tracks).is_stereo() && of(&sound, &tracks).stream == "camera");
    assert_eq!(of(&picture, &tracks).layers.iter().map(|layer| layer.quality).collect::<Vec<_>>(), [Quality::High]);
    room.request(&ann, Request::AudioFeatures { track: sound.clone(), features: Vec::new() });
    room.request(&ann, Request::VideoSize { track: picture.clone(), width: 640, height: 480 });
    room.pass(Duration::from_millis(100));
    let tracks = seen_tracks(&mut room, &bob, &ann).expect("an update");
    assert!(!of(&sound, &tracks).is_stereo());
    assert_eq!((of(&picture, &tracks).width, of(&picture, &tracks).height), (640, 480));
}

#[test]
fn a_publisher_learns_once_that_somebody_receives() {
    let mut room = room();
    let (ann, bob, cy) = (room.join("ann"), room.join("bob"), room.join("cy"));
    let track = room.publish(&ann, camera("c"));
    room.forget_all();
    room.negotiate(&bob, 1, &[("3", &track)]);
    assert!(room.told(&ann).contains(&Notice::TrackSubscribed(track.clone())));
    room.negotiate(&cy, 1, &[("3", &track)]);
    assert!(!room.told(&ann).contains(&Notice::TrackSubscribed(track)));
}

#[test]
fn somebody_who_changes_all_the_time_is_told_about_ten_times_a_second() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&ann, microphone("m"));
    room.pass(Duration::from_secs(1));
    room.forget_all();
    for number in 0..100 {
        room.request(&ann, Request::Mute { track: track.clone(), is_muted: number % 2 == 0 });
        room.pass(Duration::from_millis(10));
    }
    assert_eq!(room.ordered().len(), 100, "the SFU is told each time");
    assert!((10..=11).contains(&room.updates(&bob).len()));
    room.pass(Duration::from_secs(1));
    assert!(room.updates(&bob).len() <= 1);
    let info = room.room.participants.get(&ann.sid).map(|ann| ann.info.clone());
    assert!(info.is_some_and(|info| !info.tracks[0].is_muted), "the last change is told");
}
