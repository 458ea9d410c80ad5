// SPDX-License-Identifier: EUPL-1.2
//! How many system calls a shard makes: a real one with real sockets, whose thread is the test's own and whose clock is
//! virtual, so that nothing but the packets decides.

use std::ops::Range;

use sfu_media::session::TransportSetup;
use sfu_media::shard::Shard;
use sfu_media::transport::DtlsIdentity;

use super::*;
use crate::load::pattern::{Pattern, speech, video};
use crate::load::{self, Load, Server};

/// Waiting for what is certain to come, and for ever to a test.
const LONG: Duration = Duration::from_secs(30);

/// A shard and sockets for its clients.
struct LoadedLoop {
    shard: ShardLoop<Shard>,
    mailbox: MailboxSender,
    registry: Arc<Registry>,
    _reports: ReportReceiver,
    clients: Vec<Client>,
    /// Datagrams that clients have sent.
    sent: u64,
}

impl LoadedLoop {
    fn new() -> Self {
        let (own, mailbox) = mailbox().unwrap();
        let registry = Arc::new(Registry::new(1_000, Box::new(|_, _| true)));
        let (reports, receiver) = reports();
        let with = Connections {
            id: ShardId(0),
            socket: UdpSocket::bind_group("127.0.0.1:0".parse().unwrap(), 1).unwrap().remove(0),
            mailbox,
            peers: vec![own.clone()],
            registry: registry.clone(),
            reports,
            counters: Arc::default(),
        };
        let shard = ShardLoop::new(Shard::new(ShardId(0), DtlsIdentity::generate().unwrap(), 1), with);
        Self { shard, mailbox: own, registry, _reports: receiver, clients: Vec::new(), sent: 0 }
    }

    /// The same with all clients of a pattern, and the time that their load counts from.
    fn with(pattern: Pattern) -> (Self, Load, Instant) {
        let (mut node, epoch) = (Self::new(), load::start());
        let load = Load::connect(pattern, epoch, &mut node);
        // The last subscription waits in the mailbox.
        node.wake_up(epoch);
        (node, load, epoch)
    }

    /// All system calls of the shard's thread, and of those who wake it.
    fn system_calls(&self) -> u64 {
        let Snapshot { received, sent, turns, .. } = self.shard.snapshot();
        received.syscalls + sent.syscalls + turns.sleeps + self.mailbox.wake_ups()
    }

    fn send(&mut self, client: usize, datagram: &[u8]) {
        self.clients[client].send_to(datagram, self.shard.with.socket.local_addr()).unwrap();
        self.sent += 1;
    }

    /// What the thread does when it wakes at `now`: because of what clients have sent, or else by its timeout.
    fn wake_up(&mut self, now: Instant) {
        loop {
            let is_all_heard = self.shard.receiver.counters().datagrams == self.sent;
            // By the real clock: a timeout that is over, or one that is far away while a datagram is on its way.
            let until = Instant::now() + if is_all_heard { Duration::ZERO } else { LONG };
            self.shard.sleep(Some(until));
            assert!(is_all_heard || Instant::now() < until, "a datagram got lost between two sockets of this machine");
            while self.shard.turn(now) == Next::Turn {}
            if self.shard.receiver.counters().datagrams == self.sent {
                return;
            }
        }
    }

    /// Lets time pass, with what clients send in it.
    fn run(&mut self, mut load: Option<&mut Load>, epoch: Instant, span: Range<Duration>) {
        loop {
            let timeout = self.shard.shard.poll_timeout().map_or(Duration::MAX, |at| at.duration_since(epoch));
            let next = load.as_ref().map_or(Duration::MAX, |load| load.next_at());
            let at = next.min(timeout).max(span.start);
            if at >= span.end {
                return;
            }
            if let Some(load) = load.as_mut().filter(|_| next == at) {
                for from in load.next_datagrams() {
                    self.send(from.client, &from.bytes);
                }
            }
            self.wake_up(epoch + at);
        }
    }
}

impl Server for LoadedLoop {
    fn add(&mut self, _: Instant, setup: TransportSetup) {
        self.registry.register(Box::new(setup), None).unwrap();
        self.clients.push(client());
    }

    fn command(&mut self, _: Instant, command: ShardCommand) {
        self.mailbox.send_command(command);
    }

    fn exchange(&mut self, now: Instant, client: usize, flight: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        for datagram in flight {
            self.send(client, &datagram);
        }
        self.wake_up(now);
        let (mut answers, mut space) = (Vec::new(), [0; 2_000]);
        let len = self.clients[client].recv(&mut space).unwrap();
        answers.push(space[..len].to_vec());
        self.clients[client].set_nonblocking(true).unwrap();
        while let Ok(len) = self.clients[client].recv(&mut space) {
            answers.push(space[..len].to_vec());
        }
        self.clients[client].set_nonblocking(false).unwrap();
        answers
    }
}

#[test]
fn a_picture_for_a_hundred_receivers_leaves_with_few_system_calls() {
    /// Nearly all are for hearing the receivers, of whom each says something eleven times a second and here seldom
    /// together with another. Even if every datagram came alone, it would be 0.12.
    const MAX_PER_PACKET: f64 = 0.15;
    /// A whole picture is 900 packets. If each of its nine came alone, it would be 0.01, and the clocks that receivers are
    /// told come to that.
    const MAX_SENDS_PER_PACKET: f64 = 0.02;
    let (mut node, mut load, epoch) = LoadedLoop::with(video(100));
    let (warm_up, end) = (Duration::from_secs(1), Duration::from_secs(3));
    node.run(Some(&mut load), epoch, Duration::ZERO..warm_up);
    let (calls_before, before) = (node.system_calls(), node.shard.snapshot());
    node.run(Some(&mut load), epoch, warm_up..end);
    let (calls, after) = (node.system_calls() - calls_before, node.shard.snapshot());
    let forwarded = after.shard.forwarded_packets - before.shard.forwarded_packets;
    assert!(forwarded > 50_000, "{forwarded} forwarded");
    assert_eq!(after.shard.forwarded_packets, 100 * after.shard.received_packets);
    assert_eq!((after.sent.dropped_full, after.sent.dropped_unsendable), (0, 0));
    let sends = after.sent.syscalls - before.sent.syscalls;
    let per_packet = |calls: u64| calls as f64 / forwarded as f64;
    assert!(per_packet(calls) <= MAX_PER_PACKET, "{calls} system calls for {forwarded} packets");
    assert!(per_packet(sends) <= MAX_SENDS_PER_PACKET, "{sends} system calls to send {forwarded} packets");
}

#[test]
fn a_shard_whose_clients_are_silent_neither_receives_nor_sends() {
    let (mut node, _, epoch) = LoadedLoop::with(speech(3, 10));
    let begin = Duration::from_secs(1);
    node.run(None, epoch, Duration::ZERO..begin);
    let before = node.shard.snapshot();
    node.run(None, epoch, begin..begin + Duration::from_secs(10));
    let after = node.shard.snapshot();
    assert_eq!((after.shard.transports, after.shard.subscriptions), (13, 30));
    assert!(after.turns.turns > before.turns.turns, "its timers run");
    assert_eq!((after.received.syscalls, after.sent.syscalls), (before.received.syscalls, before.sent.syscalls));
}

#[test]
fn a_shard_without_clients_sleeps_until_one_comes() {
    let mut node = LoadedLoop::new();
    assert_eq!(node.shard.turn(load::start()), Next::Sleep(None));
}
