// SPDX-License-Identifier: EUPL-1.2
//! A telephone's sound: packets of A-law, and keys. Each is for 20 ms, also those that are in place of sound.

use std::time::Duration;

/// How far the packets are apart.
pub(crate) const PACKET_TIME: Duration = Duration::from_millis(20);

/// Ticks of the clock in that time.
const PACKET_TICKS: u32 = 160;

/// Their source's number, always the same.
const SSRC: u32 = 0x5151_0001;

/// Writes a telephone's packets.
pub(crate) struct Sound {
    pub(crate) seq_no: u16,
    pub(crate) timestamp: u32,
}

impl Sound {
    fn head(&mut self, payload_type: u8) -> Vec<u8> {
        self.seq_no = self.seq_no.wrapping_add(1);
        let mut packet = vec![0x80, payload_type];
        packet.extend(self.seq_no.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(SSRC.to_be_bytes());
        packet
    }

    /// 20 ms of silence.
    pub(crate) fn silence(&mut self) -> Vec<u8> {
        self.packet(&[0xd5; 160])
    }

    /// 20 ms that sound like that.
    pub(crate) fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        self.timestamp = self.timestamp.wrapping_add(PACKET_TICKS);
        let mut packet = self.head(8);
        packet.extend(payload);
        packet
    }

    /// A key that is pressed for 100 ms (RFC 4733): what it is so far, and its end three times. All have the time of its beginning.
    pub(crate) fn key(&mut self, event: u8) -> Vec<Vec<u8>> {
        self.timestamp = self.timestamp.wrapping_add(PACKET_TICKS);
        let sounding = [160_u16, 320, 480, 640].map(|duration| (0, duration));
        let packets = sounding.into_iter().chain([(0x80, 800); 3]).map(|(end, duration)| {
            let mut packet = self.head(101);
            packet.extend([event, end | 10]);
            packet.extend(duration.to_be_bytes());
            packet
        });
        let packets: Vec<_> = packets.collect();
        self.timestamp = self.timestamp.wrapping_add(6 * PACKET_TICKS);
        packets
    }

    /// A key, and as long a pause after it.
    pub(crate) fn key_and_pause(&mut self, event: u8) -> Vec<Vec<u8>> {
        let mut packets = self.key(event);
        packets.extend((0..5).map(|_| self.silence()));
        packets
    }
}
