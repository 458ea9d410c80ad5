// SPDX-License-Identifier: EUPL-1.2
//! A telephone's sound: packets of silence, and keys.

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
        self.timestamp = self.timestamp.wrapping_add(160);
        let mut packet = self.head(8);
        packet.extend([0xd5; 160]);
        packet
    }

    /// A key (RFC 4733): its beginning, and its end three times.
    pub(crate) fn key(&mut self, event: u8) -> Vec<Vec<u8>> {
        self.timestamp = self.timestamp.wrapping_add(1_600);
        let packets = [(0, 160_u16), (0x80, 800), (0x80, 800), (0x80, 800)].into_iter().map(|(end, duration)| {
            let mut packet = self.head(101);
            packet.extend([event, end | 10]);
            packet.extend(duration.to_be_bytes());
            packet
        });
        packets.collect()
    }
}
