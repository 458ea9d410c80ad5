// SPDX-License-Identifier: EUPL-1.2
//! The network: two endpoints, and what happens to messages between them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::sip::command::Invite;
use crate::sip::config::Config;
use crate::sip::endpoint::Endpoint;
use crate::sip::event::{CallId, Event};
use crate::sip::flow::{ConnectionId, Flow};
use crate::sip::message::{
    CSeq, Host, Message, Method, NameAddr, Params, Request, Response, Scheme, SipUri, Transport, Uri,
};
use crate::sip::own_headers;

/// The two.
pub(super) const A: usize = 0;
pub(super) const B: usize = 1;

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How bad it is.
#[derive(Clone, Copy, Default)]
pub(super) struct Weather {
    /// Of a thousand.
    pub(super) loss: u32,
    /// Of a thousand.
    pub(super) duplication: u32,
    /// Added to the 20 ms of each message, at most. Makes messages overtake each other.
    pub(super) jitter: Duration,
}

type Filter = Box<dyn FnMut(usize, &Message) -> bool>;

pub(super) struct Net {
    pub(super) now: Instant,
    pub(super) rng: StdRng,
    pub(super) ends: Vec<Endpoint>,
    pub(super) events: [Vec<Event>; 2],
    /// Everything that was sent, and by whom.
    pub(super) log: Vec<(Instant, usize, Message)>,
    pub(super) weather: Weather,
    /// What does not get lost by chance but on purpose: `false` loses it.
    pub(super) filter: Option<Filter>,
    transport: Transport,
    queue: BTreeMap<(Instant, u64), (usize, Message)>,
    count: u64,
}

impl Net {
    pub(super) fn new(seed: u64) -> Self {
        Self::with(seed, Transport::Udp, |_, _| {})
    }

    pub(super) fn with(seed: u64, transport: Transport, configure: impl Fn(usize, &mut Config)) -> Self {
        let end = |index: usize| {
            let mut config = Config { contact_user: format!("end{index}"), ..Config::default() };
            configure(index, &mut config);
            Endpoint::new(config, StdRng::seed_from_u64(seed * 2 + index as u64))
        };
        Self {
            now: Instant::now(),
            rng: StdRng::seed_from_u64(seed),
            ends: vec![end(A), end(B)],
            events: [Vec::new(), Vec::new()],
            log: Vec::new(),
            weather: Weather::default(),
            filter: None,
            transport,
            queue: BTreeMap::new(),
            count: 0,
        }
    }

    /// The flow as an end sees it.
    pub(super) fn flow(&self, from: usize) -> Flow {
        let address = |index: usize| format!("10.0.0.{}:5060", index + 1).parse().unwrap();
        let connection = self.transport.is_reliable().then_some(ConnectionId(1));
        let (local, remote) = (address(from), address(1 - from));
        Flow { transport: self.transport, local, remote, connection, tls_name: None }
    }

    pub(super) fn collect(&mut self) {
        for from in [A, B] {
            while let Some(transmit) = self.ends[from].poll_transmit() {
                let expected = self.flow(from);
                assert_eq!(transmit.flow.remote.ip(), expected.remote.ip());
                self.log.push((self.now, from, transmit.message.clone()));
                let is_let_through = self.filter.as_mut().is_none_or(|filter| filter(from, &transmit.message));
                if is_let_through {
                    self.post(1 - from, transmit.message);
                }
            }
            while let Some(event) = self.ends[from].poll_event() {
                self.events[from].push(event);
            }
        }
    }

    fn post(&mut self, to: usize, message: Message) {
        let is_reliable = self.transport.is_reliable();
        let mut copies = 1;
        if !is_reliable {
            if self.rng.random_range(0..1000) < self.weather.loss {
                copies = 0;
            } else if self.rng.random_range(0..1000) < self.weather.duplication {
                copies = 2;
            }
        }
        for _ in 0..copies {
            let jitter = if is_reliable { Duration::ZERO } else { self.weather.jitter.mul_f64(self.rng.random()) };
            self.count += 1;
            self.queue.insert((self.now + ms(20) + jitter, self.count), (to, message.clone()));
        }
    }

    /// The next thing that happens, until then. `false`: nothing does.
    pub(super) fn step(&mut self, until: Instant) -> bool {
        self.collect();
        let message = self.queue.first_key_value().map(|((at, _), _)| *at);
        let timeout = self.ends.iter().filter_map(Endpoint::poll_timeout).min();
        let Some(next) = message.into_iter().chain(timeout).min().filter(|next| *next <= until) else {
            return false;
        };
        self.now = self.now.max(next);
        if message == Some(next) {
            if let Some((_, (to, message))) = self.queue.pop_first() {
                let flow = self.flow(to);
                self.ends[to].handle_message(self.now, flow, message);
            }
        } else {
            let now = self.now;
            for end in &mut self.ends {
                if end.poll_timeout().is_some_and(|at| at <= now) {
                    end.handle_timeout(now);
                }
            }
        }
        self.collect();
        true
    }

    pub(super) fn run(&mut self, time: Duration) {
        let until = self.now + time;
        let mut steps = 0;
        while self.step(until) {
            steps += 1;
            assert!(steps < 1_000_000, "no rest");
        }
        self.now = until;
    }

    pub(super) fn take(&mut self, end: usize) -> Vec<Event> {
        self.collect();
        std::mem::take(&mut self.events[end])
    }

    /// A calls B.
    pub(super) fn call(&mut self, sdp: Option<&str>) -> CallId {
        let invite = self.invitation(sdp);
        let now = self.now;
        let id = self.ends[A].invite(now, invite).unwrap();
        self.collect();
        id
    }

    pub(super) fn invitation(&self, sdp: Option<&str>) -> Invite {
        Invite {
            target: uri("bob", "10.0.0.2"),
            flow: self.flow(A),
            from: name("alice", "10.0.0.1"),
            to: name("bob", "10.0.0.2"),
            sdp: sdp.map(|sdp| sdp.as_bytes().to_vec()),
            headers: Vec::new(),
            route: Vec::new(),
            registration: None,
            ring_time: None,
        }
    }

    /// A calls B and B answers: the call at both ends.
    pub(super) fn connect(&mut self) -> (CallId, CallId) {
        let a = self.call(Some("offer"));
        self.run(ms(100));
        let b = self.incoming();
        let now = self.now;
        self.ends[B].answer(now, b, b"answer".to_vec()).unwrap();
        self.run(ms(200));
        assert!(self.take(A).contains(&Event::Answered { call: a, sdp: Some(b"answer".to_vec()), is_offer: false }));
        assert!(self.take(B).contains(&Event::Acked { call: b, flow: self.flow(B), sdp: None }));
        (a, b)
    }

    /// The call that came to B last.
    pub(super) fn incoming(&mut self) -> CallId {
        let call = self.take(B).into_iter().rev().find_map(|event| match event {
            Event::Incoming { call, .. } => Some(call),
            _ => None,
        });
        call.expect("a call came in")
    }

    /// What an end sent of some kind.
    pub(super) fn sent(&self, from: usize, is_meant: impl Fn(&Message) -> bool) -> usize {
        self.log.iter().filter(|(_, end, message)| *end == from && is_meant(message)).count()
    }

    pub(super) fn requests(&self, from: usize, method: &Method) -> Vec<Request> {
        let requests = self.log.iter().filter_map(|(_, end, message)| match message {
            Message::Request(request) if *end == from && request.method == *method => Some(request.clone()),
            _ => None,
        });
        requests.collect()
    }

    pub(super) fn responses(&self, from: usize, method: &Method) -> Vec<Response> {
        let responses = self.log.iter().filter_map(|(_, end, message)| match message {
            Message::Response(response) if *end == from && response.headers.cseq.method == *method => {
                Some(response.clone())
            }
            _ => None,
        });
        responses.collect()
    }

    /// After the longest of all timers nothing is left anywhere.
    pub(super) fn assert_empty(&mut self) {
        self.run(s(200));
        for end in &self.ends {
            assert_eq!((end.calls(), end.transactions(), end.challenges()), (0, 0, 0));
            assert_eq!(end.poll_timeout(), None);
            assert!(end.core.dialogs.is_empty());
        }
    }
}

pub(super) fn uri(user: &str, address: &str) -> Uri {
    let host = Host::Address(address.parse().unwrap());
    let (user, params) = (Some(user.to_owned()), Params::default());
    Uri::Sip(SipUri { scheme: Scheme::Sip, user, password: None, host, port: None, params, headers: Vec::new() })
}

pub(super) fn name(user: &str, address: &str) -> NameAddr {
    NameAddr { display_name: None, uri: uri(user, address), params: Params::default() }
}

/// A request by somebody who is no endpoint.
pub(super) fn request(method: Method, branch: &str, call_id: &str, cseq: u32) -> Request {
    let flow = Flow {
        transport: Transport::Udp,
        local: "10.0.0.1:5060".parse().unwrap(),
        remote: "10.0.0.2:5060".parse().unwrap(),
        connection: None,
        tls_name: None,
    };
    let mut from = name("alice", "10.0.0.1");
    from.params.set("tag", Some("from".to_owned()));
    let cseq = CSeq { number: cseq, method: method.clone() };
    let config = Config::default();
    let mut headers = own_headers::request_headers(from, name("bob", "10.0.0.2"), call_id.to_owned(), cseq, &config);
    headers.via = vec![own_headers::via(&flow, &config, branch.to_owned())];
    headers.contact = vec![name("alice", "10.0.0.1")];
    Request { method, uri: uri("bob", "10.0.0.2"), headers, body: Vec::new() }
}

/// What an end sends next, which has to be an answer.
pub(super) fn next_response(end: &mut Endpoint) -> Option<Response> {
    match end.poll_transmit()?.message {
        Message::Response(response) => Some(response),
        Message::Request(request) => panic!("a {} was sent", request.method),
    }
}

pub(super) fn is_status(status: u16) -> impl Fn(&Message) -> bool {
    move |message| matches!(message, Message::Response(response) if response.status == status)
}

pub(super) fn is_method(method: Method) -> impl Fn(&Message) -> bool {
    move |message| matches!(message, Message::Request(request) if request.method == method)
}

pub(super) fn ended(events: &[Event]) -> Option<&crate::sip::event::Cause> {
    events.iter().find_map(|event| match event {
        Event::Ended { cause, .. } => Some(cause),
        _ => None,
    })
}
