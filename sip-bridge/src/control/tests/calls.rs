// SPDX-License-Identifier: EUPL-1.2
//! From the INVITE into the meeting.

use std::time::Duration;

use bus::TransportSid;
use bus::phone::{CheckToken, Decline, MeetingEvent, PhoneNotice, PhoneRequest, RoomStatus, Verdict, WaitReason};

use super::rig::{OFFER, Rig};
use crate::control::core::Output;
use crate::digit::Digit;
use crate::sdp::SessionDescription;
use crate::sound::{CallKey, SoundEvent, SoundOrder};

const SDP: &str = "Content-Type: application/sdp\r\n";
pub(super) const STATUS: RoomStatus = RoomStatus { count: 2, is_muted: true, may_unmute: true, recording: None };

/// Keys in a conference number, after the greeting has begun. Gives what signaling is asked.
pub(super) fn key_in(rig: &mut Rig, call: CallKey) -> CheckToken {
    rig.run(Duration::from_secs(1));
    for label in "1234567890".chars() {
        let digit = Digit::from_char(label).unwrap();
        rig.tell(|core, now| core.handle_sound(now, SoundEvent::Digit { call, digit }));
    }
    match rig.requested().last() {
        Some(PhoneRequest::CheckId { check, digits }) => {
            assert_eq!(digits.len(), 10);
            *check
        }
        other => panic!("{other:?}"),
    }
}

fn enter(rig: &mut Rig, call: CallKey) -> CheckToken {
    let check = key_in(rig, call);
    rig.notice(call, PhoneNotice::Verdict { check, verdict: Verdict::Admitted });
    assert!(matches!(rig.requested().last(), Some(PhoneRequest::Join)));
    rig.notice(call, PhoneNotice::Event(MeetingEvent::Arrived(STATUS)));
    rig.notice(call, PhoneNotice::Connected { leg: TransportSid::from("leg".to_owned()) });
    check
}

#[test]
fn a_call_rings_is_answered_by_signalings_word_and_has_sound_after_the_ack() {
    let mut rig = Rig::new(1);
    rig.invite("one", SDP, OFFER);
    assert_eq!(rig.statuses("one"), [100, 180]);
    let call = rig.calls()[0];
    let Some(Output::OpenLine { incoming, .. }) =
        rig.outputs.iter().find(|output| matches!(output, Output::OpenLine { .. }))
    else {
        panic!("no line")
    };
    assert_eq!((incoming.trunk.as_str(), incoming.called.as_str()), ("dev", "+49301"));
    assert_eq!((incoming.caller.as_deref(), incoming.is_withheld), (Some("+491701"), false));
    assert!(rig.orders().is_empty(), "no sound before the answer");
    rig.begun(call);
    assert_eq!(rig.statuses("one"), [100, 180, 200]);
    let answer = SessionDescription::parse(&rig.answer("one").body).unwrap();
    assert!((42_000..=42_999).contains(&answer.media[0].port) && answer.media[0].port.is_multiple_of(2));
    assert_eq!(rig.orders(), [(0, "begin")]);
    rig.in_dialog("ACK", "one", "", "");
    assert_eq!(rig.orders(), [(0, "begin"), (0, "open")]);
    rig.run(Duration::from_secs(1));
    assert_eq!(rig.orders()[2..], [(0, "play")]);
}

#[test]
fn a_caller_is_led_into_the_meeting_and_back_into_the_lobby() {
    let mut rig = Rig::new(1);
    let call = rig.answered("one");
    let check = enter(&mut rig, call);
    let orders: Vec<_> = rig.orders().into_iter().map(|(_, name)| name).collect();
    assert!(orders.windows(2).any(|two| two == ["connect", "muted"]), "{orders:?}");
    let is_muted = |rig: &Rig| {
        let mut muted = rig.outputs.iter().rev().filter_map(|output| match output {
            Output::Sound { order: SoundOrder::Muted { is_muted, .. }, .. } => Some(*is_muted),
            _ => None,
        });
        muted.next()
    };
    assert_eq!(is_muted(&rig), Some(true));
    rig.notice(call, PhoneNotice::Event(MeetingEvent::MicrophoneOn));
    assert_eq!(is_muted(&rig), Some(false));
    let waits = Verdict::Wait(WaitReason::Lobby { position: Some(1) });
    rig.notice(call, PhoneNotice::Verdict { check, verdict: waits });
    assert!(rig.orders().contains(&(0, "disconnect")));
    // What comes too late connects nobody.
    let before = rig.orders().iter().filter(|(_, name)| *name == "connect").count();
    rig.notice(call, PhoneNotice::Connected { leg: TransportSid::from("late".to_owned()) });
    assert_eq!(rig.orders().iter().filter(|(_, name)| *name == "connect").count(), before);
}

#[test]
fn calls_go_to_the_thread_with_the_fewest() {
    let mut rig = Rig::new(2);
    for id in ["one", "two", "three"] {
        rig.answered(id);
    }
    let begun: Vec<usize> = rig.orders().iter().filter(|(_, name)| *name == "begin").map(|(at, _)| *at).collect();
    assert_eq!(begun, [0, 1, 0]);
    rig.invite("four", SDP, OFFER);
    assert_eq!(rig.statuses("four"), [100, 503], "as many as there may be");
    assert_eq!(rig.metrics.refused_calls.with_label_values(&["too_many"]).get(), 1);
}

#[test]
fn strangers_are_refused_and_nobody_hears_of_them() {
    let mut rig = Rig::new(1);
    rig.source = "203.0.113.9:5060";
    rig.invite("one", SDP, OFFER);
    assert_eq!(rig.statuses("one"), [100, 403]);
    assert!(rig.calls().is_empty() && rig.orders().is_empty());
    assert_eq!(rig.metrics.calls.get(), 0);
}

#[test]
fn what_cannot_be_agreed_on_is_refused_and_its_port_is_free_again() {
    let mut rig = Rig::new(1);
    rig.invite("video", SDP, &OFFER.replace("m=audio", "m=video"));
    assert_eq!(rig.statuses("video"), [100, 488]);
    assert!(rig.answer("video").headers.get("Warning").unwrap().starts_with("304 "));
    rig.invite("broken", SDP, "v=0\r\nnonsense");
    assert_eq!(rig.statuses("broken"), [100, 400]);
    assert!(rig.calls().is_empty());
    // All ports have been given back: they rest, and none is in use.
    rig.answered("good");
    assert_eq!(rig.orders()[0], (0, "begin"));
}

#[test]
fn what_the_endpoint_cannot_do_is_refused_by_the_rules() {
    let mut rig = Rig::new(1);
    rig.invite("ext", "Require: nothing\r\n", "");
    assert_eq!(rig.statuses("ext"), [420]);
    rig.invite("type", "Content-Type: text/plain\r\n", "hello");
    assert_eq!(rig.statuses("type"), [415]);
}

#[test]
fn signaling_may_decline() {
    for (decline, status, header) in [
        (Decline::UnknownNumber, 404, None),
        (Decline::Blocked(Duration::from_secs(60)), 480, Some("60")),
        (Decline::Unavailable, 503, None),
    ] {
        let mut rig = Rig::new(1);
        rig.invite("one", SDP, OFFER);
        let call = rig.calls()[0];
        rig.notice(call, PhoneNotice::Declined(decline));
        assert_eq!(rig.statuses("one"), [100, 180, status]);
        assert_eq!(rig.answer("one").headers.get("Retry-After"), header);
        assert_eq!(rig.closed_lines(), 1);
        assert!(rig.orders().is_empty());
    }
}

#[test]
fn an_offer_may_stand_beside_another_part() {
    let mut rig = Rig::new(1);
    let body = format!(
        "--x\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--x\r\nContent-Type: application/isup\r\n\r\nabc\r\n--x--\r\n"
    );
    rig.invite("one", "Content-Type: multipart/mixed;boundary=x\r\n", &body);
    let call = rig.calls()[0];
    rig.begun(call);
    let answer = SessionDescription::parse(&rig.answer("one").body).unwrap();
    assert_eq!(answer.media.len(), 1);
    assert_eq!(rig.orders(), [(0, "begin")], "it was an offer, and is answered");
}

#[test]
fn without_an_offer_ours_is_answered_in_the_ack() {
    let mut rig = Rig::new(1);
    rig.invite("one", "", "");
    let call = rig.calls()[0];
    rig.begun(call);
    let ours = SessionDescription::parse(&rig.answer("one").body).unwrap();
    assert!(ours.media[0].formats.len() > 2, "all that we can");
    assert!(rig.orders().is_empty());
    rig.in_dialog("ACK", "one", SDP, OFFER);
    assert_eq!(rig.orders(), [(0, "begin"), (0, "open")]);
}

#[test]
fn hold_changes_the_sound_and_nonsense_does_not() {
    let mut rig = Rig::new(1);
    rig.answered("one");
    rig.in_dialog("INVITE", "one", SDP, &format!("{}a=sendonly\r\n", OFFER.replace("o=- 1 1", "o=- 1 2")));
    let held = rig.responses("one").last().unwrap().clone();
    assert_eq!(held.status, 200);
    assert!(String::from_utf8_lossy(&held.body).contains("a=recvonly"));
    assert_eq!(rig.orders().last(), Some(&(0, "change")));
    assert!(matches!(rig.requested()[..], [PhoneRequest::SetHold(true)]), "{:?}", rig.requested());
    rig.in_dialog("ACK", "one", "", "");
    let count = rig.orders().len();
    rig.in_dialog("UPDATE", "one", SDP, &OFFER.replace(" 8 101", " 18"));
    assert_eq!(rig.responses("one").last().unwrap().status, 488);
    assert_eq!((rig.orders().len(), rig.requested().len()), (count, 1));
    rig.in_dialog("UPDATE", "one", SDP, &OFFER.replace("o=- 1 1", "o=- 1 3"));
    assert!(matches!(rig.requested()[1..], [PhoneRequest::SetHold(false)]), "{:?}", rig.requested());
}

#[test]
fn a_call_that_begins_held_is_told_as_such() {
    let mut rig = Rig::new(1);
    rig.invite("one", "Content-Type: application/sdp\r\n", &format!("{OFFER}a=sendonly\r\n"));
    let call = rig.calls()[0];
    rig.begun(call);
    rig.in_dialog("ACK", "one", "", "");
    assert!(matches!(rig.requested()[..], [PhoneRequest::SetHold(true)]), "{:?}", rig.requested());
    rig.in_dialog("UPDATE", "one", SDP, &OFFER.replace("o=- 1 1", "o=- 1 2"));
    assert!(matches!(rig.requested()[1..], [PhoneRequest::SetHold(false)]), "{:?}", rig.requested());
}

#[test]
fn a_key_by_info_is_handed_to_the_thread_that_hears_them() {
    let mut rig = Rig::new(1);
    rig.answered("one");
    rig.in_dialog("INFO", "one", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\nDuration=160\r\n");
    assert_eq!(rig.responses("one").last().unwrap().status, 200);
    assert_eq!(rig.orders().last(), Some(&(0, "digit")));
}

#[test]
fn a_call_that_is_refused_leaves_its_port_to_the_next() {
    let mut rig = Rig::new(1);
    // More than there are ports.
    for n in 0..501 {
        let id = n.to_string();
        rig.invite(&id, "Content-Type: application/sdp\r\n", &OFFER.replace("RTP/AVP 8 101", "RTP/AVP 97"));
        assert_eq!(rig.statuses(&id), [100, 488]);
        rig.outputs.clear();
    }
}
