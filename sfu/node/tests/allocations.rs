// SPDX-License-Identifier: EUPL-1.2
//! Datagrams are received, handled by a shard's loop and sent without allocating, once the buffers have
//! grown to the size of a busy turn.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use counting_allocator::{CountingAllocator, allocations_of};
use sfu_media::ids::ShardId;
use sfu_media::shard::counters::ShardCounters;
use sfu_media::shard::message::{ShardCommand, ShardEvent, ShardMessage};
use sfu_media::shard::output::SendBatch;
use sfu_node::mailbox::mailbox;
use sfu_node::registry::{ClaimRequest, Registry};
use sfu_node::reports::reports;
use sfu_node::shard_thread::{Connections, MediaShard, Next, ShardLoop};
use sfu_node::udp::{Receiver, Sender, UdpSocket};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn bind() -> UdpSocket {
    UdpSocket::bind_group(([127, 0, 0, 1], 0).into(), 1).expect("loopback has a free port").remove(0)
}

/// Ten datagrams for each of 50 receivers, written as forwarding does: packet by packet.
fn fan_out(batch: &mut SendBatch, receivers: &[UdpSocket]) {
    for packet in 0..10 {
        for receiver in receivers {
            batch.push(receiver.local_addr(), &[packet; 1_100]);
        }
    }
}

#[test]
fn sending_and_receiving_allocates_nothing() {
    let from = bind();
    let receivers: Vec<_> = (0..50).map(|_| bind()).collect();
    let (mut sender, mut receiver) = (Sender::new(&from), Receiver::new());
    let mut batch = SendBatch::new();
    let mut heard = 0;
    let mut round = || {
        batch.clear();
        fan_out(&mut batch, &receivers);
        sender.send(&from, &batch);
        for socket in &receivers {
            receiver.receive(socket, |_, datagram| heard += datagram.len());
        }
    };
    round();
    assert_eq!(allocations_of(|| (0..100).for_each(|_| round())), 0);
    assert_eq!(heard, 101 * 500 * 1_100);
    assert_eq!(sender.counters().datagrams, 101 * 500);
}

/// Sends back what it hears.
#[derive(Default)]
struct Echo {
    transmits: SendBatch,
}

impl MediaShard for Echo {
    fn handle_datagram(&mut self, _: Instant, source: SocketAddr, datagram: &mut [u8]) {
        self.transmits.push(source, datagram);
    }

    fn handle_command(&mut self, _: Instant, _: ShardCommand) {}

    fn handle_messages(&mut self, _: Instant, _: ShardId, _: Vec<ShardMessage>) {}

    fn handle_timeout(&mut self, _: Instant) {}

    fn handle_overload(&mut self, _: Instant) {}

    fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }

    fn transmits(&mut self) -> &mut SendBatch {
        &mut self.transmits
    }

    fn poll_event(&mut self) -> Option<ShardEvent> {
        None
    }

    fn poll_messages(&mut self) -> Option<(ShardId, Vec<ShardMessage>)> {
        None
    }

    fn poll_claim(&mut self) -> Option<ClaimRequest> {
        None
    }

    fn handle_claimed_check(&mut self, _: Instant, _: SocketAddr, _: &[u8]) -> bool {
        false
    }

    fn learn_forward(&mut self, _: SocketAddr, _: ShardId) {}

    fn counters(&self) -> ShardCounters {
        ShardCounters::default()
    }
}

#[test]
fn a_turn_of_a_shards_loop_allocates_nothing() {
    let socket = bind();
    let node = socket.local_addr();
    let (own, mailbox) = mailbox().unwrap();
    let with = Connections {
        id: ShardId(0),
        socket,
        mailbox,
        peers: vec![own.clone()],
        registry: Arc::new(Registry::new(1, Box::new(|_, _| false))),
        reports: reports().0,
        counters: Arc::default(),
    };
    let mut shard = ShardLoop::new(Echo::default(), with);
    let client = bind();
    let (mut sender, mut receiver) = (Sender::new(&client), Receiver::new());
    let mut batch = SendBatch::new();
    for size in [100, 100, 1_100, 1_100, 1_100, 300] {
        batch.push(node, &vec![1; size]);
    }
    let mut heard = 0;
    let mut round = || {
        sender.send(&client, &batch);
        // Commands travel through memory that changes hands.
        own.send_command(ShardCommand::CloseTransport { transport: sfu_media::ids::TransportId(1) });
        assert_eq!(shard.turn(Instant::now()), Next::Sleep(None));
        receiver.receive(&client, |_, _| heard += 1);
    };
    (0..3).for_each(|_| round());
    assert_eq!(allocations_of(|| (0..100).for_each(|_| round())), 0);
    assert_eq!(heard, 103 * 6);
}
