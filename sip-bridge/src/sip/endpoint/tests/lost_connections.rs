// SPDX-License-Identifier: EUPL-1.2
//! Connections that end while calls go on.

use super::network::{A, B, Net, ended, is_method, ms, name, s, uri};
use crate::sip::command::{Invite, Reason};
use crate::sip::event::{CallId, Cause, Event};
use crate::sip::flow::{Carrier, ConnectionId, Flow, Transmit};
use crate::sip::message::{CSeq, Message, Method, Transport};

/// The connection breaks, as an end sees it.
fn lose(net: &mut Net, end: usize) {
    let (now, flow) = (net.now, net.flow(end));
    net.ends[end].handle_transport_failed(now, flow);
}

/// What an end sends now, which is handed on as well.
fn sent(net: &mut Net, end: usize) -> Transmit {
    let transmit = net.ends[end].poll_transmit().expect("something is sent");
    let (now, flow) = (net.now, net.flow(1 - end));
    net.ends[1 - end].handle_message(now, flow, transmit.message.clone());
    transmit
}

/// A call over TCP that has come in at [`B`], and its name there.
fn ringing(seed: u64) -> (Net, CallId) {
    let mut net = Net::with(seed, Transport::Tcp, |_, _| {});
    net.call(Some("offer"));
    net.run(ms(100));
    let incoming = net.incoming();
    (net, incoming)
}

fn is_new(net: &Net, end: usize, flow: Flow) -> bool {
    flow.connection.is_none() && flow.remote == net.flow(end).remote && flow.transport == Transport::Tcp
}

#[test]
fn what_cannot_be_sent_is_no_matter_to_other_messages_to_the_same_address() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut net = Net::with(60, transport, |_, _| {});
        let now = net.now;
        let invite = |net: &mut Net| {
            let flow = Flow { connection: None, ..net.flow(A) };
            let invite = Invite { flow, ..net.invitation(Some("offer")) };
            net.ends[A].invite(now, invite).unwrap()
        };
        let _first = invite(&mut net);
        sent(&mut net, A);
        let second = invite(&mut net);
        let unsent = net.ends[A].poll_transmit().expect("another one");
        net.ends[A].handle_unsent(now, &unsent);
        assert_eq!(net.take(A), [Event::Ended { call: second, cause: Cause::TransportFailed }]);
        // An answer that was not sent will be asked for again.
        let incoming = net.incoming();
        net.ends[B].ring(now, incoming, None).unwrap();
        let answer = net.ends[B].poll_transmit().expect("an answer");
        assert!(matches!(answer.message, Message::Response(_)));
        let flow = Flow { connection: None, ..answer.flow };
        net.ends[B].handle_unsent(now, &Transmit { flow, ..answer });
        assert!(net.take(A).is_empty() && net.take(B).is_empty(), "the first call goes on");
    }
}

#[test]
fn a_call_goes_on_by_another_connection() {
    for end in [A, B] {
        let mut net = Net::with(1, Transport::Tcp, |_, _| {});
        let calls = <[_; 2]>::from(net.connect());
        lose(&mut net, end);
        assert_eq!(ended(&net.take(end)), None);
        let now = net.now;
        net.ends[end].hang_up(now, calls[end], &Reason::Normal).unwrap();
        let bye = sent(&mut net, end);
        assert!(is_new(&net, end, bye.flow) && is_method(Method::Bye)(&bye.message));
        net.run(s(1));
        assert_eq!(ended(&net.take(end)), Some(&Cause::HungUp));
        assert!(matches!(ended(&net.take(1 - end)), Some(Cause::HungUpByPeer { .. })));
        net.assert_empty();
    }
}

#[test]
fn a_request_that_was_lost_with_its_connection_is_sent_once_more() {
    let mut net = Net::with(2, Transport::Tcp, |_, _| {});
    let (a, b) = net.connect();
    let now = net.now;
    net.ends[A].reinvite(now, a, b"hold".to_vec()).unwrap();
    // Nobody gets it.
    let lost = net.ends[A].poll_transmit().unwrap();
    lose(&mut net, A);
    let again = sent(&mut net, A);
    assert!(is_new(&net, A, again.flow));
    assert!(again.message == lost.message, "a repetition, by its branch");
    // The end of the connection is perhaps told twice: by who wanted to write, and by who read.
    lose(&mut net, A);
    net.run(ms(100));
    assert!(net.take(B).iter().any(|event| matches!(event, Event::Reinvite { .. })));
    let now = net.now;
    net.ends[B].answer_reinvite(now, b, b"held".to_vec()).unwrap();
    net.run(ms(100));
    assert_eq!(net.take(A), [Event::ReinviteAnswered { call: a, sdp: Some(b"held".to_vec()) }]);
}

#[test]
fn a_change_by_a_new_connection_outlives_a_second_word_of_the_old_one_s_end() {
    let mut net = Net::with(8, Transport::Tcp, |_, _| {});
    let (a, _) = net.connect();
    lose(&mut net, A);
    let now = net.now;
    net.ends[A].reinvite(now, a, b"hold".to_vec()).unwrap();
    let change = sent(&mut net, A);
    assert!(is_new(&net, A, change.flow));
    lose(&mut net, A);
    net.run(ms(100));
    assert_eq!(ended(&net.take(A)), None);
    assert!(net.take(B).iter().any(|event| matches!(event, Event::Reinvite { .. })));
}

#[test]
fn where_the_new_connection_fails_too_the_request_has() {
    let mut net = Net::with(3, Transport::Tcp, |_, _| {});
    let (a, _) = net.connect();
    let now = net.now;
    net.ends[A].reinvite(now, a, b"hold".to_vec()).unwrap();
    net.ends[A].poll_transmit().unwrap();
    lose(&mut net, A);
    let again = net.ends[A].poll_transmit().unwrap();
    net.ends[A].handle_unsent(now, &again);
    net.filter = Some(Box::new(|_, _| false));
    net.run(s(40));
    assert_eq!(ended(&net.take(A)), Some(&Cause::TransportFailed));
}

#[test]
fn an_invitation_that_rings_goes_on_by_another_connection() {
    let mut net = Net::with(5, Transport::Tcp, |_, _| {});
    let a = net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].ring(now, b, None).unwrap();
    net.run(ms(100));
    assert!(matches!(net.take(A)[..], [Event::Ringing { status: 180, .. }]));
    let first = net.requests(A, &Method::Invite).remove(0);
    lose(&mut net, A);
    let again = sent(&mut net, A);
    assert!(is_new(&net, A, again.flow));
    assert!(again.message == Message::Request(first), "a repetition, by its branch");
    net.run(ms(100));
    assert!(net.take(B).is_empty(), "it rings still, and not once more");
    let now = net.now;
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    net.run(ms(200));
    assert!(net.take(A).contains(&Event::Answered { call: a, sdp: Some(b"answer".to_vec()), is_offer: false }));
    assert!(net.take(B).contains(&Event::Acked { call: b, flow: net.flow(B), sdp: None }));
}

#[test]
fn a_connection_that_was_opened_for_an_invitation_is_not_opened_twice() {
    for (is_new, cause) in [(true, Cause::TransportFailed), (false, Cause::ConnectionLost)] {
        let mut net = Net::with(11, Transport::Tcp, |_, _| {});
        let (now, flow) = (net.now, Flow { connection: None, ..net.flow(A) });
        let invite = Invite { flow, ..net.invitation(Some("offer")) };
        net.ends[A].invite(now, invite).unwrap();
        let invite = net.ends[A].poll_transmit().unwrap();
        net.ends[A].handle_sent(&invite, Carrier { connection: ConnectionId(1), is_new });
        lose(&mut net, A);
        assert_eq!(ended(&net.take(A)), Some(&cause));
    }
}

#[test]
fn a_probe_that_met_a_dead_connection_is_sent_by_another() {
    let mut net = Net::with(10, Transport::Tcp, |_, _| {});
    let (now, flow) = (net.now, Flow { connection: None, ..net.flow(A) });
    net.ends[A].options(now, flow, uri("saal", "10.0.0.2"), name("alice", "10.0.0.1")).unwrap();
    let probe = net.ends[A].poll_transmit().unwrap();
    net.ends[A].handle_sent(&probe, Carrier { connection: ConnectionId(1), is_new: false });
    lose(&mut net, A);
    let again = sent(&mut net, A);
    assert!(is_new(&net, A, again.flow) && again.message == probe.message);
    net.run(s(1));
    assert!(matches!(net.take(A)[..], [Event::OptionsAnswered { status: 200, .. }]));
}

#[test]
fn a_call_that_is_given_up_does_not_ring_by_another_connection() {
    let mut net = Net::with(6, Transport::Tcp, |_, _| {});
    let a = net.call(Some("offer"));
    net.run(ms(100));
    let now = net.now;
    net.ends[A].hang_up(now, a, &Reason::Normal).unwrap();
    // Nobody gets it.
    let cancel = net.ends[A].poll_transmit().unwrap();
    lose(&mut net, A);
    let again = sent(&mut net, A);
    assert!(is_new(&net, A, again.flow));
    assert!(is_method(Method::Cancel)(&again.message) && again.message == cancel.message);
    assert!(net.ends[A].poll_transmit().is_none(), "the INVITE would ring anew");
    // The end of the connection is told twice.
    lose(&mut net, A);
    net.run(s(1));
    assert_eq!(ended(&net.take(A)), Some(&Cause::Cancelled));
    assert_eq!(ended(&net.take(B)), Some(&Cause::Cancelled));
    assert_eq!(net.sent(A, is_method(Method::Ack)), 1, "that of 487");
    net.assert_empty();
}

#[test]
fn an_answer_that_crosses_with_a_lost_cancel_is_hung_up() {
    let mut net = Net::with(9, Transport::Tcp, |_, _| {});
    let a = net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[A].hang_up(now, a, &Reason::Normal).unwrap();
    net.ends[A].poll_transmit().unwrap();
    lose(&mut net, A);
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    net.run(s(1));
    assert_eq!(ended(&net.take(A)), Some(&Cause::Cancelled));
    assert!(matches!(ended(&net.take(B)), Some(Cause::HungUpByPeer { .. })));
    net.assert_empty();
}

#[test]
fn a_request_whose_connection_is_gone_is_answered_by_another() {
    let mut net = Net::with(7, Transport::Tcp, |_, _| {});
    let (_, b) = net.connect();
    let mut update = net.requests(A, &Method::Invite).remove(0);
    update.method = Method::Update;
    update.headers.to = net.responses(B, &Method::Invite).pop().unwrap().headers.to;
    update.headers.cseq = CSeq { number: update.headers.cseq.number + 1, method: Method::Update };
    update.headers.via[0].params.set("branch", Some("z9hG4bKupdate".to_owned()));
    let (now, flow) = (net.now, net.flow(B));
    net.ends[B].handle_message(now, flow, Message::Request(update));
    assert!(matches!(net.take(B)[..], [Event::Reinvite { .. }]));
    lose(&mut net, B);
    net.ends[B].answer_reinvite(now, b, b"held".to_vec()).unwrap();
    let answer = sent(&mut net, B);
    assert!(is_new(&net, B, answer.flow));
    assert!(matches!(&answer.message, Message::Response(response) if response.status == 200));
}

/// Another connection between the two, as B sees it.
fn other(net: &Net) -> Flow {
    Flow { connection: Some(ConnectionId(2)), ..net.flow(B) }
}

#[test]
fn a_repetition_by_another_connection_is_answered_there_and_the_call_goes_on_by_that() {
    let (mut net, b) = ringing(12);
    let invite = net.requests(A, &Method::Invite).remove(0);
    let (now, flow) = (net.now, other(&net));
    net.ends[B].handle_message(now, flow, Message::Request(invite));
    assert_eq!(net.ends[B].poll_transmit().unwrap().flow, flow, "100 once more");
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    assert_eq!(sent(&mut net, B).flow, flow);
    let ack = net.ends[A].poll_transmit().unwrap();
    assert!(is_method(Method::Ack)(&ack.message));
    net.ends[B].handle_message(now, flow, ack.message);
    net.ends[B].hang_up(now, b, &Reason::Normal).unwrap();
    let bye = net.ends[B].poll_transmit().unwrap();
    assert!(is_method(Method::Bye)(&bye.message));
    assert_eq!(bye.flow, flow);
}

#[test]
fn an_answer_is_repeated_by_the_connection_by_which_its_invitation_came_last() {
    let (mut net, b) = ringing(13);
    let now = net.now;
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    // Nobody gets it.
    net.ends[B].poll_transmit().unwrap();
    let invite = net.requests(A, &Method::Invite).remove(0);
    let flow = other(&net);
    net.ends[B].handle_message(now, flow, Message::Request(invite));
    assert!(net.ends[B].poll_transmit().is_none(), "it is repeated in its time");
    net.now += ms(500);
    let now = net.now;
    net.ends[B].handle_timeout(now);
    assert_eq!(net.ends[B].poll_transmit().unwrap().flow, flow);
}

#[test]
fn an_answer_without_its_ack_is_repeated_by_another_connection() {
    let (mut net, b) = ringing(4);
    let now = net.now;
    net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
    net.ends[B].poll_transmit().unwrap();
    lose(&mut net, B);
    net.now += ms(500);
    let now = net.now;
    net.ends[B].handle_timeout(now);
    let answer = sent(&mut net, B);
    assert!(is_new(&net, B, answer.flow));
    assert!(matches!(&answer.message, Message::Response(response) if response.status == 200));
    net.run(s(1));
    assert_eq!(net.take(B), [Event::Acked { call: b, flow: net.flow(B), sdp: None }]);
}
