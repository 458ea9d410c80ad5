// SPDX-License-Identifier: EUPL-1.2
//! Coming in, coming back, leaving.

use std::collections::BTreeSet;

use super::*;
use crate::rooms::input::SyncState;

fn joined(told: &[Notice]) -> &Joined {
    match told.first() {
        Some(Notice::Joined(joined)) => joined,
        other => panic!("the first message is {other:?}"),
    }
}

#[test]
fn the_first_message_holds_everybody_and_their_tracks() {
    let mut room = room();
    let ann = room.join("ann");
    let track = room.publish(&ann, camera("c"));
    let bob = room.join("bob");
    let told = room.told(&bob);
    let joined = joined(&told);
    assert_eq!((&*joined.room.name, joined.room.num_participants, joined.room.num_publishers), ("room", 2, 1));
    assert_eq!(joined.participant.state, ParticipantState::Joining);
    assert_eq!(&*joined.participant.profile.details.name, "BOB");
    let [other] = joined.others.as_slice() else { panic!("{:?}", joined.others) };
    assert_eq!(other.sid, ann.sid);
    assert_eq!(other.tracks.iter().map(|track| &track.sid).collect::<Vec<_>>(), [&track]);
}

#[test]
fn the_others_see_somebody_come_connect_and_go() {
    let mut room = room();
    let ann = room.join("ann");
    room.forget_all();
    let bob = room.join("bob");
    let states: Vec<_> = room.updates(&ann).iter().map(|info| (info.state, info.version)).collect();
    assert_eq!(states, [(ParticipantState::Joined, 2), (ParticipantState::Active, 3)]);
    room.request(&bob, Request::Leave(DisconnectReason::ClientInitiated));
    let gone = room.update(&ann, &bob).expect("an update");
    assert_eq!((gone.state, gone.version), (ParticipantState::Disconnected, 4));
    assert_eq!(gone.disconnect_reason, Some(DisconnectReason::ClientInitiated));
    assert_eq!(farewell(&room.told(&bob)), None, "whoever says goodbye is not sent away");
    assert_eq!(room.ended, [bob.session]);
    assert!(room.ordered().iter().any(|command| matches!(command,
        SfuCommand::CloseTransport { transport } if *transport == bob.transport)));
}

#[test]
fn the_same_identity_takes_the_place_of_the_first() {
    let mut room = room();
    let witness = room.join("witness");
    let old = room.join("ann");
    let track = room.publish(&old, camera("c"));
    room.forget_all();
    let new = room.join("ann");
    assert_eq!(farewell(&room.told(&old)), Some((DisconnectReason::DuplicateIdentity, AfterLeave::Disconnect)));
    assert_eq!(room.left, [DisconnectReason::DuplicateIdentity]);
    let commands = room.ordered();
    let position = |wanted: &dyn Fn(&SfuCommand) -> bool| commands.iter().position(wanted).expect("the command");
    let stopped =
        position(&|command| matches!(command, SfuCommand::Unsubscribe { tracks, .. } if *tracks == [track.clone()]));
    let closed = position(&|command| matches!(command, SfuCommand::CloseTransport { .. }));
    let opened = position(&|command| matches!(command, SfuCommand::OpenTransport { .. }));
    assert!(stopped < closed && closed < opened, "everything of the first is gone before the second comes");
    let updates: Vec<_> = room.updates(&witness).iter().map(|info| (info.sid.clone(), info.state)).collect();
    assert_eq!(updates[0], (old.sid.clone(), ParticipantState::Disconnected));
    assert_eq!(updates[1], (new.sid.clone(), ParticipantState::Joined));
}

#[test]
fn nobody_hears_its_own_identity_leave() {
    let mut room = room();
    room.join("ann");
    let new = room.join("ann");
    let told = room.told(&new);
    assert!(joined(&told).others.is_empty());
    let news =
        told.iter().filter_map(|notice| if let Notice::Participants(infos) = notice { Some(infos) } else { None });
    assert!(news.flatten().all(|info| info.sid == new.sid));
}

#[test]
fn a_full_room_lets_nobody_in_but_those_who_replace_or_serve() {
    let mut room = room_with(RoomSettings { max_participants: 1, ..SETTINGS });
    let ann = room.join("ann");
    let refusal = room.enter(joiner("bob")).expect_err("refused");
    assert_eq!(refusal, Notice::Leave { reason: DisconnectReason::JoinFailure, then: AfterLeave::Disconnect });
    assert!(room.enter(joiner_of_kind("robot", ParticipantKind::Agent)).is_ok());
    let again = room.join("ann");
    assert_ne!(again.sid, ann.sid);
}

#[test]
fn the_hidden_are_not_seen() {
    let mut room = room();
    let ann = room.join("ann");
    room.forget_all();
    let ghost = room.join_as(joiner_with("ghost", r#"{"hidden":true}"#));
    assert!(room.updates(&ann).is_empty());
    let told = room.told(&ghost);
    assert_eq!(joined(&told).others.len(), 1);
    assert_eq!(joined(&told).room.num_participants, 1);
    let bob = room.join("bob");
    let told = room.told(&bob);
    assert_eq!(joined(&told).others.iter().map(|info| &*info.profile.identity).collect::<Vec<_>>(), ["ann"]);
    room.request(&ghost, Request::Leave(DisconnectReason::ClientInitiated));
    assert!(room.updates(&ann).iter().all(|info| info.sid != ghost.sid));
}

#[test]
fn a_lost_websocket_is_waited_for() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    room.forget_all();
    room.handle(Input::SessionEnded { session: bob.session });
    room.pass(Duration::from_secs(29));
    assert!(room.left.is_empty() && room.updates(&ann).is_empty());
    let session = room.resume("bob", &bob.sid);
    room.pass(Duration::from_secs(60));
    assert!(room.left.is_empty(), "a client that is back is not waited for any more");
    room.handle(Input::SessionEnded { session });
    room.pass(Duration::from_secs(30));
    assert_eq!(room.left, [DisconnectReason::SignalClose]);
    assert!(room.update(&ann, &bob).is_some_and(|info| info.state == ParticipantState::Disconnected));
}

#[test]
fn whoever_resumes_hears_first_that_it_is_still_in_and_then_everything() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&bob, microphone("m"));
    let muted = room.control(Control::Mute { identity: "bob".into(), track: track.clone(), is_muted: true });
    assert!(muted.is_ok());
    room.handle(Input::SessionEnded { session: bob.session });
    room.handle(Input::SessionEnded { session: ann.session });
    let session = room.resume("bob", &bob.sid);
    let told = room.told_to(session);
    assert!(matches!(told[0], Notice::Resumed { last_data_sequence: 0 }));
    assert_eq!(told[1], Notice::Muted { track, is_muted: true }, "before it reads so in the update");
    let Notice::Participants(infos) = &told[2] else { panic!("{told:?}") };
    let identities: Vec<_> = infos.iter().map(|info| &*info.profile.identity).collect();
    assert_eq!(identities, ["ann", "bob"]);
    assert!(matches!(told[3], Notice::Room(_)));
    assert!(matches!(told[4], Notice::RenewToken(_)));
}

#[test]
fn whoever_resumes_hears_who_left_meanwhile() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let (cy, back, shy) = (room.join("cy"), room.join("back"), room.join("shy"));
    room.join_as(joiner_with("ghost", r#"{"hidden":true}"#));
    room.request(&ann, Request::Leave(DisconnectReason::ClientInitiated));
    room.pass(Duration::from_secs(100));
    // Its connection is dead, which nobody has noticed yet.
    room.told(&bob);
    for someone in [&cy, &back] {
        room.request(someone, Request::Leave(DisconnectReason::ClientInitiated));
    }
    let back = room.join("back");
    let hidden = serde_json::from_str::<VideoGrants>(r#"{"hidden":true}"#).expect("grants").permissions();
    let (identity, change) = ("shy".into(), Default::default());
    assert!(room.control(Control::UpdateParticipant { identity, change, permissions: Some(hidden) }).is_ok());
    let session = room.resume("bob", &bob.sid);
    let told = room.told_to(session);
    let Notice::Participants(infos) = &told[1] else { panic!("{told:?}") };
    let seen: Vec<_> = infos.iter().map(|info| (info.sid.clone(), info.state)).collect();
    let gone = |who: &Someone| (who.sid.clone(), ParticipantState::Disconnected);
    let there = |who: &Someone| (who.sid.clone(), ParticipantState::Active);
    assert_eq!(seen[..2], [gone(&cy), gone(&shy)], "not who left long ago, nor who is back");
    assert!(seen[2..].contains(&there(&back)) && seen[2..].contains(&there(&bob)) && seen.len() == 4, "{seen:?}");
}

#[test]
fn a_new_websocket_takes_over_from_one_that_only_seems_alive() {
    let mut room = room();
    let ann = room.join("ann");
    let session = room.resume("ann", &ann.sid);
    assert_eq!(room.ended, [ann.session]);
    // What comes late of the old one counts no more.
    room.request(&ann, Request::Leave(DisconnectReason::ClientInitiated));
    room.handle(Input::SessionEnded { session: ann.session });
    room.pass(Duration::from_secs(40));
    assert!(room.left.is_empty());
    room.handle(Input::Request { session, request: Request::Leave(DisconnectReason::ClientInitiated) });
    assert_eq!(room.left, [DisconnectReason::ClientInitiated]);
}

#[test]
fn only_the_same_stay_of_the_same_person_can_be_resumed() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    for (identity, sid) in [("ann", "PA_gone"), ("ann", bob.sid.as_str()), ("eve", ann.sid.as_str()), ("ann", "")] {
        let session = room.resume(identity, &sid.into());
        let told = room.told_to(session);
        assert_eq!(told, [Notice::Leave { reason: DisconnectReason::StateMismatch, then: AfterLeave::Reconnect }]);
        assert_eq!(room.ended.pop(), Some(session));
    }
    assert!(room.left.is_empty());
}

#[test]
fn a_resumed_client_is_taken_at_its_word() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let (first, second) = (room.publish(&ann, camera("1")), room.publish(&ann, camera("2")));
    let pending = room.add_track(&bob, microphone("m"));
    room.forget_all();
    let session = room.resume("bob", &bob.sid);
    room.told_to(session);
    let sync = SyncState {
        tracks: vec![first.clone(), "TR_gone".into()],
        subscribe: false,
        disabled: BTreeSet::from([second.clone()]),
        ..SyncState::default()
    };
    room.handle(Input::Request { session, request: Request::Sync(sync) });
    let commands = room.ordered();
    assert!(commands.iter().any(|command| matches!(command,
        SfuCommand::Unsubscribe { tracks, .. } if *tracks == [first.clone()])));
    assert!(commands.iter().any(|command| matches!(command,
        SfuCommand::ConfigureSubscription { track, settings, .. } if *track == second && settings.is_paused)));
    let told = room.told_to(session);
    assert!(told.iter().any(|notice| matches!(notice, Notice::TrackPublished { track, .. } if track.sid == pending)));
    assert!(!told.iter().any(|notice| matches!(notice, Notice::SubscriptionFailed { .. })));
}

#[test]
fn whoever_never_connects_has_to_go() {
    let mut room = room();
    let ann = room.enter(joiner("ann")).expect("let in");
    room.pass(Duration::from_secs(59));
    assert!(room.left.is_empty());
    room.pass(Duration::from_secs(1));
    assert_eq!(farewell(&room.told(&ann)), Some((DisconnectReason::JoinFailure, AfterLeave::Reconnect)));
    let mut room = super::room();
    room.join("bob");
    room.pass(Duration::from_secs(120));
    assert!(room.left.is_empty(), "who is connected stays");
}

#[test]
fn a_failed_transport_makes_its_client_join_anew() {
    let check = |failure, loses_websocket, reason| {
        let mut room = room();
        let ann = room.join("ann");
        if loses_websocket {
            room.handle(Input::SessionEnded { session: ann.session });
        }
        let transport = ann.transport.clone();
        room.handle(Input::Sfu(SfuEvent::Failed { transport, reason: failure }));
        assert_eq!(room.left, [reason]);
        let told = farewell(&room.told(&ann));
        assert_eq!(told, (!loses_websocket).then_some((reason, AfterLeave::Reconnect)));
    };
    check(TransportFailure::ConsentLost, false, DisconnectReason::ConnectionTimeout);
    check(TransportFailure::ConsentLost, true, DisconnectReason::SignalClose);
    check(TransportFailure::ClosedByPeer, false, DisconnectReason::ClientInitiated);
    let mut room = room();
    let ann = room.enter(joiner("ann")).expect("let in");
    let reason = TransportFailure::HandshakeTimeout;
    room.handle(Input::Sfu(SfuEvent::Failed { transport: ann.transport.clone(), reason }));
    assert_eq!(room.left, [DisconnectReason::JoinFailure]);
}

#[test]
fn a_lost_node_makes_everybody_join_anew() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    room.handle(Input::NodeLost);
    for someone in [&ann, &bob] {
        assert!(matches!(farewell(&room.told(someone)), Some((_, AfterLeave::Reconnect))));
    }
    assert!(!room.is_closed, "they come back to this room");
}

#[test]
fn a_node_without_room_turns_people_away() {
    let mut room = room();
    for (is_full, then) in [(true, AfterLeave::Disconnect), (false, AfterLeave::Reconnect)] {
        let ann = room.enter(joiner("ann")).expect("let in");
        room.handle(Input::TransportRefused { transport: ann.transport.clone(), is_full });
        assert_eq!(farewell(&room.told(&ann)), Some((DisconnectReason::JoinFailure, then)));
    }
}
