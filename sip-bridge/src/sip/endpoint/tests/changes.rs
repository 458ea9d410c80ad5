// SPDX-License-Identifier: EUPL-1.2
//! What happens in a call: changes, refreshes, keys, transfers, and the order of requests.

use super::network::{A, B, Net, ended, is_method, is_status, ms, next_response, s};
use crate::sip::command::{CommandError, Reason};
use crate::sip::event::{CallId, Cause, Event};
use crate::sip::flow::Flow;
use crate::sip::message::{Host, Message, Method, NameAddr, Params, Request, Scheme, SipUri, Transport, Uri};

/// A request in the dialog as A would send it.
fn in_dialog(net: &Net, method: Method, branch: &str, cseq_ahead: i64) -> Request {
    let mut request = net.requests(A, &Method::Ack).remove(0);
    let number = i64::from(request.headers.cseq.number) + cseq_ahead;
    request.headers.cseq.number = u32::try_from(number).unwrap();
    request.headers.cseq.method = method.clone();
    request.headers.via[0].params.set("branch", Some(format!("z9hG4bK{branch}")));
    request.headers.contact = vec![super::network::name("end0", "10.0.0.1")];
    request.method = method;
    request
}

fn offer(mut request: Request, sdp: &str) -> Request {
    request.headers.content_type = Some("application/sdp".to_owned());
    request.body = sdp.as_bytes().to_vec();
    request
}

/// B gets a request of the dialog, with an offer or answer, and says this.
fn ask(net: &mut Net, method: Method, branch: &str, cseq_ahead: i64, sdp: Option<&str>) -> Option<u16> {
    let mut request = in_dialog(net, method, branch, cseq_ahead);
    if let Some(sdp) = sdp {
        request = offer(request, sdp);
    }
    let (now, flow) = (net.now, net.flow(B));
    net.ends[B].handle_message(now, flow, Message::Request(request));
    next_response(&mut net.ends[B]).map(|response| response.status)
}

fn offer_by(net: &mut Net, end: usize, call: CallId, sdp: &str) {
    let now = net.now;
    net.ends[end].reinvite(now, call, sdp.as_bytes().to_vec()).unwrap();
    net.collect();
}

#[test]
fn a_session_is_changed_by_either() {
    let mut net = Net::new(1);
    let calls = <[CallId; 2]>::from(net.connect());
    for (from, to) in [(A, B), (B, A)] {
        offer_by(&mut net, from, calls[from], "hold");
        net.run(ms(100));
        let flow = net.flow(to);
        assert_eq!(net.take(to), [Event::Reinvite { call: calls[to], flow, sdp: Some(b"hold".to_vec()) }]);
        let now = net.now;
        net.ends[to].answer_reinvite(now, calls[to], b"held".to_vec()).unwrap();
        net.run(ms(100));
        assert_eq!(net.take(from), [Event::ReinviteAnswered { call: calls[from], sdp: Some(b"held".to_vec()) }]);
        assert_eq!(net.take(to), [Event::Acked { call: calls[to], flow, sdp: None }]);
    }
}

#[test]
fn a_call_that_began_over_tls_is_not_led_into_the_open() {
    let mut net = Net::with(17, Transport::Tls, |_, _| {});
    let (_, b) = net.connect();
    let (now, secure) = (net.now, net.flow(B));
    let open = Flow { transport: Transport::Udp, connection: None, ..secure };
    let mut request = offer(in_dialog(&net, Method::Invite, "x", 1), "hold");
    let contact = "<sip:end0@10.0.0.1:5060;transport=udp>".parse().unwrap();
    request.headers.contact = vec![contact];
    net.ends[B].handle_message(now, open, Message::Request(request));
    assert_eq!(next_response(&mut net.ends[B]).unwrap().status, 100);
    // Who decides on it knows how it came, and the answer goes back to where it came from.
    let offered = net.ends[B].poll_event();
    assert_eq!(offered, Some(Event::Reinvite { call: b, flow: open, sdp: Some(b"hold".to_vec()) }));
    net.ends[B].reject_reinvite(now, b, 488, "Not Acceptable Here").unwrap();
    assert_eq!(net.ends[B].poll_transmit().unwrap().flow, open);
    net.ends[B].hang_up(now, b, &Reason::Normal).unwrap();
    assert_eq!(net.ends[B].poll_transmit().unwrap().flow, secure);
}

#[test]
fn a_change_that_is_refused_leaves_the_session() {
    let mut net = Net::new(2);
    let (a, b) = net.connect();
    offer_by(&mut net, A, a, "video");
    assert_eq!(net.ends[A].reinvite(net.now, a, b"again".to_vec()), Err(CommandError::OfferPending));
    net.run(ms(100));
    let now = net.now;
    net.ends[B].reject_reinvite(now, b, 488, "Not Acceptable Here").unwrap();
    net.run(ms(100));
    assert_eq!(net.take(A), [Event::ReinviteFailed { call: a, status: Some(488) }]);
    assert_eq!((net.ends[A].calls(), net.ends[B].calls()), (1, 1));
}

#[test]
fn two_changes_that_meet_are_both_put_off_and_both_made() {
    for seed in 0..40 {
        let mut net = Net::new(300 + seed);
        let (a, b) = net.connect();
        offer_by(&mut net, A, a, "from a");
        offer_by(&mut net, B, b, "from b");
        net.run(ms(100));
        assert_eq!((net.sent(A, is_status(491)), net.sent(B, is_status(491))), (1, 1));
        let mut answered = [0, 0];
        for _ in 0..100 {
            net.run(ms(200));
            for (end, call) in [(A, a), (B, b)] {
                for event in net.take(end) {
                    let now = net.now;
                    match event {
                        Event::Reinvite { .. } => net.ends[end].answer_reinvite(now, call, b"yes".to_vec()).unwrap(),
                        Event::ReinviteAnswered { .. } => answered[end] += 1,
                        _ => {}
                    }
                }
                net.collect();
            }
        }
        assert_eq!(answered, [1, 1], "seed {seed}");
        for (end, least, most) in [(A, 2_100, 4_000), (B, 0, 2_000)] {
            let is_meant =
                |(_, from, message): &&(_, usize, Message)| *from == end && is_method(Method::Invite)(message);
            let times: Vec<_> = net.log.iter().filter(is_meant).map(|(at, _, _)| *at).collect();
            let is_first_call = usize::from(end == A);
            let wait = times[is_first_call + 1].duration_since(times[is_first_call]);
            // Both ways through the network took 40 ms.
            assert!((ms(least + 40)..=ms(most + 40)).contains(&wait), "seed {seed}: {wait:?}");
        }
    }
}

#[test]
fn a_second_offer_while_one_is_open_is_put_off() {
    let mut net = Net::new(3);
    let (a, b) = net.connect();
    offer_by(&mut net, A, a, "first");
    net.run(ms(100));
    net.take(B);
    for method in [Method::Update, Method::Invite] {
        let second = offer(
            in_dialog(&net, method.clone(), method.as_str(), if method == Method::Update { 50 } else { 51 }),
            "2",
        );
        let (now, flow) = (net.now, net.flow(B));
        net.ends[B].handle_message(now, flow, Message::Request(second));
        let response = next_response(&mut net.ends[B]).unwrap();
        assert_eq!(response.status, 500);
        assert!(response.headers.get("Retry-After").unwrap().parse::<u32>().unwrap() <= 10);
    }
    let now = net.now;
    net.ends[B].answer_reinvite(now, b, b"answer".to_vec()).unwrap();
    net.run(ms(100));
    assert_eq!(net.take(A), [Event::ReinviteAnswered { call: a, sdp: Some(b"answer".to_vec()) }]);
}

#[test]
fn a_change_without_an_offer_gets_ours_and_the_answer_comes_in_the_ack() {
    let mut net = Net::new(4);
    let (_, b) = net.connect();
    assert_eq!(ask(&mut net, Method::Invite, "x", 1, None), Some(100));
    let flow = net.flow(B);
    assert_eq!(net.take(B), [Event::Reinvite { call: b, flow, sdp: None }]);
    let now = net.now;
    net.ends[B].answer_reinvite(now, b, b"our offer".to_vec()).unwrap();
    assert_eq!(next_response(&mut net.ends[B]).unwrap().body, b"our offer");
    // Until the answer is here, another offer of theirs is glare.
    assert_eq!(ask(&mut net, Method::Update, "y", 2, Some("o")), Some(491));
    assert_eq!(ask(&mut net, Method::Ack, "z", 1, Some("their answer")), None);
    assert_eq!(net.take(B), [Event::Acked { call: b, flow: net.flow(B), sdp: Some(b"their answer".to_vec()) }]);
}

#[test]
fn an_update_changes_a_session_before_the_answer() {
    let mut net = Net::new(5);
    let a = net.call(Some("offer"));
    net.run(ms(100));
    let b = net.incoming();
    let now = net.now;
    net.ends[B].ring(now, b, Some(b"early".to_vec())).unwrap();
    net.run(ms(200));
    net.take(A);
    offer_by(&mut net, A, a, "new offer");
    net.run(ms(100));
    assert_eq!(net.sent(A, is_method(Method::Update)), 1);
    let flow = net.flow(B);
    assert_eq!(net.take(B), [Event::Reinvite { call: b, flow, sdp: Some(b"new offer".to_vec()) }]);
    let now = net.now;
    net.ends[B].answer_reinvite(now, b, b"new answer".to_vec()).unwrap();
    net.ends[B].answer(now, b, b"unused".to_vec()).unwrap();
    net.run(ms(200));
    let events = net.take(A);
    assert!(events.contains(&Event::ReinviteAnswered { call: a, sdp: Some(b"new answer".to_vec()) }));
    let sdp = Some(b"new answer".to_vec());
    assert!(events.contains(&Event::Answered { call: a, sdp, is_offer: false }));
}

#[test]
fn a_change_that_has_no_answer_before_the_call_has_one_does_not_end_it() {
    for is_refused in [true, false] {
        let mut net = Net::new(18);
        let a = net.call(Some("offer"));
        net.run(ms(100));
        let b = net.incoming();
        let now = net.now;
        net.ends[B].ring(now, b, Some(b"early".to_vec())).unwrap();
        net.run(ms(200));
        net.filter = Some(Box::new(|_, message| !is_method(Method::Update)(message)));
        offer_by(&mut net, A, a, "new offer");
        if is_refused {
            let response = net.requests(A, &Method::Update)[0].response(481, "Unknown");
            let (now, flow) = (net.now, net.flow(A));
            net.ends[A].handle_message(now, flow, Message::Response(response));
        }
        net.run(s(33));
        assert!(net.take(A).iter().any(|event| matches!(event, Event::ReinviteFailed { .. })));
        assert_eq!(net.sent(A, is_method(Method::Bye)), 0);
        let now = net.now;
        net.ends[B].answer(now, b, b"unused".to_vec()).unwrap();
        net.run(s(1));
        assert!(net.take(A).iter().any(|event| matches!(event, Event::Answered { .. })));
    }
}

#[test]
fn a_change_nobody_decides_on_is_refused_in_time() {
    let mut net = Net::new(6);
    let (a, b) = net.connect();
    assert_eq!(ask(&mut net, Method::Update, "u", 1, Some("o")), None);
    net.run(s(11));
    assert_eq!(net.sent(B, is_status(500)), 1);
    assert_eq!(net.ends[B].answer_reinvite(net.now, b, b"late".to_vec()), Err(CommandError::WrongState));
    let _ = a;
}

#[test]
fn skipped_numbers_are_accepted_and_old_ones_are_not() {
    let mut net = Net::new(7);
    net.connect();
    assert_eq!(ask(&mut net, Method::Info, "1", 40, None), Some(200));
    assert_eq!(ask(&mut net, Method::Info, "2", 39, None), Some(500));
    assert_eq!(ask(&mut net, Method::Info, "3", 40, None), Some(500));
    assert_eq!(ask(&mut net, Method::Bye, "4", 900, None), Some(200));
    assert!(matches!(ended(&net.take(B)), Some(Cause::HungUpByPeer { .. })));
    assert_eq!(ask(&mut net, Method::Info, "5", 901, None), Some(481));
}

#[test]
fn a_refresh_by_update_with_too_short_a_timer_is_told_the_least() {
    let mut net = Net::new(8);
    net.connect();
    let mut update = in_dialog(&net, Method::Update, "u", 1);
    update.headers.set("Supported", "timer");
    update.headers.set("Session-Expires", "60;refresher=uac");
    let (now, flow) = (net.now, net.flow(B));
    net.ends[B].handle_message(now, flow, Message::Request(update.clone()));
    let response = next_response(&mut net.ends[B]).unwrap();
    assert_eq!((response.status, response.headers.get("Min-SE")), (422, Some("90")));
    update.headers.set("Session-Expires", "100;refresher=uac");
    update.headers.cseq.number += 1;
    update.headers.via[0].params.set("branch", Some("z9hG4bKv".to_owned()));
    net.ends[B].handle_message(now, flow, Message::Request(update));
    let response = next_response(&mut net.ends[B]).unwrap();
    assert_eq!(response.headers.get("Session-Expires"), Some("100;refresher=uac"));
    assert!(response.headers.has_token("Require", "timer"));
    // And when nothing more comes, the call is ended a little before the time is up.
    net.filter = Some(Box::new(|from, _| from == B));
    net.run(s(60));
    assert_eq!(net.sent(B, is_method(Method::Bye)), 0);
    net.run(s(8));
    assert_eq!(net.sent(B, is_method(Method::Bye)), 1);
    net.run(s(2));
    assert_eq!(ended(&net.take(B)), None);
    net.run(s(40));
    assert_eq!(ended(&net.take(B)), Some(&Cause::SessionExpired));
}

#[test]
fn an_invite_with_too_short_a_timer_is_sent_again_with_a_longer_one() {
    let mut net = Net::with(9, Transport::Udp, |end, config| {
        config.session_expires = (end == A).then_some(s(100));
        config.session_minimum = if end == A { s(90) } else { s(600) };
    });
    let (a, b) = net.connect();
    let invites = net.requests(A, &Method::Invite);
    assert_eq!(invites.len(), 2);
    assert_eq!(invites[0].headers.get("Session-Expires"), Some("100"));
    assert_eq!(invites[1].headers.get("Session-Expires"), Some("600"));
    assert_eq!(invites[1].headers.cseq.number, invites[0].headers.cseq.number + 1);
    assert_eq!(invites[1].headers.call_id, invites[0].headers.call_id);
    let _ = (a, b);
}

#[test]
fn the_session_is_refreshed_by_update_or_by_the_same_description() {
    for has_update in [true, false] {
        let mut net = Net::with(10, Transport::Udp, |_, config| config.session_expires = Some(s(200)));
        let a = net.call(Some("offer"));
        net.run(ms(100));
        let b = net.incoming();
        let now = net.now;
        net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
        // The answer is handed on by hand, to take UPDATE away from its Allow.
        let flow = net.flow(A);
        while let Some(transmit) = net.ends[B].poll_transmit() {
            let mut message = transmit.message;
            if let (Message::Response(response), false) = (&mut message, has_update) {
                response.headers.set("Allow", "INVITE, ACK, BYE, CANCEL");
            }
            net.ends[A].handle_message(now, flow, message);
        }
        net.run(s(99));
        assert_eq!(net.sent(A, is_method(Method::Update)) + net.sent(B, is_method(Method::Update)), 0);
        for _ in 0..1_000 {
            net.run(s(1));
            let is_asked = net.take(B).iter().any(|event| matches!(event, Event::Reinvite { .. }));
            if is_asked {
                let now = net.now;
                net.ends[B].answer_reinvite(now, b, b"answer".to_vec()).unwrap();
            }
            net.collect();
        }
        // The caller refreshes, at half the time.
        let (updates, invites) = (net.sent(A, is_method(Method::Update)), net.requests(A, &Method::Invite));
        assert_eq!((updates, invites.len()), if has_update { (10, 1) } else { (0, 11) });
        assert!(invites.iter().all(|invite| invite.body == b"offer"));
        assert_eq!((net.ends[A].calls(), net.ends[B].calls()), (1, 1));
        let now = net.now;
        net.ends[A].hang_up(now, a, &Reason::Normal).unwrap();
        net.assert_empty();
    }
}

#[test]
fn keys_by_info_arrive_and_are_answered() {
    let mut net = Net::new(11);
    let (a, b) = net.connect();
    let now = net.now;
    net.ends[A].info(now, a, "application/dtmf-relay", b"Signal=5\r\n".to_vec()).unwrap();
    net.run(ms(200));
    let content_type = Some("application/dtmf-relay".to_owned());
    assert_eq!(net.take(B), [Event::Info { call: b, content_type, body: b"Signal=5\r\n".to_vec() }]);
    assert_eq!(net.take(A), [Event::InfoAnswered { call: a, status: 200 }]);
}

#[test]
fn a_caller_may_not_transfer_us_unless_configured() {
    for is_allowed in [false, true] {
        let mut net = Net::with(12, Transport::Udp, |_, config| config.allow_refer = is_allowed);
        let (a, b) = net.connect();
        let now = net.now;
        assert_eq!(net.ends[A].refer(now, a, "sip:x@y>,<sip:z"), Err(CommandError::WrongState));
        net.ends[A].refer(now, a, "sip:carol@10.0.0.3").unwrap();
        net.run(ms(300));
        if is_allowed {
            assert_eq!(net.take(B), [Event::Refer { call: b, target: "<sip:carol@10.0.0.3>".to_owned() }]);
            let now = net.now;
            net.ends[B].refer_progress(now, b, 200).unwrap();
            net.run(ms(300));
            let last = net.take(A).pop();
            assert_eq!(last, Some(Event::ReferProgress { call: a, status: 200 }));
        } else {
            assert_eq!(net.take(B), []);
            assert_eq!(net.take(A), [Event::ReferProgress { call: a, status: 403 }]);
        }
    }
}

#[test]
fn after_the_last_word_of_a_transfer_another_can_be_tried() {
    let mut net = Net::new(16);
    let (_, b) = net.connect();
    let now = net.now;
    net.ends[B].refer(now, b, "sip:carol@10.0.0.3").unwrap();
    net.ends[B].poll_transmit().unwrap();
    assert_eq!(net.ends[B].refer(now, b, "sip:carol@10.0.0.3"), Err(CommandError::WrongState));
    let mut notify = in_dialog(&net, Method::Notify, "n", 1);
    notify.headers.set("Event", "refer");
    notify.headers.set("Subscription-State", "active;expires=60");
    notify.body = b"SIP/2.0 486 Busy Here\r\n".to_vec();
    let flow = net.flow(B);
    net.ends[B].handle_message(now, flow, Message::Request(notify));
    assert_eq!(next_response(&mut net.ends[B]).unwrap().status, 200);
    assert_eq!(net.take(B), [Event::ReferProgress { call: b, status: 486 }]);
    net.ends[B].refer(now, b, "sip:carol@10.0.0.3").unwrap();
}

#[test]
fn what_we_do_not_do_in_a_call_is_refused_properly() {
    let mut net = Net::new(13);
    net.connect();
    for (n, (method, status)) in
        [(Method::Subscribe, 489), (Method::Message, 405), (Method::Notify, 481), (Method::Options, 200)]
            .into_iter()
            .enumerate()
    {
        assert_eq!(ask(&mut net, method, &n.to_string(), 1 + n as i64, None), Some(status));
    }
}

#[test]
fn a_call_that_the_other_side_does_not_know_any_more_is_ended() {
    let mut net = Net::new(14);
    let (a, b) = net.connect();
    net.filter = Some(Box::new(|from, _| from == A));
    let now = net.now;
    net.ends[B].hang_up(now, b, &Reason::Normal).unwrap();
    net.run(s(40));
    net.filter = None;
    offer_by(&mut net, A, a, "hold");
    net.run(s(2));
    assert_eq!(ended(&net.take(A)), Some(&Cause::Forgotten));
    net.assert_empty();
}

fn hop(address: &str, is_loose: bool) -> NameAddr {
    let params = if is_loose { Params(vec![("lr".to_owned(), None)]) } else { Params::default() };
    let host = Host::Address(address.parse().unwrap());
    let (scheme, user, port) = (Scheme::Sip, None, Some(5070));
    let uri = Uri::Sip(SipUri { scheme, user, password: None, host, port, params, headers: Vec::new() });
    NameAddr { display_name: None, uri, params: Params::default() }
}

#[test]
fn requests_take_the_recorded_route_loose_or_strict() {
    for is_loose in [true, false] {
        let mut net = Net::new(15);
        net.call(Some("offer"));
        let Some((_, _, Message::Request(mut invite))) = net.log.pop() else { panic!("no INVITE") };
        let hops = vec![hop("10.0.0.8", is_loose), hop("10.0.0.9", true)];
        invite.headers.record_route.clone_from(&hops);
        invite.headers.via[0].params.set("branch", Some("z9hG4bKroute".to_owned()));
        let (now, flow) = (net.now, net.flow(B));
        net.ends[B].handle_message(now, flow, Message::Request(invite.clone()));
        let b = std::iter::from_fn(|| net.ends[B].poll_event())
            .find_map(|event| if let Event::Incoming { call, .. } = event { Some(call) } else { None })
            .unwrap();
        net.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
        let ok = std::iter::from_fn(|| next_response(&mut net.ends[B])).last().unwrap();
        assert_eq!(ok.headers.record_route, hops);
        let mut ack = invite.clone();
        ack.method = Method::Ack;
        ack.headers.cseq.method = Method::Ack;
        ack.headers.to = ok.headers.to;
        ack.headers.via[0].params.set("branch", Some("z9hG4bKack".to_owned()));
        net.ends[B].handle_message(now, flow, Message::Request(ack));
        net.ends[B].hang_up(now, b, &Reason::Normal).unwrap();
        let transmit = net.ends[B].poll_transmit().unwrap();
        assert_eq!(transmit.flow.remote, "10.0.0.8:5070".parse::<std::net::SocketAddr>().unwrap());
        let Message::Request(bye) = transmit.message else { panic!("no BYE") };
        let target = invite.headers.contact[0].uri.clone();
        if is_loose {
            assert_eq!((bye.uri, bye.headers.route), (target, hops));
        } else {
            assert_eq!(bye.uri, hops[0].uri);
            assert_eq!(bye.headers.route[0], hops[1]);
            assert_eq!(bye.headers.route[1].uri, target);
        }
    }
}
