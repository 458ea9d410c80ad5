// SPDX-License-Identifier: EUPL-1.2
//! Session descriptions as far as a load generator needs them (RFC 8829): it writes offers and answers with Opus and
//! VP8, and reads what servers say.

mod read;
mod write;

use std::net::SocketAddr;

pub(crate) use read::{Description, RemoteSection, read_candidate};
pub(crate) use write::{write_answer, write_offer};

/// Payload types of our own offers.
pub(crate) const OPUS: u8 = 111;
pub(crate) const VP8: u8 = 96;
pub(crate) const VP8_RTX: u8 = 97;

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Audio,
    Video,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Audio, Self::Video];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }

    /// RTP clock rate in Hz.
    pub(crate) const fn clock_rate(self) -> u32 {
        match self {
            Self::Audio => 48_000,
            Self::Video => 90_000,
        }
    }
}

/// One media section of an offer of ours. Its mid is its place among the sections.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) kind: Kind,
    /// What we send on it; without, it is there to receive by.
    pub(crate) sends: Option<Sends>,
}

/// A track that we send.
#[derive(Clone, Debug)]
pub(crate) struct Sends {
    /// Our id of the track.
    pub(crate) cid: String,
    pub(crate) streams: Vec<OutgoingStream>,
}

/// One RTP stream of a track that we send; several of them are simulcast.
#[derive(Clone, Debug)]
pub(crate) struct OutgoingStream {
    /// Simulcast stream id, when there are several.
    pub(crate) rid: Option<&'static str>,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: u32,
}

/// ICE credentials (RFC 8445 §5.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) password: String,
}

/// Our end of a transport as SDP describes it.
#[derive(Clone, Debug)]
pub(crate) struct LocalTransport {
    pub(crate) credentials: Credentials,
    /// SHA-256 of our certificate, in colon-separated hexadecimal.
    pub(crate) fingerprint: String,
    pub(crate) candidate: SocketAddr,
}

/// RTP header extension ids (RFC 8285), as negotiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    pub(crate) audio_level: Option<u8>,
    pub(crate) transport_cc: Option<u8>,
    pub(crate) mid: Option<u8>,
    pub(crate) rid: Option<u8>,
    pub(crate) repaired_rid: Option<u8>,
}

impl Extensions {
    /// The ids of our own offers.
    pub(crate) const OURS: Self =
        Self { audio_level: Some(1), transport_cc: Some(3), mid: Some(4), rid: Some(10), repaired_rid: Some(11) };

    /// The extensions with their names (RFC 6464, RFC 9143, RFC 8852 and the transport-cc draft).
    pub(crate) fn by_uri(&mut self, uri: &str) -> Option<&mut Option<u8>> {
        Some(match uri {
            "urn:ietf:params:rtp-hdrext:ssrc-audio-level" => &mut self.audio_level,
            "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01" => &mut self.transport_cc,
            "urn:ietf:params:rtp-hdrext:sdes:mid" => &mut self.mid,
            "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" => &mut self.rid,
            "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id" => &mut self.repaired_rid,
            _ => return None,
        })
    }

    /// URIs that a section of this kind negotiates.
    pub(crate) const fn uris(kind: Kind) -> &'static [&'static str] {
        match kind {
            Kind::Audio => &[
                "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
                "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
                "urn:ietf:params:rtp-hdrext:sdes:mid",
            ],
            Kind::Video => &[
                "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
                "urn:ietf:params:rtp-hdrext:sdes:mid",
                "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
                "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
            ],
        }
    }
}

#[cfg(test)]
mod tests;
