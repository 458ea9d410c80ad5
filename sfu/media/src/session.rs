// SPDX-License-Identifier: EUPL-1.2
//! The negotiated session: what an offer and its answer agreed on, in a form that the packet path can use.
//!
//! `transport::negotiation` makes these values from SDP; the shard that owns the transport consumes them. They hold
//! no live state, so a session can be negotiated before any shard has heard the client.

use std::fmt;
use std::sync::Arc;

use crate::ids::{SpeakerGroup, TrackId, TransportId};

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// `m=audio`.
    Audio,
    /// `m=video`.
    Video,
}

/// The codecs that the core forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// RFC 7741.
    Vp8,
}

impl Codec {
    /// RTP clock rate in Hz.
    #[must_use]
    pub const fn clock_rate_hz(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Vp8 => 90_000,
        }
    }

    /// Which kind of media the codec carries.
    #[must_use]
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Opus => MediaKind::Audio,
            Self::Vp8 => MediaKind::Video,
        }
    }
}

/// A codec with the payload types that one client uses for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NegotiatedCodec {
    /// The codec.
    pub codec: Codec,
    /// Payload type of the media itself.
    pub payload_type: u8,
    /// Payload type of its retransmissions (RFC 4588), where both sides speak it.
    pub rtx_payload_type: Option<u8>,
    /// Generic NACK (RFC 4585 §6.2.1) was agreed.
    pub nack: bool,
    /// Picture loss indication (RFC 4585 §6.3.1) was agreed.
    pub pli: bool,
    /// Transport-wide congestion control feedback was agreed for the stream.
    pub transport_cc: bool,
}

/// RTP header extension ids (RFC 8285) of one BUNDLE group; `None` where the client did not offer the extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtensionIds {
    /// `urn:ietf:params:rtp-hdrext:sdes:mid` (RFC 9143).
    pub mid: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id` (RFC 8852).
    pub rid: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id` (RFC 8852).
    pub repaired_rid: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:ssrc-audio-level` (RFC 6464).
    pub audio_level: Option<u8>,
    /// `http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01`.
    pub transport_cc: Option<u8>,
    /// `urn:3gpp:video-orientation`.
    pub video_orientation: Option<u8>,
}

/// The identification tag of an m-line (RFC 5888), at most [`Mid::MAX_BYTES`] long so that it fits a header extension.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mid(Arc<str>);

impl Mid {
    /// Longest value of a one-byte header extension element (RFC 8285 §4.2).
    pub const MAX_BYTES: usize = 16;

    /// A mid, or `None` when it is empty or too long.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && text.len() <= Self::MAX_BYTES).then(|| Self(text.into()))
    }

    /// The tag as it stands in SDP.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Mid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mid:{}", self.0)
    }
}

/// A simulcast stream id (RFC 8851), at most [`Mid::MAX_BYTES`] long.
pub type Rid = Mid;

/// Media that a client sends: one m-line bound to one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// Its m-line.
    pub mid: Mid,
    /// The track it carries.
    pub track: TrackId,
    /// Whose loudness it is compared with.
    pub speaker_group: SpeakerGroup,
    /// What it may be encoded with.
    pub codec: NegotiatedCodec,
    /// Simulcast streams, smallest picture first; empty when there is one stream only.
    pub rids: Vec<Rid>,
    /// SSRCs announced in SDP, with the SSRC of their retransmissions; empty when rids announce the streams.
    pub ssrcs: Vec<(u32, Option<u32>)>,
}

/// Media that a client receives: one m-line bound to one subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downlink {
    /// Its m-line.
    pub mid: Mid,
    /// The track it shows.
    pub track: TrackId,
    /// How this client wants it encoded.
    pub codec: NegotiatedCodec,
    /// SSRC that the answer announced.
    pub ssrc: u32,
    /// SSRC of retransmissions that the answer announced.
    pub rtx_ssrc: Option<u32>,
}

/// The media that one transport carries at present. A renegotiation replaces it whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Header extension ids, the same in both directions.
    pub extensions: ExtensionIds,
    /// What the client sends.
    pub uplinks: Vec<Uplink>,
    /// What the client receives.
    pub downlinks: Vec<Downlink>,
    /// The client agreed on data channels (RFC 8841).
    pub data_channels: bool,
}

/// User name fragment and password of one side of ICE (RFC 8445 §5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// 4 to 256 characters.
    pub ufrag: Arc<str>,
    /// 22 to 256 characters.
    pub password: Arc<str>,
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCredentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// SHA-256 over a certificate in DER (RFC 8122 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// Everything that a shard needs to build a transport once it hears the client's first valid STUN check.
#[derive(Clone, Debug)]
pub struct TransportSetup {
    /// The transport to be.
    pub id: TransportId,
    /// Our side of ICE.
    pub local: IceCredentials,
    /// The client's side of ICE.
    pub remote: IceCredentials,
    /// The certificate that the client must show.
    pub remote_fingerprint: Fingerprint,
    /// The media agreed on so far.
    pub session: Session,
}
