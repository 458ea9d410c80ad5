// SPDX-License-Identifier: EUPL-1.2
//! What a datagram is, by its first bytes (RFC 7983 §7, RFC 5761 §4).

/// The protocols that share one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatagramKind {
    /// Connectivity checks (RFC 8489).
    Stun,
    /// Handshake and data channels (RFC 6347).
    Dtls,
    /// Media (RFC 3711).
    Rtp,
    /// Reports and feedback about media (RFC 3711 §3.4).
    Rtcp,
    /// Nothing that we speak.
    Unknown,
}

/// Looks at no more than two bytes.
#[must_use]
pub fn classify(datagram: &[u8]) -> DatagramKind {
    match datagram {
        [0..=3, ..] => DatagramKind::Stun,
        [20..=63, ..] => DatagramKind::Dtls,
        [128..=191, 192..=223, ..] => DatagramKind::Rtcp,
        [128..=191, _, ..] => DatagramKind::Rtp,
        _ => DatagramKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_the_protocol() {
        let cases: [(&[u8], DatagramKind); 12] = [
            (&[], DatagramKind::Unknown),
            (&[0, 1], DatagramKind::Stun),
            (&[3], DatagramKind::Stun),
            (&[4, 0], DatagramKind::Unknown),
            (&[22, 254], DatagramKind::Dtls),
            (&[64, 0], DatagramKind::Unknown),
            (&[0x80, 96], DatagramKind::Rtp),
            (&[0x80, 0x80 | 111], DatagramKind::Rtp),
            (&[0x80, 200], DatagramKind::Rtcp),
            (&[0x8f, 206], DatagramKind::Rtcp),
            (&[0x80], DatagramKind::Unknown),
            (&[192, 0], DatagramKind::Unknown),
        ];
        for (datagram, kind) in cases {
            assert_eq!(classify(datagram), kind, "{datagram:?}");
        }
    }
}
