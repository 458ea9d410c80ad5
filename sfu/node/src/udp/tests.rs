// SPDX-License-Identifier: EUPL-1.2
//! Sending and receiving over the loopback device, with the system calls counted.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use sfu_media::shard::output::SendBatch;
use socket2::SockRef;

use super::{Receiver, Sender, UdpSocket};

/// One end that sends and one that receives.
struct Pair {
    from: UdpSocket,
    to: UdpSocket,
    sender: Sender,
    receiver: Receiver,
}

impl Pair {
    fn new(address: &str) -> Self {
        let (from, to) = (bind(address), bind(address));
        let (sender, receiver) = (Sender::new(&from), Receiver::new());
        Self { from, to, sender, receiver }
    }

    /// Sends datagrams of these sizes in one batch, each with its place in it, and gives places and sizes as they
    /// arrive.
    fn carry(&mut self, sizes: &[usize]) -> Vec<(u8, usize)> {
        let mut batch = SendBatch::new();
        for (place, size) in placed(sizes) {
            batch.push(self.to.local_addr(), &vec![place; size]);
        }
        let before = self.sender.counters().datagrams;
        self.sender.send(&self.from, &batch);
        let sent = usize::try_from(self.sender.counters().datagrams - before).unwrap();
        let expected = sizes.iter().filter(|size| **size > 0).count().min(sent);
        let place_and_size = |(_, datagram): (SocketAddr, Vec<u8>)| {
            assert!(datagram.iter().all(|byte| *byte == datagram[0]), "datagrams are mixed up");
            (datagram[0], datagram.len())
        };
        receive(&mut self.receiver, &self.to, expected).into_iter().map(place_and_size).collect()
    }
}

/// What [`Pair::carry`] gives when all arrives in order.
fn placed(sizes: &[usize]) -> Vec<(u8, usize)> {
    (0..).zip(sizes.iter().copied()).collect()
}

fn bind(address: &str) -> UdpSocket {
    UdpSocket::bind_group(address.parse().unwrap(), 1).unwrap().remove(0)
}

/// All that is there, and at least so many: a kernel that is busy hands over a little after it has taken them to send.
fn receive(receiver: &mut Receiver, socket: &UdpSocket, at_least: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        let is_waited_for = all.len() < at_least;
        let has_come = is_waited_for && comes(socket);
        while !receiver.receive(socket, |source, datagram| all.push((source, datagram.to_vec()))).is_drained {}
        if !has_come || all.len() >= at_least {
            return all;
        }
    }
}

/// Waits until something is there, for ten seconds at most.
fn comes(socket: &UdpSocket) -> bool {
    let socket = SockRef::from(socket);
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.set_nonblocking(false).unwrap();
    let first = socket.peek_sender();
    socket.set_nonblocking(true).unwrap();
    first.is_ok()
}

#[test]
fn a_run_of_equal_size_takes_one_system_call_each_way() {
    let mut pair = Pair::new("127.0.0.1:0");
    let sizes = [&[1_100; 40][..], &[300]].concat();
    assert_eq!(pair.carry(&sizes), placed(&sizes));
    let sent = pair.sender.counters();
    assert_eq!((sent.syscalls, sent.runs, sent.datagrams, sent.bytes), (1, 1, 41, 40 * 1_100 + 300));
    let received = pair.receiver.counters();
    assert_eq!((received.syscalls, received.datagrams, received.bytes), (1, 41, 40 * 1_100 + 300));
}

#[test]
fn a_batch_to_many_destinations_takes_one_system_call() {
    let mut pair = Pair::new("127.0.0.1:0");
    let others: Vec<_> = (0..50).map(|_| bind("127.0.0.1:0")).collect();
    let mut batch = SendBatch::new();
    for round in 0..3_u8 {
        for other in &others {
            batch.push(other.local_addr(), &[round; 200]);
        }
    }
    pair.sender.send(&pair.from, &batch);
    let sent = pair.sender.counters();
    assert_eq!((sent.syscalls, sent.runs, sent.datagrams), (1, 50, 150));
    for other in &others {
        let rounds: Vec<u8> = receive(&mut pair.receiver, other, 3).iter().map(|(_, datagram)| datagram[0]).collect();
        assert_eq!(rounds, [0, 1, 2]);
    }
}

#[test]
fn sizes_that_differ_arrive_whole_and_in_order() {
    let mut pair = Pair::new("127.0.0.1:0");
    let sizes = [100, 100, 99, 100, 1_200, 1_200, 20, 1_200, 64, 64, 64, 2];
    assert_eq!(pair.carry(&sizes), placed(&sizes));
    assert_eq!(pair.sender.counters().syscalls, 1);
}

#[test]
fn datagrams_of_several_sources_keep_their_order_per_source() {
    let mut pair = Pair::new("127.0.0.1:0");
    let mut sources: Vec<_> = (0..40).map(|_| bind("127.0.0.1:0")).map(|s| (Sender::new(&s), s)).collect();
    for round in 0..5_u8 {
        for (sender, socket) in &mut sources {
            let mut batch = SendBatch::new();
            batch.push(pair.to.local_addr(), &[round; 50]);
            batch.push(pair.to.local_addr(), &[round + 100; 50]);
            sender.send(socket, &batch);
        }
    }
    let mut heard: HashMap<SocketAddr, Vec<u8>> = HashMap::new();
    for (source, datagram) in receive(&mut pair.receiver, &pair.to, 400) {
        heard.entry(source).or_default().push(datagram[0]);
    }
    assert_eq!(heard.len(), sources.len());
    assert!(heard.values().all(|rounds| rounds == &[0, 100, 1, 101, 2, 102, 3, 103, 4, 104]));
}

#[test]
fn a_socket_that_does_not_coalesce_gets_the_same_datagrams() {
    let mut pair = Pair::new("127.0.0.1:0");
    pair.to.stop_coalescing();
    let sizes = [1_100; 40];
    assert_eq!(pair.carry(&sizes), placed(&sizes));
    assert_eq!(pair.sender.counters().syscalls, 1);
    assert_eq!(pair.receiver.counters().syscalls, 2, "32 pieces, then the rest");
}

#[test]
fn a_refused_run_is_sent_one_by_one_in_its_place() {
    let mut pair = Pair::new("127.0.0.1:0");
    pair.sender.set_fault(|count| (count > 1).then_some(libc::EIO));
    let sizes = [500, 100, 100, 100, 700, 100, 100];
    assert_eq!(pair.carry(&sizes), placed(&sizes));
    let sent = pair.sender.counters();
    assert_eq!((sent.datagrams, sent.runs), (7, 0));
    assert!(sent.refused_runs > 0);
    // The destination is remembered, so the next batch is not tried as runs.
    assert!(!pair.sender.sends_runs());
    assert_eq!(pair.carry(&sizes), placed(&sizes));
    assert_eq!(pair.sender.counters().refused_runs, sent.refused_runs);
    assert_eq!(pair.sender.counters().syscalls, sent.syscalls + 1);
}

#[test]
fn full_buffers_drop_the_rest_of_the_batch_and_count_it() {
    let mut pair = Pair::new("127.0.0.1:0");
    pair.sender.set_fault(|count| (count > 3).then_some(libc::EAGAIN));
    let sizes = [100, 200, 250, 250, 250, 250, 400];
    assert_eq!(pair.carry(&sizes), placed(&sizes)[..2]);
    let sent = pair.sender.counters();
    assert_eq!((sent.datagrams, sent.dropped_full, sent.dropped_unsendable), (2, 5, 0));
    pair.sender.set_fault(|_| None);
    assert_eq!(pair.carry(&sizes), placed(&sizes), "the next batch is sent again");
}

#[test]
fn full_buffers_within_a_refused_run_drop_what_follows() {
    let mut pair = Pair::new("127.0.0.1:0");
    pair.sender.set_fault(|count| Some(if count > 1 { libc::EIO } else { libc::ENOBUFS }));
    assert!(pair.carry(&[100, 100, 100, 200]).is_empty());
    let sent = pair.sender.counters();
    assert_eq!((sent.refused_runs, sent.dropped_full, sent.datagrams), (1, 4, 0));
}

#[test]
fn a_datagram_that_is_too_large_does_not_keep_back_the_others() {
    let mut pair = Pair::new("127.0.0.1:0");
    let largest = 65_507;
    let sizes = [100, 65_508, 70_000, 200, largest];
    assert_eq!(pair.carry(&sizes), [(0, 100), (3, 200), (4, largest)]);
    let sent = pair.sender.counters();
    assert_eq!((sent.datagrams, sent.dropped_unsendable, sent.dropped_full), (3, 2, 0));
}

#[test]
fn a_destination_out_of_reach_does_not_keep_back_the_others() {
    let mut pair = Pair::new("127.0.0.1:0");
    let mut batch = SendBatch::new();
    batch.push("[::1]:9".parse().unwrap(), b"no way");
    batch.push("[::1]:9".parse().unwrap(), b"no way");
    batch.push("127.0.0.1:0".parse().unwrap(), b"no port");
    batch.push(pair.to.local_addr(), b"there");
    pair.sender.send(&pair.from, &batch);
    assert_eq!(receive(&mut pair.receiver, &pair.to, 1), [(pair.from.local_addr(), b"there".to_vec())]);
    assert_eq!(pair.sender.counters().dropped_unsendable, 3);
}

#[test]
fn a_closed_port_at_the_other_end_disturbs_nobody() {
    let mut pair = Pair::new("127.0.0.1:0");
    let closed = bind("127.0.0.1:0").local_addr();
    for _ in 0..3 {
        let mut batch = SendBatch::new();
        batch.push(closed, b"nobody");
        batch.push(pair.to.local_addr(), b"there");
        pair.sender.send(&pair.from, &batch);
        assert_eq!(receive(&mut pair.receiver, &pair.to, 1), [(pair.from.local_addr(), b"there".to_vec())]);
        assert!(receive(&mut pair.receiver, &pair.from, 0).is_empty());
    }
    assert_eq!((pair.sender.counters().datagrams, pair.receiver.counters().errors), (6, 0));
}

#[test]
fn ipv6_works_as_ipv4_does() {
    let mut pair = Pair::new("[::1]:0");
    let sizes = [&[1_100; 10][..], &[300]].concat();
    assert_eq!(pair.carry(&sizes), placed(&sizes));
    assert_eq!((pair.sender.counters().syscalls, pair.sender.counters().runs), (1, 1));
}

#[test]
fn one_socket_serves_both_families() {
    let node = bind("[::]:0");
    let port = node.local_addr().port();
    let mut sender = Sender::new(&node);
    let mut receiver = Receiver::new();
    for client in ["127.0.0.1:0", "[::1]:0"] {
        let client = bind(client);
        let mut there = client.local_addr();
        there.set_port(port);
        let mut batch = SendBatch::new();
        batch.push(there, b"ping");
        Sender::new(&client).send(&client, &batch);
        assert_eq!(receive(&mut receiver, &node, 1), [(client.local_addr(), b"ping".to_vec())]);
        let mut batch = SendBatch::new();
        batch.push(client.local_addr(), b"pong");
        batch.push(client.local_addr(), b"pang");
        sender.send(&node, &batch);
        let answers = receive(&mut receiver, &client, 2);
        assert_eq!(answers, [(there, b"pong".to_vec()), (there, b"pang".to_vec())]);
    }
}

#[test]
fn what_the_kernel_dropped_is_counted() {
    let mut pair = Pair::new("127.0.0.1:0");
    pair.to.shrink_receive_buffer();
    let mut batch = SendBatch::new();
    for _ in 0..20 {
        batch.push(pair.to.local_addr(), &[0; 60_000]);
    }
    let mut heard = 0;
    for _ in 0..2 {
        pair.sender.send(&pair.from, &batch);
        heard += receive(&mut pair.receiver, &pair.to, 0).len();
    }
    // The next one to come through tells of those before it.
    loop {
        let through = pair.carry(&[10]);
        heard += through.len();
        if through.iter().any(|(_, size)| *size == 10) {
            break;
        }
    }
    let dropped = pair.receiver.counters().dropped_full;
    assert!(dropped > 0, "{heard} came through");
    assert_eq!(pair.sender.counters().datagrams, heard as u64 + dropped);
}

#[test]
fn nothing_waiting_is_no_error() {
    let mut pair = Pair::new("127.0.0.1:0");
    assert!(pair.carry(&[]).is_empty());
    assert_eq!(pair.sender.counters().syscalls, 0);
    let received = pair.receiver.counters();
    assert_eq!((received.syscalls, received.errors, received.datagrams), (1, 0, 0));
}

#[test]
fn an_empty_datagram_is_passed_over() {
    let mut pair = Pair::new("127.0.0.1:0");
    assert_eq!(pair.carry(&[2, 0, 2]), [(0, 2), (2, 2)]);
}
