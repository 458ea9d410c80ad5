// SPDX-License-Identifier: EUPL-1.2
//! A transport and its client on a virtual clock, with a link between them that the test can interfere with.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client::{Client, Profile};
use crate::ids::TransportId;
use crate::session::{Fingerprint, IceCredentials, Session, TransportSetup};
use crate::shard::demux::{DatagramKind, classify};
use crate::shard::message::{DataChannel, TransportFailure};
use crate::transport::{DtlsIdentity, StunOutcome, Transport, TransportEvent};

pub(super) const USER_NAME: &str = "ours:theirs";
pub(super) const PASSWORD: &str = "our-password-of-22-chars";

const ONE_WAY_DELAY: Duration = Duration::from_millis(10);
const CHECK_INTERVAL: Duration = Duration::from_millis(2500);

/// Decides by direction, number and content whether a datagram arrives.
pub(super) type Link = Box<dyn FnMut(Direction, usize, &[u8]) -> bool>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    ToServer,
    ToClient,
}

pub(super) struct Call {
    pub(super) now: Instant,
    pub(super) transport: Transport,
    pub(super) client: Client,
    pub(super) client_address: SocketAddr,
    pub(super) link: Link,
    /// The client sends connectivity checks.
    pub(super) checks: bool,
    pub(super) events: Vec<TransportEvent>,
    /// STUN datagrams that the client got.
    pub(super) stun_responses: usize,
    next_check: Instant,
    on_the_way: VecDeque<(Instant, Direction, Vec<u8>)>,
    sent: [usize; 2],
}

pub(super) fn credentials(ufrag: &str, password: &str) -> IceCredentials {
    IceCredentials { ufrag: ufrag.into(), password: password.into() }
}

#[allow(clippy::disallowed_methods)]
pub(super) fn start() -> Instant {
    Instant::now()
}

impl Call {
    pub(super) fn new(profiles: &[Profile]) -> Self {
        let client = Client::new(profiles);
        let fingerprint = client.fingerprint();
        Self::with_client(client, fingerprint)
    }

    /// A call whose SDP announced that fingerprint for the client.
    pub(super) fn with_client(client: Client, fingerprint: [u8; 32]) -> Self {
        let now = start();
        let setup = TransportSetup {
            id: TransportId(1),
            local: credentials("ours", PASSWORD),
            remote: credentials("theirs", "never-used-by-ice-lite"),
            remote_fingerprint: Fingerprint(fingerprint),
            session: Session::default(),
        };
        let identity = DtlsIdentity::generate().unwrap();
        Self {
            now,
            transport: Transport::new(now, &identity, &setup),
            client,
            client_address: ([203, 0, 113, 7], 50_000).into(),
            link: Box::new(|_, _, _| true),
            checks: true,
            events: Vec::new(),
            stun_responses: 0,
            next_check: now,
            on_the_way: VecDeque::new(),
            sent: [0, 0],
        }
    }

    /// A call with DTLS up.
    pub(super) fn connected(profiles: &[Profile]) -> Self {
        let mut call = Self::new(profiles);
        call.check(true);
        call.client.start_dtls(call.now);
        call.run(Duration::from_secs(1));
        assert_eq!(call.take_events(), [TransportEvent::Connected]);
        assert!(call.client.media.is_some());
        call
    }

    /// A call with SCTP up and the two channels open, on streams 0 and 2.
    pub(super) fn with_data() -> Self {
        let mut call = Self::connected(super::client::AS_BROWSERS);
        call.client.start_data(call.now);
        call.run(Duration::from_secs(1));
        assert!(call.client.data_is_up);
        call.client.open_channel(call.now, 0, "_reliable", 0, 0);
        call.client.open_channel(call.now, 2, "_lossy", 0x81, 0);
        call.run(Duration::from_secs(1));
        // Both were acknowledged.
        assert_eq!(call.client.received.drain(..).map(|(id, ..)| id).collect::<Vec<_>>(), [0, 2]);
        call
    }

    /// One check from the client's address.
    pub(super) fn check(&mut self, nominates: bool) -> StunOutcome {
        let check = self.client.check(USER_NAME, PASSWORD, nominates);
        self.transport.handle_stun(self.now, self.client_address, &check)
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.collect();
            let next = self.next_step().filter(|next| *next <= end);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    fn next_step(&self) -> Option<Instant> {
        let arrival = self.on_the_way.front().map(|(at, ..)| *at);
        let check = self.checks.then_some(self.next_check);
        [arrival, check, self.transport.poll_timeout(), self.client.poll_timeout()].into_iter().flatten().min()
    }

    fn step(&mut self) {
        while let Some((at, direction, datagram)) = self.on_the_way.pop_front() {
            if at > self.now {
                self.on_the_way.push_front((at, direction, datagram));
                break;
            }
            self.deliver(direction, &datagram);
        }
        if self.checks && self.next_check <= self.now {
            self.next_check = self.now + CHECK_INTERVAL;
            self.check(true);
        }
        if self.transport.poll_timeout().is_some_and(|at| at <= self.now) {
            self.transport.handle_timeout(self.now);
        }
        if self.client.poll_timeout().is_some_and(|at| at <= self.now) {
            self.client.handle_timeout(self.now);
        }
    }

    fn deliver(&mut self, direction: Direction, datagram: &[u8]) {
        match (direction, classify(datagram)) {
            (Direction::ToServer, DatagramKind::Dtls) => {
                self.transport.handle_dtls(self.now, datagram);
            }
            (Direction::ToClient, DatagramKind::Dtls) => self.client.handle_datagram(self.now, datagram),
            (Direction::ToClient, DatagramKind::Stun) => self.stun_responses += 1,
            (direction, kind) => panic!("unexpected {kind:?} {direction:?}"),
        }
    }

    /// Moves what both sides want sent onto the link.
    fn collect(&mut self) {
        for datagram in self.client.take_datagrams() {
            self.send(Direction::ToServer, datagram);
        }
        while let Some((to, datagram)) = self.transport.poll_datagram() {
            if to == self.client_address {
                self.send(Direction::ToClient, datagram.to_vec());
            }
        }
        while let Some(event) = self.transport.poll_event() {
            self.events.push(event);
        }
    }

    fn send(&mut self, direction: Direction, datagram: Vec<u8>) {
        let number = self.sent[direction as usize];
        self.sent[direction as usize] += 1;
        if (self.link)(direction, number, &datagram) {
            self.on_the_way.push_back((self.now + ONE_WAY_DELAY, direction, datagram));
        }
    }

    pub(super) fn take_events(&mut self) -> Vec<TransportEvent> {
        self.collect();
        std::mem::take(&mut self.events)
    }

    /// The failure that ended the transport, if one did.
    pub(super) fn failure(&mut self) -> Option<TransportFailure> {
        self.collect();
        self.events.iter().find_map(|event| match event {
            TransportEvent::Failed(failure) => Some(*failure),
            _ => None,
        })
    }

    /// The messages that the transport handed out.
    pub(super) fn take_messages(&mut self) -> Vec<(DataChannel, Bytes)> {
        let message = |event| match event {
            TransportEvent::Data { channel, payload } => (channel, payload),
            other => panic!("unexpected {other:?}"),
        };
        self.take_events().into_iter().map(message).collect()
    }
}
