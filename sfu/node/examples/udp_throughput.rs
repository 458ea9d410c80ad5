// SPDX-License-Identifier: EUPL-1.2
//! What sending and receiving batches costs on this machine, next to one system call per datagram.
//!
//! One thread sends a batch over the loopback device and then takes it in, so the figures are the cost on one core. The
//! two ways take turns in the same run, because only their ratio is comparable from machine to machine.
//!
//! `cargo run --release -p sfu-node --example udp_throughput`

use std::net::UdpSocket as PlainSocket;
use std::time::{Duration, Instant};

use sfu_media::shard::output::SendBatch;
use sfu_node::udp::{Receiver, Sender, UdpSocket};

const ROUNDS: usize = 400;

struct Scenario {
    name: &'static str,
    /// Sockets that datagrams are sent from.
    sources: usize,
    /// Sockets that datagrams are sent to.
    destinations: usize,
    /// Datagrams from each source to each destination in one batch.
    packets: usize,
    bytes: usize,
}

const SCENARIOS: [Scenario; 7] = [
    Scenario { name: "video, 100 receivers, 10 packets", sources: 1, destinations: 100, packets: 10, bytes: 1_100 },
    Scenario { name: "video, 100 receivers, 5 packets", sources: 1, destinations: 100, packets: 5, bytes: 1_100 },
    Scenario { name: "video, 100 receivers, 2 packets", sources: 1, destinations: 100, packets: 2, bytes: 1_100 },
    Scenario { name: "video, 100 receivers, 1 packet", sources: 1, destinations: 100, packets: 1, bytes: 1_100 },
    Scenario { name: "audio, 100 receivers, 1 packet", sources: 1, destinations: 100, packets: 1, bytes: 100 },
    Scenario { name: "32 publishers, 1 packet each", sources: 32, destinations: 1, packets: 1, bytes: 1_100 },
    Scenario { name: "32 publishers, 8 packets each", sources: 32, destinations: 1, packets: 8, bytes: 1_100 },
];

/// Time per datagram of one way to send and receive, round by round.
#[derive(Default)]
struct Times {
    send: Vec<Duration>,
    receive: Vec<Duration>,
}

impl Times {
    fn add(&mut self, datagrams: usize, send: Duration, receive: Duration) {
        self.send.push(send / u32::try_from(datagrams).unwrap_or(1));
        self.receive.push(receive / u32::try_from(datagrams).unwrap_or(1));
    }

    /// Nanoseconds per datagram, sending and receiving: the median of the rounds.
    fn medians(&mut self) -> (u128, u128) {
        let median = |times: &mut Vec<Duration>| {
            times.sort_unstable();
            times.get(times.len() / 2).map_or(0, Duration::as_nanos)
        };
        (median(&mut self.send), median(&mut self.receive))
    }
}

fn main() -> std::io::Result<()> {
    println!(
        "{:34} {:>26} {:>26} {:>22} {:>14}",
        "ns per datagram",
        "batched: send + receive",
        "one by one: send + receive",
        "syscalls per datagram",
        "datagrams/s"
    );
    for scenario in &SCENARIOS {
        measure(scenario)?;
    }
    Ok(())
}

fn measure(scenario: &Scenario) -> std::io::Result<()> {
    let address = ([127, 0, 0, 1], 0).into();
    let bind = |count| -> std::io::Result<Vec<UdpSocket>> {
        (0..count).map(|_| Ok(UdpSocket::bind_group(address, 1)?.remove(0))).collect()
    };
    let sources = bind(scenario.sources)?;
    let destinations = bind(scenario.destinations)?;
    let mut senders: Vec<Sender> = sources.iter().map(Sender::new).collect();
    let mut receiver = Receiver::new();
    let plain_source = PlainSocket::bind("127.0.0.1:0")?;
    let plain: Vec<PlainSocket> =
        (0..scenario.destinations).map(|_| PlainSocket::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    for socket in &plain {
        socket.set_nonblocking(true)?;
    }

    let payload = vec![7; scenario.bytes];
    let mut batch = SendBatch::new();
    for _ in 0..scenario.packets {
        for destination in &destinations {
            batch.push(destination.local_addr(), &payload);
        }
    }
    let datagrams = batch.len() * scenario.sources;
    let (mut batched, mut one_by_one) = (Times::default(), Times::default());
    let mut lost = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for (sender, source) in senders.iter_mut().zip(&sources) {
            sender.send(source, &batch);
        }
        let sent = Instant::now();
        let mut received = 0;
        for socket in &destinations {
            while !receiver.receive(socket, |_, datagram| received += usize::from(!datagram.is_empty())).is_drained {}
        }
        batched.add(datagrams, sent - start, sent.elapsed());
        lost += datagrams - received;

        // Default buffers are small, so these are sent and taken in short turns.
        let (mut send, mut receive) = (Duration::ZERO, Duration::ZERO);
        let mut space = [0; 2_000];
        for _ in 0..scenario.packets * scenario.sources {
            let start = Instant::now();
            for socket in &plain {
                plain_source.send_to(&payload, socket.local_addr()?)?;
            }
            let sent = Instant::now();
            for socket in &plain {
                socket.recv_from(&mut space)?;
            }
            send += sent - start;
            receive += sent.elapsed();
        }
        one_by_one.add(datagrams, send, receive);
    }
    let sent: u64 = senders.iter().map(|sender| sender.counters().syscalls).sum();
    let total = (datagrams * ROUNDS) as f64;
    let (send, receive) = batched.medians();
    let (plain_send, plain_receive) = one_by_one.medians();
    println!(
        "{:34} {:>26} {:>26} {:>22} {:>14}{}",
        scenario.name,
        format!("{send} + {receive}"),
        format!("{plain_send} + {plain_receive}"),
        format!("{:.4} + {:.4}", sent as f64 / total, receiver.counters().syscalls as f64 / total),
        1_000_000_000 / (send + receive).max(1),
        if lost > 0 { format!("  ({lost} lost)") } else { String::new() },
    );
    Ok(())
}
