// SPDX-License-Identifier: EUPL-1.2
//! How long rooms and tokens live.

use super::*;
use crate::rooms::input::RoomChange;

#[test]
fn an_unused_room_ends() {
    let mut room = room();
    room.pass(Duration::from_secs(299));
    assert!(!room.is_closed);
    room.pass(Duration::from_secs(1));
    assert!(room.is_closed);
    assert!(room.room.poll_timeout().is_none());
}

#[test]
fn a_room_waits_for_those_who_left() {
    let mut room = room();
    let ann = room.join("ann");
    room.pass(Duration::from_secs(1000));
    room.request(&ann, Request::Leave(DisconnectReason::ClientInitiated));
    room.pass(Duration::from_secs(19));
    assert!(!room.is_closed);
    let ann = room.join("ann");
    room.pass(Duration::from_secs(100));
    assert!(!room.is_closed, "somebody is there again");
    room.request(&ann, Request::Leave(DisconnectReason::ClientInitiated));
    room.pass(Duration::from_secs(20));
    assert!(room.is_closed);
}

#[test]
fn those_who_serve_keep_no_room_open() {
    let mut room = room();
    let ann = room.join("ann");
    let agent = room.join_as(joiner_of_kind("agent", ParticipantKind::Agent));
    room.request(&ann, Request::Leave(DisconnectReason::ClientInitiated));
    room.pass(Duration::from_secs(20));
    assert!(room.is_closed);
    assert_eq!(farewell(&room.told(&agent)), Some((DisconnectReason::RoomClosed, AfterLeave::Disconnect)));
    let mut empty = super::room();
    empty.join_as(joiner_of_kind("recorder", ParticipantKind::Egress));
    empty.pass(Duration::from_secs(300));
    assert!(empty.is_closed);
}

#[test]
fn a_room_can_be_given_more_time() {
    let mut room = room();
    let longer = RoomChange { empty_timeout: Some(Duration::from_secs(1000)), ..RoomChange::default() };
    assert!(room.control(Control::Configure(longer)).is_ok());
    room.pass(Duration::from_secs(999));
    assert!(!room.is_closed);
    let shorter = RoomChange { empty_timeout: Some(Duration::from_secs(10)), ..RoomChange::default() };
    assert!(room.control(Control::Configure(shorter)).is_ok());
    room.pass(Duration::ZERO);
    assert!(room.is_closed);
}

#[test]
fn when_a_room_ends_everybody_is_told() {
    let check = |reason, then| {
        let mut room = room();
        let (ann, bob) = (room.join("ann"), room.join("bob"));
        room.forget_all();
        room.handle(Input::Close(reason));
        assert!(room.is_closed);
        for someone in [&ann, &bob] {
            assert_eq!(farewell(&room.told(someone)), Some((reason, then)));
            assert!(room.ended.contains(&someone.session));
        }
        let closed =
            room.ordered().iter().filter(|command| matches!(command, SfuCommand::CloseTransport { .. })).count();
        assert_eq!(closed, 2);
    };
    check(DisconnectReason::RoomDeleted, AfterLeave::Disconnect);
    check(DisconnectReason::ServerShutdown, AfterLeave::Reconnect);
}

#[test]
fn a_room_that_is_over_answers_no_more() {
    let mut room = room();
    room.handle(Input::Close(DisconnectReason::RoomDeleted));
    room.is_closed = false;
    let session = room.new_session();
    room.handle(Input::Join(Box::new(Join { session, ..joiner("late") })));
    assert_eq!((room.told_to(session), room.ended.clone()), (vec![], vec![session]));
    assert_eq!(room.control(Control::ListParticipants), Err(ControlError::RoomClosed));
}

#[test]
fn tokens_are_renewed_at_once_and_every_five_minutes() {
    let mut room = room();
    let ann = room.join("ann");
    let renewals = |told: Vec<Notice>| told.iter().filter(|notice| matches!(notice, Notice::RenewToken(_))).count();
    assert_eq!(renewals(room.told(&ann)), 1);
    room.pass(Duration::from_secs(299));
    assert_eq!(renewals(room.told(&ann)), 0);
    room.pass(Duration::from_secs(1));
    assert_eq!(renewals(room.told(&ann)), 1);
    room.pass(Duration::from_secs(900));
    assert_eq!(renewals(room.told(&ann)), 3);
}

#[test]
fn everybody_learns_how_many_there_are_once_a_second() {
    let mut room = room();
    let ann = room.join("ann");
    room.pass(Duration::from_secs(5));
    room.forget_all();
    for number in 0..10 {
        room.join(&number.to_string());
    }
    room.pass(Duration::from_secs(5));
    let told: Vec<_> = room
        .told(&ann)
        .into_iter()
        .filter_map(|notice| match notice {
            Notice::Room(info) => Some(info.num_participants),
            _ => None,
        })
        .collect();
    assert_eq!(told, [2, 11]);
}
