// SPDX-License-Identifier: EUPL-1.2
//! Packets to be sealed and opened. Like the client, this file knows nothing of the crate, so that integration tests
//! can include it as well.

/// A packet of video with a header extension.
pub(crate) fn rtp(ssrc: u32, seq_no: u16) -> Vec<u8> {
    let mut packet = vec![0x90, 96];
    packet.extend(seq_no.to_be_bytes());
    packet.extend(7_u32.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0xbe, 0xde, 0, 1, 0x10, 1, 0, 0]);
    packet.resize(1100, 0x5a);
    packet
}

/// A picture loss indication.
pub(crate) fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x81, 206, 0, 2];
    packet.extend(ssrc.to_be_bytes());
    packet.extend(9_u32.to_be_bytes());
    packet
}
