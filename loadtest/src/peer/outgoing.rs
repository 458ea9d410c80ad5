// SPDX-License-Identifier: EUPL-1.2
//! A track that a client publishes: frames on time, keyframes and lost packets on request, sender reports.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sfu_media::rtcp::reports::{SenderReport, ntp_duration};
use sfu_media::rtp::rtp_time::RtpTime;
use sfu_media::rtp::seq_no::SeqNo;

use super::packet::{Head, Packet};
use super::socket::wall_nanos;
use super::{VIDEO_REPORT_INTERVAL, report_interval};
use crate::mark::Mark;
use crate::sdp::{Extensions, Kind, OPUS, Sends, VP8, VP8_RTX};
use crate::source::{self, Noise, VideoLayer};

/// Digital silence in -dBov (RFC 6464 §3).
const SILENCE_LEVEL: u8 = 127;

/// Packets kept to be sent again: about 3 s of a fast layer.
const HISTORY_PACKETS: usize = 1_024;

/// Seconds from the start of NTP's first era to the Unix epoch (RFC 5905 §6).
const NTP_TO_UNIX_SECONDS: u64 = 2_208_988_800;

/// What a track sends.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Somebody speaks without a pause, this loud, in -dBov (RFC 6464).
    Speech { level: u8 },
    /// Sound that can be decoded.
    Sound(Sound),
    /// A microphone that hears nothing: discontinuous transmission (RFC 7587 §3.1.3).
    Silence,
    /// A camera, one layer for each stream.
    Video(Vec<VideoLayer>),
}

/// Packets of Opus, 20 ms each, that are sent over and over.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    pub(crate) packets: Arc<[Box<[u8]>]>,
    /// What it begins with.
    pub(crate) first: usize,
    /// How loud it is said to be, in -dBov.
    pub(crate) level: u8,
    /// The packet whose sendings are told.
    pub(crate) mark: Option<Mark>,
}

impl Content {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Speech { .. } | Self::Sound(_) | Self::Silence => Kind::Audio,
            Self::Video(_) => Kind::Video,
        }
    }

    /// Lets a microphone hear nothing from now on.
    pub(crate) fn hush(&mut self) {
        if let Self::Speech { .. } | Self::Sound(_) = self {
            *self = Self::Silence;
        }
    }
}

/// A published track.
pub(crate) struct OutgoingTrack {
    mid: String,
    content: Content,
    noise: Noise,
    started: Instant,
    next_frame: Instant,
    next_report: Instant,
    streams: Vec<Stream>,
}

struct Stream {
    rid: Option<&'static str>,
    ssrc: u32,
    rtx_ssrc: u32,
    seq_no: SeqNo,
    rtx_seq_no: SeqNo,
    timestamp_base: RtpTime,
    picture_id: u16,
    wants_keyframe: bool,
    /// A receiver report shows that the server knows the stream: mid and rid need not be said any more, as in
    /// libwebrtc.
    is_known: bool,
    packets: u32,
    octets: u32,
    history: VecDeque<Kept>,
}

/// A sent packet, as its retransmission needs it.
struct Kept {
    seq_no: SeqNo,
    timestamp: RtpTime,
    marker: bool,
    payload: Box<[u8]>,
}

/// Sends finished packets.
pub(crate) trait PacketSink {
    /// Seals and sends an RTP packet.
    fn send(&mut self, packet: &mut Packet);
}

impl OutgoingTrack {
    /// A track that starts now, in the middle of an interval, so that not all of them send at once.
    pub(crate) fn new(now: Instant, mid: String, sends: &Sends, content: Content) -> Self {
        let seed = sends.streams.first().map_or(1, |stream| stream.ssrc);
        let mut noise = Noise::new(seed.into());
        let interval = interval_of(&content);
        let offset = interval.mul_f64(noise.within(0, 999) as f64 / 1_000.0);
        let streams = sends.streams.iter().map(|stream| Stream {
            rid: stream.rid,
            ssrc: stream.ssrc,
            rtx_ssrc: stream.rtx_ssrc,
            seq_no: SeqNo(noise.next() as u16),
            rtx_seq_no: SeqNo(noise.next() as u16),
            timestamp_base: RtpTime(noise.next() as u32),
            picture_id: noise.next() as u16 & 0x7fff,
            wants_keyframe: true,
            is_known: false,
            packets: 0,
            octets: 0,
            history: VecDeque::new(),
        });
        Self {
            mid,
            content,
            streams: streams.collect(),
            noise,
            started: now,
            next_frame: now + offset,
            next_report: now + VIDEO_REPORT_INTERVAL,
        }
    }

    /// Sends the frames that are due.
    pub(crate) fn handle_timeout(&mut self, now: Instant, packet: &mut Packet, sink: &mut impl PacketSink) {
        let interval = interval_of(&self.content);
        // A driver that was held up must not send in a burst what an encoder would have dropped.
        if now.saturating_duration_since(self.next_frame) > 10 * interval {
            self.next_frame = now;
        }
        while self.next_frame <= now {
            let due = self.next_frame;
            self.next_frame += interval;
            for place in 0..self.streams.len() {
                self.write_frame(place, due, packet, sink);
            }
        }
    }

    fn write_frame(&mut self, place: usize, due: Instant, packet: &mut Packet, sink: &mut impl PacketSink) {
        let elapsed = due.saturating_duration_since(self.started);
        let timestamp = |base: RtpTime, kind: Kind| base.plus_ticks(RtpTime::ticks_in(elapsed, kind.clock_rate()));
        let stream = &mut self.streams[place];
        match &self.content {
            Content::Sound(sound) => {
                let place = (sound.first + stream.packets as usize) % sound.packets.len().max(1);
                let Some(opus) = sound.packets.get(place) else { return };
                let head = Head {
                    payload_type: OPUS,
                    marker: stream.packets == 0,
                    seq_no: stream.take_seq_no(),
                    timestamp: timestamp(stream.timestamp_base, Kind::Audio),
                    ssrc: stream.ssrc,
                };
                packet.begin(head, Extensions::OURS, stream.names(&self.mid), Some(sound.level));
                let payload = packet.payload(opus.len());
                let len = payload.len();
                payload.copy_from_slice(&opus[..len]);
                stream.count(len);
                if let Some(mark) = &sound.mark {
                    mark.note(place, wall_nanos());
                }
                sink.send(packet);
            }
            Content::Speech { .. } | Content::Silence => {
                let (bytes, level) = match self.content {
                    Content::Speech { level } => (source::speech_bytes(&mut self.noise), level),
                    _ => (source::SILENCE_BYTES, SILENCE_LEVEL),
                };
                let head = Head {
                    payload_type: OPUS,
                    // Speech without a pause has no talk spurts but the first (RFC 3551 §4.1).
                    marker: stream.packets == 0,
                    seq_no: stream.take_seq_no(),
                    timestamp: timestamp(stream.timestamp_base, Kind::Audio),
                    ssrc: stream.ssrc,
                };
                packet.begin(head, Extensions::OURS, stream.names(&self.mid), Some(level));
                let payload = packet.payload(bytes);
                payload[0] = source::OPUS_TOC;
                stream.count(bytes);
                packet.stamp();
                sink.send(packet);
            }
            Content::Video(layers) => {
                let layer = layers[place.min(layers.len() - 1)];
                let is_keyframe = std::mem::take(&mut stream.wants_keyframe);
                let timestamp = timestamp(stream.timestamp_base, Kind::Video);
                let frame = source::frame_bytes(&layer, is_keyframe, &mut self.noise);
                let sizes = source::packet_sizes(frame);
                let last = sizes.len() - 1;
                for (index, bytes) in sizes.enumerate() {
                    let seq_no = stream.take_seq_no();
                    let marker = index == last;
                    let head = Head { payload_type: VP8, marker, seq_no, timestamp, ssrc: stream.ssrc };
                    packet.begin(head, Extensions::OURS, stream.names(&self.mid), None);
                    let payload = packet.payload(bytes.max(14 + source::STAMP_BYTES));
                    source::write_vp8_head(payload, &layer, stream.picture_id, index == 0, is_keyframe);
                    packet.stamp();
                    stream.count(bytes);
                    stream.keep(Kept { seq_no, timestamp, marker, payload: packet.written_payload().into() });
                    sink.send(packet);
                }
                stream.picture_id = (stream.picture_id + 1) & 0x7fff;
            }
        }
    }

    /// The server wants packets of one of our streams again (RFC 4588).
    pub(crate) fn retransmit(
        &mut self,
        ssrc: u32,
        wanted: impl Iterator<Item = SeqNo>,
        packet: &mut Packet,
        sink: &mut impl PacketSink,
    ) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) else { return };
        for wanted in wanted {
            let Some(place) = stream.history.iter().position(|kept| kept.seq_no == wanted) else { continue };
            let rtx_seq_no = stream.rtx_seq_no;
            stream.rtx_seq_no = rtx_seq_no.next();
            let kept = &stream.history[place];
            let head = Head {
                payload_type: VP8_RTX,
                marker: kept.marker,
                seq_no: rtx_seq_no,
                timestamp: kept.timestamp,
                ssrc: stream.rtx_ssrc,
            };
            packet.begin(head, Extensions::OURS, stream.names(&self.mid).map(|names| names.of_repair()), None);
            let payload = packet.payload(2 + kept.payload.len());
            payload[..2].copy_from_slice(&kept.seq_no.0.to_be_bytes());
            payload[2..].copy_from_slice(&kept.payload);
            sink.send(packet);
        }
    }

    /// The server wants a keyframe of one of our streams. Returns whether it is one.
    pub(crate) fn request_keyframe(&mut self, ssrc: u32) -> bool {
        let stream = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc);
        if let Some(stream) = stream {
            stream.wants_keyframe = true;
            return true;
        }
        false
    }

    /// The server reports on one of our streams.
    pub(crate) fn acknowledge(&mut self, ssrc: u32) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) {
            stream.is_known = true;
        }
    }

    /// Appends the sender reports that are due.
    pub(crate) fn write_reports(&mut self, now: Instant, wall_nanos: u64, out: &mut Vec<u8>) {
        if self.next_report > now {
            return;
        }
        self.next_report = now + report_interval(self.content.kind() == Kind::Video);
        let elapsed = now.saturating_duration_since(self.started);
        let ticks = RtpTime::ticks_in(elapsed, self.content.kind().clock_rate());
        let ntp = ntp_duration(Duration::from_nanos(wall_nanos) + Duration::from_secs(NTP_TO_UNIX_SECONDS));
        for stream in self.streams.iter().filter(|stream| stream.packets > 0) {
            SenderReport {
                ssrc: stream.ssrc,
                ntp,
                rtp_timestamp: stream.timestamp_base.plus_ticks(ticks).0,
                packets: stream.packets,
                octets: stream.octets,
            }
            .write(out);
        }
    }
}

impl Stream {
    fn take_seq_no(&mut self) -> SeqNo {
        let seq_no = self.seq_no;
        self.seq_no = seq_no.next();
        seq_no
    }

    const fn count(&mut self, bytes: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(bytes as u32);
    }

    fn keep(&mut self, kept: Kept) {
        if self.history.len() == HISTORY_PACKETS {
            self.history.pop_front();
        }
        self.history.push_back(kept);
    }

    fn names<'a>(&self, mid: &'a str) -> Option<Names<'a>> {
        (!self.is_known).then_some(Names { mid, rid: self.rid, is_repair: false })
    }
}

/// By which names a packet says where it belongs (RFC 9143, RFC 8852).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub(crate) mid: &'a str,
    pub(crate) rid: Option<&'static str>,
    pub(crate) is_repair: bool,
}

impl Names<'_> {
    const fn of_repair(self) -> Self {
        Self { is_repair: true, ..self }
    }
}

const fn interval_of(content: &Content) -> Duration {
    match content {
        Content::Speech { .. } | Content::Sound(_) => source::AUDIO_INTERVAL,
        Content::Silence => source::SILENCE_INTERVAL,
        Content::Video(_) => source::FRAME_INTERVAL,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;

    use super::*;
    use crate::sdp::OutgoingStream;

    /// The first byte of each packet that was sent, and whether that was told before.
    struct Line {
        sendings: Receiver<u64>,
        sent: Vec<(u8, bool)>,
    }

    impl PacketSink for Line {
        fn send(&mut self, packet: &mut Packet) {
            self.sent.push((packet.written_payload()[0], self.sendings.try_recv().is_ok()));
        }
    }

    #[test]
    fn each_sending_of_the_marked_packet_is_told_and_no_other() {
        let (mark, sendings) = Mark::new(2);
        let packets = (0..5_u8).map(|byte| vec![byte; 40].into_boxed_slice()).collect();
        let content = Content::Sound(Sound { packets, first: 4, level: 22, mark: Some(mark) });
        let streams = vec![OutgoingStream { rid: None, ssrc: 1, rtx_ssrc: 2 }];
        let (now, sends) = (Instant::now(), Sends { cid: "mic".to_owned(), streams });
        let mut track = OutgoingTrack::new(now, "0".to_owned(), &sends, content);
        let mut line = Line { sendings, sent: Vec::new() };
        for number in 1_u32..=12 {
            track.handle_timeout(now + source::AUDIO_INTERVAL * number, &mut Packet::new(), &mut line);
        }
        let places = (0..line.sent.len()).map(|number| (4 + number) % 5);
        let expected: Vec<_> = places.map(|place| (place as u8, place == 2)).collect();
        assert!(line.sent.len() >= 12);
        assert_eq!(line.sent, expected);
    }
}
