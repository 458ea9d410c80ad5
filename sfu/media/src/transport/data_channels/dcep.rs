// SPDX-License-Identifier: EUPL-1.2
//! The Data Channel Establishment Protocol (RFC 8832).

use rtc_sctp::ReliabilityType;

const DATA_CHANNEL_OPEN: u8 = 0x03;

/// DATA_CHANNEL_ACK is its type alone (RFC 8832 §5.2).
pub(super) const DATA_CHANNEL_ACK: &[u8] = &[0x02];

const UNORDERED: u8 = 0x80;

/// DATA_CHANNEL_OPEN (RFC 8832 §5.1) without what we have no use for: priority and protocol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Open<'a> {
    pub(super) is_unordered: bool,
    pub(super) reliability: ReliabilityType,
    /// Retransmissions or milliseconds, as `reliability` says.
    pub(super) limit: u32,
    pub(super) label: &'a str,
}

impl<'a> Open<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let (header, rest) = message.split_first_chunk::<12>()?;
        let [DATA_CHANNEL_OPEN, channel_type, _, _, limit @ .., l0, l1, p0, p1] = *header else { return None };
        let label_len = usize::from(u16::from_be_bytes([l0, l1]));
        let protocol_len = usize::from(u16::from_be_bytes([p0, p1]));
        if rest.len() != label_len + protocol_len {
            return None;
        }
        let reliability = match channel_type & !UNORDERED {
            0 => ReliabilityType::Reliable,
            1 => ReliabilityType::Rexmit,
            2 => ReliabilityType::Timed,
            _ => return None,
        };
        Some(Self {
            is_unordered: channel_type & UNORDERED != 0,
            reliability,
            limit: u32::from_be_bytes(limit),
            label: std::str::from_utf8(&rest[..label_len]).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_message_says_what_the_channel_promises() {
        let lossy = [&[3, 0x81, 1, 0, 0, 0, 0, 5, 0, 6, 0, 1], &b"_lossyp"[..]].concat();
        assert_eq!(
            Open::parse(&lossy),
            Some(Open { is_unordered: true, reliability: ReliabilityType::Rexmit, limit: 5, label: "_lossy" })
        );
        let reliable = [&[3, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0], &b"_reliable"[..]].concat();
        assert_eq!(
            Open::parse(&reliable),
            Some(Open { is_unordered: false, reliability: ReliabilityType::Reliable, limit: 0, label: "_reliable" })
        );
    }

    #[test]
    fn anything_else_is_refused() {
        let open = [&[3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], &b"l"[..]].concat();
        for len in 0..open.len() {
            assert_eq!(Open::parse(&open[..len]), None);
        }
        assert_eq!(Open::parse(&[&open[..], b"x"].concat()), None);
        for (at, wrong) in [(0, 2), (1, 3), (12, 0xff)] {
            let mut changed = open.clone();
            changed[at] = wrong;
            assert_eq!(Open::parse(&changed), None);
        }
    }
}
