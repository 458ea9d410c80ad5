// SPDX-License-Identifier: EUPL-1.2
//! One m-line of an offer with its attributes (RFC 8866 §5.14), as far as we care.

use rtc_sdp::description::common::Attribute;
use rtc_sdp::description::media::{MediaDescription, MediaName};
use rtc_sdp::direction::Direction;

use super::codecs::{Flow, OfferedCodecs};
use super::extensions::{self, OfferedExtension};
use super::{NegotiationError, attributes, simulcast, sources};
use crate::session::{Codec, MediaKind, Mid};

/// Proposals of RTP over DTLS-SRTP. Which transport is named says nothing (RFC 8829 §5.1.2).
const RTP_PROTOCOLS: [&str; 3] = ["UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "RTP/SAVPF"];

/// Proposals of data channels (RFC 8841 §4.2).
const DATA_PROTOCOLS: [&str; 2] = ["UDP/DTLS/SCTP", "TCP/DTLS/SCTP"];

/// What an m-line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Sound or pictures.
    Media(MediaKind),
    /// Data channels.
    Data,
    /// Something that we do not speak.
    Unknown,
}

/// An m-line as the client offered it.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// What it is for.
    pub(super) purpose: Purpose,
    /// Its tag. M-lines that are out of use may have none.
    pub(super) mid: Option<Mid>,
    /// The m-line itself.
    pub(super) name: MediaName,
    /// It is in use, in the BUNDLE group and of a kind that we speak. Others are answered with port 0.
    pub(super) is_usable: bool,
    /// As the client sees it.
    pub(super) direction: Direction,
    /// The track part of `a=msid`: what the client calls the track that it sends.
    pub(super) track_name: Option<String>,
    /// For media.
    pub(super) codecs: OfferedCodecs,
    /// For media.
    pub(super) extensions: Vec<OfferedExtension>,
    /// The streams that the client offers to send side by side; empty without simulcast.
    pub(super) simulcast: Vec<simulcast::Stream>,
    /// SSRCs that the client announces, with those of their retransmissions.
    pub(super) sources: Vec<(u32, Option<u32>)>,
    /// Reduced-size RTCP (RFC 5506).
    pub(super) takes_reduced_size_rtcp: bool,
}

impl Section {
    /// Reads an m-line. `session` are the attributes for all m-lines.
    pub(super) fn parse(
        index: usize,
        description: &MediaDescription,
        session: &[Attribute],
        bundle: &[&str],
    ) -> Result<Self, NegotiationError> {
        let own = &description.attributes;
        let name = description.media_name.clone();
        // A bundled m-line has port 0 in a first offer under the max-bundle policy (RFC 9143 §6).
        let is_in_use = name.port.value != 0 || attributes::has(own, "bundle-only");
        let tag = attributes::first(own, "mid");
        let mid = match tag.map(Mid::parse) {
            Some(Some(mid)) => Some(mid),
            _ if !is_in_use => None,
            None => return Err(NegotiationError::MissingMid(index)),
            Some(None) => return Err(NegotiationError::InvalidMid(index)),
        };
        let purpose = purpose(&name);
        let is_usable = is_in_use
            && match purpose {
                Purpose::Media(_) => attributes::has(own, "rtcp-mux"),
                Purpose::Data => attributes::has(own, "sctp-port"),
                Purpose::Unknown => false,
            }
            && tag.is_some_and(|tag| bundle.contains(&tag));
        Ok(Self {
            purpose,
            mid,
            is_usable,
            direction: direction(own).or_else(|| direction(session)).unwrap_or(Direction::SendRecv),
            track_name: track_name(own),
            codecs: OfferedCodecs::parse(&name.formats, own),
            extensions: extensions::offered(own)?,
            simulcast: simulcast::offered_streams(own)?,
            sources: sources::announced(own)?,
            takes_reduced_size_rtcp: attributes::has(own, "rtcp-rsize"),
            name,
        })
    }

    /// The kind of media, when it is media in use.
    pub(super) fn kind(&self) -> Option<MediaKind> {
        match self.purpose {
            Purpose::Media(kind) if self.is_usable => Some(kind),
            _ => None,
        }
    }

    /// Whether the client sends on it.
    pub(super) fn sends(&self) -> bool {
        matches!(self.direction, Direction::SendOnly | Direction::SendRecv)
    }

    /// Whether the client sends on it a kind of media that we can take.
    pub(super) fn can_carry_uplink(&self, kind: MediaKind) -> bool {
        self.kind() == Some(kind) && self.sends() && self.codecs.choose(codec_of(kind), Flow::Up).is_some()
    }

    /// Whether the client does nothing but wait for that kind of media on it. An m-line on which it sends too is left to
    /// its publication.
    pub(super) fn receives(&self, kind: MediaKind) -> bool {
        self.kind() == Some(kind) && self.direction == Direction::RecvOnly
    }

    /// Whether the client waits on it for media that it can decode.
    pub(super) fn can_carry_downlink(&self, codec: Codec) -> bool {
        self.receives(codec.kind()) && self.codecs.choose(codec, Flow::Down).is_some()
    }
}

/// The one codec that we speak for a kind of media.
pub(super) const fn codec_of(kind: MediaKind) -> Codec {
    match kind {
        MediaKind::Audio => Codec::Opus,
        MediaKind::Video => Codec::Vp8,
    }
}

fn purpose(name: &MediaName) -> Purpose {
    let protocol = name.protos.join("/");
    match name.media.as_str() {
        "audio" if RTP_PROTOCOLS.contains(&protocol.as_str()) => Purpose::Media(MediaKind::Audio),
        "video" if RTP_PROTOCOLS.contains(&protocol.as_str()) => Purpose::Media(MediaKind::Video),
        "application"
            if DATA_PROTOCOLS.contains(&protocol.as_str())
                && name.formats.iter().any(|format| format == "webrtc-datachannel") =>
        {
            Purpose::Data
        }
        _ => Purpose::Unknown,
    }
}

fn direction(attributes: &[Attribute]) -> Option<Direction> {
    attributes
        .iter()
        .map(|attribute| Direction::new(&attribute.key))
        .find(|direction| *direction != Direction::Unspecified)
}

fn track_name(section: &[Attribute]) -> Option<String> {
    let track = |msid: &str| msid.split_whitespace().nth(1).map(str::to_owned);
    attributes::all(section, "msid").find_map(track).or_else(|| {
        // Before RFC 8830: `a=ssrc:<ssrc> msid:<stream> <track>`.
        attributes::all(section, "ssrc").find_map(|source| track(source.split_once(" msid:")?.1))
    })
}
