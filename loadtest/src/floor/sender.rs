// SPDX-License-Identifier: EUPL-1.2
//! Forwards made-up frames in real time, and measures what that takes of the processor.

use std::io::IoSlice;
use std::net::{SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::cmsg_space;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, sendmmsg, setsockopt, sockopt};
use nix::time::{ClockId, clock_gettime};

use super::sealing::{HEADER_BYTES, Header, Key, TAG_BYTES};
use super::{Method, SendOptions, Sent};
use crate::cli;
use crate::source::{FRAME_INTERVAL, Noise, SINGLE, frame_bytes, packet_sizes};

/// Before it is measured: caches fill, and the processor leaves its sleep.
const WARM_UP: Duration = Duration::from_millis(500);

/// More than a frame takes for all destinations.
const SEND_BUFFER_BYTES: usize = 4 << 20;

/// RTP ticks of a frame at 30 frames/s.
const FRAME_TICKS: u32 = 3_000;

struct Destination {
    key: Key,
    ssrc: u32,
}

/// Sends for a while, and says on standard output what it took.
pub(crate) fn send(options: &SendOptions) -> Result<()> {
    let mut forwarder = Forwarder::new(options)?;
    let mut source = Source::new()?;
    let measure = cli::seconds("--duration", options.duration)?;
    let began = Instant::now();
    let mut next = began;
    let mut sent = Sent { all_packets: 0, packets: 0, cpu_seconds: 0.0 };
    while began.elapsed() < WARM_UP + measure {
        let mut frame = source.next_frame()?;
        let before = thread_cpu_seconds()?;
        let packets = forwarder.forward(&source.key, &mut frame)?;
        let cpu_seconds = thread_cpu_seconds()? - before;
        sent.all_packets += packets;
        if began.elapsed() > WARM_UP {
            sent.packets += packets;
            sent.cpu_seconds += cpu_seconds;
        }
        next += FRAME_INTERVAL;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    println!("{}", serde_json::to_string(&sent)?);
    Ok(())
}

fn thread_cpu_seconds() -> Result<f64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
}

/// A frame as it arrives: sealed packets, padded to the same size so that the kernel can cut one piece into them.
struct Frame {
    packets: Vec<(Header, Vec<u8>)>,
}

/// The publisher.
struct Source {
    key: Key,
    noise: Noise,
    index: u32,
    timestamp: u32,
}

impl Source {
    fn new() -> Result<Self> {
        Ok(Self { key: Key::new(usize::MAX)?, noise: Noise::new(1), index: 0, timestamp: 0 })
    }

    fn next_frame(&mut self) -> Result<Frame> {
        let sizes = packet_sizes(frame_bytes(&SINGLE, false, &mut self.noise));
        let last = sizes.len() - 1;
        let sizes: Vec<usize> = sizes.collect();
        let padded = sizes.iter().copied().max().unwrap_or(0) + 1;
        self.timestamp = self.timestamp.wrapping_add(FRAME_TICKS);
        let mut packets = Vec::with_capacity(sizes.len());
        for (place, size) in sizes.into_iter().enumerate() {
            let header = Header { index: self.index, timestamp: self.timestamp, ssrc: u32::MAX, marker: place == last };
            self.index += 1;
            let mut payload = vec![0; padded];
            payload[..size].fill_with(|| self.noise.next() as u8);
            // Its last byte says how much is padding (RFC 3550 §5.1).
            payload[padded - 1] = (padded - size) as u8;
            let mut packet = vec![0; HEADER_BYTES + padded + TAG_BYTES];
            self.key.seal(header, &payload, &mut packet)?;
            packets.push((header, packet));
        }
        Ok(Frame { packets })
    }
}

/// All that a forwarding server cannot do without.
struct Forwarder {
    socket: UdpSocket,
    method: Method,
    destinations: Vec<Destination>,
    addresses: Vec<Option<SockaddrIn>>,
    headers: MultiHeaders<SockaddrIn>,
    /// What goes out, for one destination after the other.
    buffer: Vec<u8>,
}

impl Forwarder {
    fn new(options: &SendOptions) -> Result<Self> {
        let socket = UdpSocket::bind((options.from, 0)).context("no UDP socket can be opened")?;
        // The kernel may grant less; then a call waits.
        let _ = setsockopt(&socket, sockopt::SndBuf, &SEND_BUFFER_BYTES);
        let count = options.ports.len();
        let destination = |place| Ok(Destination { key: Key::new(place)?, ssrc: place as u32 });
        let address = |port: &u16| Some(SocketAddrV4::new(options.to, *port).into());
        let control = match options.method {
            Method::Sendmmsg => None,
            Method::Gso => Some(cmsg_space!(u16)),
        };
        Ok(Self {
            socket,
            method: options.method,
            destinations: (0..count).map(destination).collect::<Result<_>>()?,
            addresses: options.ports.iter().map(address).collect(),
            headers: MultiHeaders::preallocate(count, control),
            buffer: Vec::new(),
        })
    }

    /// Sends a frame to everybody. Gives the number of packets that were sent.
    fn forward(&mut self, source: &Key, frame: &mut Frame) -> Result<u64> {
        match self.method {
            Method::Sendmmsg => {
                let mut sent = 0;
                for (header, packet) in &mut frame.packets {
                    let packet_bytes = packet.len();
                    let payload = source.open(*header, packet)?;
                    self.write(*header, payload, packet_bytes, 0, packet_bytes)?;
                    sent += self.flush(packet_bytes, None)?;
                }
                Ok(sent)
            }
            Method::Gso => {
                let packet_bytes = frame.packets.first().map_or(0, |(_, packet)| packet.len());
                let run_bytes = packet_bytes * frame.packets.len();
                for (place, (header, packet)) in frame.packets.iter_mut().enumerate() {
                    let payload = source.open(*header, packet)?;
                    self.write(*header, payload, packet_bytes, place * packet_bytes, run_bytes)?;
                }
                let runs = self.flush(run_bytes, Some(u16::try_from(packet_bytes)?))?;
                Ok(runs * frame.packets.len() as u64)
            }
        }
    }

    /// Writes one packet for each destination, `at` so far into its part of the buffer.
    fn write(&mut self, header: Header, payload: &[u8], packet_bytes: usize, at: usize, part: usize) -> Result<()> {
        if self.buffer.len() < part * self.destinations.len() {
            self.buffer.resize(part * self.destinations.len(), 0);
        }
        for (place, destination) in self.destinations.iter().enumerate() {
            let from = place * part + at;
            let header = Header { ssrc: destination.ssrc, ..header };
            destination.key.seal(header, payload, &mut self.buffer[from..from + packet_bytes])?;
        }
        Ok(())
    }

    /// Hands the parts of the buffer over, which the kernel cuts into segments where `segment` says how long they are.
    fn flush(&mut self, part: usize, segment: Option<u16>) -> Result<u64> {
        let parts: Vec<_> = self.buffer.chunks_exact(part).map(|part| [IoSlice::new(part)]).collect();
        let control = segment.as_ref().map(|bytes| [ControlMessage::UdpGsoSegments(bytes)]);
        let control: &[_] = control.as_ref().map_or(&[], |control| control);
        let count = self.destinations.len();
        let mut sent = 0;
        while sent < count {
            let (parts, addresses) = (&parts[sent..count], &self.addresses[sent..]);
            let fd = self.socket.as_raw_fd();
            let results = sendmmsg(fd, &mut self.headers, parts, addresses, control, MsgFlags::empty());
            sent += results.context("the kernel does not take a packet")?.count().max(1);
        }
        Ok(sent as u64)
    }
}
