// SPDX-License-Identifier: EUPL-1.2
//! Generic NACK (RFC 4585 §6.2.1): the packets that a receiver misses, as one number and a bitmask of the sixteen after
//! it, repeated.

use crate::rtcp::{FORMAT_NACK, TRANSPORT_FEEDBACK, u32_at, write_packet};
use crate::rtp::seq_no::SeqNo;

/// Packets that a client misses of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nack<'a> {
    /// The stream.
    pub media_ssrc: u32,
    entries: &'a [[u8; 4]],
    len: usize,
}

impl<'a> Nack<'a> {
    /// Reads the packet after its common header. At most `limit` sequence numbers are kept.
    pub(super) fn parse(body: &'a [u8], limit: usize) -> Option<Self> {
        let entries = body.get(8..)?.as_chunks().0;
        let mut len = 0;
        for entry in entries {
            len += 1 + (entry[2].count_ones() + entry[3].count_ones()) as usize;
            if len >= limit {
                break;
            }
        }
        Some(Self { media_ssrc: u32_at(body, 4)?, entries, len: len.min(limit) })
    }

    /// How many packets it names.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it names none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The missing sequence numbers in the order of the packet.
    pub fn seq_nos(&self) -> impl Iterator<Item = SeqNo> + use<'a> {
        self.entries
            .iter()
            .flat_map(|entry| {
                let [p0, p1, b0, b1] = *entry;
                let first = u16::from_be_bytes([p0, p1]);
                // The first number itself is the lowest bit of this mask of 17.
                let mask = u32::from(u16::from_be_bytes([b0, b1])) << 1 | 1;
                (0..17).filter(move |bit| mask & 1 << bit != 0).map(move |bit| SeqNo(first.wrapping_add(bit)))
            })
            .take(self.len)
    }
}

/// Appends a NACK for ascending sequence numbers; nothing when there are none.
pub fn write_nack(sender_ssrc: u32, media_ssrc: u32, seq_nos: impl Iterator<Item = SeqNo>, out: &mut Vec<u8>) {
    let mut seq_nos = seq_nos.peekable();
    if seq_nos.peek().is_none() {
        return;
    }
    write_packet(out, FORMAT_NACK, TRANSPORT_FEEDBACK, |out| {
        out.extend_from_slice(&sender_ssrc.to_be_bytes());
        out.extend_from_slice(&media_ssrc.to_be_bytes());
        while let Some(first) = seq_nos.next() {
            let mut mask = 0u16;
            while let Some(seq_no) = seq_nos.next_if(|seq_no| (1..=16).contains(&seq_no.packets_since(first))) {
                mask |= 1 << (seq_no.packets_since(first) - 1);
            }
            out.extend_from_slice(&first.0.to_be_bytes());
            out.extend_from_slice(&mask.to_be_bytes());
        }
    });
}
