// SPDX-License-Identifier: EUPL-1.2
//! Protects what we send.

use ::srtp::{Cipher, KeyError, PacketId};

use super::master;
use crate::media::rtp::packet::Header;
use crate::sdp::SrtpKey;

/// The sealing end of a call, for our one SSRC. Packets are sealed in the order of their sequence numbers.
pub(in crate::media::rtp) struct Sealer {
    rtp: Cipher,
    rtcp: Cipher,
    /// Index of the last RTP packet.
    last: Option<u64>,
    next_rtcp: u32,
}

impl Sealer {
    pub(in crate::media::rtp) fn new(key: &SrtpKey) -> Result<Self, KeyError> {
        let master = master(key)?;
        Ok(Self { rtp: Cipher::for_rtp(&master)?, rtcp: Cipher::for_rtcp(&master)?, last: None, next_rtcp: 0 })
    }

    /// Seals an RTP packet in place. `None` when the key is used up, which takes a hundred thousand years.
    pub(in crate::media::rtp) fn seal_rtp(&mut self, packet: &mut Vec<u8>, header: &Header) -> Option<()> {
        let seq_no = header.seq_no.0;
        let index = match self.last {
            None => u64::from(seq_no),
            Some(last) => last + u64::from(seq_no.wrapping_sub(last as u16)),
        };
        // The same index twice would reveal both packets.
        if index >= 1 << 48 || self.last == Some(index) {
            return None;
        }
        self.last = Some(index);
        let plain_len = packet.len();
        packet.resize(plain_len + self.rtp.rtp_overhead_bytes(), 0);
        self.rtp.seal_rtp(packet, header.len, plain_len, PacketId { ssrc: header.ssrc, index }).map(drop)
    }

    /// Seals an RTCP packet in place. `None` when the key is used up.
    pub(in crate::media::rtp) fn seal_rtcp(&mut self, packet: &mut Vec<u8>, ssrc: u32) -> Option<()> {
        if self.next_rtcp >= 1 << 31 {
            return None;
        }
        let index = u64::from(self.next_rtcp);
        self.next_rtcp += 1;
        let plain_len = packet.len();
        packet.resize(plain_len + self.rtcp.rtcp_overhead_bytes(), 0);
        self.rtcp.seal_rtcp(packet, plain_len, PacketId { ssrc, index }).map(drop)
    }
}
