// SPDX-License-Identifier: EUPL-1.2
//! Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03 §2.2), from receivers without transport-wide
//! congestion control.

use crate::rtcp::Ssrcs;

/// The rate that a client believes it can receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remb<'a> {
    /// The rate. The format reaches 2^81; what does not fit is the largest number.
    pub bitrate_bps: u64,
    /// The streams that share it.
    pub ssrcs: Ssrcs<'a>,
}

impl<'a> Remb<'a> {
    /// Reads the packet after its common header; `None` when it is another kind of application layer feedback.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let (&[r, e, m, b, count, high, middle, low], ssrcs) = body.get(8..)?.split_first_chunk()?;
        if &[r, e, m, b] != b"REMB" {
            return None;
        }
        let mantissa = u128::from(u32::from_be_bytes([0, high & 0x03, middle, low]));
        let bitrate_bps = u64::try_from(mantissa << (high >> 2)).unwrap_or(u64::MAX);
        Some(Self { bitrate_bps, ssrcs: Ssrcs(ssrcs.get(..usize::from(count) * 4)?) })
    }
}
