// SPDX-License-Identifier: EUPL-1.2
//! What a thread needs of the shard it runs.

use std::net::SocketAddr;
use std::time::Instant;

use sfu_media::ids::ShardId;
use sfu_media::shard::Shard;
use sfu_media::shard::counters::ShardCounters;
use sfu_media::shard::message::{ShardCommand, ShardEvent, ShardMessage};
use sfu_media::shard::output::SendBatch;

use crate::registry::ClaimRequest;

/// One core's world as its thread sees it: inputs with the time they arrived, and outputs to drain after them.
pub trait MediaShard {
    /// A datagram came in. It may be changed in place.
    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &mut [u8]);

    /// Control has an order.
    fn handle_command(&mut self, now: Instant, command: ShardCommand);

    /// Another shard has something to say.
    fn handle_messages(&mut self, now: Instant, from: ShardId, messages: Vec<ShardMessage>);

    /// The time that [`MediaShard::poll_timeout`] named has come.
    fn handle_timeout(&mut self, now: Instant);

    /// Its inputs have not been empty for a while, or datagrams are lost before it gets them. Repeated while that lasts.
    fn handle_overload(&mut self, now: Instant);

    /// When the shard wants to be called next; `None` when only an input can give it something to do.
    fn poll_timeout(&mut self) -> Option<Instant>;

    /// The datagrams to send. Whoever sends them clears the batch.
    fn transmits(&mut self) -> &mut SendBatch;

    /// The next event for control.
    fn poll_event(&mut self) -> Option<ShardEvent>;

    /// All that the shard has to say to one other shard.
    fn poll_messages(&mut self) -> Option<(ShardId, Vec<ShardMessage>)>;

    /// A STUN check for none of its transports. Bounded by the shard, which drops what is too much.
    fn poll_claim(&mut self) -> Option<ClaimRequest>;

    /// A check that waited as a claim until its transport was here. Returns whether it is.
    fn handle_claimed_check(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool;

    /// Datagrams from `source` are for a transport of `owner`.
    fn learn_forward(&mut self, source: SocketAddr, owner: ShardId);

    /// What the shard has counted so far.
    fn counters(&self) -> ShardCounters;
}

impl MediaShard for Shard {
    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &mut [u8]) {
        self.handle_datagram(now, source, datagram);
    }

    fn handle_command(&mut self, now: Instant, command: ShardCommand) {
        self.handle_command(now, command);
    }

    fn handle_messages(&mut self, now: Instant, from: ShardId, messages: Vec<ShardMessage>) {
        self.handle_messages(now, from, messages);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn handle_overload(&mut self, now: Instant) {
        self.handle_overload(now);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn transmits(&mut self) -> &mut SendBatch {
        self.transmits()
    }

    fn poll_event(&mut self) -> Option<ShardEvent> {
        self.poll_event()
    }

    fn poll_messages(&mut self) -> Option<(ShardId, Vec<ShardMessage>)> {
        self.poll_messages()
    }

    fn poll_claim(&mut self) -> Option<ClaimRequest> {
        self.poll_claim()
    }

    fn handle_claimed_check(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        self.handle_claimed_check(now, source, datagram)
    }

    fn learn_forward(&mut self, source: SocketAddr, owner: ShardId) {
        self.learn_forward(source, owner);
    }

    fn counters(&self) -> ShardCounters {
        self.counters()
    }
}
