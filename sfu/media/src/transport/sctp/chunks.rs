// SPDX-License-Identifier: EUPL-1.2
//! SCTP packets as far as the guard looks into them (RFC 9260 §3, RFC 3758 §3.2, RFC 6525 §3.1).
//!
//! `rtc-sctp` finds the next chunk by the length of what it understood of the last one. A chunk that says more than it
//! understands would hide another chunk from us, so chunks must have exactly the length that their content needs.

use smallvec::SmallVec;

pub(super) const DATA: u8 = 0;
pub(super) const INIT: u8 = 1;
pub(super) const INIT_ACK: u8 = 2;
pub(super) const SACK: u8 = 3;
pub(super) const HEARTBEAT: u8 = 4;
pub(super) const ABORT: u8 = 6;
pub(super) const SHUTDOWN: u8 = 7;
pub(super) const SHUTDOWN_ACK: u8 = 8;
pub(super) const COOKIE_ECHO: u8 = 10;
pub(super) const SHUTDOWN_COMPLETE: u8 = 14;
pub(super) const RE_CONFIG: u8 = 130;
pub(super) const FORWARD_TSN: u8 = 192;

/// Parameters (RFC 9260 §3.3.2, RFC 6525 §4, RFC 4895 §3).
const HEARTBEAT_INFO: u16 = 1;
pub(super) const OUTGOING_RESET_REQUEST: u16 = 13;
const RE_CONFIG_RESPONSE: u16 = 16;
const REQUESTED_HMAC_ALGORITHM: u16 = 0x8004;
const FORWARD_TSN_SUPPORTED: u16 = 0xc000;

/// RFC 6525 §3.1. `rtc-sctp` would take a third one for the next chunk.
const MAX_RE_CONFIG_PARAMETERS: usize = 2;

const COMMON_HEADER_BYTES: usize = 12;
const HEADER_BYTES: usize = 4;
const DATA_HEADER_BYTES: usize = 12;
const SACK_HEADER_BYTES: usize = 12;
const INIT_HEADER_BYTES: usize = 16;

/// A chunk without its header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'a> {
    pub(super) kind: u8,
    pub(super) value: &'a [u8],
}

/// The chunks of a packet, or `None` unless every one of them is well-formed.
pub(super) fn parse(packet: &[u8]) -> Option<SmallVec<[Chunk<'_>; 4]>> {
    let mut rest = packet.get(COMMON_HEADER_BYTES..)?;
    let mut chunks = SmallVec::new();
    while !rest.is_empty() {
        let header = rest.first_chunk::<HEADER_BYTES>()?;
        let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let (bytes, after) = rest.split_at_checked(len.next_multiple_of(4))?;
        let chunk = Chunk { kind: header[0], value: bytes.get(HEADER_BYTES..len)? };
        if !chunk.is_well_formed() {
            return None;
        }
        chunks.push(chunk);
        rest = after;
    }
    Some(chunks)
}

impl Chunk<'_> {
    /// The number at a place in the value, zero when it is not there.
    pub(super) fn u32_at(&self, at: usize) -> u32 {
        self.value.get(at..at + 4).map_or(0, |bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn u16_at(&self, at: usize) -> u16 {
        self.value.get(at..at + 2).map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// Bytes of user data in a DATA chunk.
    pub(super) fn user_data_len(&self) -> usize {
        self.value.len() - DATA_HEADER_BYTES
    }

    /// Gap ack blocks of a SACK as offsets from its cumulative TSN.
    pub(super) fn gap_ack_blocks(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        let count = usize::from(self.u16_at(8));
        (0..count).map(|block| {
            let at = SACK_HEADER_BYTES + 4 * block;
            (self.u16_at(at), self.u16_at(at + 2))
        })
    }

    /// Type and value of each parameter of a RE-CONFIG chunk.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (u16, &[u8])> {
        parameters(self.value).flatten()
    }

    fn is_well_formed(&self) -> bool {
        let len = self.value.len();
        match self.kind {
            // A chunk without user data would cost memory that nobody counts (RFC 9260 §3.3.1 forbids it).
            DATA => len > DATA_HEADER_BYTES,
            SACK => {
                let blocks = usize::from(self.u16_at(8)) + usize::from(self.u16_at(10));
                len == SACK_HEADER_BYTES + 4 * blocks
            }
            SHUTDOWN => len == 4,
            SHUTDOWN_ACK | SHUTDOWN_COMPLETE => len == 0,
            FORWARD_TSN => len >= 4 && len.is_multiple_of(4),
            HEARTBEAT => {
                let mut infos = parameters(self.value);
                matches!(infos.next(), Some(Some((HEARTBEAT_INFO, info))) if info.len() + HEADER_BYTES == len)
            }
            INIT => len > INIT_HEADER_BYTES && are_init_parameters(&self.value[INIT_HEADER_BYTES..]),
            RE_CONFIG => {
                let count = parameters(self.value).count();
                (1..=MAX_RE_CONFIG_PARAMETERS).contains(&count) && parameters(self.value).all(is_re_config_parameter)
            }
            _ => true,
        }
    }
}

/// Walks over parameters; `None` once where something else follows.
fn parameters(mut rest: &[u8]) -> impl Iterator<Item = Option<(u16, &[u8])>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let parameter = split_parameter(&mut rest);
        if parameter.is_none() {
            rest = &[];
        }
        Some(parameter)
    })
}

fn split_parameter<'a>(rest: &mut &'a [u8]) -> Option<(u16, &'a [u8])> {
    let header = rest.first_chunk::<HEADER_BYTES>()?;
    let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let value = rest.get(HEADER_BYTES..len)?;
    // The last parameter's padding may be missing (RFC 9260 §3.2).
    *rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    Some((u16::from_be_bytes([header[0], header[1]]), value))
}

/// Those of which `rtc-sctp` understands the whole length. A last one without content it does not see at all.
fn are_init_parameters(bytes: &[u8]) -> bool {
    let mut last_len = 0;
    let are_known = parameters(bytes).all(|parameter| {
        let Some((kind, value)) = parameter else { return false };
        last_len = value.len();
        match kind {
            OUTGOING_RESET_REQUEST | RE_CONFIG_RESPONSE => false,
            FORWARD_TSN_SUPPORTED => value.is_empty(),
            REQUESTED_HMAC_ALGORITHM => value.len().is_multiple_of(2),
            _ => true,
        }
    });
    are_known && last_len > 0
}

fn is_re_config_parameter(parameter: Option<(u16, &[u8])>) -> bool {
    match parameter {
        Some((OUTGOING_RESET_REQUEST, value)) => value.len() >= 12 && value.len().is_multiple_of(2),
        Some((RE_CONFIG_RESPONSE, value)) => value.len() == 8,
        _ => false,
    }
}
