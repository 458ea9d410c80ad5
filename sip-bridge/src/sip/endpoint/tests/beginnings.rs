// SPDX-License-Identifier: EUPL-1.2
//! How calls begin and end.

use super::network::{A, B, Net, Weather, ended, is_method, is_status, ms, next_response, request, s};
use crate::sip::command::Reason;
use crate::sip::config::ReliableUse;
use crate::sip::event::{CallId, Cause, Event};
use crate::sip::message::{Message, Method, Transport};

#[test]
fn a_call_is_made_answered_and_hung_up() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut net = Net::with(1, transport, |_, _| {});
        let (a, b) = net.connect();
        let now = net.now;
        net.ends[A].hang_up(now, a, &Reason::Q850(16, "bye \"now\"".to_owned())).unwrap();
        net.run(s(1));
        assert_eq!(ended(&net.take(A)), Some(&Cause::HungUp));
        let reasons = vec!["Q.850;cause=16;text=\"bye now\"".to_owned()];
        assert_eq!(net.take(B), [Event::Ended { call: b, cause: Cause::HungUpByPeer { reasons } }]);
        net.assert_empty();
    }
}

#[test]
fn an_invite_is_repeated_with_doubled_pauses_and_given_up_after_32_seconds() {
    let mut net = Net::new(2);
    net.filter = Some(Box::new(|_, _| false));
    let a = net.call(Some("offer"));
    net.run(s(40));
    assert_eq!(net.take(A), [Event::Ended { call: a, cause: Cause::Unreachable }]);
    let start = net.log[0].0;
    let times: Vec<u128> = net.log.iter().map(|(at, _, _)| at.duration_since(start).as_millis()).collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 15500, 31500]);
    net.assert_empty();
}

#[test]
fn over_a_stream_nothing_is_repeated_but_the_answer() {
    let mut net = Net::with(3, Transport::Tcp, |_, _| {});
    net.filter = Some(Box::new(|from, _| from == A));
    net.call(Some("offer"));
    net.run(s(40));
    assert_eq!(net.sent(A, is_method(Method::Invite)), 1);
    net.run(s(300));
    assert_eq!(ended(&net.take(A)), Some(&Cause::Unreachable));
    net.filter = None;
    net.assert_empty();
}

#[test]
fn an_answer_is_repeated_until_its_ack_and_each_repetition_is_acknowledged() {
    let mut net = Net::new(4);
    let a = net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let mut lost = 0;
    net.filter = Some(Box::new(move |_, message| {
        let is_ack = is_method(Method::Ack)(message);
        lost += u32::from(is_ack);
        !is_ack || lost > 3
    }));
    let now = net.now;
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    net.run(s(10));
    assert_eq!(net.sent(B, is_status(200)), 4);
    assert_eq!(net.sent(A, is_method(Method::Ack)), 4);
    assert_eq!(net.take(B), [Event::Acked { call: b, flow: net.flow(B), sdp: None }]);
    assert_eq!(net.take(A).iter().filter(|event| matches!(event, Event::Answered { .. })).count(), 1);
    let now = net.now;
    net.ends[A].hang_up(now, a, &Reason::Normal).unwrap();
    net.assert_empty();
}

#[test]
fn an_ack_with_the_branch_of_its_invite_is_one() {
    let mut net = Net::new(24);
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    net.filter = Some(Box::new(|_, message| !is_method(Method::Ack)(message)));
    let now = net.now;
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    net.run(ms(100));
    assert_eq!(net.take(B), []);
    let mut ack = net.requests(A, &Method::Ack).remove(0);
    ack.headers.via.clone_from(&net.requests(A, &Method::Invite)[0].headers.via);
    let (now, flow) = (net.now, net.flow(B));
    net.ends[B].handle_message(now, flow, Message::Request(ack));
    assert_eq!(net.take(B), [Event::Acked { call: b, flow: net.flow(B), sdp: None }]);
    let answers = net.sent(B, is_status(200));
    net.run(s(40));
    assert_eq!(net.sent(B, is_status(200)), answers, "it is not repeated any more");
}

#[test]
fn without_an_ack_the_answered_call_is_ended_by_bye() {
    let mut net = Net::new(5);
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    net.filter = Some(Box::new(|_, message| !is_method(Method::Ack)(message)));
    let now = net.now;
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    net.run(s(31));
    assert_eq!(net.sent(B, is_method(Method::Bye)), 0);
    net.run(s(5));
    assert_eq!(ended(&net.take(B)), Some(&Cause::NoAck));
    assert!(matches!(ended(&net.take(A)), Some(Cause::HungUpByPeer { .. })));
    net.assert_empty();
}

#[test]
fn a_callee_that_hangs_up_before_the_ack_waits_for_it() {
    let mut net = Net::new(6);
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    net.ends[B].hang_up(now, b, &Reason::Normal).unwrap();
    net.collect();
    assert_eq!(net.sent(B, is_method(Method::Bye)), 0);
    net.run(s(1));
    assert_eq!(ended(&net.take(B)), Some(&Cause::HungUp));
    net.assert_empty();
}

#[test]
fn a_refusal_is_told_and_repeated_until_its_ack() {
    let mut net = Net::new(7);
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let mut lost = 0;
    net.filter = Some(Box::new(move |_, message| {
        let is_ack = is_method(Method::Ack)(message);
        lost += u32::from(is_ack);
        !is_ack || lost > 2
    }));
    let now = net.now;
    let headers = [("Retry-After".to_owned(), "12 (busy)".to_owned())];
    net.ends[B].reject(now, b, 486, "Busy Here", &headers).unwrap();
    net.run(s(20));
    assert_eq!(net.sent(B, is_status(486)), 3);
    let cause = Cause::Refused { status: 486, reason: "Busy Here".to_owned(), retry_after: Some(s(12)) };
    assert_eq!(ended(&net.take(A)), Some(&cause));
    assert_eq!(ended(&net.take(B)), Some(&Cause::RefusedByUs { status: 486 }));
    net.assert_empty();
}

#[test]
fn a_redirection_is_not_followed() {
    let mut net = Net::new(8);
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].reject(now, b, 302, "Moved", &[]).unwrap();
    net.run(s(1));
    assert!(matches!(ended(&net.take(A)), Some(Cause::Refused { status: 302, .. })));
    assert_eq!(net.sent(A, is_method(Method::Invite)), 1);
    net.assert_empty();
}

#[test]
fn a_cancelled_call_ends_at_both_ends() {
    let mut net = Net::new(9);
    let a = net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].ring(now, b, None).unwrap();
    net.run(ms(100));
    assert!(net.take(A).contains(&Event::Ringing { call: a, status: 180 }));
    let now = net.now;
    net.ends[A].hang_up(now, a, &Reason::Normal).unwrap();
    net.run(s(1));
    assert_eq!(net.take(A), [Event::Ended { call: a, cause: Cause::Cancelled }]);
    assert_eq!(net.take(B), [Event::Ended { call: b, cause: Cause::Cancelled }]);
    assert_eq!(net.sent(B, is_status(487)), 1);
    net.assert_empty();
}

#[test]
fn no_cancel_is_sent_before_something_was_heard() {
    let mut net = Net::new(10);
    net.filter = Some(Box::new(|from, _| from == A));
    let a = net.call(Some("offer"));
    let now = net.now;
    net.ends[A].hang_up(now, a, &Reason::Normal).unwrap();
    net.run(s(3));
    assert_eq!(net.sent(A, is_method(Method::Cancel)), 0);
    net.filter = None;
    net.run(s(5));
    assert_eq!(net.sent(A, is_method(Method::Cancel)), 1);
    assert_eq!(ended(&net.take(A)), Some(&Cause::Cancelled));
    net.assert_empty();
}

/// A calls, and two phones ring: B, and one that is only a tag.
fn two_phones(net: &mut Net) -> (CallId, [String; 2]) {
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let (now, flow) = (net.now, net.flow(A));
    net.ends[B].ring(now, b, None).unwrap();
    let Some(Message::Response(ringing)) = net.ends[B].poll_transmit().map(|transmit| transmit.message) else {
        panic!("it does not ring")
    };
    let mut other = ringing.clone();
    other.headers.to.params.set("tag", Some("another-phone".to_owned()));
    let tags = [&ringing, &other].map(|response| response.headers.to.tag().unwrap().to_owned());
    for response in [ringing, other] {
        net.ends[A].handle_message(now, flow, Message::Response(response));
    }
    net.run(ms(200));
    assert_eq!(net.take(A).len(), 2);
    (b, tags)
}

/// The phone with this tag says BYE to A.
fn bye_by(net: &mut Net, tag: &str, cseq: u32) {
    let invite = net.requests(A, &Method::Invite).remove(0);
    let mut bye = request(Method::Bye, &format!("z9hG4bKbye{cseq}"), &invite.headers.call_id, cseq);
    (bye.headers.from, bye.headers.to) = (invite.headers.to, invite.headers.from);
    bye.headers.from.params.set("tag", Some(tag.to_owned()));
    let (now, flow) = (net.now, net.flow(A));
    net.ends[A].handle_message(now, flow, Message::Request(bye));
    assert_eq!(next_response(&mut net.ends[A]).unwrap().status, 200);
}

#[test]
fn a_phone_that_says_bye_while_it_rings_takes_only_itself_away() {
    let mut net = Net::new(25);
    let (b, [_, other]) = two_phones(&mut net);
    bye_by(&mut net, &other, 1);
    assert_eq!(net.take(A), []);
    let now = net.now;
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    net.run(s(1));
    assert!(matches!(net.take(A)[..], [Event::Answered { .. }]));
}

#[test]
fn when_the_last_phone_has_said_bye_the_call_is_cancelled() {
    for has_answer in [true, false] {
        let mut net = Net::new(26);
        let (_, [one, other]) = two_phones(&mut net);
        net.filter = Some(Box::new(move |from, _| has_answer || from == A));
        bye_by(&mut net, &one, 1);
        assert_eq!(net.sent(A, is_method(Method::Cancel)), 0);
        bye_by(&mut net, &other, 2);
        net.run(ms(10));
        assert_eq!(net.sent(A, is_method(Method::Cancel)), 1);
        assert_eq!(net.take(A), [], "its INVITE has no answer yet");
        net.run(s(33));
        assert_eq!(ended(&net.take(A)), Some(&Cause::HungUpByPeer { reasons: Vec::new() }));
        net.filter = None;
        net.assert_empty();
    }
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut net = Net::new(11);
    let a = net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    net.ends[A].hang_up(now, a, &Reason::Normal).unwrap();
    net.run(s(2));
    assert_eq!(net.take(A), [Event::Ended { call: a, cause: Cause::Cancelled }]);
    assert!(matches!(ended(&net.take(B)), Some(Cause::HungUpByPeer { .. })));
    assert_eq!(net.sent(A, is_method(Method::Ack)), 1);
    assert_eq!(net.sent(A, is_method(Method::Bye)), 1);
    net.assert_empty();
}

#[test]
fn a_cancelled_call_without_an_answer_is_forgotten() {
    let mut net = Net::new(12);
    let a = net.call(Some("offer"));
    net.run(ms(100));
    net.filter = Some(Box::new(|from, _| from == A));
    let now = net.now;
    net.ends[A].hang_up(now, a, &Reason::Normal).unwrap();
    net.run(s(33));
    assert_eq!(ended(&net.take(A)), Some(&Cause::Cancelled));
    net.filter = None;
    net.assert_empty();
}

#[test]
fn nobody_rings_for_ever() {
    let mut net = Net::with(13, Transport::Udp, |end, config| {
        config.ring_timeout = if end == A { s(500) } else { s(70) };
    });
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].ring(now, b, None).unwrap();
    net.run(s(69));
    assert_eq!(ended(&net.take(B)), None);
    assert_eq!(net.sent(B, is_status(180)), 2, "a reliable one is told again each minute, too");
    net.run(s(2));
    assert_eq!(ended(&net.take(B)), Some(&Cause::RingTimeout));
    assert!(matches!(ended(&net.take(A)), Some(Cause::Refused { status: 480, .. })));
    net.assert_empty();
}

#[test]
fn of_several_phones_the_first_wins_and_the_others_are_hung_up() {
    let mut net = Net::new(14);
    let a = net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].ring(now, b, None).unwrap();
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    let flow = net.flow(A);
    let mut fork = None;
    while let Some(transmit) = net.ends[B].poll_transmit() {
        if let Message::Response(response) = &transmit.message
            && response.status == 200
        {
            let mut other = response.clone();
            other.headers.to.params.set("tag", Some("another-phone".to_owned()));
            other.body = b"other answer".to_vec();
            fork = Some(other);
        }
        net.ends[A].handle_message(now, flow, transmit.message);
    }
    let fork = fork.unwrap();
    for _ in 0..2 {
        net.ends[A].handle_message(now, flow, Message::Response(fork.clone()));
    }
    net.run(s(2));
    let of_fork = |request: &&crate::sip::message::Request| request.headers.to.tag() == Some("another-phone");
    assert_eq!(net.requests(A, &Method::Ack).iter().filter(of_fork).count(), 2);
    assert_eq!(net.requests(A, &Method::Bye).iter().filter(of_fork).count(), 1);
    let events = net.take(A);
    assert!(events.contains(&Event::Answered { call: a, sdp: Some(b"answer".to_vec()), is_offer: false }));
    assert_eq!(ended(&events), None);
    assert_eq!(net.ends[A].calls(), 1);
}

#[test]
fn of_several_phones_that_describe_themselves_reliably_the_one_counts_that_answers() {
    let mut net = Net::new(23);
    let a = net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let (now, flow) = (net.now, net.flow(A));
    net.ends[B].ring(now, b, Some(b"early".to_vec())).unwrap();
    let ringing = std::iter::from_fn(|| net.ends[B].poll_transmit()).last().unwrap().message;
    let Message::Response(mut other) = ringing.clone() else { panic!("no answer") };
    net.ends[A].handle_message(now, flow, ringing);
    other.headers.to.params.set("tag", Some("another-phone".to_owned()));
    other.body = b"other".to_vec();
    net.ends[A].handle_message(now, flow, Message::Response(other));
    net.run(ms(100));
    let now = net.now;
    net.ends[B].answer(now, b, b"unused".to_vec()).unwrap();
    net.run(ms(200));
    assert_eq!(net.responses(B, &Method::Invite).last().unwrap().body, b"");
    let answered = Event::Answered { call: a, sdp: Some(b"early".to_vec()), is_offer: false };
    assert!(net.take(A).contains(&answered));
}

#[test]
fn an_invite_without_an_offer_is_answered_with_one_and_the_ack_has_the_answer() {
    let mut net = Net::new(15);
    let a = net.call(None);
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].answer(now, b, b"their offer".to_vec()).unwrap();
    net.run(s(3));
    assert_eq!(net.take(A), [Event::Answered { call: a, sdp: Some(b"their offer".to_vec()), is_offer: true }]);
    assert_eq!(net.sent(A, is_method(Method::Ack)), 0);
    let now = net.now;
    net.ends[A].answer_offer(now, a, b"our answer".to_vec()).unwrap();
    net.run(s(1));
    assert_eq!(net.take(B), [Event::Acked { call: b, flow: net.flow(B), sdp: Some(b"our answer".to_vec()) }]);
    assert_eq!(net.ends[A].calls(), 1);
}

#[test]
fn a_reliable_ringing_is_repeated_until_its_prack() {
    let mut net = Net::with(16, Transport::Udp, |_, config| config.reliable_provisional = ReliableUse::IfSupported);
    let a = net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    net.filter = Some(Box::new(|_, message| !is_method(Method::Prack)(message)));
    let now = net.now;
    net.ends[B].ring(now, b, Some(b"early".to_vec())).unwrap();
    net.ends[B].answer(now, b, b"ignored".to_vec()).unwrap();
    net.run(s(2));
    assert_eq!(net.sent(B, is_status(183)), 3);
    assert_eq!(net.sent(B, is_status(200)), 0, "the answer waits for the PRACK");
    net.filter = None;
    net.run(s(3));
    let progress = Event::Progress { call: a, status: 183, sdp: b"early".to_vec(), is_offer: false };
    let sdp = Some(b"early".to_vec());
    assert_eq!(net.take(A), [progress, Event::Answered { call: a, sdp, is_offer: false }]);
    assert_eq!(net.take(B), [Event::Acked { call: b, flow: net.flow(B), sdp: None }]);
    assert_eq!(net.responses(B, &Method::Invite).last().unwrap().body, b"");
}

#[test]
fn without_any_prack_the_call_is_refused() {
    let mut net = Net::new(17);
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    net.filter = Some(Box::new(|_, message| !is_method(Method::Prack)(message)));
    let now = net.now;
    net.ends[B].ring(now, b, None).unwrap();
    net.run(s(40));
    assert_eq!(ended(&net.take(B)), Some(&Cause::NoPrack));
    assert!(matches!(ended(&net.take(A)), Some(Cause::Refused { status: 500, .. })));
    net.assert_empty();
}

#[test]
fn an_offer_in_a_reliable_ringing_is_answered_in_the_prack() {
    let mut net = Net::new(18);
    let a = net.call(None);
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].ring(now, b, Some(b"early offer".to_vec())).unwrap();
    net.run(ms(100));
    let progress = Event::Progress { call: a, status: 183, sdp: b"early offer".to_vec(), is_offer: true };
    assert_eq!(net.take(A), [progress]);
    let now = net.now;
    net.ends[A].answer_offer(now, a, b"early answer".to_vec()).unwrap();
    net.run(ms(100));
    assert_eq!(net.take(B), [Event::ReinviteAnswered { call: b, sdp: Some(b"early answer".to_vec()) }]);
    let now = net.now;
    net.ends[B].answer(now, b, b"unused".to_vec()).unwrap();
    net.run(s(1));
    assert_eq!(net.take(A), [Event::Answered { call: a, sdp: None, is_offer: false }]);
    assert_eq!(net.take(B), [Event::Acked { call: b, flow: net.flow(B), sdp: None }]);
}

#[test]
fn a_prack_for_something_else_is_refused() {
    let mut net = Net::new(19);
    net.filter = Some(Box::new(|_, message| !is_method(Method::Prack)(message)));
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].ring(now, b, None).unwrap();
    net.run(ms(100));
    let right = net.requests(A, &Method::Prack).remove(0);
    let mut wrong = right.clone();
    let mut parts: Vec<String> = right.headers.get("RAck").unwrap().split(' ').map(str::to_owned).collect();
    parts[0] = (parts[0].parse::<u32>().unwrap() + 1).to_string();
    wrong.headers.set("RAck", parts.join(" "));
    let (flow, now) = (net.flow(B), net.now);
    let first = right.headers.cseq.number;
    for (n, (mut prack, status)) in [(wrong, 481), (right.clone(), 200), (right, 481)].into_iter().enumerate() {
        prack.headers.via[0].params.set("branch", Some(format!("z9hG4bK-{n}")));
        prack.headers.cseq.number = first + n as u32;
        net.ends[B].handle_message(now, flow, Message::Request(prack));
        assert_eq!(next_response(&mut net.ends[B]).unwrap().status, status);
    }
}

#[test]
fn a_plain_ringing_is_told_again_each_minute() {
    let mut net = Net::with(20, Transport::Udp, |_, config| config.reliable_provisional = ReliableUse::IfRequired);
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].ring(now, b, None).unwrap();
    net.run(s(130));
    assert_eq!(net.sent(B, is_status(180)), 3);
    net.run(s(60));
    assert_eq!(ended(&net.take(B)), Some(&Cause::Cancelled));
    assert_eq!(ended(&net.take(A)), Some(&Cause::RingTimeout));
    net.assert_empty();
}

#[test]
fn a_broken_connection_ends_a_call_that_was_being_made() {
    let mut net = Net::with(21, Transport::Tcp, |_, _| {});
    net.filter = Some(Box::new(|_, _| false));
    net.call(Some("offer"));
    let (now, flow) = (net.now, net.flow(A));
    net.ends[A].handle_transport_failed(now, flow);
    assert_eq!(ended(&net.take(A)), Some(&Cause::ConnectionLost));
    net.assert_empty();
}

#[test]
fn a_bad_network_loses_no_call() {
    for seed in 0..50 {
        let mut net = Net::new(100 + seed);
        net.weather = Weather { loss: 200, duplication: 100, jitter: ms(300) };
        let a = net.call(Some("offer"));
        net.run(s(20));
        let b = net.incoming();
        let now = net.now;
        net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
        net.run(s(30));
        assert!(net.take(A).contains(&Event::Answered { call: a, sdp: Some(b"answer".to_vec()), is_offer: false }));
        assert!(net.take(B).contains(&Event::Acked { call: b, flow: net.flow(B), sdp: None }), "seed {seed}");
        let now = net.now;
        net.ends[B].hang_up(now, b, &Reason::Normal).unwrap();
        net.run(s(40));
        assert_eq!(ended(&net.take(B)), Some(&Cause::HungUp));
        net.assert_empty();
    }
}

#[test]
fn without_the_cookie_a_repetition_is_known_by_other_signs() {
    let mut net = Net::new(22);
    let invite = request(Method::Invite, "1", "old", 1);
    let (now, flow) = (net.now, net.flow(B));
    for _ in 0..2 {
        net.ends[B].handle_message(now, flow, Message::Request(invite.clone()));
        assert_eq!(next_response(&mut net.ends[B]).unwrap().status, 100);
        assert_eq!(net.ends[B].calls(), 1);
    }
    let b = net.incoming();
    net.ends[B].reject(now, b, 603, "Decline", &[]).unwrap();
    let refusal = next_response(&mut net.ends[B]).unwrap();
    let mut ack = request(Method::Ack, "1", "old", 1);
    ack.headers.to = refusal.headers.to;
    net.ends[B].handle_message(now, flow, Message::Request(ack));
    net.run(s(10));
    assert_eq!(net.sent(B, is_status(603)), 0, "its ACK was understood");
    net.assert_empty();
}
