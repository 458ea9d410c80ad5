// SPDX-License-Identifier: EUPL-1.2
//! Who refreshes a call and who ends it (RFC 4028), against a peer whose every word is written here: an endpoint of ours at the
//! other end would swap the roles just as we do, and nothing would show.

use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::network::{ended, name, s, uri};
use crate::sip::command::Invite;
use crate::sip::config::Config;
use crate::sip::endpoint::Endpoint;
use crate::sip::event::{Cause, Event};
use crate::sip::flow::Flow;
use crate::sip::message::{Headers, Message, Method, Request, Response, Transport};
use crate::sip::parse::parse;

const US: &str = "10.0.0.2";
const PEER: &str = "10.0.0.1";

/// Methods of a peer that has UPDATE.
const ALLOW: &str = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n";

/// Our endpoint in a call with the peer.
struct Us {
    end: Endpoint,
    is_caller: bool,
    began: Instant,
    now: Instant,
    sent: Vec<(Instant, Message)>,
    events: Vec<Event>,
    /// The Session-Expires of the peer's answers to our refreshes; empty for none.
    refreshed_as: &'static str,
    /// The number of the peer's last request.
    cseq: u32,
}

fn flow() -> Flow {
    let at = |ip: &str| format!("{ip}:5060").parse().unwrap();
    Flow { transport: Transport::Udp, local: at(US), remote: at(PEER), connection: None, tls_name: None }
}

/// The peer's 200.
fn ok(request: &Request, session_expires: &str) -> Response {
    let mut response = request.response(200, "OK");
    if !session_expires.is_empty() {
        response.headers.set("Session-Expires", session_expires);
    }
    response
}

impl Us {
    fn new() -> Self {
        let now = Instant::now();
        let config = Config { session_expires: Some(s(1_800)), session_minimum: s(90), ..Config::default() };
        let end = Endpoint::new(config, StdRng::seed_from_u64(1));
        Self { end, is_caller: false, began: now, now, sent: Vec::new(), events: Vec::new(), refreshed_as: "", cseq: 1 }
    }

    /// The peer calls with these lines in its INVITE, and is answered: by what, is returned.
    fn called(lines: &str) -> (Self, Response) {
        let mut us = Self::new();
        us.hear("INVITE", "", lines, "offer");
        let call = us.events.iter().find_map(|event| match event {
            Event::Incoming { call, .. } => Some(*call),
            _ => None,
        });
        us.end.answer(us.now, call.unwrap(), b"answer".to_vec()).unwrap();
        us.collect();
        let answer = us.answer(&Method::Invite);
        assert_eq!(answer.status, 200);
        us.hear("ACK", &us.tag(), "", "");
        (us, answer)
    }

    /// We call, with this as our INVITE.
    fn calling() -> (Self, Request) {
        let mut us = Self { is_caller: true, ..Self::new() };
        let invite = Invite {
            target: uri("bob", PEER),
            flow: flow(),
            from: name("saal", US),
            to: name("bob", PEER),
            sdp: Some(b"offer".to_vec()),
            headers: Vec::new(),
            route: Vec::new(),
            registration: None,
            ring_time: None,
        };
        us.end.invite(us.now, invite).unwrap();
        us.collect();
        let invite = us.requests(&Method::Invite).remove(0);
        (us, invite)
    }

    /// The same, answered by the peer with that Session-Expires.
    fn answered(session_expires: &str) -> Self {
        let (mut us, invite) = Self::calling();
        us.accept(&invite, session_expires);
        us
    }

    fn accept(&mut self, invite: &Request, session_expires: &str) {
        let mut answer = ok(invite, session_expires);
        answer.headers.to.params.set("tag", Some("theirs".to_owned()));
        answer.headers.contact = vec![name("bob", PEER)];
        answer.headers.set("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE");
        answer.headers.content_type = Some("application/sdp".to_owned());
        answer.body = b"answer".to_vec();
        self.end.handle_message(self.now, flow(), Message::Response(answer));
        self.collect();
        assert!(self.events.iter().any(|event| matches!(event, Event::Answered { .. })));
    }

    /// Our tag in a call of the peer's.
    fn tag(&self) -> String {
        self.answer(&Method::Invite).headers.to.tag().unwrap().to_owned()
    }

    /// A request of the peer's.
    fn hear(&mut self, method: &str, tag: &str, lines: &str, body: &str) {
        let to_tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let content_type = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let (cseq, length) = (self.cseq, body.len());
        let text = format!(
            "{method} sip:saal@{US} SIP/2.0\r\nVia: SIP/2.0/UDP {PEER}:5060;branch=z9hG4bK{method}{cseq}\r\n\
             From: <sip:alice@{PEER}>;tag=theirs\r\nTo: <sip:saal@{US}>{to_tag}\r\nCall-ID: one\r\n\
             CSeq: {cseq} {method}\r\nMax-Forwards: 70\r\nContact: <sip:alice@{PEER}:5060>\r\n{lines}{content_type}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let message = parse(text.as_bytes(), Transport::Udp).unwrap();
        self.end.handle_message(self.now, flow(), message);
        self.collect();
    }

    /// The peer refreshes: our answer.
    fn refresh(&mut self, lines: &str) -> Response {
        self.cseq += 1;
        let tag = self.tag();
        self.hear("UPDATE", &tag, lines, "");
        self.answer(&Method::Update)
    }

    /// Takes what is sent. The peer answers refreshes and BYE at once.
    fn collect(&mut self) {
        while let Some(transmit) = self.end.poll_transmit() {
            let answer = match &transmit.message {
                Message::Request(request) if request.method == Method::Update => Some(ok(request, self.refreshed_as)),
                Message::Request(request) if request.method == Method::Bye => Some(ok(request, "")),
                _ => None,
            };
            self.sent.push((self.now, transmit.message));
            if let Some(answer) = answer {
                self.end.handle_message(self.now, flow(), Message::Response(answer));
            }
        }
        while let Some(event) = self.end.poll_event() {
            self.events.push(event);
        }
    }

    /// Lets time pass, until so long after the beginning.
    fn run_until(&mut self, time: Duration) {
        let until = self.began + time;
        while let Some(at) = self.end.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.end.handle_timeout(self.now);
            self.collect();
        }
        self.now = until;
    }

    fn requests(&self, method: &Method) -> Vec<Request> {
        let requests = self.sent.iter().filter_map(|(_, message)| match message {
            Message::Request(request) if request.method == *method => Some(request.clone()),
            _ => None,
        });
        requests.collect()
    }

    /// Our last answer to such a request.
    fn answer(&self, method: &Method) -> Response {
        let answers = self.sent.iter().rev().find_map(|(_, message)| match message {
            Message::Response(response) if response.headers.cseq.method == *method => Some(response.clone()),
            _ => None,
        });
        answers.unwrap()
    }

    /// When we sent such requests, in seconds since the beginning.
    fn times(&self, method: &Method) -> Vec<u64> {
        let is_meant = |message: &Message| matches!(message, Message::Request(request) if request.method == *method);
        let meant = self.sent.iter().filter(|(_, message)| is_meant(message));
        meant.map(|(at, _)| at.duration_since(self.began).as_secs()).collect()
    }

    /// All that was asked for in our refreshes.
    fn asked(&self) -> Vec<String> {
        let asked = |request: &Request| request.headers.get("Session-Expires").unwrap_or_default().to_owned();
        self.requests(&Method::Update).iter().map(asked).collect()
    }

    /// The call has gone on, and nobody has refreshed it or hung up but as told.
    fn assert_refreshed_at(&self, times: &[u64]) {
        assert_eq!(self.times(&Method::Update), times);
        assert!(self.times(&Method::Bye).is_empty());
        assert_eq!(self.end.calls(), 1);
    }

    /// The call was hung up then, because nobody refreshed it, and we never did.
    fn assert_expired_at(&self, time: u64) {
        assert!(self.times(&Method::Update).is_empty(), "it is for them to refresh");
        assert_eq!(self.times(&Method::Invite).len(), usize::from(self.is_caller), "nor by re-INVITE");
        assert_eq!(self.times(&Method::Bye), [time]);
        let bye = self.requests(&Method::Bye).remove(0);
        assert_eq!(bye.headers.get("Reason"), Some("SIP;cause=408;text=\"session expired\""));
        assert_eq!(ended(&self.events), Some(&Cause::SessionExpired));
    }
}

fn session_expires(headers: &Headers) -> Option<&str> {
    headers.get("Session-Expires")
}

#[test]
fn who_is_called_refreshes_when_the_caller_wants_that() {
    let lines = format!("{ALLOW}Supported: timer\r\nSession-Expires: 200;refresher=uas\r\n");
    let (mut us, answer) = Us::called(&lines);
    assert_eq!(session_expires(&answer.headers), Some("200;refresher=uas"));
    // It is for them to hang up when no refresh comes (RFC 4028 §9).
    assert!(answer.headers.has_token("Require", "timer"));
    us.refreshed_as = "200;refresher=uac";
    us.run_until(s(99));
    us.assert_refreshed_at(&[]);
    us.run_until(s(450));
    us.assert_refreshed_at(&[100, 200, 300, 400]);
    // We are the UAC of a refresh.
    assert!(us.asked().iter().all(|asked| asked == "200;refresher=uac"), "{:?}", us.asked());
    let is_known = |request: &Request| request.headers.has_token("Supported", "timer");
    assert!(us.requests(&Method::Update).iter().all(is_known));
}

#[test]
fn who_is_called_leaves_it_to_a_caller_who_wants_to_refresh_and_hangs_up_without() {
    let lines = format!("{ALLOW}Supported: timer\r\nSession-Expires: 200;refresher=uac\r\n");
    let (mut us, answer) = Us::called(&lines);
    assert_eq!(session_expires(&answer.headers), Some("200;refresher=uac"));
    assert!(answer.headers.has_token("Require", "timer"));
    us.run_until(s(150));
    us.assert_refreshed_at(&[]);
    let answer = us.refresh("Supported: timer\r\nSession-Expires: 200;refresher=uac\r\n");
    assert_eq!((answer.status, session_expires(&answer.headers)), (200, Some("200;refresher=uac")));
    us.run_until(s(317));
    us.assert_refreshed_at(&[]);
    // 32 s before the time is up (RFC 4028 §10).
    us.run_until(s(400));
    us.assert_expired_at(150 + 200 - 32);
}

#[test]
fn the_shortest_session_is_hung_up_a_third_of_its_time_before_its_end() {
    let (mut us, _) = Us::called("Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n");
    us.run_until(s(90));
    us.assert_expired_at(60);
}

#[test]
fn who_is_called_may_choose_and_leaves_it_to_the_caller() {
    let (mut us, answer) = Us::called("Supported: timer\r\nSession-Expires: 200\r\n");
    assert_eq!(session_expires(&answer.headers), Some("200;refresher=uac"));
    us.run_until(s(300));
    us.assert_expired_at(168);
    let (mut us, answer) = Us::called("Supported: timer\r\n");
    assert_eq!(session_expires(&answer.headers), Some("1800;refresher=uac"));
    assert!(answer.headers.has_token("Require", "timer"));
    us.run_until(s(2_000));
    us.assert_expired_at(1_800 - 32);
}

#[test]
fn a_caller_without_session_timers_is_refreshed_by_us_and_required_nothing() {
    let cases = [
        ("", "1800;refresher=uas", 900),
        // A proxy wrote it, who cannot speak for the caller (RFC 4028 §9, table 2).
        ("Session-Expires: 200;refresher=uac\r\n", "200;refresher=uas", 100),
        // 422 would help nobody.
        ("Session-Expires: 60\r\n", "90;refresher=uas", 45),
    ];
    for (lines, told, first) in cases {
        let (mut us, answer) = Us::called(&format!("{ALLOW}{lines}"));
        assert_eq!(session_expires(&answer.headers), Some(told));
        assert_eq!(answer.headers.get("Require"), None, "{told}");
        us.run_until(s(first - 1));
        us.assert_refreshed_at(&[]);
        us.run_until(s(first));
        us.assert_refreshed_at(&[first]);
        assert!(us.asked()[0].ends_with(";refresher=uac"), "{:?}", us.asked());
        // Without the header in the answer there is no timer any more (§7.2), and the call goes on.
        us.run_until(s(5_000));
        us.assert_refreshed_at(&[first]);
    }
}

#[test]
fn too_short_a_session_is_refused_to_who_knows_session_timers() {
    let mut us = Us::new();
    us.hear("INVITE", "", "Supported: timer\r\nSession-Expires: 60;refresher=uas\r\n", "offer");
    let answer = us.answer(&Method::Invite);
    assert_eq!((answer.status, answer.headers.get("Min-SE")), (422, Some("90")));
    assert!(us.events.is_empty());
}

#[test]
fn who_calls_asks_for_a_session_and_leaves_it_open_who_refreshes() {
    let (_, invite) = Us::calling();
    assert_eq!(session_expires(&invite.headers), Some("1800"));
    assert_eq!(invite.headers.get("Min-SE"), Some("90"));
    assert!(invite.headers.has_token("Supported", "timer"));
}

#[test]
fn who_calls_refreshes_when_the_answer_says_so() {
    let mut us = Us::answered("200;refresher=uac");
    us.refreshed_as = "200;refresher=uac";
    us.run_until(s(99));
    us.assert_refreshed_at(&[]);
    us.run_until(s(350));
    us.assert_refreshed_at(&[100, 200, 300]);
    assert!(us.asked().iter().all(|asked| asked == "200;refresher=uac"), "{:?}", us.asked());
}

#[test]
fn who_calls_leaves_it_to_who_is_called_and_hangs_up_without() {
    let mut us = Us::answered("200;refresher=uas");
    us.run_until(s(167));
    us.assert_refreshed_at(&[]);
    us.run_until(s(300));
    us.assert_expired_at(168);
}

#[test]
fn a_refresh_may_hand_the_role_over() {
    let mut us = Us::answered("200;refresher=uac");
    // Who answers a refresh is its UAS.
    us.refreshed_as = "200;refresher=uas";
    us.run_until(s(267));
    us.assert_refreshed_at(&[100]);
    us.run_until(s(400));
    assert_eq!((us.times(&Method::Update), us.times(&Method::Bye)), (vec![100], vec![268]));
}

#[test]
fn an_answer_without_a_session_timer_wants_none() {
    let mut us = Us::answered("");
    us.run_until(s(86_400));
    us.assert_refreshed_at(&[]);
}

#[test]
fn who_calls_asks_again_for_as_long_as_the_other_side_wants() {
    let (mut us, first) = Us::calling();
    let mut refusal = first.response(422, "Session Interval Too Small");
    refusal.headers.to.params.set("tag", Some("theirs".to_owned()));
    refusal.headers.set("Min-SE", "3600");
    us.end.handle_message(us.now, flow(), Message::Response(refusal));
    us.collect();
    assert_eq!(us.requests(&Method::Ack).len(), 1);
    let invites = us.requests(&Method::Invite);
    let [_, second] = invites.as_slice() else { panic!("{} INVITEs", invites.len()) };
    assert_eq!((session_expires(&second.headers), second.headers.get("Min-SE")), (Some("3600"), Some("3600")));
    assert_eq!(second.headers.cseq.number, first.headers.cseq.number + 1);
    assert_eq!((&second.headers.call_id, second.headers.to.tag()), (&first.headers.call_id, None));
    us.accept(second, "3600;refresher=uac");
    us.refreshed_as = "3600;refresher=uac";
    us.run_until(s(1_800));
    us.assert_refreshed_at(&[1_800]);
}

#[test]
fn a_refusal_that_asks_for_no_more_than_we_do_ends_the_call() {
    let (mut us, invite) = Us::calling();
    let mut refusal = invite.response(422, "Session Interval Too Small");
    refusal.headers.to.params.set("tag", Some("theirs".to_owned()));
    refusal.headers.set("Min-SE", "90");
    us.end.handle_message(us.now, flow(), Message::Response(refusal));
    us.collect();
    assert_eq!(us.requests(&Method::Invite).len(), 1);
    assert!(ended(&us.events).is_some());
}
