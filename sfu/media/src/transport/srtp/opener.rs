// SPDX-License-Identifier: EUPL-1.2
//! Checks and reads what the client sends.

use ::srtp::{Cipher, KeyError, MasterKey, PacketId};

use super::ssrc_map::SsrcMap;
use super::{RtcpWindow, RtpHeader, RtpWindow, rtcp_ssrc};

/// How many SSRCs one client can send from in the life of its transport: a camera with simulcast and RTX takes six
/// each time it is published anew.
const MAX_SSRCS: usize = 512;

/// Why a media packet was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Keys are not there before the handshake is complete.
    #[error("the handshake is not complete")]
    NotConnected,
    /// Too short, or not RTP or encrypted RTCP at all.
    #[error("not a protected packet")]
    Malformed,
    /// The index was seen before, or is too old to know.
    #[error("seen before, or too old to know")]
    Replayed,
    /// The tag does not fit the packet.
    #[error("not authentic")]
    Unauthentic,
    /// The client uses more SSRCs than we keep state for.
    #[error("too many SSRCs")]
    TooManySsrcs,
}

/// The opening end of one transport.
pub struct Opener {
    rtp: Cipher,
    rtcp: Cipher,
    rtp_streams: SsrcMap<RtpWindow>,
    rtcp_streams: SsrcMap<RtcpWindow>,
}

impl Opener {
    pub(super) fn new(master: &MasterKey) -> Result<Self, KeyError> {
        Ok(Self {
            rtp: Cipher::for_rtp(master)?,
            rtcp: Cipher::for_rtcp(master)?,
            rtp_streams: SsrcMap::with_capacity(MAX_SSRCS),
            rtcp_streams: SsrcMap::with_capacity(MAX_SSRCS),
        })
    }

    /// Opens an RTP packet in place and gives its plain length.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        let header = RtpHeader::parse(packet).ok_or(OpenError::Malformed)?;
        let Some(window) = self.rtp_streams.get_mut(header.ssrc) else {
            return self.open_first_rtp(packet, &header);
        };
        let index = window.index_given_by_sender(header.seq_no);
        let index = index.filter(|index| window.is_fresh(*index)).ok_or(OpenError::Replayed)?;
        let id = PacketId { ssrc: header.ssrc, index };
        let plain_len = self.rtp.open_rtp(packet, header.len, id).ok_or(OpenError::Unauthentic)?;
        window.accept(index);
        Ok(plain_len)
    }

    /// The rollover counter of an SSRC starts at zero with its first packet.
    fn open_first_rtp(&mut self, packet: &mut [u8], header: &RtpHeader) -> Result<usize, OpenError> {
        if self.rtp_streams.is_full() {
            return Err(OpenError::TooManySsrcs);
        }
        let id = PacketId { ssrc: header.ssrc, index: header.seq_no.into() };
        let plain_len = self.rtp.open_rtp(packet, header.len, id).ok_or(OpenError::Unauthentic)?;
        self.rtp_streams.insert(id.ssrc, RtpWindow::starting_with(id.index));
        Ok(plain_len)
    }

    /// Opens an RTCP packet in place and gives its plain length.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        let ssrc = rtcp_ssrc(packet).ok_or(OpenError::Malformed)?;
        let index = self.rtcp.rtcp_index(packet).ok_or(OpenError::Malformed)?.into();
        let id = PacketId { ssrc, index };
        let Some(window) = self.rtcp_streams.get_mut(ssrc) else {
            return self.open_first_rtcp(packet, id);
        };
        if !window.is_fresh(index) {
            return Err(OpenError::Replayed);
        }
        let plain_len = self.rtcp.open_rtcp(packet, id).ok_or(OpenError::Unauthentic)?;
        window.accept(index);
        Ok(plain_len)
    }

    fn open_first_rtcp(&mut self, packet: &mut [u8], id: PacketId) -> Result<usize, OpenError> {
        if self.rtcp_streams.is_full() {
            return Err(OpenError::TooManySsrcs);
        }
        let plain_len = self.rtcp.open_rtcp(packet, id).ok_or(OpenError::Unauthentic)?;
        self.rtcp_streams.insert(id.ssrc, RtcpWindow::starting_with(id.index));
        Ok(plain_len)
    }

    #[cfg(test)]
    pub(super) fn known_ssrcs(&self) -> (usize, usize) {
        (self.rtp_streams.len(), self.rtcp_streams.len())
    }
}
