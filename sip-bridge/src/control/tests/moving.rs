// SPDX-License-Identifier: EUPL-1.2
//! Calls whose sound goes to the thread that has the others of their room.

use std::time::Duration;

use bus::TransportSid;
use bus::phone::{MeetingEvent, PhoneNotice, PhoneRequest, Verdict};

use super::calls::{STATUS, key_in};
use super::rig::{OFFER, Rig};
use crate::control::core::Output;
use crate::sound::{CallKey, SoundEvent};

const TO_FIRST: PhoneNotice = PhoneNotice::RoomIsAt { bridge: 0 };

/// Two calls on two threads, of which the second is about to come into the room of the first; and how many orders there were.
fn rig() -> (Rig, CallKey, usize) {
    let mut rig = Rig::new(2);
    rig.answered("one");
    let call = rig.answered("two");
    let check = key_in(&mut rig, call);
    let before = rig.orders().len();
    rig.notice(call, TO_FIRST);
    rig.notice(call, PhoneNotice::Verdict { check, verdict: Verdict::Admitted });
    (rig, call, before)
}

fn moves(rig: &Rig) -> Vec<(CallKey, usize, usize)> {
    let moves = rig.outputs.iter().filter_map(|output| match output {
        Output::MoveSound { call, from, to } => Some((*call, *from, *to)),
        _ => None,
    });
    moves.collect()
}

fn has_joined(rig: &Rig) -> bool {
    rig.requested().iter().any(|request| matches!(request, PhoneRequest::Join))
}

fn has_told_place(rig: &Rig) -> bool {
    rig.requested().iter().any(|request| matches!(request, PhoneRequest::SoundIsAt { bridge: 0 }))
}

#[test]
fn a_call_goes_to_the_thread_of_its_room_before_it_comes_in() {
    let (mut rig, call, before) = rig();
    assert_eq!(moves(&rig), [(call, 1, 0)]);
    assert_eq!(rig.orders().len(), before, "what is to be played waits");
    assert!(!has_joined(&rig));
    rig.notice(call, TO_FIRST);
    assert_eq!(moves(&rig).len(), 1, "once is enough");
    rig.tell(|core, now| core.handle_sound(now, SoundEvent::Moved { call }));
    rig.notice(call, PhoneNotice::Event(MeetingEvent::Arrived(STATUS)));
    let orders = rig.orders()[before..].to_vec();
    assert!(!orders.is_empty() && orders.iter().all(|(thread, _)| *thread == 0), "{orders:?}");
    let requested = rig.requested();
    assert!(matches!(requested[requested.len() - 2..], [PhoneRequest::SoundIsAt { bridge: 0 }, PhoneRequest::Join]));
    assert_eq!(rig.core.loads(), [2, 0]);
    rig.notice(call, PhoneNotice::Connected { leg: TransportSid::from("leg".to_owned()) });
    assert_eq!(rig.orders()[rig.orders().len() - 2..], [(0, "connect"), (0, "muted")]);
    rig.in_dialog("BYE", "two", "", "");
    assert_eq!(rig.orders().last(), Some(&(0, "end")));
    assert_eq!(rig.core.loads(), [1, 0]);
}

#[test]
fn a_call_that_could_not_go_comes_in_where_it_is() {
    let (mut rig, call, before) = rig();
    rig.tell(|core, now| core.handle_sound(now, SoundEvent::NotMoved { call }));
    rig.notice(call, PhoneNotice::Event(MeetingEvent::Arrived(STATUS)));
    let orders = rig.orders()[before..].to_vec();
    assert!(!orders.is_empty() && orders.iter().all(|(thread, _)| *thread == 1), "{orders:?}");
    assert!(has_joined(&rig) && !has_told_place(&rig));
    assert_eq!(rig.core.loads(), [1, 1]);
}

#[test]
fn who_hangs_up_on_the_way_is_ended_where_the_call_is() {
    for (has_moved, place) in [(true, 0), (false, 1)] {
        let (mut rig, call, _) = rig();
        rig.in_dialog("BYE", "two", "", "");
        assert!(rig.orders().iter().all(|(_, name)| *name != "end"), "neither thread has it for certain");
        let event = if has_moved { SoundEvent::Moved { call } } else { SoundEvent::NotMoved { call } };
        rig.tell(|core, now| core.handle_sound(now, event));
        assert_eq!(rig.orders().last(), Some(&(place, "end")));
        assert!(!has_joined(&rig));
        assert_eq!(rig.core.loads(), [1, 0]);
    }
}

#[test]
fn a_call_stays_where_it_is_when_there_is_no_room_or_no_such_thread() {
    let mut rig = Rig::new(2);
    rig.answered("one");
    let call = rig.answered("two");
    rig.core.load(0, 200);
    for bridge in [0, 1, 2, u16::MAX] {
        rig.notice(call, PhoneNotice::RoomIsAt { bridge });
    }
    rig.invite("three", "Content-Type: application/sdp\r\n", OFFER);
    let unanswered = rig.calls()[2];
    rig.notice(unanswered, PhoneNotice::RoomIsAt { bridge: 0 });
    assert!(moves(&rig).is_empty());
    let check = key_in(&mut rig, call);
    rig.notice(call, PhoneNotice::Verdict { check, verdict: Verdict::Admitted });
    assert!(has_joined(&rig) && !has_told_place(&rig));
}

#[test]
fn a_call_that_no_thread_has_ends() {
    let (mut rig, call, before) = rig();
    rig.run(Duration::from_millis(1_999));
    assert!(rig.requests("BYE").is_empty());
    rig.run(Duration::from_millis(1));
    assert!(rig.requests("BYE")[0].headers.get("Reason").unwrap().contains("technical"));
    assert_eq!((rig.orders().len(), rig.closed_lines()), (before, 1), "no thread is known to have it");
    assert!(!has_joined(&rig));
    // It was only slow: the call must not stay there for ever.
    rig.tell(|core, now| core.handle_sound(now, SoundEvent::Moved { call }));
    assert_eq!(rig.orders()[before..], [(0, "end")]);
    assert_eq!(rig.core.loads(), [1, 0]);
}

#[test]
fn a_call_that_has_moved_is_not_waited_for() {
    let (mut rig, call, _) = rig();
    rig.tell(|core, now| core.handle_sound(now, SoundEvent::Moved { call }));
    rig.run(Duration::from_secs(3));
    assert!(rig.requests("BYE").is_empty() && has_joined(&rig));
}

#[test]
fn what_waits_for_a_call_on_the_way_is_bounded() {
    let (mut rig, call, before) = rig();
    for _ in 0..100 {
        rig.in_dialog("INFO", "two", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\nDuration=160\r\n");
    }
    assert_eq!(rig.orders().len(), before);
    rig.tell(|core, now| core.handle_sound(now, SoundEvent::Moved { call }));
    assert_eq!(rig.orders().len(), before + 64 + 1);
    assert_eq!(rig.orders().last(), Some(&(0, "end")), "the call is given up");
    assert!(rig.requests("BYE")[0].headers.get("Reason").unwrap().contains("technical"));
}
