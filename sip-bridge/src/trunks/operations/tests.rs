// SPDX-License-Identifier: EUPL-1.2
//! Trunks against registrars that are played by the test, on a virtual clock.

mod changing;
mod locating;
mod registering;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bus::phone::{DestinationState, RegistrationState, TrunkConfig, TrunkState};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::{LookUp, Operations};
use crate::sip::config::Config;
use crate::sip::endpoint::Endpoint;
use crate::sip::event::Event;
use crate::sip::message::{Message, Method, Request, Transport};
use crate::trunks::{Locals, Peers};

const FIRST: &str = "192.0.2.1";
const SECOND: &str = "192.0.2.2";

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Trunks, and the servers that they speak to.
struct Rig {
    operations: Operations,
    endpoint: Endpoint,
    now: Instant,
    peers: Peers,
    /// What was sent, and to whom.
    sent: Vec<(IpAddr, Request)>,
    look_ups: Vec<LookUp>,
    /// Servers that answer nothing.
    silent: BTreeSet<IpAddr>,
    /// What servers answer to REGISTER, where that is not 200.
    refusing: BTreeMap<IpAddr, u16>,
    /// Whether servers want a password.
    asks: bool,
}

impl Rig {
    fn new() -> Self {
        Self::with_dev(false)
    }

    fn with_dev(is_dev: bool) -> Self {
        let now = Instant::now();
        let locals = Locals::new(vec![(Transport::Udp, "198.51.100.1:5060".parse().unwrap())], None, |_| None);
        let mut rig = Self {
            operations: Operations::new(now, locals, is_dev, StdRng::seed_from_u64(1)),
            endpoint: Endpoint::new(Config::default(), StdRng::seed_from_u64(2)),
            now,
            peers: Peers::default(),
            sent: Vec::new(),
            look_ups: Vec::new(),
            silent: BTreeSet::new(),
            refusing: BTreeMap::new(),
            asks: false,
        };
        rig.settle();
        rig
    }

    fn silence(&mut self, server: &str) {
        self.silent.insert(server.parse().unwrap());
    }

    fn wake(&mut self, server: &str) {
        self.silent.remove(&server.parse().unwrap());
    }

    fn list(&mut self, configs: &[TrunkConfig]) {
        self.operations.handle_list(self.now, &configs.into(), &mut self.endpoint);
        self.settle();
    }

    /// Carries messages and events until there are no more.
    fn settle(&mut self) {
        loop {
            while let Some(event) = self.endpoint.poll_event() {
                if matches!(event, Event::Challenged { .. }) {
                    self.operations.handle_challenged(self.now, &event, None, &mut self.endpoint);
                } else {
                    self.operations.handle_event(self.now, &event, &mut self.endpoint);
                }
            }
            while let Some(look_up) = self.operations.poll_look_up(self.now) {
                self.look_ups.push(look_up);
            }
            if let Some(peers) = self.operations.poll_peers() {
                self.peers = peers;
            }
            let Some(transmit) = self.endpoint.poll_transmit() else { break };
            let Message::Request(request) = transmit.message else { panic!("an answer") };
            let server = transmit.flow.remote.ip();
            assert!(self.peers.knows(server), "the gate must let its answers in");
            self.sent.push((server, request.clone()));
            if !self.silent.contains(&server) {
                let answer = self.answer(server, &request);
                self.endpoint.handle_message(self.now, transmit.flow, Message::Response(answer));
            }
        }
    }

    fn answer(&self, server: IpAddr, request: &Request) -> crate::sip::message::Response {
        if request.method != Method::Register {
            return request.response(200, "OK");
        }
        if self.asks && request.headers.get("Authorization").is_none() {
            let mut response = request.response(401, "Unauthorized");
            let challenge = "Digest realm=\"provider\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"";
            response.headers.push("WWW-Authenticate", challenge);
            return response;
        }
        match self.refusing.get(&server) {
            Some(status) => request.response(*status, "No"),
            None => {
                let mut response = request.response(200, "OK");
                response.headers.contact.clone_from(&request.headers.contact);
                response
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let timeouts = [self.operations.poll_timeout(), self.endpoint.poll_timeout()];
            let Some(at) = timeouts.into_iter().flatten().min().filter(|at| *at <= end) else { break };
            self.now = at.max(self.now);
            self.endpoint.handle_timeout(self.now);
            self.operations.handle_timeout(self.now, &mut self.endpoint);
            self.settle();
        }
        self.now = end;
    }

    fn state(&self, id: &str) -> TrunkState {
        self.operations.states().get(id).unwrap().clone()
    }

    fn registration(&self, id: &str) -> RegistrationState {
        self.state(id).registration.unwrap()
    }

    fn destinations(&self, id: &str) -> Vec<DestinationState> {
        self.state(id).destinations
    }

    /// The REGISTER requests so far: to whom, for how long, and with which Contact. Repetitions count once.
    fn registers(&mut self) -> Vec<(String, String, String)> {
        let sent = std::mem::take(&mut self.sent);
        let mut seen = BTreeSet::new();
        let mut registers = Vec::new();
        for (server, request) in sent {
            let branch = request.headers.via[0].branch().unwrap().to_owned();
            if request.method == Method::Register && seen.insert(branch) {
                let contact = request.headers.contact[0].uri.to_string();
                let user = contact.trim_start_matches("sip:").split('@').next().unwrap().to_owned();
                registers.push((server.to_string(), request.headers.get("Expires").unwrap().to_owned(), user));
            }
        }
        registers
    }

    fn registered_at(&mut self) -> Vec<String> {
        self.registers().into_iter().map(|(server, ..)| server).collect()
    }
}
