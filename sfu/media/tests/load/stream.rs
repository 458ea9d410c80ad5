// SPDX-License-Identifier: EUPL-1.2
//! The RTP packets of one stream of a client, frame by frame, sizes from a seed.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sfu_media::session::{MediaKind, NegotiatedCodec, Rid};

use super::agreed::IDS;
use super::feedback;

/// Frames whose packets say which m-line and layer they are of. Browsers do so until the first receiver report.
const INTRODUCED_FRAMES: u64 = 30;

/// Loud enough to be speech, in −dBov.
const SPEECH_LEVEL: u8 = 20;

/// The first byte of an Opus payload: one frame of 20 ms (RFC 6716 §3.1).
const OPUS_20_MS: u8 = 0x78;

/// How much a stream sends.
#[derive(Clone)]
pub(crate) struct Amount {
    /// Packets of a frame.
    pub(crate) packets: RangeInclusive<u32>,
    /// Bytes of each packet's payload, the same over a frame as encoders cut it.
    pub(crate) payload_bytes: RangeInclusive<usize>,
    /// Frames from one key frame to the next; without, only the first is one.
    pub(crate) frames_per_keyframe: Option<u64>,
    /// Packets of a key frame.
    pub(crate) keyframe_packets: u32,
}

/// One stream.
pub(super) struct Stream {
    ssrc: u32,
    rtx_ssrc: u32,
    codec: NegotiatedCodec,
    rid: Option<Rid>,
    amount: Amount,
    random: SmallRng,
    frames: u64,
    packets: u64,
    octets: u64,
    retransmissions: u16,
}

impl Stream {
    pub(super) fn new(ssrc: u32, codec: NegotiatedCodec, rid: Option<Rid>, amount: Amount) -> Self {
        let random = SmallRng::seed_from_u64(ssrc.into());
        let rtx_ssrc = ssrc + 1;
        Self { ssrc, rtx_ssrc, codec, rid, amount, random, frames: 0, packets: 0, octets: 0, retransmissions: 0 }
    }

    /// Packets so far.
    pub(super) fn sent(&self) -> u64 {
        self.packets
    }

    /// The packets of the next frame. `transport_seq` counts the packets of all streams of the client.
    pub(super) fn next_frame(&mut self, now: Duration, transport_seq: &mut u16) -> Vec<Vec<u8>> {
        let every = self.amount.frames_per_keyframe;
        let is_key = self.is_video() && (self.frames == 0 || every.is_some_and(|n| self.frames.is_multiple_of(n)));
        let count = self.random.random_range(self.amount.packets.clone());
        let payload_bytes = self.random.random_range(self.amount.payload_bytes.clone());
        let count = if is_key { self.amount.keyframe_packets } else { count };
        let packets = (0..count).map(|place| {
            let is_last = self.is_video() && place + 1 == count;
            let mut packet = self.header(now, is_last, transport_seq);
            let header_bytes = packet.len();
            self.begin_payload(place == 0, is_key, &mut packet);
            packet.resize(header_bytes + payload_bytes, 0xab);
            self.packets += 1;
            self.octets += payload_bytes as u64;
            packet
        });
        let packets = packets.collect();
        self.frames += 1;
        packets
    }

    fn is_video(&self) -> bool {
        self.codec.codec.kind() == MediaKind::Video
    }

    fn header(&self, now: Duration, is_last: bool, transport_seq: &mut u16) -> Vec<u8> {
        let mut packet = vec![0x90, u8::from(is_last) << 7 | self.codec.payload_type];
        packet.extend((self.packets as u16).to_be_bytes());
        packet.extend(self.ticks(now).to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        self.write_extensions(*transport_seq, &mut packet);
        *transport_seq = transport_seq.wrapping_add(1);
        packet
    }

    fn begin_payload(&self, is_first: bool, is_key: bool, packet: &mut Vec<u8>) {
        if self.is_video() {
            // Fifteen bits of picture id, TL0PICIDX and temporal layer 0 (RFC 7741 §4.2), then the payload header's first
            // byte, whose last bit is unset in key frames (§4.3).
            let [high, low] = (0x8000 | self.frames as u16 & 0x7fff).to_be_bytes();
            let descriptor = [0x80 | u8::from(is_first) << 4, 0xe0, high, low, self.frames as u8, 0];
            packet.extend(descriptor);
            packet.push(u8::from(!is_key));
        } else {
            packet.push(OPUS_20_MS);
        }
    }

    /// Elements with one byte of header (RFC 8285 §4.2), padded to whole words.
    fn write_extensions(&self, transport_seq: u16, packet: &mut Vec<u8>) {
        let mut elements = Vec::new();
        let mut write = |id: Option<u8>, value: &[u8]| {
            elements.push(id.unwrap() << 4 | (value.len() - 1) as u8);
            elements.extend_from_slice(value);
        };
        if !self.is_video() {
            write(IDS.audio_level, &[SPEECH_LEVEL]);
        }
        write(IDS.transport_cc, &transport_seq.to_be_bytes());
        if let Some(rid) = self.rid.as_ref().filter(|_| self.frames < INTRODUCED_FRAMES) {
            write(IDS.mid, b"0");
            write(IDS.rid, rid.as_str().as_bytes());
        }
        elements.resize(elements.len().next_multiple_of(4), 0);
        packet.extend([0xbe, 0xde, 0, (elements.len() / 4) as u8]);
        packet.extend(elements);
    }

    /// The same packet sent again: by the stream for it (RFC 4588 §4), or as it was where there is none. It keeps its number
    /// over all streams, so it counts as late there.
    pub(super) fn again(&mut self, mut packet: Vec<u8>) -> Vec<u8> {
        let Some(payload_type) = self.codec.rtx_payload_type else { return packet };
        let payload_at = 16 + 4 * usize::from(packet[15]);
        let original = [packet[2], packet[3]];
        packet.splice(payload_at..payload_at, original);
        packet[1] = packet[1] & 0x80 | payload_type;
        packet[2..4].copy_from_slice(&self.retransmissions.to_be_bytes());
        packet[8..12].copy_from_slice(&self.rtx_ssrc.to_be_bytes());
        self.retransmissions = self.retransmissions.wrapping_add(1);
        packet
    }

    /// Its clock and how much it has sent.
    pub(super) fn sender_report(&self, now: Duration) -> Vec<u8> {
        let ntp = (now.as_nanos() << 32) / 1_000_000_000;
        feedback::sender_report(self.ssrc, ntp as u64, self.ticks(now), self.packets as u32, self.octets as u32)
    }

    fn ticks(&self, now: Duration) -> u32 {
        (now.as_micros() * u128::from(self.codec.codec.clock_rate_hz()) / 1_000_000) as u32
    }
}
