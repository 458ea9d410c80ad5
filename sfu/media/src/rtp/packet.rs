// SPDX-License-Identifier: EUPL-1.2
//! The RTP packet (RFC 3550 §5.1): [`RtpView`] reads one where it lies, [`write_header`] makes the header of one that
//! is sent.

use thiserror::Error;

use crate::rtp::extensions::{Elements, OutgoingExtensions};
use crate::rtp::rtp_time::RtpTime;
use crate::rtp::seq_no::SeqNo;

/// The header without CSRCs and extensions.
pub const FIXED_HEADER_BYTES: usize = 12;

/// Longest header that [`write_header`] makes.
pub const MAX_HEADER_BYTES: usize = FIXED_HEADER_BYTES + OutgoingExtensions::MAX_BYTES;

/// Why bytes are not an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RtpError {
    /// It ends inside the fixed header.
    #[error("packet of {0} bytes is shorter than an RTP header")]
    TooShort(usize),
    /// Not version 2.
    #[error("RTP version {0} is unknown")]
    UnknownVersion(u8),
    /// It ends inside the list of contributing sources.
    #[error("packet ends inside its CSRC list")]
    TruncatedCsrcs,
    /// It ends inside the extension block.
    #[error("packet ends inside its header extension")]
    TruncatedExtension,
    /// The padding count is zero, or reaches into the header.
    #[error("padding of {0} bytes does not fit the packet")]
    BadPadding(u8),
}

/// A packet as it lies in the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpView<'a> {
    /// Last packet of a frame, or first packet of a talk spurt.
    pub marker: bool,
    /// What the payload is encoded with.
    pub payload_type: u8,
    /// The packet's place in its stream.
    pub seq_no: SeqNo,
    /// The sampling instant of its first octet.
    pub timestamp: RtpTime,
    /// The stream.
    pub ssrc: u32,
    /// What the codec wrote, padding removed.
    pub payload: &'a [u8],
    extension_profile: u16,
    extension_block: &'a [u8],
}

impl<'a> RtpView<'a> {
    /// Reads a packet that was decrypted in place.
    ///
    /// # Errors
    ///
    /// When its lengths contradict one another.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RtpError> {
        let Some((fixed, mut rest)) = datagram.split_first_chunk::<FIXED_HEADER_BYTES>() else {
            return Err(RtpError::TooShort(datagram.len()));
        };
        let [flags, marker_and_type, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = *fixed;
        if flags >> 6 != 2 {
            return Err(RtpError::UnknownVersion(flags >> 6));
        }
        let csrc_bytes = usize::from(flags & 0x0f) * 4;
        rest = rest.get(csrc_bytes..).ok_or(RtpError::TruncatedCsrcs)?;

        let (mut extension_profile, mut extension_block) = (0, &[][..]);
        if flags & 0x10 != 0 {
            let ([p0, p1, l0, l1], block) = rest.split_first_chunk().ok_or(RtpError::TruncatedExtension)?;
            let words = u16::from_be_bytes([*l0, *l1]);
            let (block, payload) =
                block.split_at_checked(usize::from(words) * 4).ok_or(RtpError::TruncatedExtension)?;
            (extension_profile, extension_block, rest) = (u16::from_be_bytes([*p0, *p1]), block, payload);
        }
        if flags & 0x20 != 0 {
            let padding = rest.last().copied().unwrap_or(0);
            let kept = rest.len().checked_sub(usize::from(padding)).filter(|_| padding != 0);
            rest = &rest[..kept.ok_or(RtpError::BadPadding(padding))?];
        }
        Ok(Self {
            marker: marker_and_type & 0x80 != 0,
            payload_type: marker_and_type & 0x7f,
            seq_no: SeqNo(u16::from_be_bytes([s0, s1])),
            timestamp: RtpTime(u32::from_be_bytes([t0, t1, t2, t3])),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
            payload: rest,
            extension_profile,
            extension_block,
        })
    }

    /// Its header extension elements.
    #[must_use]
    pub const fn extensions(&self) -> Elements<'a> {
        Elements::new(self.extension_profile, self.extension_block)
    }
}

/// What an outgoing header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingHeader {
    /// Last packet of a frame, or first packet of a talk spurt.
    pub marker: bool,
    /// What the receiver knows the codec by; 7 bits.
    pub payload_type: u8,
    /// The packet's place in its stream.
    pub seq_no: SeqNo,
    /// The sampling instant of its first octet.
    pub timestamp: RtpTime,
    /// The stream.
    pub ssrc: u32,
    /// Its extension elements.
    pub extensions: OutgoingExtensions,
}

/// Writes a header and gives its length; `None` when `out` has not [`MAX_HEADER_BYTES`].
pub fn write_header(header: &OutgoingHeader, out: &mut [u8]) -> Option<usize> {
    let out = out.get_mut(..MAX_HEADER_BYTES)?;
    let has_extensions = !header.extensions.is_empty();
    out[0] = if has_extensions { 0x90 } else { 0x80 };
    out[1] = u8::from(header.marker) << 7 | header.payload_type & 0x7f;
    out[2..4].copy_from_slice(&header.seq_no.0.to_be_bytes());
    out[4..8].copy_from_slice(&header.timestamp.0.to_be_bytes());
    out[8..12].copy_from_slice(&header.ssrc.to_be_bytes());
    if !has_extensions {
        return Some(FIXED_HEADER_BYTES);
    }
    Some(FIXED_HEADER_BYTES + header.extensions.write(&mut out[FIXED_HEADER_BYTES..])?)
}

/// Adds padding (RFC 3550 §5.1) to the packet in the first `len` bytes of `out` and gives its new length; `None` when
/// `out` is too short.
pub fn pad(out: &mut [u8], len: usize, padding: u8) -> Option<usize> {
    let Some(zeros) = usize::from(padding).checked_sub(1) else { return Some(len) };
    let added = out.get_mut(len..len + zeros + 1)?;
    added[..zeros].fill(0);
    added[zeros] = padding;
    out[0] |= 0x20;
    Some(len + zeros + 1)
}

#[cfg(test)]
mod tests;
