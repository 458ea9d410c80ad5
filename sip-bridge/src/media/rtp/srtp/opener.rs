// SPDX-License-Identifier: EUPL-1.2
//! Checks and reads what arrives.

use ::srtp::{Cipher, KeyError, PacketId, ReplayWindow};

use super::master;
use crate::media::rtp::packet::Header;
use crate::sdp::SrtpKey;

/// How many SSRCs one key can serve. A telephone has one, a switchboard that changes parties a new one each time. When it
/// is full, packets of further ones are refused: to forget one would open it to replay.
const MAX_SSRCS: usize = 128;

/// A first packet with a lower number may come after one that was lost, with a higher one: the sender's numbers have wrapped
/// then. RFC 3711 §3.3.1 has senders begin below this, and not all do.
const MAY_HAVE_WRAPPED: u16 = 1 << 15;

/// The longest packet that is tried as one of before the wrap and as one of after it. None that arrives is longer.
const LONGEST_BYTES: usize = 2_048;

/// Of each stream, 128 packets are known: a telephone line never reorders as many.
type Window = ReplayWindow<2>;

/// Why a packet was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::media::rtp) enum OpenError {
    /// Too short, or not encrypted.
    Malformed,
    /// Seen before, or too old to know.
    Replayed,
    /// The tag does not fit.
    Unauthentic,
}

/// The opening end of a call.
pub(in crate::media::rtp) struct Opener {
    rtp: Cipher,
    rtcp: Cipher,
    rtp_windows: Windows,
    rtcp_windows: Windows,
}

impl Opener {
    pub(in crate::media::rtp) fn new(key: &SrtpKey) -> Result<Self, KeyError> {
        let master = master(key)?;
        Ok(Self {
            rtp: Cipher::for_rtp(&master)?,
            rtcp: Cipher::for_rtcp(&master)?,
            rtp_windows: Windows::default(),
            rtcp_windows: Windows::default(),
        })
    }

    /// Opens an RTP packet in place, and gives its plain length.
    pub(in crate::media::rtp) fn open_rtp(&mut self, packet: &mut [u8], header: &Header) -> Result<usize, OpenError> {
        let ssrc = header.ssrc;
        let Some(window) = self.rtp_windows.get(ssrc) else { return self.open_first_rtp(packet, header) };
        let index = window.index_of(header.seq_no.0).ok_or(OpenError::Replayed)?;
        let index = window.is_fresh(index).then_some(index).ok_or(OpenError::Replayed)?;
        let len = self.rtp.open_rtp(packet, header.len, PacketId { ssrc, index }).ok_or(OpenError::Unauthentic)?;
        self.rtp_windows.note(ssrc, index)?;
        Ok(len)
    }

    /// Opens a sender's first packet. Nothing but its tag tells whether the sender's numbers have wrapped before.
    fn open_first_rtp(&mut self, packet: &mut [u8], header: &Header) -> Result<usize, OpenError> {
        let (ssrc, index) = (header.ssrc, u64::from(header.seq_no.0));
        let mut sealed = [0; LONGEST_BYTES];
        // What fails to open is damaged by it.
        let mut sealed = sealed.get_mut(..packet.len()).filter(|_| header.seq_no.0 < MAY_HAVE_WRAPPED);
        if let Some(sealed) = &mut sealed {
            sealed.copy_from_slice(packet);
        }
        let mut opened = self.rtp.open_rtp(packet, header.len, PacketId { ssrc, index }).map(|len| (len, index));
        if let (None, Some(sealed)) = (opened, sealed) {
            packet.copy_from_slice(sealed);
            let index = index | 1 << 16;
            opened = self.rtp.open_rtp(packet, header.len, PacketId { ssrc, index }).map(|len| (len, index));
        }
        let (len, index) = opened.ok_or(OpenError::Unauthentic)?;
        self.rtp_windows.note(ssrc, index)?;
        Ok(len)
    }

    /// Opens an RTCP packet in place, and gives its plain length.
    pub(in crate::media::rtp) fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        let ssrc = packet.get(4..8).and_then(|ssrc| ssrc.try_into().ok()).map(u32::from_be_bytes);
        let ssrc = ssrc.ok_or(OpenError::Malformed)?;
        let index = u64::from(self.rtcp.rtcp_index(packet).ok_or(OpenError::Malformed)?);
        if self.rtcp_windows.get(ssrc).is_some_and(|window| !window.is_fresh(index)) {
            return Err(OpenError::Replayed);
        }
        let len = self.rtcp.open_rtcp(packet, PacketId { ssrc, index }).ok_or(OpenError::Unauthentic)?;
        self.rtcp_windows.note(ssrc, index)?;
        Ok(len)
    }
}

/// A window for each SSRC. A call has one or two, so they are looked through.
#[derive(Default)]
struct Windows(Vec<(u32, Window)>);

impl Windows {
    fn get(&self, ssrc: u32) -> Option<&Window> {
        self.0.iter().find(|(known, _)| *known == ssrc).map(|(_, window)| window)
    }

    fn note(&mut self, ssrc: u32, index: u64) -> Result<(), OpenError> {
        if let Some((_, window)) = self.0.iter_mut().find(|(known, _)| *known == ssrc) {
            window.accept(index);
            return Ok(());
        }
        // When it is full, the packet is refused.
        if self.0.len() >= MAX_SSRCS {
            return Err(OpenError::Replayed);
        }
        self.0.push((ssrc, Window::starting_with(index)));
        Ok(())
    }
}
