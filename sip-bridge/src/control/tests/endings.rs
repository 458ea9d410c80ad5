// SPDX-License-Identifier: EUPL-1.2
//! How calls end, and that nothing of them is left.

use std::time::Duration;

use bus::phone::PhoneNotice;

use super::rig::{OFFER, Rig};
use crate::sound::SoundEvent;

const SDP: &str = "Content-Type: application/sdp\r\n";

/// The other side agrees to our BYE.
fn agree_to_bye(rig: &mut Rig) {
    let bye = rig.requests("BYE")[0].response(200, "OK");
    let text = String::from_utf8(bye.to_bytes()).unwrap();
    rig.send(&text);
}

fn assert_over(rig: &Rig) {
    assert_eq!(rig.metrics.calls.get(), 0);
    assert_eq!(rig.closed_lines(), rig.calls().len());
    let count = |wanted: &str| rig.orders().iter().filter(|(_, name)| *name == wanted).count();
    assert_eq!(count("begin"), count("end"));
}

#[test]
fn a_caller_hangs_up() {
    let mut rig = Rig::new(1);
    rig.answered("one");
    rig.in_dialog("BYE", "one", "", "");
    assert_eq!(rig.responses("one").last().unwrap().status, 200);
    assert_over(&rig);
    assert_eq!(rig.metrics.ended_calls.with_label_values(&["hung up"]).get(), 1);
}

#[test]
fn a_caller_gives_up_before_the_answer() {
    let mut rig = Rig::new(1);
    rig.invite("one", SDP, OFFER);
    rig.send(
        "CANCEL sip:+49301@saal.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKione;rport\r\n\
         From: <sip:+491701@a.example>;tag=fone\r\nTo: <sip:+49301@saal.example>\r\nCall-ID: one\r\nCSeq: 1 CANCEL\r\n\r\n",
    );
    assert!(rig.statuses("one").contains(&487));
    assert_over(&rig);
    // Signaling's word comes too late.
    let call = rig.calls()[0];
    rig.begun(call);
    assert!(rig.orders().is_empty());
    assert_eq!(rig.metrics.refused_calls.with_label_values(&["cancelled"]).get(), 1);
}

#[test]
fn without_an_ack_there_is_never_sound_and_the_call_ends() {
    let mut rig = Rig::new(1);
    rig.invite("one", SDP, OFFER);
    let call = rig.calls()[0];
    rig.begun(call);
    rig.run(Duration::from_secs(33));
    let names: Vec<_> = rig.orders().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["begin", "end"]);
    assert_over(&rig);
}

#[test]
fn a_telephone_that_is_gone_is_hung_up_with_a_reason() {
    let mut rig = Rig::new(1);
    let call = rig.answered("one");
    rig.tell(|core, now| core.handle_sound(now, SoundEvent::Lost { call }));
    assert_eq!(rig.requests("BYE")[0].headers.get("Reason"), Some("Q.850;cause=27;text=\"no sound\""));
    assert_over(&rig);
}

#[test]
fn a_thread_that_fails_or_is_full_ends_the_call() {
    let mut rig = Rig::new(1);
    let call = rig.answered("one");
    rig.tell(|core, now| core.handle_sound(now, SoundEvent::Failed { call }));
    let other = rig.answered("two");
    rig.tell(|core, now| core.handle_sound_refused(now, other));
    assert_eq!(rig.requests("BYE").len(), 2);
    assert!(rig.requests("BYE").iter().all(|bye| bye.headers.get("Reason").unwrap().contains("technical")));
    assert_over(&rig);
}

#[test]
fn when_signaling_goes_away_the_caller_hears_it_and_is_hung_up() {
    let mut rig = Rig::new(1);
    let call = rig.answered("one");
    rig.run(Duration::from_secs(1));
    rig.tell(|core, now| core.handle_notice(now, call, None));
    assert!(rig.requests("BYE").is_empty(), "a sentence first");
    rig.play_out(call);
    assert_eq!(rig.requests("BYE").len(), 1);
    assert_over(&rig);
}

#[test]
fn a_call_that_signaling_never_answers_for_is_refused() {
    let mut rig = Rig::new(1);
    rig.invite("one", SDP, OFFER);
    let call = rig.calls()[0];
    rig.notice(call, PhoneNotice::Failed);
    assert_eq!(rig.statuses("one"), [100, 180, 503]);
    assert_over(&rig);
}

#[test]
fn at_shutdown_callers_are_told_and_new_ones_refused() {
    let mut rig = Rig::new(1);
    let call = rig.answered("one");
    rig.run(Duration::from_secs(1));
    rig.invite("unanswered", SDP, OFFER);
    rig.tell(|core, now| core.shut_down(now, Duration::from_secs(12)));
    assert_eq!(rig.statuses("unanswered"), [100, 180, 503]);
    rig.invite("new", SDP, OFFER);
    assert_eq!(rig.statuses("new"), [503]);
    assert!(!rig.core.is_shut_down(rig.now));
    rig.play_out(call);
    agree_to_bye(&mut rig);
    assert!(rig.core.is_shut_down(rig.now));
    assert_over(&rig);
}

#[test]
fn a_bridge_that_is_drained_has_its_calls_go_on_and_takes_none() {
    let mut rig = Rig::new(1);
    rig.answered("one");
    rig.run(Duration::from_secs(1));
    rig.tell(|core, _| core.drain());
    rig.invite("new", SDP, OFFER);
    assert_eq!((rig.statuses("new"), rig.answer("new").headers.get("Retry-After").is_some()), (vec![503], true));
    rig.run(Duration::from_secs(5));
    assert!(!rig.core.is_idle() && !rig.core.is_shut_down(rig.now));
    assert!(rig.requests("BYE").is_empty());
    rig.in_dialog("BYE", "one", "", "");
    assert!(rig.core.is_idle() && !rig.core.is_shut_down(rig.now));
    assert_over(&rig);
}

#[test]
fn a_shutdown_takes_bounded_time_whatever_others_do() {
    let mut rig = Rig::new(1);
    rig.answered("one");
    rig.run(Duration::from_secs(1));
    rig.tell(|core, now| core.shut_down(now, Duration::from_secs(12)));
    rig.run(Duration::from_secs(11));
    assert!(rig.requests("BYE").is_empty());
    rig.run(Duration::from_secs(2));
    assert!(!rig.requests("BYE").is_empty(), "who has not heard all of it is hung up");
    assert_over(&rig);
    rig.run(Duration::from_secs(2));
    assert!(rig.core.is_shut_down(rig.now), "nobody waits for an answer for ever");
}
