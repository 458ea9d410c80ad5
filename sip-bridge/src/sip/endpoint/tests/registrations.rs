// SPDX-License-Identifier: EUPL-1.2
//! Registering, against a registrar that is played by the test.

use std::collections::BTreeSet;
use std::time::Duration;

use super::network::{A, Net, name, s, uri};
use crate::sip::command::Registration;
use crate::sip::event::{Event, RegistrationId};
use crate::sip::flow::{Carrier, ConnectionId, Flow};
use crate::sip::message::{Message, Method, Request, Response, Transport};

fn register(net: &mut Net) -> RegistrationId {
    let registration = Registration {
        registrar: uri("", "10.0.0.2"),
        flow: Flow { connection: None, ..net.flow(A) },
        address_of_record: name("alice", "10.0.0.2"),
        contact_user: "line1".to_owned(),
        expires: s(3600),
    };
    let now = net.now;
    net.ends[A].register(now, registration).unwrap()
}

/// The next REGISTER that is sent, and how long that takes.
fn next_register(net: &mut Net) -> (Request, Duration) {
    let start = net.now;
    loop {
        if let Some(transmit) = net.ends[A].poll_transmit() {
            let Message::Request(request) = transmit.message else { panic!("an answer was sent") };
            assert_eq!(request.method, Method::Register);
            return (request, net.now.saturating_duration_since(start));
        }
        net.now = net.ends[A].poll_timeout().expect("something is to be done");
        let now = net.now;
        net.ends[A].handle_timeout(now);
    }
}

/// A registrar by TCP, with which we are registered by that connection.
fn registered_by(net: &mut Net, request: &Request, connection: u64) {
    let flow = Flow { connection: Some(ConnectionId(connection)), ..net.flow(A) };
    let mut response = request.response(200, "OK");
    response.headers.push("Expires", "3600");
    let now = net.now;
    net.ends[A].handle_message(now, flow, Message::Response(response));
    assert!(matches!(net.take(A)[..], [Event::Registered { .. }]));
    assert_eq!(net.ends[A].poll_kept(), Some(BTreeSet::from([ConnectionId(connection)])));
}

fn lose(net: &mut Net, connection: u64) {
    let (now, flow) = (net.now, Flow { connection: Some(ConnectionId(connection)), ..net.flow(A) });
    net.ends[A].handle_transport_failed(now, flow);
    assert_eq!(net.ends[A].poll_kept(), Some(BTreeSet::new()));
}

#[test]
fn who_has_lost_the_connection_of_a_registration_registers_again() {
    let mut net = Net::with(9, Transport::Tcp, |_, _| {});
    let registration = register(&mut net);
    let (request, _) = next_register(&mut net);
    registered_by(&mut net, &request, 1);
    net.now += s(1_000);
    // Another one is none of its business.
    let (now, flow) = (net.now, Flow { connection: Some(ConnectionId(7)), ..net.flow(A) });
    net.ends[A].handle_transport_failed(now, flow);
    assert_eq!(net.ends[A].poll_kept(), None);
    lose(&mut net, 1);
    let (request, wait) = next_register(&mut net);
    assert_eq!(wait, Duration::ZERO);
    // Who closes each connection soon is not asked all the time.
    let mut waits = Vec::new();
    let mut request = request;
    for connection in 2..10 {
        registered_by(&mut net, &request, connection);
        lose(&mut net, connection);
        let (next, wait) = next_register(&mut net);
        waits.push(wait);
        request = next;
    }
    assert!(waits[0] >= s(15) && waits.iter().sum::<Duration>() > s(2_000), "{waits:?}");
    registered_by(&mut net, &request, 10);
    net.ends[A].forget_registration(registration).unwrap();
    assert_eq!(net.ends[A].poll_kept(), Some(BTreeSet::new()));
}

#[test]
fn a_renewal_whose_connection_breaks_goes_by_another() {
    let mut net = Net::with(10, Transport::Tcp, |_, _| {});
    register(&mut net);
    let (request, _) = next_register(&mut net);
    registered_by(&mut net, &request, 5);
    let (renewal, _) = next_register(&mut net);
    lose(&mut net, 5);
    let again = net.ends[A].poll_transmit().unwrap();
    assert!(again.message == Message::Request(renewal) && again.flow.connection.is_none());
    assert!(net.take(A).is_empty(), "nothing has failed");
}

#[test]
fn what_goes_by_a_new_connection_outlives_a_second_word_of_the_old_one_s_end() {
    let mut net = Net::with(11, Transport::Tcp, |_, _| {});
    register(&mut net);
    let (request, _) = next_register(&mut net);
    registered_by(&mut net, &request, 1);
    lose(&mut net, 1);
    let (again, _) = next_register(&mut net);
    // First it is told by who wanted to write, then by who read.
    let (now, flow) = (net.now, Flow { connection: Some(ConnectionId(1)), ..net.flow(A) });
    net.ends[A].handle_transport_failed(now, flow);
    assert!(net.take(A).is_empty(), "nothing has failed");
    registered_by(&mut net, &again, 2);
}

#[test]
fn a_request_that_met_a_dead_connection_opens_another_and_one_that_opened_it_fails() {
    for is_new in [false, true] {
        let mut net = Net::with(12, Transport::Tcp, |_, _| {});
        register(&mut net);
        let first = net.ends[A].poll_transmit().unwrap();
        net.ends[A].handle_sent(&first, Carrier { connection: ConnectionId(3), is_new });
        let (now, flow) = (net.now, Flow { connection: Some(ConnectionId(3)), ..first.flow });
        net.ends[A].handle_transport_failed(now, flow);
        let again = net.ends[A].poll_transmit();
        let has_failed = matches!(net.take(A)[..], [Event::RegistrationFailed { .. }]);
        assert_eq!((again.map(|again| again.flow), has_failed), ((!is_new).then_some(first.flow), is_new));
    }
}

fn answer(net: &mut Net, response: Response) {
    let (now, flow) = (net.now, net.flow(A));
    net.ends[A].handle_message(now, flow, Message::Response(response));
}

fn accept(net: &mut Net, request: &Request, expires: &str) {
    let mut response = request.response(200, "OK");
    let mut other = name("another", "10.0.0.7");
    other.params.set("expires", Some("7".to_owned()));
    let mut own = request.headers.contact[0].clone();
    own.params.set("expires", Some(expires.to_owned()));
    response.headers.contact = vec![other, own];
    response.headers.push("Service-Route", "<sip:edge.example.org;lr>");
    answer(net, response);
}

#[test]
fn a_registration_is_renewed_in_time_with_the_same_call_id() {
    let mut net = Net::new(1);
    let registration = register(&mut net);
    let (mut request, _) = next_register(&mut net);
    for _ in 0..20 {
        accept(&mut net, &request, "600");
        let events = net.take(A);
        assert!(matches!(&events[..], [Event::Registered { expires, .. }] if *expires == s(600)), "{events:?}");
        let (next, wait) = next_register(&mut net);
        assert!((s(300)..=s(540)).contains(&wait), "{wait:?}");
        assert_eq!(next.headers.call_id, request.headers.call_id);
        assert_eq!(next.headers.cseq.number, request.headers.cseq.number + 1);
        request = next;
    }
    accept(&mut net, &request, "600");
    let now = net.now;
    net.ends[A].unregister(now, registration).unwrap();
    let (last, _) = next_register(&mut net);
    assert_eq!(last.headers.get("Expires"), Some("0"));
    answer(&mut net, last.response(200, "OK"));
    assert_eq!(net.take(A).pop(), Some(Event::Unregistered { registration }));
    net.assert_empty();
}

#[test]
fn calls_take_the_service_route_and_the_contact_of_their_registration() {
    let mut net = Net::new(2);
    let registration = register(&mut net);
    let (request, _) = next_register(&mut net);
    accept(&mut net, &request, "600");
    let mut invite = net.invitation(None);
    invite.registration = Some(registration);
    let now = net.now;
    net.ends[A].invite(now, invite).unwrap();
    let Some(Message::Request(invite)) = net.ends[A].poll_transmit().map(|transmit| transmit.message) else {
        panic!("no INVITE")
    };
    assert_eq!(invite.headers.get("Route"), Some("<sip:edge.example.org;lr>"));
    assert_eq!(invite.headers.contact[0].uri, { request.headers.contact[0].uri.clone() });
}

#[test]
fn a_registrar_that_wants_longer_gets_it() {
    let mut net = Net::new(3);
    register(&mut net);
    let (request, _) = next_register(&mut net);
    let mut response = request.response(423, "Interval Too Brief");
    response.headers.push("Min-Expires", "7200");
    answer(&mut net, response);
    let (request, wait) = next_register(&mut net);
    assert_eq!((request.headers.get("Expires"), wait), (Some("7200"), Duration::ZERO));
}

#[test]
fn a_challenge_is_met_once_for_each_nonce() {
    let mut net = Net::new(4);
    register(&mut net);
    let (mut request, _) = next_register(&mut net);
    for (nonce, stale, helps) in [("1", "false", true), ("2", "true", true), ("3", "false", false)] {
        let mut response = request.response(401, "Unauthorized");
        response.headers.push("WWW-Authenticate", format!("Digest realm=\"r\", nonce=\"{nonce}\", stale={stale}"));
        answer(&mut net, response);
        let event = net.take(A).pop();
        if helps {
            let Some(Event::Challenged { challenge, .. }) = event else { panic!("{event:?}") };
            let (now, value) = (net.now, format!("Digest realm=\"r\", nonce=\"{nonce}\""));
            net.ends[A].authorize(now, challenge, "Authorization", value.clone()).unwrap();
            let (next, _) = next_register(&mut net);
            assert_eq!(next.headers.all("Authorization").collect::<Vec<_>>(), [value.as_str()]);
            assert_eq!(next.headers.cseq.number, request.headers.cseq.number + 1);
            request = next;
        } else {
            assert!(matches!(event, Some(Event::RegistrationFailed { status: Some(401), .. })), "{event:?}");
        }
    }
}

#[test]
fn failures_are_tried_again_with_pauses_that_grow() {
    let mut net = Net::new(5);
    register(&mut net);
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let (request, _) = next_register(&mut net);
        answer(&mut net, request.response(500, "Oh No"));
        let event = net.take(A).pop();
        let Some(Event::RegistrationFailed { status: Some(500), retry_in, .. }) = event else { panic!("{event:?}") };
        pauses.push(retry_in);
    }
    assert!((s(15)..=s(30)).contains(&pauses[0]) && (s(30)..=s(60)).contains(&pauses[1]), "{pauses:?}");
    assert!((s(900)..=s(1800)).contains(&pauses[9]));
    let (request, _) = next_register(&mut net);
    let mut response = request.response(503, "Later");
    response.headers.push("Retry-After", "5000");
    answer(&mut net, response);
    assert!(matches!(net.take(A).pop(), Some(Event::RegistrationFailed { retry_in, .. }) if retry_in >= s(5000)));
}

#[test]
fn a_drained_endpoint_is_registered_no_more_while_its_calls_go_on() {
    let mut net = Net::new(7);
    net.connect();
    register(&mut net);
    let (request, _) = next_register(&mut net);
    accept(&mut net, &request, "600");
    let now = net.now;
    net.ends[A].drain(now);
    let (last, wait) = next_register(&mut net);
    assert_eq!((last.headers.get("Expires"), wait), (Some("0"), Duration::ZERO));
    answer(&mut net, last.response(200, "OK"));
    assert_eq!(net.ends[A].calls(), 1);
    assert!(!net.ends[A].is_drained());
}

#[test]
fn a_registrar_that_grants_a_moment_is_not_asked_all_the_time() {
    let mut net = Net::new(8);
    register(&mut net);
    let (mut request, _) = next_register(&mut net);
    for _ in 0..20 {
        accept(&mut net, &request, "1");
        assert!(matches!(net.take(A)[..], [Event::Registered { .. }]));
        let (next, wait) = next_register(&mut net);
        assert!(wait >= s(10), "{wait:?}");
        request = next;
    }
}

#[test]
fn a_drained_endpoint_takes_its_registrations_away() {
    let mut net = Net::new(6);
    register(&mut net);
    let (request, _) = next_register(&mut net);
    let now = net.now;
    net.ends[A].drain(now);
    accept(&mut net, &request, "600");
    let (last, _) = next_register(&mut net);
    assert_eq!(last.headers.get("Expires"), Some("0"));
    assert!(!net.ends[A].is_drained());
    answer(&mut net, last.response(500, "No Matter"));
    assert!(net.ends[A].is_drained());
    net.assert_empty();
}
