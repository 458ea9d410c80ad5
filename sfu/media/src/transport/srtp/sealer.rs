// SPDX-License-Identifier: EUPL-1.2
//! Protects what we send.

use super::cipher::{Cipher, PacketId};
use super::keys::{KeyError, MasterKey};
use super::replay::RtpWindow;
use super::ssrc_map::SsrcMap;
use super::{RtpHeader, SrtpProfile, rtcp_ssrc};

/// How many SSRCs one client can be sent in the life of its transport, retransmission streams included.
const MAX_SSRCS: usize = 4096;

/// SRTCP indices have 31 bits.
const MAX_RTCP_INDEX: u32 = (1 << 31) - 1;

/// The sealing end of one transport.
pub struct Sealer {
    rtp: Cipher,
    rtcp: Cipher,
    streams: SsrcMap<RtpWindow>,
    /// Counts over all SSRCs, which keeps each nonce unique as well as a counter for each would.
    next_rtcp_index: u32,
}

impl Sealer {
    pub(super) fn new(profile: SrtpProfile, master: &MasterKey) -> Result<Self, KeyError> {
        Ok(Self {
            rtp: Cipher::for_rtp(profile, master)?,
            rtcp: Cipher::for_rtcp(profile, master)?,
            streams: SsrcMap::with_capacity(MAX_SSRCS),
            next_rtcp_index: 1,
        })
    }

    /// Seals the first `plain_len` bytes of `packet`; the rest is room for the tag. Refuses a sequence number that
    /// was sealed before, because a nonce must not protect two packets: lost packets go out again as RTX.
    pub fn seal_rtp(&mut self, packet: &mut [u8], plain_len: usize) -> Option<usize> {
        let header = RtpHeader::parse(packet.get(..plain_len)?)?;
        let Some(window) = self.streams.get_mut(header.ssrc) else {
            return self.seal_first_rtp(packet, plain_len, &header);
        };
        let index = window.index_of(header.seq_no).filter(|index| window.is_fresh(*index))?;
        let id = PacketId { ssrc: header.ssrc, index };
        let sealed_len = self.rtp.seal_rtp(packet, header.len, plain_len, id);
        // Also when sealing failed: part of the packet may have been encrypted already.
        window.accept(index);
        sealed_len
    }

    fn seal_first_rtp(&mut self, packet: &mut [u8], plain_len: usize, header: &RtpHeader) -> Option<usize> {
        if self.streams.is_full() {
            return None;
        }
        let id = PacketId { ssrc: header.ssrc, index: header.seq_no.into() };
        self.streams.insert(id.ssrc, RtpWindow::starting_with(id.index));
        self.rtp.seal_rtp(packet, header.len, plain_len, id)
    }

    /// Seals the first `plain_len` bytes of `packet`; the rest is room for tag and index.
    pub fn seal_rtcp(&mut self, packet: &mut [u8], plain_len: usize) -> Option<usize> {
        let ssrc = rtcp_ssrc(packet.get(..plain_len)?)?;
        if self.next_rtcp_index > MAX_RTCP_INDEX {
            return None;
        }
        let id = PacketId { ssrc, index: self.next_rtcp_index.into() };
        self.next_rtcp_index += 1;
        self.rtcp.seal_rtcp(packet, plain_len, id)
    }
}
