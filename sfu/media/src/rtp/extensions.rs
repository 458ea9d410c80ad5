// SPDX-License-Identifier: EUPL-1.2
//! Header extensions (RFC 8285) in their one-byte and two-byte form, reduced to the six that the core understands.
//!
//! A broken element ends the reading and keeps what came before it: the packet is authentic, so the rest of it is
//! still worth forwarding.

use crate::rtp::seq_no::SeqNo;
use crate::session::ExtensionIds;

/// `defined by profile` value of the one-byte form (RFC 8285 §4.2).
const ONE_BYTE_PROFILE: u16 = 0xbede;
/// The same of the two-byte form, without its four application bits (RFC 8285 §4.3).
const TWO_BYTE_PROFILE: u16 = 0x1000;
/// The largest id of the one-byte form; 15 is reserved (RFC 8285 §4.2).
const LARGEST_ONE_BYTE_ID: u8 = 14;

/// The elements of an extension block as (id, value).
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
    is_two_byte: bool,
}

impl<'a> Elements<'a> {
    /// The elements of a block under its `defined by profile` value; none when that is not of RFC 8285.
    #[must_use]
    pub const fn new(profile: u16, block: &'a [u8]) -> Self {
        match profile {
            ONE_BYTE_PROFILE => Self { rest: block, is_two_byte: false },
            _ if profile & 0xfff0 == TWO_BYTE_PROFILE => Self { rest: block, is_two_byte: true },
            _ => Self { rest: &[], is_two_byte: false },
        }
    }

    /// Takes the id and length fields of the next element off the block.
    fn next_head(&mut self) -> Option<(u8, usize)> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            self.rest = rest;
            if first == 0 {
                continue; // A byte of padding.
            }
            if self.is_two_byte {
                let (&len, rest) = self.rest.split_first()?;
                self.rest = rest;
                return Some((first, usize::from(len)));
            }
            return match first >> 4 {
                0 | 15 => None, // Ends the block (RFC 8285 §4.2).
                id => Some((id, usize::from(first & 0x0f) + 1)),
            };
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let element = self.next_head().and_then(|(id, len)| {
            let (value, rest) = self.rest.split_at_checked(len)?;
            self.rest = rest;
            Some((id, value))
        });
        if element.is_none() {
            self.rest = &[];
        }
        element
    }
}

/// The extensions that the core understands, as one packet carries them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeaderExtensions<'a> {
    /// The m-line the packet belongs to.
    pub mid: Option<&'a [u8]>,
    /// The simulcast stream it belongs to.
    pub rid: Option<&'a [u8]>,
    /// The simulcast stream that a retransmission repairs.
    pub repaired_rid: Option<&'a [u8]>,
    /// Audio level element as sent (RFC 6464 §3).
    pub audio_level: Option<u8>,
    /// The packet's number over all streams of its transport.
    pub transport_seq: Option<SeqNo>,
    /// Video orientation element as sent (3GPP TS 26.114 §7.4.5).
    pub video_orientation: Option<u8>,
}

impl<'a> HeaderExtensions<'a> {
    /// Picks the known ones out of a packet's elements.
    #[must_use]
    pub fn read(elements: Elements<'a>, ids: &ExtensionIds) -> Self {
        let mut read = Self::default();
        for (id, value) in elements {
            let id = Some(id);
            if id == ids.transport_cc {
                read.transport_seq = value.first_chunk().map(|seq| SeqNo(u16::from_be_bytes(*seq)));
            } else if id == ids.audio_level {
                read.audio_level = value.first().copied();
            } else if id == ids.video_orientation {
                read.video_orientation = value.first().copied();
            } else if id == ids.mid {
                read.mid = Some(value);
            } else if id == ids.rid {
                read.rid = Some(value);
            } else if id == ids.repaired_rid {
                read.repaired_rid = Some(value);
            }
        }
        read
    }
}

/// The extensions of an outgoing packet, each with the id under which the receiver knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutgoingExtensions {
    /// Audio level element.
    pub audio_level: Option<(u8, u8)>,
    /// Video orientation element.
    pub video_orientation: Option<(u8, u8)>,
    /// The packet's number over all streams of its transport.
    pub transport_seq: Option<(u8, SeqNo)>,
}

impl OutgoingExtensions {
    /// Longest block that [`Self::write`] makes: its head, and three elements in the two-byte form, padded.
    pub const MAX_BYTES: usize = 4 + 12;

    /// Whether there is nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.audio_level.is_none() && self.video_orientation.is_none() && self.transport_seq.is_none()
    }

    /// Writes the block with its head and gives its length; `None` when `out` is too short.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let out = out.get_mut(..Self::MAX_BYTES)?;
        let is_two_byte = [self.audio_level, self.video_orientation]
            .into_iter()
            .flatten()
            .map(|(id, _)| id)
            .chain(self.transport_seq.map(|(id, _)| id))
            .any(|id| id > LARGEST_ONE_BYTE_ID);
        let mut len = 4;
        let mut element = |id: u8, value: &[u8]| {
            let head = value.len();
            if is_two_byte {
                out[len] = id;
                out[len + 1] = (head & 0xff) as u8;
                len += 2;
            } else {
                out[len] = id << 4 | ((head - 1) & 0x0f) as u8;
                len += 1;
            }
            out[len..len + head].copy_from_slice(value);
            len += head;
        };
        if let Some((id, level)) = self.audio_level {
            element(id, &[level]);
        }
        if let Some((id, orientation)) = self.video_orientation {
            element(id, &[orientation]);
        }
        if let Some((id, seq)) = self.transport_seq {
            element(id, &seq.0.to_be_bytes());
        }
        while len % 4 != 0 {
            out[len] = 0;
            len += 1;
        }
        let profile = if is_two_byte { TWO_BYTE_PROFILE } else { ONE_BYTE_PROFILE };
        out[..2].copy_from_slice(&profile.to_be_bytes());
        out[2..4].copy_from_slice(&((len / 4 - 1) as u16).to_be_bytes());
        Some(len)
    }
}
