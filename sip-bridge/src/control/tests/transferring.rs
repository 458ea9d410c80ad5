// SPDX-License-Identifier: EUPL-1.2
//! Callers who are connected elsewhere, and those with whom that does not work.

use std::time::Duration;

use bus::TransportSid;
use bus::phone::{CheckToken, MeetingEvent, PhoneNotice, PhoneRequest, RoomStatus, Verdict, WaitReason};

use super::rig::Rig;
use crate::control::core::Output;
use crate::sound::{CallKey, SoundOrder};

const STATUS: RoomStatus = RoomStatus { count: 2, is_muted: false, may_unmute: true, recording: None };

fn to() -> PhoneNotice {
    PhoneNotice::Transfer { to: "+4930999".to_owned() }
}

/// A caller who is in a meeting.
fn in_meeting() -> (Rig, CallKey, CheckToken) {
    let mut rig = Rig::new(1);
    let call = rig.answered("one");
    rig.run(Duration::from_secs(1));
    for label in "1234567890".chars() {
        let digit = crate::digit::Digit::from_char(label).unwrap();
        rig.tell(|core, now| core.handle_sound(now, crate::sound::SoundEvent::Digit { call, digit }));
    }
    let Some(PhoneRequest::CheckId { check, .. }) = rig.requested().pop() else { panic!("no check") };
    let check = *check;
    rig.notice(call, PhoneNotice::Verdict { check, verdict: Verdict::Admitted });
    rig.notice(call, PhoneNotice::Event(MeetingEvent::Arrived(STATUS)));
    rig.notice(call, PhoneNotice::Connected { leg: TransportSid::from("leg".to_owned()) });
    (rig, call, check)
}

/// The same, who has just been asked to be connected elsewhere.
fn transferring() -> (Rig, CallKey, CheckToken) {
    let (mut rig, call, check) = in_meeting();
    rig.notice(call, to());
    (rig, call, check)
}

fn answer_refer(rig: &mut Rig, status: u16) {
    let refer = (*rig.requests("REFER").last().unwrap()).clone();
    let mut response = refer.response(status, "Answer");
    response.headers.contact = refer.headers.contact;
    let text = String::from_utf8(response.to_bytes()).unwrap();
    rig.send(&text);
}

fn notify(rig: &mut Rig, status: &str, state: &str) {
    let lines = format!("Event: refer\r\nSubscription-State: {state}\r\nContent-Type: message/sipfrag;version=2.0\r\n");
    rig.in_dialog("NOTIFY", "one", &lines, &format!("SIP/2.0 {status}\r\n"));
    assert_eq!(rig.responses("one").last().unwrap().status, 200);
}

fn ended(rig: &Rig) -> Vec<Result<(), Option<u16>>> {
    let ended = rig.requested().into_iter().filter_map(|request| match request {
        PhoneRequest::TransferEnded(result) => Some(*result),
        _ => None,
    });
    ended.collect()
}

/// Where the caller's sound is: the leg of the room, if they hear it.
fn heard(rig: &Rig) -> Option<String> {
    let mut heard = rig.outputs.iter().rev().filter_map(|output| match output {
        Output::Sound { order: SoundOrder::Connect { leg, .. }, .. } => Some(Some(leg.to_string())),
        Output::Sound { order: SoundOrder::Disconnect { .. }, .. } => Some(None),
        _ => None,
    });
    heard.next().flatten()
}

fn has_music(rig: &Rig) -> bool {
    let mut music = rig.outputs.iter().rev().filter_map(|output| match output {
        Output::Sound { order: SoundOrder::Music { is_on, .. }, .. } => Some(*is_on),
        _ => None,
    });
    music.next() == Some(true)
}

#[test]
fn a_transfer_that_works_ends_the_call() {
    let (mut rig, _, _) = transferring();
    // Of a trunk that only calls us its address is known.
    let refer = rig.requests("REFER")[0];
    assert_eq!(refer.headers.get("Refer-To"), Some("<sip:+4930999@127.0.0.1;user=phone>"));
    assert_eq!((heard(&rig), has_music(&rig)), (None, true));
    answer_refer(&mut rig, 202);
    notify(&mut rig, "180 Ringing", "active;expires=60");
    assert!(ended(&rig).is_empty() && rig.requests("BYE").is_empty());
    notify(&mut rig, "200 OK", "terminated;reason=noresource");
    assert_eq!(ended(&rig), [Ok(())]);
    assert_eq!(rig.requests("BYE")[0].headers.get("Reason"), Some("Q.850;cause=16;text=\"transferred\""));
    assert_eq!((rig.closed_lines(), rig.metrics.calls.get()), (1, 0));
    assert_eq!(rig.metrics.transfers.with_label_values(&["done"]).get(), 1);
}

#[test]
fn a_refused_transfer_brings_the_caller_back() {
    let (mut rig, call, _) = transferring();
    // What happens meanwhile holds afterwards.
    rig.notice(call, PhoneNotice::Event(MeetingEvent::MicrophoneOff(bus::phone::By::Host)));
    answer_refer(&mut rig, 403);
    assert_eq!(ended(&rig), [Err(Some(403))]);
    assert_eq!((heard(&rig).as_deref(), has_music(&rig)), (Some("leg"), false));
    let muted = rig.outputs.iter().rev().find_map(|output| match output {
        Output::Sound { order: SoundOrder::Muted { is_muted, .. }, .. } => Some(*is_muted),
        _ => None,
    });
    assert_eq!(muted, Some(true));
    assert!(rig.requests("BYE").is_empty());
    // And may be tried again.
    rig.notice(call, to());
    assert_eq!(rig.requests("REFER").len(), 2);
}

#[test]
fn a_transfer_that_nobody_answers_brings_the_caller_back_to_where_they_were_moved() {
    let (mut rig, call, _) = transferring();
    answer_refer(&mut rig, 202);
    rig.notice(call, PhoneNotice::Connected { leg: TransportSid::from("breakout".to_owned()) });
    assert_eq!(heard(&rig), None);
    notify(&mut rig, "486 Busy Here", "terminated;reason=noresource");
    assert_eq!(ended(&rig), [Err(Some(486))]);
    assert_eq!(heard(&rig).as_deref(), Some("breakout"));
}

#[test]
fn a_trunk_that_says_nothing_more_is_not_waited_for_for_ever() {
    let (mut rig, call, _) = transferring();
    answer_refer(&mut rig, 202);
    rig.run(Duration::from_secs(189));
    assert!(ended(&rig).is_empty());
    rig.run(Duration::from_secs(1));
    assert_eq!(ended(&rig), [Err(None)]);
    assert_eq!((heard(&rig).as_deref(), has_music(&rig)), (Some("leg"), false));
    // And another may be tried, of which the first says nothing.
    rig.notice(call, to());
    assert_eq!((rig.requests("REFER").len(), ended(&rig).len()), (2, 1));
    answer_refer(&mut rig, 202);
    let first = rig.requests("REFER")[0].headers.cseq.number;
    let lines = format!("Event: refer;id={first}\r\nSubscription-State: active\r\nContent-Type: message/sipfrag\r\n");
    rig.in_dialog("NOTIFY", "one", &lines, "SIP/2.0 486 Busy Here\r\n");
    assert_eq!((rig.responses("one").last().unwrap().status, ended(&rig).len()), (481, 1));
}

#[test]
fn a_trunk_that_takes_the_caller_along_without_a_word_has_done_it() {
    let (mut rig, _, _) = transferring();
    answer_refer(&mut rig, 202);
    rig.in_dialog("BYE", "one", "", "");
    assert_eq!((ended(&rig), rig.closed_lines()), (vec![Ok(())], 1));
}

#[test]
fn a_caller_who_hangs_up_before_that_was_not_connected() {
    let (mut rig, _, _) = transferring();
    rig.in_dialog("BYE", "one", "", "");
    assert_eq!((ended(&rig), rig.closed_lines()), (vec![Err(None)], 1));
    assert_eq!(rig.metrics.calls.get(), 0);
}

#[test]
fn only_who_is_in_a_meeting_is_connected_elsewhere_and_once_at_a_time() {
    let mut rig = Rig::new(1);
    let call = rig.answered("one");
    rig.notice(call, to());
    assert_eq!(ended(&rig), [Err(None)]);
    let (mut rig, call, check) = in_meeting();
    rig.notice(call, PhoneNotice::Transfer { to: "x@y>".to_owned() });
    assert_eq!(ended(&rig), [Err(None)]);
    rig.notice(call, to());
    rig.notice(call, to());
    assert_eq!((rig.requests("REFER").len(), ended(&rig).len()), (1, 1));
    // In the lobby again: they hear the room no more, whatever becomes of it.
    rig.notice(call, PhoneNotice::Verdict { check, verdict: Verdict::Wait(WaitReason::Full) });
    answer_refer(&mut rig, 603);
    assert_eq!((ended(&rig).last(), heard(&rig)), (Some(&Err(Some(603))), None));
}
