// SPDX-License-Identifier: EUPL-1.2
//! Keyframe requests: picture loss indication (RFC 4585 §6.3.1), which is what publishers are sent, and full intra
//! request (RFC 5104 §4.3.1), which some receivers send instead.

use crate::rtcp::{FORMAT_PLI, PAYLOAD_FEEDBACK, write_packet};

/// The streams that a full intra request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirTargets<'a> {
    entries: &'a [[u8; 8]],
}

impl<'a> FirTargets<'a> {
    /// Reads the entries of a packet.
    pub(super) const fn new(entries: &'a [u8]) -> Self {
        Self { entries: entries.as_chunks().0 }
    }

    /// Their SSRCs. The command's own number is left out: repeated commands are merged like repeated indications.
    pub fn ssrcs(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.entries.iter().map(|[s0, s1, s2, s3, ..]| u32::from_be_bytes([*s0, *s1, *s2, *s3]))
    }
}

/// Appends a picture loss indication.
pub fn write_picture_loss(sender_ssrc: u32, media_ssrc: u32, out: &mut Vec<u8>) {
    write_packet(out, FORMAT_PLI, PAYLOAD_FEEDBACK, |out| {
        out.extend_from_slice(&sender_ssrc.to_be_bytes());
        out.extend_from_slice(&media_ssrc.to_be_bytes());
    });
}
