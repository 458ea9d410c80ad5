// SPDX-License-Identifier: EUPL-1.2
//! RTP packets on the wire (RFC 3550 §5).

use super::numbers::{RtpTime, SeqNo};

/// Header of a packet without sources and extension.
pub(super) const FIXED_HEADER_BYTES: usize = 12;

/// What stands in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) marker: bool,
    pub(super) payload_type: u8,
    pub(super) seq_no: SeqNo,
    pub(super) rtp_timestamp: RtpTime,
    pub(super) ssrc: u32,
    /// With contributing sources and extension.
    pub(super) len: usize,
    pub(super) has_padding: bool,
}

impl Header {
    /// Reads the header of a packet that may be encrypted behind it. `None` when it is none or ends too early.
    pub(super) fn parse(packet: &[u8]) -> Option<Self> {
        let fixed = packet.first_chunk::<FIXED_HEADER_BYTES>()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let mut len = FIXED_HEADER_BYTES + 4 * usize::from(fixed[0] & 0x0f);
        if fixed[0] & 0x10 != 0 {
            let extension = packet.get(len..len + 4)?;
            len += 4 + 4 * usize::from(u16::from_be_bytes([extension[2], extension[3]]));
        }
        (len <= packet.len()).then(|| Self {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7f,
            seq_no: SeqNo(u16::from_be_bytes([fixed[2], fixed[3]])),
            rtp_timestamp: RtpTime(u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]])),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            len,
            has_padding: fixed[0] & 0x20 != 0,
        })
    }

    /// The payload of a packet in the clear, without padding. `None` when the padding is longer than there is room.
    pub(super) fn payload<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let payload = packet.get(self.len..)?;
        if !self.has_padding {
            return Some(payload);
        }
        let padding = usize::from(*payload.last()?);
        payload.get(..payload.len().checked_sub(padding).filter(|_| padding != 0)?)
    }

    /// Writes the header of one of our packets, which have neither padding nor anything contributing.
    pub(super) fn write(&self, packet: &mut Vec<u8>) {
        packet.push(0x80);
        packet.push(u8::from(self.marker) << 7 | self.payload_type);
        packet.extend_from_slice(&self.seq_no.0.to_be_bytes());
        packet.extend_from_slice(&self.rtp_timestamp.0.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
    }
}

/// Whether a datagram is RTCP, where both come to one port (RFC 5761 §4).
pub(super) fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.get(1).is_some_and(|second| (192..224).contains(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![first, 0x88, 1, 2, 0, 0, 0, 3, 0, 0, 0, 4];
        packet.extend_from_slice(rest);
        packet
    }

    #[test]
    fn a_written_header_is_read_back() {
        let header = Header {
            marker: true,
            payload_type: 8,
            seq_no: SeqNo(0x102),
            rtp_timestamp: RtpTime(3),
            ssrc: 4,
            len: 12,
            has_padding: false,
        };
        let mut written = Vec::new();
        header.write(&mut written);
        assert_eq!(written, packet(0x80, &[]));
        assert_eq!(Header::parse(&written), Some(header));
    }

    #[test]
    fn sources_extension_and_padding_are_not_payload() {
        let packet = packet(0xb1, &[9, 9, 9, 9, 0xbe, 0xde, 0, 1, 7, 7, 7, 7, b'h', b'i', 0, 2]);
        let header = Header::parse(&packet).unwrap();
        assert_eq!(header.len, 24);
        assert_eq!(header.payload(&packet), Some(&b"hi"[..]));
    }

    #[test]
    fn what_ends_too_early_is_no_packet() {
        let whole = packet(0xb1, &[9, 9, 9, 9, 0xbe, 0xde, 0, 1, 7, 7, 7, 7]);
        for len in 0..whole.len() {
            assert_eq!(Header::parse(&whole[..len]), None, "{len}");
        }
        assert!(Header::parse(&packet(0x40, &[0; 40])).is_none(), "another version");
    }

    #[test]
    fn padding_cannot_exceed_the_payload() {
        for (padding, payload) in [(0, None), (1, Some(&[5, 5][..])), (3, Some(&[][..])), (4, None)] {
            let packet = packet(0xa0, &[5, 5, padding]);
            assert_eq!(Header::parse(&packet).unwrap().payload(&packet), payload, "{padding}");
        }
        let nothing = packet(0xa0, &[]);
        assert_eq!(Header::parse(&nothing).unwrap().payload(&nothing), None);
    }
}
