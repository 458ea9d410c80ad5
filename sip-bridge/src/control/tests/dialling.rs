// SPDX-License-Identifier: EUPL-1.2
//! Calls that we make: from the order to somebody who takes part, or to the reason why nobody does.

use std::time::Duration;

use bus::TransportSid;
use bus::phone::{
    CallPurpose, DialProgress, MeetingEvent, NotReachedReason, OutgoingCall, PhoneNotice, PhoneRequest, RoomStatus,
    TrunkConfig, TrunkTransport, Verdict,
};

use super::callee::{FIRST, answered, dialling, not_reached, order, trunk};
use super::rig::{OFFER, Rig};
use crate::control::core::Output;
use crate::digit::Digit;
use crate::sdp::SessionDescription;
use crate::sound::{CallKey, SoundEvent, SoundOrder};
use crate::trunks::testing::{credentials, destination, registering};

const ANSWERED: DialProgress = DialProgress::Answered { bridge: 0 };

fn press(rig: &mut Rig, call: CallKey, key: char) {
    let digit = Digit::from_char(key).unwrap();
    rig.tell(|core, now| core.handle_sound(now, SoundEvent::Digit { call, digit }));
}

fn assert_over(rig: &Rig, result: &str) {
    assert_eq!((rig.metrics.calls.get(), rig.closed_lines()), (0, 1));
    assert_eq!(rig.metrics.outgoing_calls.with_label_values(&[result]).get(), 1, "{result}");
    let count = |wanted: &str| rig.orders().iter().filter(|(_, name)| *name == wanted).count();
    assert_eq!(count("begin"), count("end"));
    // Whoever holds the line reads this before its end.
    let told = |output: &Output| matches!(output, Output::Request { request: PhoneRequest::Progress(_), .. });
    let last = rig.outputs.iter().rposition(told).unwrap();
    assert!(last < rig.outputs.iter().position(|output| matches!(output, Output::CloseLine { .. })).unwrap());
}

#[test]
fn an_invitation_says_who_calls_whom_and_offers_sound() {
    let (rig, _) = dialling(CallPurpose::Invitation);
    let invite = rig.last_request("INVITE");
    assert_eq!(invite.uri.to_string(), "sip:+4930777@198.51.100.7:5060;user=phone");
    assert_eq!(invite.headers.to.uri, invite.uri);
    assert_eq!(invite.headers.from.uri.to_string(), "sip:+4930111@127.0.0.1;user=phone");
    let asserted = invite.headers.get("P-Asserted-Identity");
    assert_eq!(asserted, Some("<sip:+4930111@127.0.0.1;user=phone>"));
    assert_eq!(invite.headers.get("Privacy"), None);
    let offer = SessionDescription::parse(&invite.body).unwrap();
    assert_eq!(offer.media[0].protocol, "RTP/AVP");
    assert!(!String::from_utf8_lossy(&invite.body).contains("crypto"), "keys travel in the open");
    assert_eq!(rig.metrics.calls.get(), 1);
}

#[test]
fn it_rings_is_answered_and_sound_begins_at_once() {
    let (mut rig, call) = dialling(CallPurpose::Invitation);
    rig.respond("INVITE", 100, "", &[]);
    assert!(rig.progress().is_empty());
    rig.respond("INVITE", 180, "", &[]);
    rig.respond("INVITE", 183, OFFER, &[]);
    assert_eq!(rig.progress(), [DialProgress::Ringing], "once");
    assert!(rig.orders().is_empty(), "no sound before the answer");
    rig.respond("INVITE", 200, OFFER, &[]);
    assert_eq!(rig.requests("ACK").len(), 1);
    assert_eq!(rig.orders(), [(0, "begin"), (0, "open")]);
    assert_eq!(rig.progress(), [DialProgress::Ringing, ANSWERED]);
    rig.run(Duration::from_secs(1));
    assert_eq!(rig.orders()[2..], [(0, "play")]);
    press(&mut rig, call, '1');
    let Some(PhoneRequest::CheckRoom { check }) = rig.requested().pop() else { panic!("no check") };
    let (check, status) = (*check, RoomStatus { count: 2, is_muted: false, may_unmute: true, recording: None });
    rig.notice(call, PhoneNotice::Verdict { check, verdict: Verdict::Admitted });
    rig.notice(call, PhoneNotice::Event(MeetingEvent::Arrived(status)));
    rig.notice(call, PhoneNotice::Connected { leg: TransportSid::from("leg".to_owned()) });
    assert!(rig.orders().contains(&(0, "connect")));
    assert_eq!(rig.metrics.outgoing_calls.with_label_values(&["took_part"]).get(), 1);
    rig.request_by_callee("BYE", 1, "", "");
    assert_eq!(rig.progress(), [DialProgress::Ringing, ANSWERED], "a caller like others, who hangs up");
    assert_eq!(rig.closed_lines(), 1);
    assert_eq!(rig.metrics.calls.get(), 0);
}

#[test]
fn an_answer_that_was_told_before_and_reliably_is_not_repeated() {
    let (mut rig, _) = dialling(CallPurpose::Connection);
    rig.respond("INVITE", 183, OFFER, &[("Require", "100rel"), ("RSeq", "7")]);
    assert_eq!(rig.requests("PRACK").len(), 1);
    rig.respond("PRACK", 200, "", &[]);
    rig.respond("INVITE", 200, "", &[]);
    assert_eq!(rig.orders(), [(0, "begin"), (0, "open")]);
    rig.run(Duration::from_secs(1));
    assert!(matches!(rig.requested().last(), Some(PhoneRequest::CheckRoom { .. })));
}

#[test]
fn sound_goes_to_the_telephone_that_was_picked_up() {
    let (mut rig, _) = dialling(CallPurpose::Connection);
    let invite = rig.last_request("INVITE");
    let reliably = [("Require", "100rel"), ("RSeq", "7")];
    rig.respond_to(&invite, "first", 183, OFFER, &reliably);
    rig.respond_to(&invite, "second", 183, &OFFER.replace("40000", "41000"), &reliably);
    rig.respond_to(&invite, "first", 200, "", &[]);
    let agreed = rig.outputs.iter().find_map(|output| match output {
        Output::Sound { order: SoundOrder::Begin { agreed, .. }, .. } => agreed.remote_rtp,
        _ => None,
    });
    assert_eq!(agreed.map(|address| address.port()), Some(40_000));
}

#[test]
fn a_refusal_is_a_reason_and_is_not_tried_elsewhere() {
    for (status, reason, label) in [
        (486, NotReachedReason::Busy, "busy"),
        (480, NotReachedReason::NotAnswered, "not_answered"),
        (603, NotReachedReason::Declined, "declined"),
        (404, NotReachedReason::UnknownNumber, "unknown_number"),
        (403, NotReachedReason::NotAllowed, "not_allowed"),
        (302, NotReachedReason::NotAllowed, "not_allowed"),
        (407, NotReachedReason::NotAllowed, "not_allowed"),
        (488, NotReachedReason::NoCommonSound, "no_common_sound"),
        (500, NotReachedReason::TrunkFailed, "trunk_failed"),
    ] {
        let (mut rig, _) = dialling(CallPurpose::Invitation);
        let elsewhere = [("Contact", "<sip:+8821234@203.0.113.1>")];
        rig.respond("INVITE", status, "", if status == 302 { &elsewhere } else { &[] });
        assert_eq!(rig.progress(), [not_reached(reason, Some(status))]);
        assert_eq!(rig.requests("INVITE").len(), 1, "{status}");
        assert!(rig.orders().is_empty());
        assert_over(&rig, label);
    }
}

#[test]
fn who_does_not_come_to_the_telephone_is_not_rung_for_ever() {
    let (mut rig, _) = dialling(CallPurpose::Invitation);
    rig.respond("INVITE", 180, "", &[]);
    rig.run(Duration::from_secs(59));
    assert!(rig.requests("CANCEL").is_empty());
    rig.run(Duration::from_secs(1));
    rig.respond("CANCEL", 200, "", &[]);
    rig.respond("INVITE", 487, "", &[]);
    assert_eq!(rig.progress()[1..], [not_reached(NotReachedReason::NotAnswered, None)]);
    assert_over(&rig, "not_answered");
}

#[test]
fn a_call_that_is_given_up_is_cancelled_or_hung_up() {
    for notice in [Some(PhoneNotice::GiveUp), None, Some(PhoneNotice::EndedByOperator)] {
        let (mut rig, call) = dialling(CallPurpose::Invitation);
        rig.respond("INVITE", 180, "", &[]);
        rig.tell(|core, now| core.handle_notice(now, call, notice));
        assert_eq!(rig.requests("CANCEL").len(), 1);
        assert_eq!(rig.progress()[1..], [not_reached(NotReachedReason::GivenUp, None)]);
        assert_over(&rig, "given_up");
        // Somebody has lifted the receiver at the same moment.
        rig.respond("INVITE", 200, OFFER, &[]);
        assert_eq!((rig.requests("ACK").len(), rig.requests("BYE").len()), (1, 1));
        assert!(rig.orders().is_empty());
    }
    for notice in [Some(PhoneNotice::GiveUp), None] {
        let (mut rig, call) = answered(CallPurpose::Invitation);
        rig.tell(|core, now| core.handle_notice(now, call, notice));
        assert_eq!(rig.requests("BYE").len(), 1);
        assert_eq!(rig.progress(), [ANSWERED, not_reached(NotReachedReason::GivenUp, None)]);
        assert_over(&rig, "given_up");
    }
}

#[test]
fn before_anything_was_heard_there_is_no_cancel() {
    let (mut rig, call) = dialling(CallPurpose::Invitation);
    rig.notice(call, PhoneNotice::GiveUp);
    assert!(rig.requests("CANCEL").is_empty());
    assert_over(&rig, "given_up");
    rig.respond("INVITE", 180, "", &[]);
    assert_eq!(rig.requests("CANCEL").len(), 1);
}

#[test]
fn who_answers_and_presses_nothing_was_not_reached() {
    let (mut rig, call) = answered(CallPurpose::Invitation);
    rig.play_out(call);
    rig.run(Duration::from_secs(30));
    rig.play_out(call);
    assert_eq!(rig.progress(), [ANSWERED, not_reached(NotReachedReason::NotConfirmed, None)]);
    assert_eq!(rig.last_request("BYE").headers.get("Reason"), Some("Q.850;cause=102;text=\"not confirmed\""));
    assert_over(&rig, "not_confirmed");
}

#[test]
fn who_hangs_up_before_the_key_has_declined() {
    let (mut rig, _) = answered(CallPurpose::Invitation);
    rig.request_by_callee("BYE", 1, "", "");
    assert_eq!(rig.progress(), [ANSWERED, not_reached(NotReachedReason::Declined, None)]);
    assert_over(&rig, "declined");
}

#[test]
fn a_test_is_heard_and_told() {
    let (mut rig, call) = answered(CallPurpose::Test);
    rig.play_out(call);
    assert_eq!(rig.progress(), [ANSWERED, DialProgress::Tested]);
    assert_eq!(rig.requests("BYE").len(), 1);
    assert_over(&rig, "tested");
}

#[test]
fn the_longest_time_is_said_before_the_call_ends() {
    let (mut rig, call) = answered(CallPurpose::Connection);
    rig.notice(call, PhoneNotice::Event(MeetingEvent::TimeUp));
    assert!(rig.requests("BYE").is_empty());
    rig.play_out(call);
    assert_eq!(rig.last_request("BYE").headers.get("Reason"), Some("Q.850;cause=16;text=\"longest time\""));
}

#[test]
fn who_we_are_is_proven_when_we_are_asked() {
    let mut rig = Rig::new(1);
    rig.list(&[TrunkConfig { credentials: Some(credentials("line", "secret")), ..trunk() }]);
    rig.source = FIRST;
    rig.dial(OutgoingCall { from: None, ..order(CallPurpose::Invitation) });
    let first = rig.last_request("INVITE");
    assert_eq!(first.headers.from.uri.to_string(), "sip:line@198.51.100.7", "as they know us");
    assert_eq!(first.headers.get("P-Asserted-Identity"), None);
    rig.respond("INVITE", 407, "", &[("Proxy-Authenticate", "Digest realm=\"r\", nonce=\"n\"")]);
    let second = rig.last_request("INVITE");
    assert_eq!(second.headers.cseq.number, first.headers.cseq.number + 1);
    assert!(second.headers.get("Proxy-Authorization").unwrap().contains("username=\"line\""));
    // It takes longer than silence may, and was not silent.
    rig.run(Duration::from_secs(5));
    assert!(rig.last_request("INVITE").headers.call_id == first.headers.call_id);
    rig.respond("INVITE", 200, OFFER, &[]);
    assert_eq!(rig.progress(), [ANSWERED]);
    // Wrong credentials are a refusal.
    rig.dial(order(CallPurpose::Invitation));
    for nonce in ["n", "o"] {
        let challenge = format!("Digest realm=\"r\", nonce=\"{nonce}\"");
        rig.respond("INVITE", 407, "", &[("Proxy-Authenticate", &challenge)]);
    }
    assert_eq!(rig.progress().last(), Some(&not_reached(NotReachedReason::NotAllowed, Some(407))));
}

#[test]
fn a_trunk_where_we_are_registered_is_called_as_who_we_are_there() {
    let mut rig = Rig::new(1);
    rig.list(&[registering("a", &["198.51.100.9", "198.51.100.7"])]);
    // The first refuses us, the second does not.
    rig.source = "198.51.100.9:5060";
    rig.respond("REGISTER", 503, "", &[]);
    rig.source = FIRST;
    let register = rig.last_request("REGISTER");
    let mut response = register.response(200, "OK");
    response.headers.contact.clone_from(&register.headers.contact);
    response.headers.push("Expires", "600");
    response.headers.push("Service-Route", "<sip:edge.provider.example;lr>");
    let text = String::from_utf8(response.to_bytes()).unwrap();
    rig.send(&text);
    rig.dial(OutgoingCall { from: None, to: "110".to_owned(), ..order(CallPurpose::Invitation) });
    let invite = rig.last_request("INVITE");
    assert_eq!(invite.uri.to_string(), "sip:110@provider.example");
    assert_eq!(invite.headers.from.uri.to_string(), "sip:4930555@provider.example");
    assert_eq!(invite.headers.contact[0].uri, register.headers.contact[0].uri);
    assert!(rig.sent_to(&invite).ends_with("198.51.100.7:5060"), "where we are registered");
    let text = String::from_utf8(invite.to_bytes()).unwrap();
    assert!(text.contains("Route: <sip:edge.provider.example;lr>"), "{text}");
}

#[test]
fn calls_both_ways_share_the_limits() {
    let mut rig = Rig::new(1);
    rig.list(&[TrunkConfig { max_calls: Some(2), ..trunk() }]);
    rig.source = FIRST;
    rig.invite("in", "Content-Type: application/sdp\r\n", OFFER);
    rig.dial(order(CallPurpose::Invitation));
    rig.dial(order(CallPurpose::Invitation));
    assert_eq!(rig.progress(), [not_reached(NotReachedReason::Full, None)]);
    rig.invite("surplus", "Content-Type: application/sdp\r\n", OFFER);
    assert_eq!(rig.statuses("surplus"), [100, 486]);
    // Three are there at most; another trunk's is the third.
    rig.source = "127.0.0.1:5062";
    rig.invite("other", "Content-Type: application/sdp\r\n", OFFER);
    assert_eq!(rig.statuses("other"), [100, 180]);
    rig.list(&[trunk()]);
    rig.dial(order(CallPurpose::Invitation));
    assert_eq!(rig.progress()[1..], [not_reached(NotReachedReason::Full, None)]);
}

#[test]
fn what_cannot_be_dialled_is_told_at_once() {
    let check = |order: OutgoingCall, reason| {
        let mut rig = Rig::new(1);
        rig.list(&[trunk()]);
        rig.dial(order);
        assert_eq!(rig.progress(), [not_reached(reason, None)]);
        assert!(rig.requests("INVITE").is_empty());
        assert_eq!(rig.closed_lines(), 1);
    };
    let order = || order(CallPurpose::Invitation);
    check(OutgoingCall { trunk: "gone".to_owned(), ..order() }, NotReachedReason::TrunkFailed);
    check(OutgoingCall { trunk: "dev".to_owned(), ..order() }, NotReachedReason::TrunkFailed);
    check(OutgoingCall { to: "alice@example".to_owned(), ..order() }, NotReachedReason::UnknownNumber);
    check(OutgoingCall { ring_time: Duration::ZERO, ..order() }, NotReachedReason::NotAnswered);
}

#[test]
fn a_trunk_by_tls_has_encrypted_sound_or_none() {
    let mut rig = Rig::new(1);
    let destinations = vec![destination("198.51.100.7", Some(5061), TrunkTransport::Tls)];
    rig.list(&[TrunkConfig { destinations, ..trunk() }]);
    rig.dial(order(CallPurpose::Invitation));
    let invite = rig.last_request("INVITE");
    let offer = SessionDescription::parse(&invite.body).unwrap();
    assert_eq!(offer.media[0].protocol, "RTP/SAVP");
    let text = String::from_utf8(invite.body).unwrap();
    assert!(text.contains("a=crypto:1 "), "{text}");
    rig.source = "198.51.100.7:5061";
    rig.respond("INVITE", 200, &OFFER.replace("RTP/AVP", "RTP/SAVP"), &[]);
    assert_eq!(rig.progress(), [not_reached(NotReachedReason::NoCommonSound, None)]);
    assert_eq!((rig.requests("ACK").len(), rig.requests("BYE").len()), (1, 1));
    assert!(rig.orders().is_empty());
    assert_over(&rig, "no_common_sound");
}

#[test]
fn of_two_telephones_that_answer_the_second_is_hung_up() {
    let (mut rig, _) = dialling(CallPurpose::Invitation);
    let invite = rig.last_request("INVITE");
    rig.respond_to(&invite, "t", 200, OFFER, &[]);
    rig.respond_to(&invite, "other", 200, OFFER, &[]);
    let of_other = |method: &str, rig: &Rig| {
        let requests = rig.requests(method).into_iter();
        requests.filter(|request| request.headers.to.tag() == Some("other")).count()
    };
    assert_eq!((of_other("ACK", &rig), of_other("BYE", &rig)), (1, 1));
    assert_eq!(rig.progress(), [ANSWERED]);
    assert_eq!(rig.metrics.calls.get(), 1);
}

#[test]
fn at_shutdown_calls_are_given_up_and_none_is_made() {
    let (mut rig, _) = dialling(CallPurpose::Invitation);
    rig.respond("INVITE", 180, "", &[]);
    rig.tell(|core, now| core.shut_down(now, Duration::from_secs(12)));
    assert_eq!(rig.requests("CANCEL").len(), 1);
    assert_eq!(rig.progress()[1..], [not_reached(NotReachedReason::GivenUp, None)]);
    rig.dial(order(CallPurpose::Invitation));
    assert_eq!(rig.progress()[2..], [not_reached(NotReachedReason::GivenUp, None)]);
    rig.respond("CANCEL", 200, "", &[]);
    rig.respond("INVITE", 487, "", &[]);
    assert!(rig.core.is_shut_down(rig.now));
}

#[test]
fn somebody_who_was_called_may_hold_the_call_and_may_not_transfer_us() {
    let (mut rig, _) = answered(CallPurpose::Connection);
    let hold = format!("{}a=sendonly\r\n", OFFER.replace("o=- 1 1", "o=- 1 2"));
    rig.request_by_callee("INVITE", 1, "Content-Type: application/sdp\r\n", &hold);
    assert_eq!(rig.orders().last(), Some(&(0, "change")));
    let call_id = rig.requests("INVITE")[0].headers.call_id.clone();
    rig.request_by_callee("REFER", 2, "Refer-To: <sip:+8821234@203.0.113.1>\r\n", "");
    assert_eq!(rig.responses(&call_id).last().unwrap().status, 403);
    assert_eq!(rig.requests("INVITE").len(), 1);
}

#[test]
fn a_change_before_the_answer_is_refused_and_the_call_goes_on() {
    let (mut rig, _) = dialling(CallPurpose::Connection);
    rig.respond("INVITE", 183, OFFER, &[("Require", "100rel"), ("RSeq", "7")]);
    rig.respond("PRACK", 200, "", &[]);
    rig.request_by_callee("UPDATE", 1, "Content-Type: application/sdp\r\n", &OFFER.replace("o=- 1 1", "o=- 1 2"));
    let call_id = rig.last_request("INVITE").headers.call_id;
    assert_eq!(rig.responses(&call_id).last().unwrap().status, 488);
    rig.respond("INVITE", 200, "", &[]);
    assert_eq!(rig.orders(), [(0, "begin"), (0, "open")]);
}
