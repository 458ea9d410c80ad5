// SPDX-License-Identifier: EUPL-1.2
//! One outgoing RTP packet, written into memory that is used again and again.

use sfu_media::rtp::rtp_time::RtpTime;
use sfu_media::rtp::seq_no::SeqNo;
use sfu_media::transport::SEAL_OVERHEAD_BYTES;

use super::outgoing::Names;
use super::socket::wall_nanos;
use crate::sdp::Extensions;
use crate::source::{self, Noise};

/// More than a packet, its headers and its tag take.
const PACKET_BYTES: usize = 1_500;

/// The fixed part of the header (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) payload_type: u8,
    pub(crate) marker: bool,
    pub(crate) seq_no: SeqNo,
    pub(crate) timestamp: RtpTime,
    pub(crate) ssrc: u32,
}

/// A packet being written.
pub(crate) struct Packet {
    bytes: Box<[u8; PACKET_BYTES]>,
    /// Where the transport-wide number is to be put, if anywhere.
    transport_seq_at: Option<usize>,
    payload_at: usize,
    len: usize,
}

impl Packet {
    /// Its memory holds noise, so that payloads look compressed.
    pub(crate) fn new() -> Self {
        let mut noise = Noise::new(7);
        let mut bytes = Box::new([0; PACKET_BYTES]);
        bytes.fill_with(|| noise.next() as u8);
        Self { bytes, transport_seq_at: None, payload_at: 0, len: 0 }
    }

    /// Writes the header; the one-byte form of RFC 8285 for the extensions.
    pub(crate) fn begin(&mut self, head: Head, ids: Extensions, names: Option<Names<'_>>, level: Option<u8>) {
        let bytes = &mut self.bytes;
        bytes[0] = 0x90;
        bytes[1] = u8::from(head.marker) << 7 | head.payload_type;
        bytes[2..4].copy_from_slice(&head.seq_no.0.to_be_bytes());
        bytes[4..8].copy_from_slice(&head.timestamp.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&head.ssrc.to_be_bytes());
        bytes[12..14].copy_from_slice(&[0xbe, 0xde]);
        self.len = 16;
        self.transport_seq_at = ids.transport_cc.map(|id| self.element(id, &[0, 0]));
        if let (Some(id), Some(level)) = (ids.audio_level, level) {
            self.element(id, &[0x80 | level]);
        }
        if let Some(names) = names {
            if let Some(id) = ids.mid {
                self.element(id, names.mid.as_bytes());
            }
            let rid_id = if names.is_repair { ids.repaired_rid } else { ids.rid };
            if let (Some(id), Some(rid)) = (rid_id, names.rid) {
                self.element(id, rid.as_bytes());
            }
        }
        while !self.len.is_multiple_of(4) {
            self.bytes[self.len] = 0;
            self.len += 1;
        }
        let words = ((self.len - 16) / 4) as u16;
        self.bytes[14..16].copy_from_slice(&words.to_be_bytes());
        self.payload_at = self.len;
    }

    /// Appends an extension element and says where its value is.
    fn element(&mut self, id: u8, value: &[u8]) -> usize {
        let at = self.len + 1;
        self.bytes[self.len] = id << 4 | (value.len() as u8).wrapping_sub(1) & 0x0f;
        self.bytes[at..at + value.len()].copy_from_slice(value);
        self.len = at + value.len();
        at
    }

    /// Makes room for a payload, filled with noise.
    pub(crate) fn payload(&mut self, bytes: usize) -> &mut [u8] {
        let bytes = bytes.min(PACKET_BYTES - SEAL_OVERHEAD_BYTES - self.payload_at);
        self.len = self.payload_at + bytes;
        &mut self.bytes[self.payload_at..self.len]
    }

    pub(crate) fn written_payload(&self) -> &[u8] {
        &self.bytes[self.payload_at..self.len]
    }

    /// Says in the payload that it is sent now.
    pub(crate) fn stamp(&mut self) {
        let (at, len) = (self.payload_at, self.len);
        source::write_stamp(&mut self.bytes[at..len], wall_nanos());
    }

    /// Gives the packet its number among all that the transport sends.
    pub(crate) fn set_transport_seq(&mut self, seq_no: SeqNo) {
        if let Some(at) = self.transport_seq_at {
            self.bytes[at..at + 2].copy_from_slice(&seq_no.0.to_be_bytes());
        }
    }

    /// The memory, with room for a tag after the plain bytes, and how many these are.
    pub(crate) fn parts(&mut self) -> (&mut [u8], usize) {
        (&mut self.bytes[..], self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sfu_media::rtp::extensions::HeaderExtensions;
    use sfu_media::rtp::packet::RtpView;
    use sfu_media::session::ExtensionIds;

    #[test]
    fn a_server_reads_what_is_written() {
        let ids = Extensions::OURS;
        let mut packet = Packet::new();
        let head = Head { payload_type: 96, marker: true, seq_no: SeqNo(7), timestamp: RtpTime(90), ssrc: 0xdead_beef };
        let names = Names { mid: "12", rid: Some("h"), is_repair: false };
        packet.begin(head, ids, Some(names), None);
        packet.payload(30)[0] = 0xaa;
        packet.set_transport_seq(SeqNo(513));
        let (bytes, len) = packet.parts();
        let view = RtpView::parse(&bytes[..len]).unwrap();
        assert_eq!((view.marker, view.payload_type, view.seq_no.0, view.ssrc), (true, 96, 7, 0xdead_beef));
        assert_eq!((view.payload.len(), view.payload[0]), (30, 0xaa));
        let known = ExtensionIds {
            mid: ids.mid,
            rid: ids.rid,
            repaired_rid: ids.repaired_rid,
            audio_level: ids.audio_level,
            transport_cc: ids.transport_cc,
            video_orientation: None,
        };
        let read = HeaderExtensions::read(view.extensions(), &known);
        assert_eq!((read.mid, read.rid), (Some(&b"12"[..]), Some(&b"h"[..])));
        assert_eq!(read.transport_seq, Some(SeqNo(513)));
    }
}
