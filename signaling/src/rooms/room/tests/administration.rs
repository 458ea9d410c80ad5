// SPDX-License-Identifier: EUPL-1.2
//! What administrators do, and what participants do with their own details.

use std::collections::BTreeMap;

use super::*;
use crate::auth::grants::Permissions;
use crate::rooms::details::{DetailsChange, TooLong};
use crate::rooms::output::RequestOutcome;

fn permissions(grants: &str) -> Permissions {
    serde_json::from_str::<VideoGrants>(grants).expect("grants").permissions()
}

fn permit(room: &mut Fixture, identity: &str, grants: &str) {
    let permissions = Some(permissions(grants));
    let change = DetailsChange::default();
    let reply = room.control(Control::UpdateParticipant { identity: identity.into(), change, permissions });
    assert!(matches!(reply, Ok(ControlReply::Participant(_))), "{reply:?}");
}

#[test]
fn a_removed_participant_is_told_to_stay_away() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    assert_eq!(room.control(Control::RemoveParticipant("bob".into())), Ok(ControlReply::Done));
    assert_eq!(farewell(&room.told(&bob)), Some((DisconnectReason::ParticipantRemoved, AfterLeave::Disconnect)));
    let gone = room.update(&ann, &bob).expect("an update");
    assert_eq!(gone.disconnect_reason, Some(DisconnectReason::ParticipantRemoved));
    let again = room.control(Control::RemoveParticipant("bob".into()));
    assert_eq!(again, Err(ControlError::NoSuchParticipant));
}

#[test]
fn an_administrator_mutes_and_the_publisher_opens() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&ann, microphone("m"));
    room.forget_all();
    let mute = |is_muted| Control::Mute { identity: "ann".into(), track: track.clone(), is_muted };
    assert!(matches!(room.control(mute(true)), Ok(ControlReply::Track(track)) if track.is_muted));
    assert!(matches!(room.ordered().as_slice(), [SfuCommand::Mute { is_muted: true, .. }]));
    assert!(room.update(&bob, &ann).is_some_and(|info| info.tracks[0].is_muted));
    let told = room.told(&ann);
    assert_eq!(
        told,
        [Notice::Muted { track: track.clone(), is_muted: true }],
        "and nothing that contradicts the client"
    );
    assert_eq!(room.control(mute(false)), Err(ControlError::RemoteUnmute));
    room.pass(Duration::from_millis(100));
    room.request(&ann, Request::Mute { track: track.clone(), is_muted: false });
    assert!(matches!(room.ordered().as_slice(), [SfuCommand::Mute { is_muted: false, .. }]));
    assert!(room.update(&bob, &ann).is_some_and(|info| !info.tracks[0].is_muted));
    assert!(room.control(mute(false)).is_ok(), "what is open can be opened");
}

#[test]
fn what_is_not_there_cannot_be_muted() {
    let mut room = room();
    let (ann, _bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&ann, microphone("m"));
    let mute = |identity: &str, track: TrackSid| Control::Mute { identity: identity.into(), track, is_muted: true };
    assert_eq!(room.control(mute("nobody", track.clone())), Err(ControlError::NoSuchParticipant));
    assert_eq!(room.control(mute("bob", track)), Err(ControlError::NoSuchTrack));
}

#[test]
fn revoked_publishing_ends_tracks_at_once() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let (sound, picture) = (room.publish(&ann, microphone("m")), room.publish(&ann, camera("c")));
    room.forget_all();
    permit(&mut room, "ann", r#"{"canPublishSources":["microphone"]}"#);
    let told = room.told(&ann);
    assert!(told.contains(&Notice::TrackUnpublished(picture.clone())));
    assert!(!told.contains(&Notice::TrackUnpublished(sound.clone())));
    assert!(told.iter().any(|notice| matches!(notice, Notice::RenewToken(content)
        if !content.permissions.allow_publishing(TrackSource::Camera))));
    let seen = room.update(&bob, &ann).expect("an update");
    assert_eq!(seen.tracks.iter().map(|track| &track.sid).collect::<Vec<_>>(), [&sound]);
    let commands = room.ordered();
    assert!(commands.iter().any(|command| matches!(command, SfuCommand::Unpublish { track, .. } if *track == picture)));
    assert!(
        commands
            .iter()
            .any(|command| matches!(command, SfuCommand::Unsubscribe { tracks, .. } if *tracks == [picture.clone()]))
    );
}

#[test]
fn revoked_subscribing_ends_receiving_and_comes_back() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&ann, camera("c"));
    room.forget_all();
    permit(&mut room, "bob", r#"{"canSubscribe":false}"#);
    assert_eq!(room.forwarded(&bob), (vec![], vec![track.clone()]));
    assert!(room.update(&bob, &bob).is_some_and(|info| !info.profile.permissions.can_subscribe));
    permit(&mut room, "bob", "{}");
    assert_eq!(room.forwarded(&bob), (vec![track], vec![]));
}

#[test]
fn somebody_can_be_hidden_and_shown() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&bob, camera("c"));
    room.forget_all();
    permit(&mut room, "bob", r#"{"hidden":true}"#);
    assert!(room.update(&ann, &bob).is_some_and(|info| info.state == ParticipantState::Disconnected));
    assert_eq!(room.forwarded(&ann), (vec![], vec![track.clone()]));
    permit(&mut room, "bob", "{}");
    assert!(room.update(&ann, &bob).is_some_and(|info| info.state == ParticipantState::Active));
    assert_eq!(room.forwarded(&ann), (vec![track], vec![]));
}

#[test]
fn details_change_for_everybody() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let attributes = BTreeMap::from([("hand".to_owned(), "up".to_owned())]);
    let change = DetailsChange { name: "Anna".into(), metadata: String::new(), attributes };
    let update = Control::UpdateParticipant { identity: "ann".into(), change, permissions: None };
    let Ok(ControlReply::Participant(info)) = room.control(update) else { panic!("refused") };
    assert_eq!(info.profile.details.name, "Anna");
    for someone in [&ann, &bob] {
        let seen = room.update(someone, &ann).expect("an update");
        assert_eq!((seen.profile.details.attributes.len(), seen.version), (1, info.version));
    }
    let change = DetailsChange { metadata: "x".repeat(100_000), ..DetailsChange::default() };
    let update = Control::UpdateParticipant { identity: "ann".into(), change, permissions: None };
    assert_eq!(room.control(update), Err(ControlError::TooLong(TooLong::Metadata)));
}

#[test]
fn own_details_need_permission() {
    let mut room = room();
    let ann = room.join("ann");
    let bob = room.join_as(joiner_with("bob", r#"{"canUpdateOwnMetadata":true}"#));
    let change = |metadata: String| Request::ChangeDetails {
        request_id: 5,
        change: DetailsChange { metadata, ..DetailsChange::default() },
    };
    let outcome = |told: Vec<Notice>| {
        told.into_iter().find_map(|notice| match notice {
            Notice::Answered { request_id: 5, outcome, .. } => Some(outcome),
            _ => None,
        })
    };
    room.request(&ann, change("m".into()));
    assert_eq!(outcome(room.told(&ann)), Some(RequestOutcome::NotAllowed));
    room.forget_all();
    room.request(&bob, change("m".into()));
    room.pass(Duration::from_millis(100));
    let told = room.told(&bob);
    assert!(told.iter().any(|notice| matches!(notice, Notice::Participants(_))), "the client looks for its new values");
    assert_eq!(outcome(told), Some(RequestOutcome::Ok));
    assert!(room.update(&ann, &bob).is_some_and(|info| info.profile.details.metadata == "m"));
    room.request(&bob, change("x".repeat(100_000)));
    assert_eq!(outcome(room.told(&bob)), Some(RequestOutcome::LimitExceeded));
}

#[test]
fn an_administrator_chooses_for_a_receiver() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&ann, camera("c"));
    room.forget_all();
    let choose = |tracks: Vec<TrackSid>| Control::Subscribe { identity: "bob".into(), tracks, subscribe: false };
    assert_eq!(room.control(choose(vec![track.clone()])), Ok(ControlReply::Done));
    assert_eq!(room.forwarded(&bob), (vec![], vec![track]));
    assert_eq!(room.control(choose(vec!["TR_gone".into()])), Err(ControlError::NoSuchTrack));
}

#[test]
fn a_room_tells_its_metadata() {
    let mut room = room();
    let ann = room.join("ann");
    room.forget_all();
    let Ok(ControlReply::Room(info)) = room.control(Control::SetMetadata("m".into())) else { panic!("refused") };
    assert_eq!(&*info.metadata, "m");
    assert!(room.told(&ann).iter().any(|notice| matches!(notice, Notice::Room(info) if &*info.metadata == "m")));
}

#[test]
fn participants_are_listed_with_the_hidden() {
    let mut room = room();
    room.join("ann");
    room.join_as(joiner_with("ghost", r#"{"hidden":true}"#));
    let Ok(ControlReply::Participants(infos)) = room.control(Control::ListParticipants) else { panic!("refused") };
    assert_eq!(infos.len(), 2);
    assert!(matches!(room.control(Control::GetParticipant("ann".into())), Ok(ControlReply::Participant(_))));
    assert_eq!(room.control(Control::GetParticipant("bob".into())), Err(ControlError::NoSuchParticipant));
}

#[test]
fn a_server_sends_data_to_some_or_all() {
    use crate::rooms::input::DataAudience;
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let send = |identities: Vec<String>| Control::SendData {
        channel: DataChannel::Reliable,
        packet: DataPacket {
            content: crate::rooms::chat::DataContent::Other,
            sequence: 0,
            identities,
            participants: Vec::new(),
            claimed_identity: String::new(),
            audience: DataAudience::Anyone,
            sealed: (*b"x").into(),
        },
    };
    assert_eq!(room.control(send(Vec::new())), Ok(ControlReply::Done));
    let (receivers, message) = room.data.pop().expect("data");
    assert_eq!((receivers.len(), message.sender), (2, None));
    assert_eq!(room.control(send(vec!["bob".into()])), Ok(ControlReply::Done));
    assert_eq!(room.data.pop().map(|(receivers, _)| receivers), Some(vec![bob.transport]));
    drop(ann);
}

#[test]
fn a_client_can_ask_for_trouble() {
    use crate::rooms::input::Scenario;
    let mut room = room();
    let ann = room.join("ann");
    room.request(&ann, Request::Simulate(Scenario::FullReconnect));
    assert!(matches!(farewell(&room.told(&ann)), Some((_, AfterLeave::Reconnect))));
    let bob = room.join("bob");
    room.request(&bob, Request::Simulate(Scenario::ServerLeave));
    assert!(matches!(farewell(&room.told(&bob)), Some((_, AfterLeave::Disconnect))));
}
