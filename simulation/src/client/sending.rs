// SPDX-License-Identifier: EUPL-1.2
//! What a client publishes: Opus-like frames every 20 ms, and VP8 frames of several sizes with keyframes on request.
//!
//! Every payload carries where it belongs (track, layer, frame, packet), so that a receiver can tell exactly what it
//! got.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::sdp::{AUDIO_LEVEL, Kind, MID, OPUS, REPAIRED_RID, RID, TRANSPORT_CC, VP8, VP8_RTX};

const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
const VIDEO_INTERVAL: Duration = Duration::from_millis(33);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Payload bytes of a full packet.
const PACKET_BYTES: usize = 1_000;
/// Packets kept for retransmission.
const HISTORY_PACKETS: usize = 1_000;
/// Packets of a delta frame by layer, smallest picture first: about 0.25, 0.7 and 1.7 Mbit/s.
const DELTA_PACKETS: [usize; 3] = [1, 3, 7];
/// Keyframes are this many times larger.
const KEYFRAME_FACTOR: usize = 4;

/// Where a payload belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) layer: u8,
    pub(crate) frame: u32,
    pub(crate) packet: u16,
    pub(crate) of: u16,
}

impl Stamp {
    pub(crate) const BYTES: usize = 9;

    pub(crate) fn write(self, payload: &mut Vec<u8>) {
        payload.push(self.layer);
        payload.extend(self.frame.to_be_bytes());
        payload.extend(self.packet.to_be_bytes());
        payload.extend(self.of.to_be_bytes());
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::BYTES] = bytes.get(..Self::BYTES)?.try_into().ok()?;
        Some(Self {
            layer: bytes[0],
            frame: u32::from_be_bytes(bytes[1..5].try_into().ok()?),
            packet: u16::from_be_bytes(bytes[5..7].try_into().ok()?),
            of: u16::from_be_bytes(bytes[7..9].try_into().ok()?),
        })
    }
}

/// One RTP stream.
struct Stream {
    layer: u8,
    rid: Option<String>,
    ssrc: u32,
    rtx_ssrc: u32,
    seq_no: u16,
    rtx_seq_no: u16,
    timestamp_base: u32,
    picture_id: u16,
    frame: u32,
    wants_keyframe: bool,
    is_enabled: bool,
    packets: u32,
    octets: u32,
    history: VecDeque<(u16, Vec<u8>)>,
}

/// One published track.
pub(crate) struct Sender {
    pub(crate) kind: Kind,
    mid: String,
    /// RFC 6464 level that audio packets carry.
    pub(crate) audio_level: u8,
    started: Option<Instant>,
    next_frame: Option<Instant>,
    next_report: Option<Instant>,
    streams: Vec<Stream>,
    /// Keyframes sent because somebody asked.
    pub(crate) requested_keyframes: u32,
    pub(crate) retransmitted: u32,
}

/// A transport-wide sequence number for every packet that leaves.
pub(crate) type TransportSeq<'a> = &'a mut u16;

impl Sender {
    pub(crate) fn new(kind: Kind, mid: String, rids: &[String], ssrc_base: u32) -> Self {
        let stream = |layer: usize, rid: Option<String>| Stream {
            layer: u8::try_from(layer).expect("few layers"),
            rid,
            ssrc: ssrc_base + 2 * u32::try_from(layer).expect("few layers"),
            rtx_ssrc: ssrc_base + 2 * u32::try_from(layer).expect("few layers") + 1,
            seq_no: 65_000_u16.wrapping_add(u16::try_from(ssrc_base % 500).expect("small")),
            rtx_seq_no: 1,
            timestamp_base: ssrc_base.wrapping_mul(7_919),
            picture_id: 32_000,
            frame: 0,
            wants_keyframe: true,
            is_enabled: true,
            packets: 0,
            octets: 0,
            history: VecDeque::new(),
        };
        let streams = if rids.is_empty() {
            vec![stream(0, None)]
        } else {
            rids.iter().enumerate().map(|(layer, rid)| stream(layer, Some(rid.clone()))).collect()
        };
        Self {
            kind,
            mid,
            audio_level: 20,
            started: None,
            next_frame: None,
            next_report: None,
            streams,
            requested_keyframes: 0,
            retransmitted: 0,
        }
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.streams[0].ssrc
    }

    /// Stops or resumes one simulcast stream, as an encoder does when it lacks bandwidth.
    pub(crate) fn enable_layer(&mut self, layer: u8, is_enabled: bool) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.layer == layer) {
            stream.wants_keyframe |= is_enabled && !stream.is_enabled;
            stream.is_enabled = is_enabled;
        }
    }

    pub(crate) fn start(&mut self, now: Instant) {
        if self.started.is_none() {
            self.started = Some(now);
            self.next_frame = Some(now);
            self.next_report = Some(now + Duration::from_millis(100));
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.next_frame.into_iter().chain(self.next_report).min()
    }

    /// The packets and reports that are due: RTP first, RTCP second.
    pub(crate) fn handle_timeout(&mut self, now: Instant, seq: TransportSeq<'_>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let mut packets = Vec::new();
        let mut reports = Vec::new();
        if let Some(due) = self.next_frame.filter(|due| *due <= now) {
            let interval = if self.kind == Kind::Audio { AUDIO_INTERVAL } else { VIDEO_INTERVAL };
            self.next_frame = Some(due + interval);
            for index in 0..self.streams.len() {
                self.write_frame(index, due, seq, &mut packets);
            }
        }
        if self.next_report.is_some_and(|due| due <= now) {
            self.next_report = Some(now + REPORT_INTERVAL);
            reports.extend((0..self.streams.len()).map(|index| self.report(index, now)));
        }
        (packets, reports)
    }

    fn rtp_time(&self, index: usize, now: Instant) -> u32 {
        let elapsed = now.saturating_duration_since(self.started.unwrap_or(now));
        let rate = if self.kind == Kind::Audio { 48_000 } else { 90_000 };
        let ticks = elapsed.as_micros() * rate / 1_000_000;
        self.streams[index].timestamp_base.wrapping_add(ticks as u32)
    }

    fn write_frame(&mut self, index: usize, now: Instant, seq: TransportSeq<'_>, out: &mut Vec<Vec<u8>>) {
        let timestamp = self.rtp_time(index, now);
        let (kind, audio_level) = (self.kind, self.audio_level);
        let stream = &mut self.streams[index];
        if !stream.is_enabled {
            return;
        }
        let is_keyframe = kind == Kind::Video && std::mem::take(&mut stream.wants_keyframe);
        let count = match kind {
            Kind::Audio => 1,
            Kind::Video => DELTA_PACKETS[usize::from(stream.layer)] * if is_keyframe { KEYFRAME_FACTOR } else { 1 },
        };
        let of = u16::try_from(count).expect("few packets");
        for packet in 0..of {
            let is_last = packet + 1 == of;
            let mut payload = Vec::new();
            if kind == Kind::Video {
                write_vp8_descriptor(&mut payload, packet == 0, stream.picture_id, is_keyframe);
            }
            Stamp { layer: stream.layer, frame: stream.frame, packet, of }.write(&mut payload);
            let bytes = if kind == Kind::Audio { 80 } else { PACKET_BYTES - usize::from(is_last) * 137 };
            payload.resize(bytes, 0xAA);
            let marker = is_last && kind == Kind::Video;
            let payload_type = if kind == Kind::Audio { OPUS } else { VP8 };
            let level = (kind == Kind::Audio).then_some(audio_level);
            let extensions = Extensions { mid: &self.mid, rid: stream.rid.as_deref(), is_repair: false, level };
            let header = Header { payload_type, marker, seq_no: stream.seq_no, timestamp, ssrc: stream.ssrc };
            out.push(write_packet(&header, &extensions, seq, &payload));
            stream.packets = stream.packets.wrapping_add(1);
            stream.octets = stream.octets.wrapping_add(u32::try_from(payload.len()).expect("short"));
            if kind == Kind::Video {
                let mut kept = timestamp.to_be_bytes().to_vec();
                kept.push(u8::from(marker));
                kept.extend(payload);
                stream.history.push_back((stream.seq_no, kept));
                if stream.history.len() > HISTORY_PACKETS {
                    stream.history.pop_front();
                }
            }
            stream.seq_no = stream.seq_no.wrapping_add(1);
        }
        stream.frame += 1;
        stream.picture_id = (stream.picture_id + 1) & 0x7FFF;
    }

    fn report(&self, index: usize, now: Instant) -> Vec<u8> {
        use rtc_shared::marshal::Marshal;
        let stream = &self.streams[index];
        let elapsed = now.saturating_duration_since(self.started.unwrap_or(now));
        let seconds = 3_900_000_000 + elapsed.as_secs();
        let ntp_time = (seconds << 32) | ((u64::from(elapsed.subsec_nanos()) << 32) / 1_000_000_000);
        rtc_rtcp::sender_report::SenderReport {
            ssrc: stream.ssrc,
            ntp_time,
            rtp_time: self.rtp_time(index, now),
            packet_count: stream.packets,
            octet_count: stream.octets,
            ..Default::default()
        }
        .marshal()
        .expect("a report can be written")
        .to_vec()
    }

    /// Somebody asks for a keyframe of one stream.
    pub(crate) fn handle_keyframe_request(&mut self, ssrc: u32) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) {
            stream.wants_keyframe = true;
            self.requested_keyframes += 1;
        }
    }

    /// Somebody misses packets of one stream: they go again as RFC 4588 retransmissions.
    pub(crate) fn handle_nack(&mut self, ssrc: u32, seq_nos: &[u16], seq: TransportSeq<'_>) -> Vec<Vec<u8>> {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) else { return Vec::new() };
        let mut out = Vec::new();
        for wanted in seq_nos {
            let Some((_, kept)) = stream.history.iter().find(|(seq_no, _)| seq_no == wanted) else { continue };
            let timestamp = u32::from_be_bytes(kept[..4].try_into().expect("four bytes"));
            let mut payload = wanted.to_be_bytes().to_vec();
            payload.extend(&kept[5..]);
            let (seq_no, ssrc) = (stream.rtx_seq_no, stream.rtx_ssrc);
            let header = Header { payload_type: VP8_RTX, marker: kept[4] == 1, seq_no, timestamp, ssrc };
            let extensions = Extensions { mid: &self.mid, rid: stream.rid.as_deref(), is_repair: true, level: None };
            out.push(write_packet(&header, &extensions, seq, &payload));
            stream.rtx_seq_no = stream.rtx_seq_no.wrapping_add(1);
            self.retransmitted += 1;
        }
        out
    }
}

fn write_vp8_descriptor(payload: &mut Vec<u8>, is_start: bool, picture_id: u16, is_keyframe: bool) {
    // X and, at the start of the frame, S; then I; then a 15-bit picture id (RFC 7741 §4.2).
    payload.push(0x80 | if is_start { 0x10 } else { 0 });
    payload.push(0x80);
    payload.extend((picture_id | 0x8000).to_be_bytes());
    // First byte of the VP8 frame header: P is 0 in keyframes.
    payload.push(u8::from(!is_keyframe));
}

struct Header {
    payload_type: u8,
    marker: bool,
    seq_no: u16,
    timestamp: u32,
    ssrc: u32,
}

struct Extensions<'a> {
    mid: &'a str,
    rid: Option<&'a str>,
    is_repair: bool,
    level: Option<u8>,
}

fn write_packet(header: &Header, extensions: &Extensions<'_>, seq: TransportSeq<'_>, payload: &[u8]) -> Vec<u8> {
    let mut elements = Vec::new();
    let mut element = |id: u8, value: &[u8]| {
        elements.push(id << 4 | u8::try_from(value.len() - 1).expect("short"));
        elements.extend(value);
    };
    element(MID, extensions.mid.as_bytes());
    element(TRANSPORT_CC, &seq.to_be_bytes());
    if let Some(rid) = extensions.rid {
        element(if extensions.is_repair { REPAIRED_RID } else { RID }, rid.as_bytes());
    }
    if let Some(level) = extensions.level {
        element(AUDIO_LEVEL, &[0x80 | level]);
    }
    *seq = seq.wrapping_add(1);
    elements.resize(elements.len().next_multiple_of(4), 0);
    let mut packet = vec![0x90, header.payload_type | if header.marker { 0x80 } else { 0 }];
    packet.extend(header.seq_no.to_be_bytes());
    packet.extend(header.timestamp.to_be_bytes());
    packet.extend(header.ssrc.to_be_bytes());
    packet.extend([0xBE, 0xDE]);
    packet.extend(u16::try_from(elements.len() / 4).expect("short").to_be_bytes());
    packet.extend(elements);
    packet.extend(payload);
    packet
}
