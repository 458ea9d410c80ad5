// SPDX-License-Identifier: EUPL-1.2
//! Captures that sipp plays: packets of RTP, one each 20 ms, in the frames that they would have had on an Ethernet.

use std::path::Path;

use super::sound::PACKET_TIME;

/// The link's type: Ethernet.
const ETHERNET: u32 = 1;

/// What each frame begins with: two addresses that nobody looks at, and that IPv4 follows.
const ETHERNET_HEADER: [u8; 14] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0];

/// From and to where packets were sent, allegedly. sipp puts in what its call has.
const ADDRESS: [u8; 4] = [127, 0, 0, 1];
const PORT: u16 = 6_000;

const IP_HEADER_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;

/// Writes a capture of these packets.
pub(crate) fn write(path: &Path, packets: &[Vec<u8>]) {
    // Its mark, and version 2.4 in two halves.
    let mut file = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    file.extend([2, 0, 4, 0]);
    // No time zone, no accuracy, the longest packet, and the link.
    file.extend([0, 0, 65_535, ETHERNET].into_iter().flat_map(u32::to_le_bytes));
    for (at, packet) in (0_u32..).zip(packets) {
        let frame = frame(packet);
        let (time, length) = (PACKET_TIME * at, u32::try_from(frame.len()).unwrap());
        let seconds = u32::try_from(time.as_secs()).unwrap();
        file.extend([seconds, time.subsec_micros(), length, length].into_iter().flat_map(u32::to_le_bytes));
        file.extend(frame);
    }
    std::fs::write(path, file).unwrap();
}

/// A packet in a datagram, without check sums, which nobody looks at either.
fn frame(packet: &[u8]) -> Vec<u8> {
    let udp_bytes = u16::try_from(UDP_HEADER_BYTES + packet.len()).unwrap();
    let ip_bytes = udp_bytes + IP_HEADER_BYTES as u16;
    let mut frame = ETHERNET_HEADER.to_vec();
    frame.extend([0x45, 0]);
    frame.extend(ip_bytes.to_be_bytes());
    // Not a fragment, 64 hops, UDP.
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend([ADDRESS, ADDRESS].concat());
    frame.extend([PORT, PORT, udp_bytes, 0].into_iter().flat_map(u16::to_be_bytes));
    frame.extend(packet);
    frame
}
