// SPDX-License-Identifier: EUPL-1.2
//! A load that is the same in every run: clients that share no code with the core, each datagram they send at its
//! virtual time, and what a shard's thread does with it. Tests count allocations and system calls under it, an example
//! counts instructions.

// Clippy knows tests by their attribute, and helpers have none.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use client::{AS_BROWSERS, Client};
use pattern::Pattern;
use sfu_media::ids::{ShardId, TrackId, TransportId};
use sfu_media::session::{Fingerprint, IceCredentials, Session, TransportSetup};
use sfu_media::shard::message::ShardCommand;
use sfu_media::shard::{DatagramKind, Shard, classify};
use sfu_media::transport::DtlsIdentity;
use stream::Stream;

#[path = "../common/agreed.rs"]
mod agreed;
#[allow(dead_code, reason = "each user needs a part")]
#[path = "../../src/transport/tests/client.rs"]
pub(crate) mod client;
mod feedback;
pub(crate) mod pattern;
mod stream;

pub(crate) use agreed::start;

/// How often browsers report on a stream that they send or receive, at least (RFC 3550 §6.2 with libwebrtc's interval for
/// video).
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// How often libwebrtc tells when packets arrived, at a few Mbit/s.
const ARRIVALS_INTERVAL: Duration = Duration::from_millis(100);

/// A lost packet is asked for and sent again after about that.
const REPAIR_TIME: Duration = Duration::from_millis(50);

/// A receiver whose pictures break asks for a key frame so often.
const PICTURE_LOSS_INTERVAL: Duration = Duration::from_secs(2);

/// A shard's thread sends in the middle of a turn what is so much.
const DATAGRAMS_PER_FLUSH: usize = 1_024;

const PASSWORD: &str = "a-password-of-22-chars";

/// Whoever runs the shard.
pub(crate) trait Server {
    /// Expects a client.
    fn add(&mut self, now: Instant, setup: TransportSetup);

    /// Carries out an order.
    fn command(&mut self, now: Instant, command: ShardCommand);

    /// Takes in what a client sent together, and gives what is sent to it then: at least one datagram.
    fn exchange(&mut self, now: Instant, client: usize, flight: Vec<Vec<u8>>) -> Vec<Vec<u8>>;
}

/// A datagram and the client that sends it.
pub(crate) struct FromClient {
    pub(crate) client: usize,
    pub(crate) bytes: Vec<u8>,
}

/// What happens at some time, again and again or once.
enum Event {
    /// The publisher's next frame, in all its layers.
    Frame { client: usize },
    /// The publisher's clock, for each of its streams.
    SenderReports { client: usize },
    /// What a receiver says about each of its streams.
    ReceiverReport { client: usize },
    /// When packets arrived at a receiver.
    Arrivals { client: usize },
    /// A receiver cannot go on.
    PictureLoss { client: usize },
    /// A packet that was lost, once more.
    Repaired { client: usize, packet: Vec<u8> },
    /// A receiver misses a packet.
    Nack { client: usize, ssrc: u32, seq_no: u16 },
}

/// A client and what it has to do.
struct Member {
    client: Client,
    streams: Vec<Stream>,
    /// The SSRCs that it receives.
    receives: Vec<u32>,
    has_video: bool,
    heard_packets: u64,
    /// The number of its next packet over all streams.
    transport_seq: u16,
}

/// The clients, publishers first, and what they will send.
pub(crate) struct Load {
    pattern: Pattern,
    members: Vec<Member>,
    /// By the time since the beginning. The second number keeps the order of what happens at the same time.
    calendar: BTreeMap<(Duration, u64), Event>,
    scheduled: u64,
}

impl Load {
    /// Connects the clients of a pattern and subscribes those who receive.
    pub(crate) fn connect(pattern: Pattern, now: Instant, server: &mut impl Server) -> Self {
        let mut load = Self { members: Vec::new(), calendar: BTreeMap::new(), scheduled: 0, pattern };
        for publisher in 0..load.pattern.publishers.len() {
            let streams = load.pattern.streams(publisher);
            let session = load.pattern.publishing_session(publisher);
            load.join(now, server, session, streams);
        }
        for receiver in 0..load.pattern.receivers.len() {
            let session = load.pattern.receiving_session(receiver);
            let transport = TransportId(load.members.len() as u64);
            let tracks: Vec<TrackId> = session.downlinks.iter().map(|downlink| downlink.track).collect();
            load.join(now, server, session, Vec::new());
            for track in tracks {
                server.command(now, ShardCommand::Subscribe { transport, track, home: ShardId(0) });
            }
        }
        load.fill_calendar();
        load
    }

    fn join(&mut self, now: Instant, server: &mut impl Server, session: Session, streams: Vec<Stream>) {
        let number = self.members.len();
        let credentials = |ufrag: String| IceCredentials { ufrag: ufrag.into(), password: PASSWORD.into() };
        let mut client = Client::new(AS_BROWSERS);
        let receives = session.downlinks.iter().map(|downlink| downlink.ssrc).collect();
        let has_video = session.downlinks.iter().any(|downlink| downlink.codec.pli);
        server.add(
            now,
            TransportSetup {
                id: TransportId(number as u64),
                local: credentials(format!("ours{number}")),
                remote: credentials("theirs".to_owned()),
                remote_fingerprint: Fingerprint(client.fingerprint()),
                session,
            },
        );
        server.exchange(now, number, vec![client.check(&format!("ours{number}:theirs"), PASSWORD, true)]);
        client.start_dtls(now);
        while client.media.is_none() {
            let answers = server.exchange(now, number, client.take_datagrams());
            for answer in answers.iter().filter(|answer| classify(answer) == DatagramKind::Dtls) {
                client.handle_datagram(now, answer);
            }
        }
        self.members.push(Member { client, streams, receives, has_video, heard_packets: 0, transport_seq: 0 });
    }

    /// Nobody does at the same time what does not belong together, as in life.
    fn fill_calendar(&mut self) {
        let publishers = self.pattern.publishers.len();
        for client in 0..self.members.len() {
            let count = self.members.len() as u32;
            let share = |interval: Duration| interval * client as u32 / count;
            if client < publishers {
                let interval = self.pattern.publishers[client].frame_interval();
                self.schedule(interval * client as u32 / publishers as u32, Event::Frame { client });
                self.schedule(share(REPORT_INTERVAL), Event::SenderReports { client });
                continue;
            }
            self.schedule(share(REPORT_INTERVAL), Event::ReceiverReport { client });
            if self.members[client].has_video {
                self.schedule(share(ARRIVALS_INTERVAL), Event::Arrivals { client });
                if self.pattern.one_in_is_lost.is_some() {
                    self.schedule(share(PICTURE_LOSS_INTERVAL), Event::PictureLoss { client });
                }
            }
        }
    }

    fn schedule(&mut self, at: Duration, event: Event) {
        self.scheduled += 1;
        self.calendar.insert((at, self.scheduled), event);
    }

    /// When clients send next, since the beginning.
    pub(crate) fn next_at(&self) -> Duration {
        self.calendar.first_key_value().map_or(Duration::MAX, |((at, _), _)| *at)
    }

    /// All that the clients send at [`Self::next_at`].
    pub(crate) fn next_datagrams(&mut self) -> Vec<FromClient> {
        let now = self.next_at();
        let mut datagrams = Vec::new();
        while self.next_at() == now {
            let Some((_, event)) = self.calendar.pop_first() else { break };
            self.happen(now, event, &mut datagrams);
        }
        datagrams
    }

    fn happen(&mut self, now: Duration, event: Event, out: &mut Vec<FromClient>) {
        match event {
            Event::Frame { client } => self.send_frame(now, client, out),
            Event::SenderReports { client } => {
                for stream in 0..self.members[client].streams.len() {
                    let report = self.members[client].streams[stream].sender_report(now);
                    self.send_rtcp(client, &report, out);
                }
                self.schedule(now + REPORT_INTERVAL, event);
            }
            Event::ReceiverReport { client } => {
                let report = feedback::receiver_report(&self.members[client].receives);
                self.send_rtcp(client, &report, out);
                self.schedule(now + REPORT_INTERVAL, event);
            }
            Event::Arrivals { client } => {
                let arrivals = feedback::arrivals(self.members[client].receives[0]);
                self.send_rtcp(client, &arrivals, out);
                self.schedule(now + ARRIVALS_INTERVAL, event);
            }
            Event::PictureLoss { client } => {
                let request = feedback::picture_loss(self.members[client].receives[0]);
                self.send_rtcp(client, &request, out);
                self.schedule(now + PICTURE_LOSS_INTERVAL, event);
            }
            Event::Repaired { client, packet } => self.send_rtp(client, &packet, out),
            Event::Nack { client, ssrc, seq_no } => self.send_rtcp(client, &feedback::nack(ssrc, seq_no), out),
        }
    }

    fn send_frame(&mut self, now: Duration, client: usize, out: &mut Vec<FromClient>) {
        for stream in 0..self.members[client].streams.len() {
            let Member { streams, transport_seq, .. } = &mut self.members[client];
            let first = streams[stream].sent();
            for (number, packet) in (first..).zip(streams[stream].next_frame(now, transport_seq)) {
                if self.pattern.one_in_is_lost.is_some_and(|one_in| number % one_in == one_in - 1) {
                    let packet = self.members[client].streams[stream].again(packet);
                    self.schedule(now + REPAIR_TIME, Event::Repaired { client, packet });
                } else {
                    self.send_rtp(client, &packet, out);
                }
            }
        }
        let interval = self.pattern.publishers[client].frame_interval();
        self.schedule(now + interval, Event::Frame { client });
    }

    fn send_rtp(&mut self, client: usize, packet: &[u8], out: &mut Vec<FromClient>) {
        let media = self.members[client].client.media.as_mut().unwrap();
        out.push(FromClient { client, bytes: media.sends.encrypt_rtp(packet).unwrap().to_vec() });
    }

    fn send_rtcp(&mut self, client: usize, packet: &[u8], out: &mut Vec<FromClient>) {
        let media = self.members[client].client.media.as_mut().unwrap();
        out.push(FromClient { client, bytes: media.sends.encrypt_rtcp(packet).unwrap().to_vec() });
    }

    /// A client hears a datagram, unless it is one of those that get lost on the way to it.
    pub(crate) fn hear(&mut self, now: Duration, client: usize, datagram: &[u8]) {
        let Some(one_in) = self.pattern.one_in_is_lost else { return };
        if classify(datagram) != DatagramKind::Rtp {
            return;
        }
        self.members[client].heard_packets += 1;
        // The header is not encrypted (RFC 3711 §3.1).
        let ssrc = u32::from_be_bytes([datagram[8], datagram[9], datagram[10], datagram[11]]);
        let is_media = self.members[client].receives.contains(&ssrc);
        if is_media && self.members[client].heard_packets.is_multiple_of(one_in) {
            let seq_no = u16::from_be_bytes([datagram[2], datagram[3]]);
            self.schedule(now + REPAIR_TIME, Event::Nack { client, ssrc, seq_no });
        }
    }
}

/// A shard on a virtual clock, with the load on it.
pub(crate) struct LoadedShard {
    pub(crate) shard: Shard,
    load: Load,
    epoch: Instant,
}

impl LoadedShard {
    pub(crate) fn new(pattern: Pattern) -> Self {
        let epoch = start();
        let mut shard = Shard::new(ShardId(0), DtlsIdentity::generate().unwrap(), 1);
        let load = Load::connect(pattern, epoch, &mut shard);
        Self { shard, load, epoch }
    }

    /// Lets time pass until so long after the beginning. `take_turn` is to do what [`turn`] does.
    pub(crate) fn run_until(&mut self, end: Duration, mut take_turn: impl FnMut(&mut Shard, Instant, &mut [Arrived])) {
        loop {
            let timeout = self.shard.poll_timeout().map_or(Duration::MAX, |at| at.duration_since(self.epoch));
            let at = self.load.next_at().min(timeout);
            if at >= end {
                return;
            }
            let sent = if at == self.load.next_at() { self.load.next_datagrams() } else { Vec::new() };
            let mut arrived: Vec<_> = sent.into_iter().map(|from| (address(from.client), from.bytes)).collect();
            take_turn(&mut self.shard, self.epoch + at, &mut arrived);
            for (destination, datagram) in self.shard.transmits().iter() {
                self.load.hear(at, usize::from(destination.port() - FIRST_PORT), datagram);
            }
            self.shard.transmits().clear();
        }
    }
}

/// A datagram and where it came from.
pub(crate) type Arrived = (SocketAddr, Vec<u8>);

/// What a shard's thread does in one turn, without its system calls. What the last part of it wants sent is left there.
pub(crate) fn turn(shard: &mut Shard, now: Instant, arrived: &mut [Arrived]) {
    for (source, datagram) in arrived {
        shard.handle_datagram(now, *source, datagram);
        if shard.transmits().len() >= DATAGRAMS_PER_FLUSH {
            shard.transmits().clear();
        }
    }
    if shard.poll_timeout().is_some_and(|at| at <= now) {
        shard.handle_timeout(now);
    }
    while shard.poll_claim().is_some() {}
    while shard.poll_messages().is_some() {}
    while shard.poll_event().is_some() {}
}

const FIRST_PORT: u16 = 50_000;

fn address(client: usize) -> SocketAddr {
    ([203, 0, 113, 7], FIRST_PORT + client as u16).into()
}

impl Server for Shard {
    fn add(&mut self, now: Instant, setup: TransportSetup) {
        self.handle_command(now, ShardCommand::AddTransport(Box::new(setup)));
    }

    fn command(&mut self, now: Instant, command: ShardCommand) {
        self.handle_command(now, command);
    }

    fn exchange(&mut self, now: Instant, client: usize, flight: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        for mut datagram in flight {
            self.handle_datagram(now, address(client), &mut datagram);
        }
        let to_client = self.transmits().iter().filter(|(to, _)| *to == address(client));
        let answers = to_client.map(|(_, datagram)| datagram.to_vec()).collect();
        self.transmits().clear();
        answers
    }
}
