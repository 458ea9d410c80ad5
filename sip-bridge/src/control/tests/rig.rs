// SPDX-License-Identifier: EUPL-1.2
//! A core, and what came out of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::phone::{CallTerms, OutgoingCall, PhoneNotice, PhoneRequest, TrunkConfig};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::control::core::{ControlCore, CoreSettings, Output};
use crate::control::{bind, check};
use crate::media::rtp::Ports;
use crate::metrics::Metrics;
use crate::sip::config::{Config, OwnAddress};
use crate::sip::flow::{ConnectionId, Flow};
use crate::sip::message::{Message, Response, Transport};
use crate::sip::parse::parse;
use crate::sound::{CallKey, SoundEvent, SoundOrder};
use crate::trunks::{Locals, Trunks};

pub(super) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                                m=audio 40000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n";

pub(super) struct Rig {
    pub(super) core: ControlCore,
    pub(super) now: Instant,
    pub(super) outputs: Vec<Output>,
    pub(super) metrics: Metrics,
    /// What the sockets see of the trunks.
    pub(super) trunks: Arc<Trunks>,
    /// Where is listened.
    local: SocketAddr,
    /// Whom messages come from.
    pub(super) source: &'static str,
    /// And by what.
    pub(super) transport: Transport,
    /// And on which connection, if by one.
    pub(super) connection: Option<ConnectionId>,
    cseq: u32,
}

impl Rig {
    /// One with so many threads of sound.
    pub(super) fn new(threads: usize) -> Self {
        Self::with(threads, Ipv4Addr::LOCALHOST, |_| None)
    }

    /// One that listens on all addresses, and finds which of them somebody is told.
    pub(super) fn everywhere(own_address: OwnAddress) -> Self {
        Self::with(1, Ipv4Addr::UNSPECIFIED, own_address)
    }

    fn with(threads: usize, listen: Ipv4Addr, own_address: OwnAddress) -> Self {
        let trunks = Arc::new(Trunks::default());
        let local = SocketAddr::from((listen, 5060));
        let locals = Locals::new(vec![(Transport::Udp, local)], None, own_address);
        let rtp_address = listen.into();
        let settings =
            CoreSettings { rtp_address, trunks: trunks.clone(), locals, is_dev: true, max_calls: 3, threads };
        let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
        let ports = Ports::new(42_000..=42_999, StdRng::from_os_rng()).unwrap();
        let config = Config { check: Some(check), own_address, ..Config::default() };
        let rngs = [1, 2, 3].map(StdRng::seed_from_u64);
        let bind = Box::new(|port| bind(Ipv4Addr::LOCALHOST.into(), port));
        let now = Instant::now();
        let core = ControlCore::new(now, settings, config, ports, bind, metrics.clone(), rngs);
        Self {
            core,
            now,
            outputs: Vec::new(),
            metrics,
            trunks,
            local,
            source: "127.0.0.1:5062",
            transport: Transport::Udp,
            connection: None,
            cseq: 1,
        }
    }

    fn collect(&mut self) {
        while let Some(output) = self.core.poll_output() {
            if let Output::OpenLine { call, .. } = &output {
                self.core.handle_line(self.now, *call, true);
            }
            self.outputs.push(output);
        }
    }

    /// Something that the core is told.
    pub(super) fn tell(&mut self, act: impl FnOnce(&mut ControlCore, Instant)) {
        act(&mut self.core, self.now);
        self.collect();
    }

    /// The trunks are to be these.
    pub(super) fn list(&mut self, configs: &[TrunkConfig]) {
        let list = configs.into();
        self.tell(|core, now| core.handle_trunks(now, &list));
    }

    /// Signaling orders a call.
    pub(super) fn dial(&mut self, order: OutgoingCall) -> CallKey {
        let call = self.core.dial(self.now, order);
        self.collect();
        call
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while !self.core.is_shut_down(self.now)
            && let Some(at) = self.core.poll_timeout().filter(|at| *at <= end)
        {
            self.now = at.max(self.now);
            self.tell(ControlCore::handle_timeout);
        }
        self.now = end;
    }

    /// A message of the telephone's.
    pub(super) fn send(&mut self, text: &str) {
        let flow = Flow {
            transport: self.transport,
            local: self.local,
            remote: self.source.parse().unwrap(),
            connection: self.connection,
            tls_name: None,
        };
        let text = text.replace("SIP/2.0/UDP", &format!("SIP/2.0/{}", self.transport.as_str()));
        let message = parse(text.as_bytes(), self.transport).unwrap();
        self.tell(|core, now| core.handle_message(now, flow, message));
    }

    pub(super) fn invite(&mut self, id: &str, lines: &str, body: &str) {
        self.send(&format!(
            "INVITE sip:+49301@saal.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKi{id};rport\r\n\
             From: <sip:+491701@a.example>;tag=f{id}\r\nTo: <sip:+49301@saal.example>\r\nCall-ID: {id}\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1:5062>\r\n{lines}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    /// A request of the dialog of an answered call.
    pub(super) fn in_dialog(&mut self, method: &str, id: &str, lines: &str, body: &str) {
        let tag = self.answer(id).headers.to.tag().unwrap().to_owned();
        // An ACK has the number of its INVITE.
        if method != "ACK" {
            self.cseq += 1;
        }
        let cseq = self.cseq;
        self.send(&format!(
            "{method} sip:saal@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bK{method}{id}{cseq};rport\r\n\
             From: <sip:+491701@a.example>;tag=f{id}\r\nTo: <sip:+49301@saal.example>;tag={tag}\r\nCall-ID: {id}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:a@127.0.0.1:5062>\r\n{lines}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    /// What was sent.
    pub(super) fn sent(&self) -> impl Iterator<Item = &Message> {
        self.outputs.iter().filter_map(|output| match output {
            Output::Transmit(transmit) => Some(&transmit.message),
            _ => None,
        })
    }

    /// The answers to a call's INVITE and to what followed.
    pub(super) fn statuses(&self, id: &str) -> Vec<u16> {
        self.responses(id).map(|response| response.status).collect()
    }

    pub(super) fn responses<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Response> {
        self.sent().filter_map(move |message| match message {
            Message::Response(response) if response.headers.call_id == id => Some(response),
            _ => None,
        })
    }

    /// The first answer that is final.
    pub(super) fn answer<'a>(&'a self, id: &'a str) -> &'a Response {
        self.responses(id).find(|response| response.status >= 200).unwrap()
    }

    /// The requests that were sent to the telephone.
    pub(super) fn requests(&self, method: &str) -> Vec<&crate::sip::message::Request> {
        let requests = self.sent().filter_map(|message| match message {
            Message::Request(request) if request.method.as_str() == method => Some(request),
            _ => None,
        });
        requests.collect()
    }

    /// Where a request went.
    pub(super) fn sent_to(&self, request: &crate::sip::message::Request) -> String {
        let mut flows = self.outputs.iter().filter_map(|output| match output {
            Output::Transmit(transmit) => match &transmit.message {
                Message::Request(sent) if sent == request => Some(transmit.flow.remote.to_string()),
                _ => None,
            },
            _ => None,
        });
        flows.next().unwrap()
    }

    pub(super) fn calls(&self) -> Vec<CallKey> {
        let opened = self.outputs.iter().filter_map(|output| match output {
            Output::OpenLine { call, .. } => Some(*call),
            _ => None,
        });
        opened.collect()
    }

    /// The orders so far, by name, with the thread.
    pub(super) fn orders(&self) -> Vec<(usize, &'static str)> {
        let orders = self.outputs.iter().filter_map(|output| match output {
            Output::Sound { thread, order, .. } => Some((*thread, name(order))),
            _ => None,
        });
        orders.collect()
    }

    /// Plays what was asked for last to its end.
    pub(super) fn play_out(&mut self, call: CallKey) {
        let mut plays = self.outputs.iter().rev().filter_map(|output| match output {
            Output::Sound { order: SoundOrder::Play { token, .. }, .. } => Some(*token),
            _ => None,
        });
        let token = plays.next().unwrap();
        self.tell(|core, now| core.handle_sound(now, SoundEvent::Played { call, token }));
    }

    pub(super) fn requested(&self) -> Vec<&PhoneRequest> {
        let requests = self.outputs.iter().filter_map(|output| match output {
            Output::Request { request, .. } => Some(request),
            _ => None,
        });
        requests.collect()
    }

    /// How many lines have been closed.
    pub(super) fn closed_lines(&self) -> usize {
        self.outputs.iter().filter(|output| matches!(output, Output::CloseLine { .. })).count()
    }

    pub(super) fn notice(&mut self, call: CallKey, notice: PhoneNotice) {
        self.tell(|core, now| core.handle_notice(now, call, Some(notice)));
    }

    pub(super) fn begun(&mut self, call: CallKey) {
        self.notice(
            call,
            PhoneNotice::Begun(CallTerms { languages: vec!["de".to_owned()], is_direct: false, tenant: None }),
        );
    }

    /// A call that is answered and acknowledged.
    pub(super) fn answered(&mut self, id: &str) -> CallKey {
        self.invite(id, "Content-Type: application/sdp\r\n", OFFER);
        let call = *self.calls().last().unwrap();
        self.begun(call);
        self.in_dialog("ACK", id, "", "");
        call
    }
}

const fn name(order: &SoundOrder) -> &'static str {
    match order {
        SoundOrder::Begin { .. } => "begin",
        SoundOrder::Open { .. } => "open",
        SoundOrder::Change { .. } => "change",
        SoundOrder::Play { .. } => "play",
        SoundOrder::StopPlaying { .. } => "stop",
        SoundOrder::Music { .. } => "music",
        SoundOrder::Chime { .. } => "chime",
        SoundOrder::Volume { .. } => "volume",
        SoundOrder::Connect { .. } => "connect",
        SoundOrder::Disconnect { .. } => "disconnect",
        SoundOrder::Muted { .. } => "muted",
        SoundOrder::Digit { .. } => "digit",
        SoundOrder::End { .. } => "end",
        SoundOrder::HandOver { .. } | SoundOrder::TakeOver { .. } => "move",
    }
}
