// SPDX-License-Identifier: EUPL-1.2
//! Requests outside of calls, full tables, strays, and draining.

use super::network::{A, B, Net, ended, is_method, ms, name, next_response, request, s, uri};
use crate::sip::check::Rejection;
use crate::sip::command::{CommandError, Reason};
use crate::sip::event::Event;
use crate::sip::message::{Message, Method, Request, Response, Transport};

fn ask(net: &mut Net, request: Request) -> Option<Response> {
    let (now, flow) = (net.now, net.flow(B));
    net.ends[B].handle_message(now, flow, Message::Request(request));
    next_response(&mut net.ends[B])
}

#[test]
fn options_say_what_we_can() {
    let mut net = Net::new(1);
    let response = ask(&mut net, request(Method::Options, "z9hG4bKo", "o", 1)).unwrap();
    assert_eq!(response.status, 200);
    assert!(response.headers.has_token("Allow", "UPDATE") && response.headers.has_token("Supported", "timer"));
    assert!(response.headers.has_token("Accept", "application/sdp"));
    assert_eq!(response.headers.via[0].params.get("received"), Some("10.0.0.1"));
    assert_eq!(response.headers.via[0].params.get("rport"), Some("5060"));
    net.assert_empty();
}

#[test]
fn what_we_do_not_do_is_refused() {
    let mut net = Net::new(2);
    for (n, (method, status)) in [
        (Method::Register, 405),
        (Method::Message, 405),
        (Method::Publish, 405),
        (Method::Other("PING".to_owned()), 501),
        (Method::Subscribe, 489),
        (Method::Notify, 481),
        (Method::Refer, 403),
        (Method::Bye, 481),
        (Method::Cancel, 481),
        (Method::Prack, 481),
    ]
    .into_iter()
    .enumerate()
    {
        let response = ask(&mut net, request(method.clone(), &format!("z9hG4bK{n}"), &n.to_string(), 1)).unwrap();
        assert_eq!(response.status, status, "{method}");
        assert!(response.headers.to.tag().is_some());
        assert_eq!(response.headers.get("Allow").is_some(), matches!(status, 405 | 501));
    }
    assert_eq!(ask(&mut net, request(Method::Ack, "z9hG4bKack", "x", 1)), None);
    net.assert_empty();
}

#[test]
fn a_request_that_came_by_two_ways_is_refused_once() {
    let mut net = Net::new(3);
    assert_eq!(ask(&mut net, request(Method::Invite, "z9hG4bK1", "c", 1)).unwrap().status, 100);
    assert_eq!(ask(&mut net, request(Method::Invite, "z9hG4bK2", "c", 1)).unwrap().status, 482);
    assert_eq!(ask(&mut net, request(Method::Invite, "z9hG4bK3", "c", 2)).unwrap().status, 100);
    assert_eq!(net.ends[B].calls(), 2);
}

#[test]
fn stray_answers_are_dropped() {
    let mut net = Net::new(4);
    let (now, flow) = (net.now, net.flow(B));
    for status in [100, 180, 200, 401, 487] {
        let response = request(Method::Invite, "z9hG4bKstray", "c", 1).response(status, "Stray");
        net.ends[B].handle_message(now, flow, Message::Response(response));
    }
    assert!(net.ends[B].poll_transmit().is_none() && net.ends[B].poll_event().is_none());
}

#[test]
fn full_tables_say_so_and_stay_as_they_are() {
    let mut net = Net::with(5, Transport::Udp, |_, config| {
        config.max_calls = 2;
        config.max_server_transactions = 6;
    });
    for n in 0..1_000 {
        let response = ask(&mut net, request(Method::Invite, &format!("z9hG4bK{n}"), &n.to_string(), 1)).unwrap();
        assert_eq!(response.status, if n < 2 { 100 } else { 503 });
        assert_eq!(response.headers.get("Retry-After").is_some(), n >= 2);
    }
    assert_eq!((net.ends[B].calls(), net.ends[B].transactions()), (2, 5));
    net.filter = Some(Box::new(|_, _| false));
    net.run(s(400));
    net.assert_empty();
}

#[test]
fn a_flood_does_not_keep_a_call_from_being_hung_up() {
    let mut net = Net::with(11, Transport::Udp, |_, config| config.max_server_transactions = 8);
    let (a, _) = net.connect();
    for n in 0..100 {
        ask(&mut net, request(Method::Options, &format!("z9hG4bK{n}"), &n.to_string(), 1)).unwrap();
    }
    assert_eq!(ask(&mut net, request(Method::Options, "z9hG4bKlast", "last", 1)).unwrap().status, 503);
    let now = net.now;
    net.ends[A].hang_up(now, a, &Reason::Normal).unwrap();
    net.run(s(1));
    assert_eq!(ended(&net.take(A)), Some(&crate::sip::event::Cause::HungUp));
    assert!(matches!(ended(&net.take(B)), Some(crate::sip::event::Cause::HungUpByPeer { .. })));
    assert_eq!(net.sent(B, |message| matches!(message, Message::Response(response) if response.status == 503)), 0);
}

#[test]
fn the_check_comes_before_all_else() {
    let mut net = Net::with(6, Transport::Udp, |_, config| {
        config.check = Some(|request| {
            let unknown = request.headers.tokens("Require").next().map(str::to_owned);
            unknown.map_or(Ok(()), |unknown| {
                let headers = vec![("Unsupported", unknown)];
                Err(Rejection { status: 420, reason: "Bad Extension", headers })
            })
        });
    });
    let mut invite = request(Method::Invite, "z9hG4bK1", "c", 1);
    invite.headers.push("Require", "teleport");
    let response = ask(&mut net, invite).unwrap();
    assert_eq!((response.status, response.headers.get("Unsupported")), (420, Some("teleport")));
    assert_eq!(net.ends[B].calls(), 0);
}

#[test]
fn a_drained_endpoint_finishes_its_calls_and_takes_no_new_ones() {
    let mut net = Net::new(7);
    let (_, b) = net.connect();
    let now = net.now;
    net.ends[B].drain(now);
    assert!(!net.ends[B].is_drained());
    net.call(Some("offer"));
    net.run(s(1));
    assert!(matches!(
        ended(&net.take(A)),
        Some(crate::sip::event::Cause::Refused { status: 503, retry_after: Some(_), .. })
    ));
    assert_eq!(ask(&mut net, request(Method::Options, "z9hG4bKo", "o", 1)).unwrap().status, 503);
    let invitation = net.invitation(None);
    assert_eq!(net.ends[B].invite(net.now, invitation), Err(CommandError::Draining));
    let now = net.now;
    net.ends[B].hang_up(now, b, &Reason::Normal).unwrap();
    net.run(s(1));
    assert!(net.ends[B].is_drained());
}

#[test]
fn who_declines_calls_keeps_those_that_are_and_registers_still() {
    let mut net = Net::new(12);
    let (a, _) = net.connect();
    net.ends[B].decline();
    net.call(Some("offer"));
    net.run(s(1));
    let events = net.take(A);
    assert!(matches!(
        ended(&events),
        Some(crate::sip::event::Cause::Refused { status: 503, retry_after: Some(_), .. })
    ));
    let options = ask(&mut net, request(Method::Options, "z9hG4bKo", "o", 1)).unwrap();
    assert_eq!((options.status, options.headers.get("Retry-After").is_some()), (503, true));
    let invitation = net.invitation(None);
    assert_eq!(net.ends[B].invite(net.now, invitation), Err(CommandError::Draining));
    assert!(!net.ends[B].is_drained() && net.ends[B].calls() == 1);
    let now = net.now;
    net.ends[A].hang_up(now, a, &Reason::Normal).unwrap();
    net.run(s(1));
    assert_eq!(net.ends[B].calls(), 0);
}

#[test]
fn a_keep_alive_is_answered_or_fails() {
    let mut net = Net::new(8);
    let (now, flow) = (net.now, net.flow(A));
    let first = net.ends[A].options(now, flow, uri("", "10.0.0.2"), name("saal", "10.0.0.1")).unwrap();
    net.run(ms(100));
    assert_eq!(net.take(A), [Event::OptionsAnswered { options: first, status: 200 }]);
    net.filter = Some(Box::new(|_, _| false));
    let now = net.now;
    let second = net.ends[A].options(now, flow, uri("", "10.0.0.2"), name("saal", "10.0.0.1")).unwrap();
    net.run(s(33));
    assert_eq!(net.take(A), [Event::OptionsFailed { options: second }]);
    assert_eq!(net.sent(A, is_method(Method::Options)), 1 + 11, "timer E doubles up to T2");
    net.assert_empty();
}

#[test]
fn a_caller_is_challenged_and_the_next_try_is_a_new_call() {
    let mut net = Net::new(9);
    net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].challenge(now, b, false, &["Digest realm=\"r\", nonce=\"n\"".to_owned()]).unwrap();
    net.run(ms(100));
    assert_eq!(net.ends[B].calls(), 0);
    let challenged = net.take(A).into_iter().find_map(|event| match event {
        Event::Challenged { challenge, is_proxy: false, values, method: Method::Invite, .. } => {
            Some((challenge, values))
        }
        _ => None,
    });
    let (challenge, values) = challenged.unwrap();
    assert_eq!(values, ["Digest realm=\"r\", nonce=\"n\""]);
    let now = net.now;
    net.ends[A].authorize(now, challenge, "Authorization", "Digest realm=\"r\", response=\"1\"".to_owned()).unwrap();
    net.run(ms(100));
    let second = net.incoming();
    let invites = net.requests(A, &Method::Invite);
    assert_eq!(invites[1].headers.cseq.number, invites[0].headers.cseq.number + 1);
    assert_eq!(invites[1].headers.from, invites[0].headers.from);
    let now = net.now;
    net.ends[B].answer(now, second, b"answer".to_vec()).unwrap();
    net.run(ms(200));
    assert_eq!(net.take(B), [Event::Acked { call: second, flow: net.flow(B), sdp: None }]);
    let ack = net.requests(A, &Method::Ack).pop().unwrap();
    assert!(ack.headers.get("Authorization").is_some(), "the ACK carries the same credentials");
}

#[test]
fn a_challenge_without_credentials_is_a_refusal() {
    for gives_up in [true, false] {
        let mut net = Net::new(10);
        net.call(Some("offer"));
        net.run(ms(100));
        let b = net.incoming();
        let now = net.now;
        net.ends[B].challenge(now, b, true, &["Digest realm=\"r\", nonce=\"n\"".to_owned()]).unwrap();
        net.run(ms(100));
        let events = net.take(A);
        let Some(Event::Challenged { challenge, is_proxy: true, .. }) = events.last() else { panic!("{events:?}") };
        if gives_up {
            let now = net.now;
            net.ends[A].give_up(now, *challenge).unwrap();
        } else {
            net.run(s(33));
        }
        assert!(matches!(ended(&net.take(A)), Some(crate::sip::event::Cause::Refused { status: 407, .. })));
        net.assert_empty();
    }
}
