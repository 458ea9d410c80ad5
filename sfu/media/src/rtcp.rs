// SPDX-License-Identifier: EUPL-1.2
//! RTCP as the core uses it (RFC 3550 §6, RFC 4585, RFC 5104): what clients send, as a bounded walk over the packets of
//! one datagram, and writers for what they are sent. Reduced-size RTCP (RFC 5506) is accepted.
//!
//! Nothing is allocated by reading, and how much work one datagram can cause is limited here, not by its sender.

use std::time::Instant;

use crate::rtcp::keyframe_request::FirTargets;
use crate::rtcp::nack::Nack;
use crate::rtcp::remb::Remb;
use crate::rtcp::reports::{ReportBlocks, SenderReport, ntp_duration};
use crate::rtp::rtp_time::RtpTime;

pub mod keyframe_request;
pub mod nack;
pub mod remb;
pub mod reports;
pub mod transport_cc;

/// More packets than this in one datagram are not looked at. A full MTU of picture loss indications has 100.
const MAX_PACKETS_PER_DATAGRAM: usize = 128;

/// Sequence numbers that the NACKs of one datagram may name together; the rest is not looked at. It is more than a
/// second of video, while a datagram of 1,200 bytes could name 5,000 and a TCP frame 270,000.
const MAX_NACKED_PACKETS_PER_DATAGRAM: usize = 1_024;

/// Packet types (RFC 3550 §12.1, RFC 4585 §6.1) and their formats (RFC 4585 §6.2.1, §6.3.1; RFC 5104 §4.3.1).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const BYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
const FORMAT_NACK: u8 = 1;
const FORMAT_TRANSPORT_CC: u8 = 15;
const FORMAT_PLI: u8 = 1;
const FORMAT_FIR: u8 = 4;
/// Application layer feedback, of which REMB is one kind.
const FORMAT_AFB: u8 = 15;

/// How RTP time maps to the sender's wall clock, as its last sender report says (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderClock {
    /// NTP time, 32 bits of seconds and 32 of fraction.
    pub ntp: u64,
    /// The RTP timestamp of the same instant.
    pub rtp_timestamp: u32,
    /// When the report arrived.
    pub received: Instant,
}

impl SenderClock {
    /// The sender's wall clock when its media clock shows `rtp_timestamp`.
    #[must_use]
    pub fn ntp_at(&self, rtp_timestamp: RtpTime, clock_rate_hz: u32) -> u64 {
        let ticks = i128::from(rtp_timestamp.ticks_since(RtpTime(self.rtp_timestamp)));
        // The cast keeps the low 64 bits, which is what a wrapping clock shows.
        self.ntp.wrapping_add(((ticks << 32) / i128::from(clock_rate_hz)) as u64)
    }

    /// What the sender's wall clock and media clock show now, if its packets take as long as the report did.
    #[must_use]
    pub fn at(&self, now: Instant, clock_rate_hz: u32) -> (u64, RtpTime) {
        let ntp = self.ntp.wrapping_add(ntp_duration(now.saturating_duration_since(self.received)));
        (ntp, self.rtp_at(ntp, clock_rate_hz))
    }

    /// What the sender's media clock shows at `ntp`.
    #[must_use]
    pub fn rtp_at(&self, ntp: u64, clock_rate_hz: u32) -> RtpTime {
        let elapsed = i128::from(ntp.wrapping_sub(self.ntp).cast_signed());
        RtpTime(self.rtp_timestamp).plus_ticks(((elapsed * i128::from(clock_rate_hz)) >> 32) as u32)
    }
}

/// One packet of a compound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpPacket<'a> {
    /// What a sender sent, and how it receives others.
    SenderReport(SenderReport, ReportBlocks<'a>),
    /// How the client receives streams.
    ReceiverReport(ReportBlocks<'a>),
    /// Packets the client misses.
    Nack(Nack<'a>),
    /// The client cannot decode the stream without a new keyframe (RFC 4585 §6.3.1).
    PictureLoss {
        /// The stream.
        media_ssrc: u32,
    },
    /// A command to send keyframes (RFC 5104 §4.3.1).
    FullIntraRequest(FirTargets<'a>),
    /// The rate that the client believes it can receive.
    Remb(Remb<'a>),
    /// Arrival times of transport-wide numbered packets; the packet whole, for the bandwidth estimator.
    TransportFeedback(&'a [u8]),
    /// Streams end (RFC 3550 §6.6).
    Bye(Ssrcs<'a>),
}

/// A list of SSRCs as it stands in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ssrcs<'a>(&'a [u8]);

impl Ssrcs<'_> {
    /// The SSRCs.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.as_chunks().0.iter().map(|ssrc| u32::from_be_bytes(*ssrc))
    }
}

/// Walks over the packets that the core understands and skips the others. It ends at the first contradiction of
/// lengths, because nothing after it can be trusted to be where it seems.
#[derive(Clone, Debug)]
pub struct RtcpPackets<'a> {
    rest: &'a [u8],
    packets_left: usize,
    nacked_packets_left: usize,
}

impl<'a> RtcpPackets<'a> {
    /// The packets of a datagram that was decrypted in place.
    #[must_use]
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self {
            rest: datagram,
            packets_left: MAX_PACKETS_PER_DATAGRAM,
            nacked_packets_left: MAX_NACKED_PACKETS_PER_DATAGRAM,
        }
    }

    /// Takes the next packet off, known or not.
    fn next_raw(&mut self) -> Option<RawPacket<'a>> {
        self.packets_left = self.packets_left.checked_sub(1)?;
        let [flags, packet_type, l0, l1] = *self.rest.first_chunk()?;
        let len = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
        let (whole, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        let mut body = &whole[4..];
        if flags & 0x20 != 0 {
            // It should be a multiple of four (RFC 3550 §6.4.1), but libwebrtc and pion pad feedback to the next word.
            let padding = usize::from(*body.last()?);
            let kept = body.len().checked_sub(padding).filter(|_| padding != 0)?;
            body = &body[..kept];
        }
        (flags >> 6 == 2).then_some(RawPacket { count: flags & 0x1f, packet_type, whole, body })
    }

    fn understand(&mut self, raw: &RawPacket<'a>) -> Option<RtcpPacket<'a>> {
        match (raw.packet_type, raw.count) {
            (SENDER_REPORT, count) => {
                let (report, blocks) = SenderReport::parse(raw.body)?;
                Some(RtcpPacket::SenderReport(report, ReportBlocks::new(blocks, count)))
            }
            (RECEIVER_REPORT, count) => Some(RtcpPacket::ReceiverReport(ReportBlocks::new(raw.body.get(4..)?, count))),
            (BYE, count) => Some(RtcpPacket::Bye(Ssrcs(raw.body.get(..usize::from(count) * 4)?))),
            (TRANSPORT_FEEDBACK, FORMAT_NACK) => {
                let nack = Nack::parse(raw.body, self.nacked_packets_left)?;
                self.nacked_packets_left -= nack.len();
                Some(RtcpPacket::Nack(nack))
            }
            (TRANSPORT_FEEDBACK, FORMAT_TRANSPORT_CC) => Some(RtcpPacket::TransportFeedback(raw.whole)),
            (PAYLOAD_FEEDBACK, FORMAT_PLI) => Some(RtcpPacket::PictureLoss { media_ssrc: u32_at(raw.body, 4)? }),
            (PAYLOAD_FEEDBACK, FORMAT_FIR) => Some(RtcpPacket::FullIntraRequest(FirTargets::new(raw.body.get(8..)?))),
            (PAYLOAD_FEEDBACK, FORMAT_AFB) => Remb::parse(raw.body).map(RtcpPacket::Remb),
            _ => None,
        }
    }
}

impl<'a> Iterator for RtcpPackets<'a> {
    type Item = RtcpPacket<'a>;

    fn next(&mut self) -> Option<RtcpPacket<'a>> {
        loop {
            let Some(raw) = self.next_raw() else {
                self.rest = &[];
                return None;
            };
            if let Some(packet) = self.understand(&raw) {
                return Some(packet);
            }
        }
    }
}

struct RawPacket<'a> {
    /// Report count, or format of a feedback packet.
    count: u8,
    packet_type: u8,
    whole: &'a [u8],
    /// Without the common header and the padding.
    body: &'a [u8],
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Appends one packet: its common header, what `body` appends, and zeros up to the next word.
fn write_packet(out: &mut Vec<u8>, count: u8, packet_type: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0x80 | count & 0x1f, packet_type, 0, 0]);
    body(out);
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

#[cfg(test)]
mod tests;
