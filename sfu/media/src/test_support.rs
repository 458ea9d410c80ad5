// SPDX-License-Identifier: EUPL-1.2
//! What the tests of several modules share: a moment to count from, and a publisher that makes packets.

use std::time::Duration;

use bytes::Bytes;
use rtc_rtp::packet::Packet;
use rtc_shared::marshal::Marshal;

use crate::ids::{SpeakerGroup, TrackId};
use crate::session::{Mid, NegotiatedCodec, Uplink};
pub(crate) use agreed::{IDS, OPUS, VP8, start};

#[path = "../tests/common/agreed.rs"]
mod agreed;

/// So many milliseconds.
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) fn mid(text: &str) -> Mid {
    Mid::parse(text).expect("a short mid")
}

/// An uplink with as many rids ("0", "1", …) as said.
pub(crate) fn uplink(track: u64, codec: NegotiatedCodec, rids: usize) -> Uplink {
    Uplink {
        mid: mid(&format!("m{track}")),
        track: TrackId(track),
        speaker_group: SpeakerGroup(1),
        codec,
        rids: (0..rids).map(|rid| mid(&rid.to_string())).collect(),
        ssrcs: Vec::new(),
    }
}

/// A packet as a client sends it.
#[derive(Clone, Debug)]
pub(crate) struct TestPacket(Packet);

impl TestPacket {
    pub(crate) fn new(ssrc: u32, payload_type: u8, seq_no: u16, timestamp: u32, payload: &[u8]) -> Self {
        let mut packet = Packet::default();
        packet.header.version = 2;
        packet.header.ssrc = ssrc;
        packet.header.payload_type = payload_type;
        packet.header.sequence_number = seq_no;
        packet.header.timestamp = timestamp;
        packet.payload = Bytes::copy_from_slice(payload);
        Self(packet)
    }

    pub(crate) fn marker(mut self) -> Self {
        self.0.header.marker = true;
        self
    }

    pub(crate) fn with(mut self, id: Option<u8>, value: &[u8]) -> Self {
        self.0.header.set_extension(id.expect("an id"), Bytes::copy_from_slice(value)).expect("a valid element");
        self
    }

    /// The same packet as its retransmission (RFC 4588 §4).
    pub(crate) fn retransmitted(&self, ssrc: u32, payload_type: u8, seq_no: u16) -> Self {
        let mut packet = self.0.clone();
        let payload = [&packet.header.sequence_number.to_be_bytes(), &packet.payload[..]].concat();
        packet.payload = payload.into();
        packet.header.ssrc = ssrc;
        packet.header.payload_type = payload_type;
        packet.header.sequence_number = seq_no;
        Self(packet)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.marshal().expect("it can be written").to_vec()
    }
}

/// A VP8 payload with a 15-bit picture id, TL0PICIDX and temporal layer 0.
pub(crate) fn vp8_payload(is_start: bool, is_key: bool, picture_id: u16, tl0: u8, len: usize) -> Vec<u8> {
    let [high, low] = (0x8000 | picture_id & 0x7fff).to_be_bytes();
    let mut payload = vec![0x80 | u8::from(is_start) << 4, 0xe0, high, low, tl0, 0, u8::from(!is_key)];
    payload.resize(len.max(7), 0xab);
    payload
}

/// An Opus payload of 20 ms.
pub(crate) fn opus_payload() -> Vec<u8> {
    let mut payload = vec![0x78];
    payload.resize(80, 0xcd);
    payload
}
