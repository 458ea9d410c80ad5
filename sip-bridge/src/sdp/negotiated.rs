// SPDX-License-Identifier: EUPL-1.2
//! What was agreed on.

use std::fmt;
use std::net::SocketAddr;

use super::codecs::{Codec, OpusParameters};
use super::crypto::SrtpKeys;
use super::description::SessionDescription;
use super::direction::Direction;

/// The payload types of something in both directions. They mostly are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTypes {
    /// In what we send.
    pub send: u8,
    /// In what we receive.
    pub receive: u8,
}

/// How keys come and go (RFC 4733).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Their payload types.
    pub payload_types: PayloadTypes,
    /// The clock of durations: 8,000, or 48,000 beside Opus.
    pub clock_rate_hz: u32,
}

/// A payload type that the other side may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveFormat {
    /// As it stands in packets.
    pub payload_type: u8,
    /// What it means.
    pub codec: Codec,
}

/// What both sides agreed on, for one stream of sound.
#[derive(Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// The codec that we send.
    pub codec: Codec,
    /// Its payload type.
    pub send_payload_type: u8,
    /// What the other side may send. One codec when we answered; all that the answer lists when we offered, between
    /// which it may change at any packet (RFC 3264 §7).
    pub receive: Vec<ReceiveFormat>,
    /// What the other side says about Opus; meaningful when that is the codec.
    pub opus: OpusParameters,
    /// How keys travel, if as events.
    pub telephone_event: Option<TelephoneEvent>,
    /// How silence is described, if it is.
    pub comfort_noise: Option<PayloadTypes>,
    /// Where the other side says it wants RTP; `None` when it gave a name or an address that means "nowhere".
    pub remote_rtp: Option<SocketAddr>,
    /// Where it wants RTCP.
    pub remote_rtcp: Option<SocketAddr>,
    /// Whether RTP and RTCP share a port (RFC 5761).
    pub is_rtcp_muxed: bool,
    /// What we do.
    pub direction: Direction,
    /// Whether the other side holds the call: it wants to hear nothing.
    pub is_on_hold: bool,
    /// How much sound we put into a packet, in ms: 10, 20, 30 or 40, as they would like it. A packet of Opus has 20 in any case.
    pub ptime_ms: u8,
    /// What the other side would like, in ms, 10 to 60; what it sends tends to be the same.
    pub remote_ptime_ms: u8,
    /// The keys, if sound is encrypted.
    pub srtp: Option<SrtpKeys>,
    /// Which section it is.
    pub(super) section: usize,
    /// The description that we sent.
    pub(super) local: SessionDescription,
}

impl Negotiated {
    /// The description that we sent last. To refresh a session without a change, it is offered again as it is.
    #[must_use]
    pub const fn local(&self) -> &SessionDescription {
        &self.local
    }

    /// What a payload type means, if the other side may send it.
    #[must_use]
    pub fn received_codec(&self, payload_type: u8) -> Option<Codec> {
        self.receive.iter().find(|format| format.payload_type == payload_type).map(|format| format.codec)
    }
}

impl fmt::Debug for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiated")
            .field("codec", &self.codec)
            .field("send_payload_type", &self.send_payload_type)
            .field("receive", &self.receive)
            .field("telephone_event", &self.telephone_event)
            .field("direction", &self.direction)
            .field("is_on_hold", &self.is_on_hold)
            .field("is_rtcp_muxed", &self.is_rtcp_muxed)
            .field("ptime_ms", &self.ptime_ms)
            .field("suite", &self.srtp.as_ref().map(|keys| keys.send.suite()))
            .finish_non_exhaustive()
    }
}
