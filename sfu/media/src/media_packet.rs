// SPDX-License-Identifier: EUPL-1.2
//! A media packet after decryption, parsed and annotated once on the shard it arrived at.

use std::time::Instant;

use crate::ids::Layer;

/// What the forwarding of a packet depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketMeta {
    /// The simulcast stream it belongs to.
    pub layer: Layer,
    /// Sequence number of that stream, extended to 64 bits.
    pub index: u64,
    /// RTP timestamp as the publisher wrote it.
    pub rtp_timestamp: u32,
    /// RTP marker bit: last packet of a frame, or first packet of a talk spurt.
    pub marker: bool,
    /// First packet of a frame that can be decoded on its own.
    pub starts_keyframe: bool,
    /// Audio level element as sent (RFC 6464 §3).
    pub audio_level: Option<u8>,
    /// Video orientation element as sent (3GPP TS 26.114 §7.4.5).
    pub video_orientation: Option<u8>,
    /// When its datagram was received.
    pub arrival: Instant,
}

impl PacketMeta {
    /// A packet in the middle of a frame, of which nothing is known but its place and time.
    #[must_use]
    pub const fn new(layer: Layer, index: u64, arrival: Instant) -> Self {
        Self {
            layer,
            index,
            rtp_timestamp: 0,
            marker: false,
            starts_keyframe: false,
            audio_level: None,
            video_orientation: None,
            arrival,
        }
    }
}

/// Most padding that a packet is given.
pub const MAX_PADDING_BYTES: usize = 64;

/// An annotated packet with its payload, the publisher's RTP padding removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaPacket {
    /// The annotations.
    pub meta: PacketMeta,
    /// The codec's bytes.
    pub payload: Vec<u8>,
    /// RTP padding (RFC 3550 §5.1) that it is forwarded with, at most [`MAX_PADDING_BYTES`]. It stays what it is once
    /// the packet was forwarded, because a packet that is sent again must be the same to the last byte.
    pub padding: u8,
}
