// SPDX-License-Identifier: EUPL-1.2
//! A shard that speaks words instead of media, for tests of its thread.
//!
//! `echo …` comes back; `claim NAME` asks for the transport of that name, and comes back once it is here; `to N …` is
//! passed on to shard N; `fan N` makes N datagrams; `panic` does.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use sfu_media::ids::{ShardId, TrackId};
use sfu_media::shard::counters::ShardCounters;
use sfu_media::shard::message::{ShardCommand, ShardEvent, ShardMessage};
use sfu_media::shard::output::SendBatch;

use super::MediaShard;
use crate::registry::ClaimRequest;

#[derive(Default)]
pub(crate) struct FakeShard {
    pub(crate) timeout: Option<Instant>,
    pub(crate) longest_batch: usize,
    pub(crate) overloads: Vec<Instant>,
    owned: HashSet<String>,
    forwards: HashMap<SocketAddr, ShardId>,
    transmits: SendBatch,
    events: VecDeque<ShardEvent>,
    messages: VecDeque<(ShardId, Vec<ShardMessage>)>,
    claims: VecDeque<ClaimRequest>,
    counters: ShardCounters,
}

impl FakeShard {
    fn hear(&mut self, source: SocketAddr, datagram: &[u8]) {
        let text = String::from_utf8(datagram.to_vec()).unwrap();
        let mut words = text.split(' ');
        match (words.next(), words.next()) {
            (Some("echo"), _) => self.transmits.push(source, datagram),
            (Some("claim"), Some(name)) if self.owned.contains(name) => self.transmits.push(source, datagram),
            (Some("claim"), Some(name)) => {
                self.claims.push_back(ClaimRequest { ufrag: name.into(), source, datagram: datagram.to_vec() });
            }
            (Some("to"), Some(shard)) => {
                let rest = words.collect::<Vec<_>>().join(" ");
                self.pass_on(ShardId(shard.parse().unwrap()), source, rest.as_bytes());
            }
            (Some("fan"), Some(count)) => {
                for _ in 0..count.parse().unwrap() {
                    self.transmits.push(source, b"fan");
                }
            }
            _ => panic!("the fake shard was told to: {text}"),
        }
    }

    fn pass_on(&mut self, to: ShardId, source: SocketAddr, datagram: &[u8]) {
        let datagram = Bytes::copy_from_slice(datagram);
        self.messages.push_back((to, vec![ShardMessage::Datagram { source, datagram }]));
    }
}

impl MediaShard for FakeShard {
    fn handle_datagram(&mut self, _: Instant, source: SocketAddr, datagram: &mut [u8]) {
        self.counters.received_packets += 1;
        match self.forwards.get(&source) {
            Some(owner) => self.pass_on(*owner, source, datagram),
            None => self.hear(source, datagram),
        }
    }

    fn handle_command(&mut self, _: Instant, command: ShardCommand) {
        match command {
            ShardCommand::AddTransport(setup) => {
                self.owned.insert(setup.local.ufrag.to_string());
                self.events.push_back(ShardEvent::Connected { transport: setup.id });
            }
            ShardCommand::MuteTrack { track, .. } => self.events.push_back(ShardEvent::TrackStarted { track }),
            _ => {}
        }
    }

    fn handle_messages(&mut self, _: Instant, _: ShardId, messages: Vec<ShardMessage>) {
        for message in messages {
            if let ShardMessage::Datagram { source, datagram } = message {
                self.hear(source, &datagram);
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        assert!(self.timeout.take().is_some_and(|at| at <= now), "called before its time");
        self.events.push_back(ShardEvent::TrackStarted { track: TrackId(0) });
    }

    fn handle_overload(&mut self, now: Instant) {
        self.overloads.push(now);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.timeout
    }

    fn transmits(&mut self) -> &mut SendBatch {
        self.longest_batch = self.longest_batch.max(self.transmits.len());
        &mut self.transmits
    }

    fn poll_event(&mut self) -> Option<ShardEvent> {
        self.events.pop_front()
    }

    fn poll_messages(&mut self) -> Option<(ShardId, Vec<ShardMessage>)> {
        self.messages.pop_front()
    }

    fn poll_claim(&mut self) -> Option<ClaimRequest> {
        self.claims.pop_front()
    }

    fn handle_claimed_check(&mut self, _: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        let name = std::str::from_utf8(datagram).unwrap().strip_prefix("claim ").unwrap();
        let is_here = self.owned.contains(name);
        if is_here {
            self.hear(source, datagram);
        }
        is_here
    }

    fn learn_forward(&mut self, source: SocketAddr, owner: ShardId) {
        self.forwards.insert(source, owner);
    }

    fn counters(&self) -> ShardCounters {
        self.counters
    }
}
