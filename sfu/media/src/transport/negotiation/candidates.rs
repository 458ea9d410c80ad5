// SPDX-License-Identifier: EUPL-1.2
//! Our ICE candidates (RFC 8839 §5.1): host candidates only, complete in every answer.

use std::net::SocketAddr;

/// Type preference of host candidates (RFC 8445 §5.1.2.2).
const HOST_TYPE_PREFERENCE: u32 = 126;

/// RTP and, multiplexed with it, everything else.
const COMPONENT: u32 = 1;

/// The values of the `a=candidate` lines, the first one being the most preferred.
pub(super) fn lines(addresses: &[SocketAddr]) -> impl Iterator<Item = String> {
    addresses.iter().zip(0u16..).map(|(address, index)| {
        let local_preference = u32::from(u16::MAX - index);
        let priority = (HOST_TYPE_PREFERENCE << 24) | (local_preference << 8) | (256 - COMPONENT);
        // One foundation per address: checks to one say nothing about the others (RFC 8445 §5.1.1.3).
        let foundation = index + 1;
        format!("{foundation} {COMPONENT} udp {priority} {} {} typ host", address.ip(), address.port())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_the_first_address() {
        let addresses = ["198.51.100.7:7882".parse().unwrap(), "[2001:db8::7]:7882".parse().unwrap()];
        assert_eq!(
            lines(&addresses).collect::<Vec<_>>(),
            ["1 1 udp 2130706431 198.51.100.7 7882 typ host", "2 1 udp 2130706175 2001:db8::7 7882 typ host",]
        );
    }
}
