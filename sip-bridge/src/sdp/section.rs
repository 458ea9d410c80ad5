// SPDX-License-Identifier: EUPL-1.2
//! How we write our own descriptions: the section for sound, and what stands around it.

use rand::RngCore;

use super::capabilities::Capabilities;
use super::codecs::Codec;
use super::crypto::CryptoLine;
use super::description::{Address, Attribute, Media, Origin, SessionDescription};
use super::direction::Direction;
use super::remote::PTIME_MS;

/// The longest packets that we play (`a=maxptime`).
const MAX_PTIME_MS: u8 = 60;

/// What our section for sound says.
pub(super) struct Section<'a> {
    pub(super) port: u16,
    pub(super) protocol: &'a str,
    /// Codecs with their payload types, in order.
    pub(super) codecs: &'a [(u8, Codec)],
    /// Payload types and clocks of events.
    pub(super) telephone_events: &'a [(u8, u32)],
    pub(super) comfort_noise: Option<u8>,
    pub(super) direction: Direction,
    pub(super) is_rtcp_muxed: bool,
    pub(super) crypto: &'a [CryptoLine],
}

impl Section<'_> {
    pub(super) fn to_media(&self) -> Media {
        let mut formats = Vec::new();
        let mut attributes = Vec::new();
        for (payload_type, codec) in self.codecs {
            formats.push(payload_type.to_string());
            attributes.push(Attribute::new("rtpmap", format!("{payload_type} {}", codec.rtpmap())));
            if *codec == Codec::Opus {
                // We mix at 16 kHz, so more would be sent in vain.
                let fmtp = "maxplaybackrate=16000;sprop-maxcapturerate=16000;useinbandfec=1";
                attributes.push(Attribute::new("fmtp", format!("{payload_type} {fmtp}")));
            }
        }
        if let Some(payload_type) = self.comfort_noise {
            formats.push(payload_type.to_string());
            attributes.push(Attribute::new("rtpmap", format!("{payload_type} CN/8000")));
        }
        for (payload_type, clock_rate_hz) in self.telephone_events {
            formats.push(payload_type.to_string());
            attributes.push(Attribute::new("rtpmap", format!("{payload_type} telephone-event/{clock_rate_hz}")));
            attributes.push(Attribute::new("fmtp", format!("{payload_type} 0-15")));
        }
        attributes.push(Attribute::new("ptime", PTIME_MS.to_string()));
        attributes.push(Attribute::new("maxptime", MAX_PTIME_MS.to_string()));
        attributes.extend(self.crypto.iter().map(|line| Attribute::new("crypto", line.to_value())));
        if self.is_rtcp_muxed {
            attributes.push(Attribute::flag("rtcp-mux"));
        }
        attributes.push(Attribute::flag(self.direction.as_str()));
        Media {
            kind: "audio".to_owned(),
            port: self.port,
            protocol: self.protocol.to_owned(),
            formats,
            connection: None,
            attributes,
        }
    }
}

/// A section as it is declined: in its place, with port zero (RFC 3264 §6).
pub(super) fn declined(media: &Media) -> Media {
    Media { port: 0, connection: None, attributes: Vec::new(), ..media.clone() }
}

/// Our description around its sections. Its version grows by one when it differs from the one before (RFC 3264 §8).
pub(super) fn description(
    ours: &Capabilities,
    previous: Option<&SessionDescription>,
    timing: (u64, u64),
    media: Vec<Media>,
    rng: &mut impl RngCore,
) -> SessionDescription {
    let address = Address::Ip(ours.address);
    let origin = previous.map_or_else(
        || Origin {
            username: "-".to_owned(),
            // Below 2^62, which leaves room for everybody's arithmetic (RFC 3264 §5).
            session_id: (rng.next_u64() >> 2).to_string(),
            session_version: "1".to_owned(),
            address: address.clone(),
        },
        // All but the version stays for the whole session, also where media moves.
        |previous| previous.origin.clone(),
    );
    let mut description = SessionDescription {
        origin,
        session_name: "-".to_owned(),
        connection: Some(address),
        timing,
        attributes: Vec::new(),
        media,
    };
    if previous.is_some_and(|previous| *previous != description) {
        let version: u64 = description.origin.session_version.parse().unwrap_or(0);
        description.origin.session_version = version.saturating_add(1).to_string();
    }
    description
}
