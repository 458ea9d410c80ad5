// SPDX-License-Identifier: EUPL-1.2
//! One transport of the load generator: what a browser's peer connection does, without the media engines.

mod dtls;
mod ice;
mod incoming;
mod outgoing;
mod packet;
mod pictures;
mod progress;
mod socket;

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use anyhow::Result;
use sfu_media::rtcp::keyframe_request::write_picture_loss;
use sfu_media::rtcp::nack::write_nack;
use sfu_media::rtcp::reports::write_receiver_report;
use sfu_media::rtcp::transport_cc::ArrivalRecorder;
use sfu_media::rtcp::{RtcpPacket, RtcpPackets};
use sfu_media::rtp::packet::RtpView;
use sfu_media::rtp::seq_no::SeqNo;
use sfu_media::transport::SEAL_RTCP_OVERHEAD_BYTES;
use sfu_media::transport::srtp::{Opener, Sealer, StreamPlace};
use tokio::sync::watch;

use crate::delay::Delays;
use crate::ear::{Ear, HeardPacket};
use crate::sdp::{Credentials, Extensions, Kind, LocalTransport, Sends};
use crate::source;
use dtls::Dtls;
use ice::{Ice, Stun};
use incoming::IncomingStream;
use outgoing::{OutgoingTrack, PacketSink};
use packet::Packet;

pub(crate) use dtls::Identity;
pub(crate) use ice::local_ip_towards;
pub(crate) use incoming::Counters;
pub(crate) use outgoing::{Content, Sound};
pub(crate) use progress::Progress;
pub(crate) use socket::{ReceiveBuffer, Socket, wall_nanos};

/// Runs of datagrams that one client may take at a time, so that no client starves the others.
const RUNS_PER_TURN: usize = 16;

/// Between two reports on video, and before the first of all.
const VIDEO_REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Between two reports on sound. Browsers take these intervals, too (RFC 3550 §6.2 gives the second one).
const SOUND_REPORT_INTERVAL: Duration = Duration::from_secs(5);

const fn report_interval(has_video: bool) -> Duration {
    if has_video { VIDEO_REPORT_INTERVAL } else { SOUND_REPORT_INTERVAL }
}

/// Where the server is, and by which names packets travel.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) credentials: Credentials,
    pub(crate) candidate: SocketAddr,
    pub(crate) extensions: Extensions,
    /// Streams that the server announced.
    pub(crate) streams: Vec<Announced>,
}

/// A stream that the server announced.
#[derive(Clone, Debug)]
pub(crate) struct Announced {
    pub(crate) kind: Kind,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: Option<u32>,
}

/// What is shared by the clients of one driver.
pub(crate) struct Shared {
    pub(crate) identity: Identity,
    pub(crate) packet: PacketMemory,
    pub(crate) delays: [Delays; 2],
}

impl Shared {
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity,
            packet: PacketMemory { packet: Packet::new(), rtcp: Vec::new() },
            delays: [Delays::new(), Delays::new()],
        }
    }

    pub(crate) const fn delays_of(kind: Kind) -> usize {
        match kind {
            Kind::Audio => 0,
            Kind::Video => 1,
        }
    }
}

/// Memory to write packets into.
pub(crate) struct PacketMemory {
    packet: Packet,
    rtcp: Vec<u8>,
}

/// One client transport.
pub(crate) struct Peer {
    socket: Socket,
    server: Option<SocketAddr>,
    ice: Ice,
    dtls: Dtls,
    srtp: Option<(Sealer, Opener)>,
    transport_seq: SeqNo,
    ssrc: u32,
    extensions: Extensions,
    outgoing: Vec<OutgoingTrack>,
    /// Tracks that start when the transport is up.
    planned: Vec<(String, Sends, Content)>,
    incoming: Vec<IncomingStream>,
    arrivals: ArrivalRecorder,
    next_report: Option<Instant>,
    /// Who listens to the sound that comes.
    ear: Option<Ear>,
    progress: watch::Sender<Progress>,
    /// Packets that could not be opened or understood.
    pub(crate) unreadable: u64,
    /// Packets that the kernel did not take.
    pub(crate) unsent: u64,
    /// Media packets sent.
    pub(crate) sent: u64,
}

impl Peer {
    /// A client with a socket of its own on `ip`.
    pub(crate) fn new(
        ip: IpAddr,
        coalesce: bool,
        identity: &Identity,
        is_controlling: bool,
    ) -> Result<(Self, watch::Receiver<Progress>)> {
        let (progress, watched) = watch::channel(Progress::default());
        let peer = Self {
            socket: Socket::bind(ip, coalesce)?,
            server: None,
            ice: Ice::new(identity.crypto.clone(), ice::new_credentials(), is_controlling),
            dtls: Dtls::new(),
            srtp: None,
            transport_seq: SeqNo(0),
            ssrc: rand::random(),
            extensions: Extensions::default(),
            outgoing: Vec::new(),
            planned: Vec::new(),
            incoming: Vec::new(),
            arrivals: ArrivalRecorder::new(),
            next_report: None,
            ear: None,
            progress,
            unreadable: 0,
            unsent: 0,
            sent: 0,
        };
        Ok((peer, watched))
    }

    /// What offers and answers say of it.
    pub(crate) fn local(&self, identity: &Identity) -> LocalTransport {
        LocalTransport {
            credentials: self.ice.local().clone(),
            fingerprint: identity.fingerprint.to_string(),
            candidate: self.socket.local(),
        }
    }

    /// Takes what the server said, the first time or again.
    pub(crate) fn set_remote(&mut self, now: Instant, remote: Remote) {
        if self.server.is_none() {
            if let Err(error) = self.socket.connect(remote.candidate) {
                self.fail(&format!("{error:#}"));
                return;
            }
            self.server = Some(remote.candidate);
            self.progress.send_modify(|progress| progress.started = Some(now));
        }
        self.extensions = remote.extensions;
        self.ice.set_remote(now, remote.credentials);
        for announced in remote.streams {
            let stream = self.stream(announced.kind, announced.ssrc);
            stream.rtx_ssrc = announced.rtx_ssrc;
        }
        let announced = self.incoming.len();
        self.progress.send_modify(|progress| progress.announced = announced);
    }

    fn stream(&mut self, kind: Kind, ssrc: u32) -> &mut IncomingStream {
        let place = self.incoming.iter().position(|stream| stream.ssrc == ssrc).unwrap_or_else(|| {
            self.incoming.push(IncomingStream::new(kind, ssrc));
            self.incoming.len() - 1
        });
        &mut self.incoming[place]
    }

    /// Sends a track on the section `mid` from when the transport is up.
    pub(crate) fn publish(&mut self, now: Instant, mid: String, sends: Sends, content: Content) {
        if self.srtp.is_some() {
            self.outgoing.push(OutgoingTrack::new(now, mid, &sends, content));
        } else {
            self.planned.push((mid, sends, content));
        }
    }

    /// Lets somebody listen to the sound that comes.
    pub(crate) fn set_ear(&mut self, ear: Ear) {
        self.ear = Some(ear);
    }

    /// Sends none of its tracks any more.
    pub(crate) fn hush(&mut self) {
        self.outgoing.clear();
        self.planned.clear();
    }

    fn fail(&self, reason: &str) {
        self.progress.send_modify(|progress| progress.failed = Some(reason.to_owned()));
    }

    /// Takes what has arrived. Returns whether more may wait.
    pub(crate) fn handle_readable(&mut self, now: Instant, buffer: &mut ReceiveBuffer, shared: &mut Shared) -> bool {
        for _ in 0..RUNS_PER_TURN {
            // The socket lends its datagrams while the rest of the peer works on them.
            let socket = &self.socket;
            let mut work = Work {
                server: self.server,
                ice: &mut self.ice,
                dtls: &mut self.dtls,
                srtp: &mut self.srtp,
                incoming: &mut self.incoming,
                outgoing: &mut self.outgoing,
                extensions: self.extensions,
                arrivals: &mut self.arrivals,
                transport_seq: &mut self.transport_seq,
                counts: Counts { unreadable: &mut self.unreadable, unsent: &mut self.unsent, sent: &mut self.sent },
                socket,
                ear: self.ear.as_ref(),
                progress: &self.progress,
            };
            if !socket.receive(buffer, |datagram, at| work.handle_datagram(now, datagram, at, shared)) {
                return false;
            }
            if self.srtp.is_some() && self.next_report.is_none() {
                self.begin(now);
            }
        }
        true
    }

    fn begin(&mut self, now: Instant) {
        self.next_report = Some(now + VIDEO_REPORT_INTERVAL);
        self.progress.send_modify(|progress| progress.connected = Some(now));
        for (mid, sends, content) in std::mem::take(&mut self.planned) {
            self.outgoing.push(OutgoingTrack::new(now, mid, &sends, content));
        }
    }

    /// Does what is due.
    pub(crate) fn handle_tick(&mut self, now: Instant, shared: &mut Shared) {
        if let Some(check) = self.ice.handle_timeout(now) {
            self.socket.send(&check);
        }
        if self.srtp.is_none() {
            self.dtls.handle_timeout(now);
            flush(now, &mut self.dtls, &self.socket);
            return;
        }
        let memory = &mut shared.packet;
        let Some((sealer, _)) = &mut self.srtp else { return };
        let mut sink = Sink {
            sealer,
            socket: &self.socket,
            transport_seq: &mut self.transport_seq,
            counts: Counts { unreadable: &mut self.unreadable, unsent: &mut self.unsent, sent: &mut self.sent },
        };
        for track in &mut self.outgoing {
            track.handle_timeout(now, &mut memory.packet, &mut sink);
        }
        self.send_feedback(now, memory);
    }

    /// Sends reports, requests and arrival times that are due, in one datagram.
    fn send_feedback(&mut self, now: Instant, memory: &mut PacketMemory) {
        let out = &mut memory.rtcp;
        out.clear();
        if self.next_report.is_some_and(|due| due <= now) {
            let has_video = self.incoming.iter().any(|stream| stream.kind == Kind::Video);
            self.next_report = Some(now + report_interval(has_video));
            let blocks: Vec<_> = self.incoming.iter_mut().filter_map(|stream| stream.report(now)).collect();
            write_receiver_report(self.ssrc, &blocks, out);
        }
        let wall = wall_nanos();
        for track in &mut self.outgoing {
            track.write_reports(now, wall, out);
        }
        for stream in &mut self.incoming {
            let ssrc = stream.ssrc;
            write_nack(self.ssrc, ssrc, stream.due_nacks(now), out);
            if stream.kind == Kind::Video && stream.takes_keyframe_request(now) {
                write_picture_loss(self.ssrc, ssrc, out);
            }
        }
        if let Some(first) = self.incoming.first() {
            self.arrivals.write_feedback(now, self.ssrc, first.ssrc, out);
        }
        if out.is_empty() {
            return;
        }
        let plain_len = out.len();
        out.resize(plain_len + SEAL_RTCP_OVERHEAD_BYTES, 0);
        if let Some((sealer, _)) = &mut self.srtp
            && let Some(len) = sealer.seal_rtcp(out, plain_len)
        {
            self.unsent += u64::from(!self.socket.send(&out[..len]));
        }
    }

    /// Forgets what was counted.
    pub(crate) fn reset(&mut self) {
        (self.unreadable, self.unsent, self.sent) = (0, 0, 0);
        self.incoming.iter_mut().for_each(IncomingStream::reset);
    }

    /// What the streams of one kind counted.
    pub(crate) fn counters(&self, kind: Kind) -> impl Iterator<Item = &Counters> {
        self.incoming.iter().filter(move |stream| stream.kind == kind).map(|stream| &stream.counters)
    }
}

impl AsRawFd for Peer {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn flush(now: Instant, dtls: &mut Dtls, socket: &Socket) {
    while let Some(datagram) = dtls.poll_datagram(now) {
        socket.send(&datagram);
    }
}

struct Counts<'a> {
    unreadable: &'a mut u64,
    unsent: &'a mut u64,
    sent: &'a mut u64,
}

/// Numbers, seals and sends.
struct Sink<'a> {
    sealer: &'a mut Sealer,
    socket: &'a Socket,
    transport_seq: &'a mut SeqNo,
    counts: Counts<'a>,
}

impl PacketSink for Sink<'_> {
    fn send(&mut self, packet: &mut Packet) {
        packet.set_transport_seq(*self.transport_seq);
        *self.transport_seq = self.transport_seq.next();
        let (bytes, plain_len) = packet.parts();
        let Some(len) = self.sealer.seal_rtp(&mut StreamPlace::default(), bytes, plain_len) else { return };
        *self.counts.sent += 1;
        *self.counts.unsent += u64::from(!self.socket.send(&bytes[..len]));
    }
}

/// The parts of a peer that work on a datagram while its socket lends it.
struct Work<'a> {
    server: Option<SocketAddr>,
    ice: &'a mut Ice,
    dtls: &'a mut Dtls,
    srtp: &'a mut Option<(Sealer, Opener)>,
    incoming: &'a mut Vec<IncomingStream>,
    outgoing: &'a mut Vec<OutgoingTrack>,
    extensions: Extensions,
    arrivals: &'a mut ArrivalRecorder,
    transport_seq: &'a mut SeqNo,
    counts: Counts<'a>,
    socket: &'a Socket,
    ear: Option<&'a Ear>,
    progress: &'a watch::Sender<Progress>,
}

impl Work<'_> {
    /// Tells the protocols apart by their first byte (RFC 7983).
    fn handle_datagram(&mut self, now: Instant, datagram: &mut [u8], arrived: u64, shared: &mut Shared) {
        match datagram.first() {
            Some(0..=3) => self.handle_stun(now, datagram, &shared.identity),
            Some(20..=63) => self.handle_dtls(now, datagram),
            // RTCP packet types, as RFC 5761 §4 tells them from RTP's.
            Some(128..=191) if datagram.get(1).is_some_and(|byte| (192..=223).contains(byte)) => {
                self.handle_rtcp(now, datagram, &mut shared.packet);
            }
            Some(128..=191) => self.handle_rtp(now, datagram, arrived, &mut shared.delays),
            _ => *self.counts.unreadable += 1,
        }
    }

    fn handle_stun(&mut self, now: Instant, datagram: &[u8], identity: &Identity) {
        let Some(server) = self.server else { return };
        match self.ice.handle_datagram(now, datagram, server) {
            Stun::Answered => {
                self.note(|progress| &mut progress.is_answered);
                if let Err(error) = self.dtls.start(now, identity) {
                    self.progress.send_modify(|progress| progress.failed = Some(format!("{error:#}")));
                }
                flush(now, self.dtls, self.socket);
            }
            Stun::Asked(answer) => {
                self.socket.send(&answer);
            }
            Stun::Unknown => *self.counts.unreadable += 1,
        }
    }

    fn handle_dtls(&mut self, now: Instant, datagram: &[u8]) {
        match self.dtls.handle_datagram(now, datagram) {
            Ok(Some(ends)) => *self.srtp = Some(ends),
            Ok(None) => {}
            Err(error) => self.progress.send_modify(|progress| progress.failed = Some(format!("{error:#}"))),
        }
        flush(now, self.dtls, self.socket);
    }

    fn handle_rtp(&mut self, now: Instant, datagram: &mut [u8], arrived: u64, delays: &mut [Delays; 2]) {
        let Some((_, opener)) = self.srtp else { return };
        let Ok(plain_len) = opener.open_rtp(datagram) else {
            *self.counts.unreadable += 1;
            self.note(|progress| &mut progress.has_undecryptable);
            return;
        };
        let Ok(packet) = RtpView::parse(&datagram[..plain_len]) else {
            *self.counts.unreadable += 1;
            return;
        };
        if let Some(id) = self.extensions.transport_cc
            && let Some((_, value)) = packet.extensions().find(|(element, _)| *element == id)
            && let Some(seq_no) = value.first_chunk()
        {
            self.arrivals.record(now, SeqNo(u16::from_be_bytes(*seq_no)));
        }
        if let Some(stream) = self.incoming.iter_mut().find(|stream| stream.ssrc == packet.ssrc) {
            let (had_arrived, had_begun) = (stream.has_arrived(), stream.has_begun());
            if !stream.handle_packet(now, &packet) {
                return;
            }
            if !had_arrived {
                self.progress.send_modify(|progress| progress.arriving += 1);
            }
            if let (Some(ear), Kind::Audio) = (self.ear, stream.kind) {
                ear.hear(HeardPacket {
                    arrived_nanos: arrived,
                    ssrc: packet.ssrc,
                    seq_no: packet.seq_no.0,
                    rtp_timestamp: packet.timestamp.0,
                    payload: packet.payload.into(),
                });
            }
            if let Some(sent) = source::read_stamp(packet.payload) {
                delays[Shared::delays_of(stream.kind)].record(arrived.saturating_sub(sent));
            }
            if !had_begun && stream.has_begun() {
                let kind = stream.kind;
                self.note_beginning(now, kind);
            }
        } else if let Some(stream) = self.incoming.iter_mut().find(|stream| stream.rtx_ssrc == Some(packet.ssrc)) {
            stream.handle_retransmission(now, &packet);
        } else {
            *self.counts.unreadable += 1;
            self.note(|progress| &mut progress.has_stray);
        }
    }

    /// Notes what happens for the first time; later it costs nobody a look.
    fn note(&self, what: impl Fn(&mut Progress) -> &mut bool) {
        self.progress.send_if_modified(|progress| !std::mem::replace(what(progress), true));
    }

    fn note_beginning(&self, now: Instant, kind: Kind) {
        self.progress.send_modify(|progress| {
            progress.streams += 1;
            let first = match kind {
                Kind::Audio => &mut progress.first_audio,
                Kind::Video => &mut progress.first_video,
            };
            first.get_or_insert(now);
        });
    }

    fn handle_rtcp(&mut self, now: Instant, datagram: &mut [u8], memory: &mut PacketMemory) {
        let Some((sealer, opener)) = self.srtp else { return };
        let Ok(plain_len) = opener.open_rtcp(datagram) else {
            *self.counts.unreadable += 1;
            return;
        };
        let counts = Counts {
            unreadable: &mut *self.counts.unreadable,
            unsent: &mut *self.counts.unsent,
            sent: &mut *self.counts.sent,
        };
        let mut sink = Sink { sealer, socket: self.socket, transport_seq: &mut *self.transport_seq, counts };
        for packet in RtcpPackets::new(&datagram[..plain_len]) {
            match packet {
                RtcpPacket::SenderReport(report, blocks) => {
                    if let Some(stream) = self.incoming.iter_mut().find(|stream| stream.ssrc == report.ssrc) {
                        stream.handle_sender_report(now, &report);
                    }
                    acknowledge(self.outgoing, blocks.iter().map(|block| block.ssrc));
                }
                RtcpPacket::ReceiverReport(blocks) => {
                    acknowledge(self.outgoing, blocks.iter().map(|block| block.ssrc));
                }
                RtcpPacket::Nack(nack) => {
                    for track in &mut *self.outgoing {
                        track.retransmit(nack.media_ssrc, nack.seq_nos(), &mut memory.packet, &mut sink);
                    }
                }
                RtcpPacket::PictureLoss { media_ssrc } => request_keyframe(self.outgoing, media_ssrc),
                RtcpPacket::FullIntraRequest(targets) => {
                    targets.ssrcs().for_each(|ssrc| request_keyframe(self.outgoing, ssrc));
                }
                RtcpPacket::Remb(_) | RtcpPacket::TransportFeedback(_) | RtcpPacket::Bye(_) => {}
            }
        }
    }
}

fn acknowledge(tracks: &mut [OutgoingTrack], ssrcs: impl Iterator<Item = u32>) {
    for ssrc in ssrcs {
        tracks.iter_mut().for_each(|track| track.acknowledge(ssrc));
    }
}

fn request_keyframe(tracks: &mut [OutgoingTrack], ssrc: u32) {
    for track in tracks {
        if track.request_keyframe(ssrc) {
            return;
        }
    }
}
