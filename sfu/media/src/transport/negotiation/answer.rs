// SPDX-License-Identifier: EUPL-1.2
//! Writing the answer (RFC 8829 §5.3).
//!
//! It has one m-line for each of the offer, in the same order. The m-line with the BUNDLE tag carries our candidates
//! whether it is used for media or not. M-lines that we do not need are inactive rather than refused, so that
//! they stay for the next answer; only those that the client stopped or that are of no known kind get port 0.

use std::net::{IpAddr, Ipv4Addr};

use rtc_sdp::SessionDescription;
use rtc_sdp::description::common::{Address, Attribute, ConnectionInformation};
use rtc_sdp::description::media::{MediaDescription, MediaName, RangedPort};
use rtc_sdp::description::session::{Origin, TimeDescription};

use super::codecs::Flow;
use super::offer::Offer;
use super::roles::{DownlinkRole, Role, UplinkRole};
use super::sections::{Section, codec_of};
use super::simulcast::Stream;
use super::{NegotiationConfig, candidates, extensions, limits, transport_parameters};
use crate::session::{ExtensionIds, IceCredentials, MediaKind};

/// The port of an m-line whose address is among its candidates (RFC 8839 §4.3.1).
const DISCARD_PORT: isize = 9;

/// All that goes into an answer.
pub(super) struct Answer<'a> {
    pub(super) offer: &'a Offer,
    /// One for each m-line of the offer.
    pub(super) roles: &'a [Role<'a>],
    pub(super) extensions: ExtensionIds,
    pub(super) local: &'a IceCredentials,
    pub(super) config: &'a NegotiationConfig,
    pub(super) session_id: u64,
    /// Grows with every answer.
    pub(super) version: u64,
}

/// The answer in SDP.
pub(super) fn write(answer: &Answer<'_>) -> String {
    let mut description = SessionDescription {
        origin: Origin {
            username: "-".to_owned(),
            session_id: answer.session_id,
            session_version: answer.version,
            network_type: "IN".to_owned(),
            address_type: "IP4".to_owned(),
            unicast_address: Ipv4Addr::UNSPECIFIED.to_string(),
        },
        session_name: "-".to_owned(),
        time_descriptions: vec![TimeDescription::default()],
        attributes: session_attributes(answer),
        ..SessionDescription::default()
    };
    for (index, (section, role)) in answer.offer.sections.iter().zip(answer.roles).enumerate() {
        description.media_descriptions.push(media(answer, index, section, role));
    }
    description.marshal()
}

fn session_attributes(answer: &Answer<'_>) -> Vec<Attribute> {
    let sections = &answer.offer.sections;
    let bundled = answer.offer.bundle.iter().filter_map(|index| sections[*index].mid.as_ref());
    let group = bundled.fold("BUNDLE".to_owned(), |group, mid| group + " " + mid.as_str());
    let fingerprint = format!("sha-256 {}", transport_parameters::write_digest(&answer.config.fingerprint));
    vec![
        valued("group", group),
        flag("ice-lite"),
        valued("msid-semantic", "WMS *".to_owned()),
        valued("fingerprint", fingerprint),
    ]
}

fn media(answer: &Answer<'_>, index: usize, section: &Section, role: &Role<'_>) -> MediaDescription {
    let is_refused = matches!(role, Role::Refused);
    let mut media = MediaDescription {
        media_name: MediaName {
            media: section.name.media.clone(),
            port: RangedPort { value: if is_refused { 0 } else { DISCARD_PORT }, range: None },
            protos: section.name.protos.clone(),
            formats: Vec::new(),
        },
        connection_information: Some(no_address()),
        ..MediaDescription::default()
    };
    if !is_refused {
        transport(answer, index, &mut media);
    }
    if let Some(mid) = &section.mid {
        media.attributes.push(valued("mid", mid.as_str().to_owned()));
    }
    match role {
        Role::Refused => refused(section, &mut media),
        Role::Data => data(&mut media),
        Role::Idle(kind) => idle(answer, section, *kind, &mut media),
        Role::Uplink(role) => uplink(answer, section, role, &mut media),
        Role::Downlink(role) => downlink(answer, section, role, &mut media),
    }
    media
}

fn transport(answer: &Answer<'_>, index: usize, media: &mut MediaDescription) {
    media.attributes.extend([
        valued("ice-ufrag", answer.local.ufrag.to_string()),
        valued("ice-pwd", answer.local.password.to_string()),
        valued("setup", "passive".to_owned()),
    ]);
    if answer.offer.bundle.first() == Some(&index) {
        media.attributes.extend(candidates::lines(&answer.config.candidates).map(|line| valued("candidate", line)));
        media.attributes.push(flag("end-of-candidates"));
    }
}

fn refused(section: &Section, media: &mut MediaDescription) {
    // There must be one (RFC 8866 §5.14); it means nothing.
    media.media_name.formats.extend(section.name.formats.first().cloned());
    media.attributes.push(flag("inactive"));
}

fn data(media: &mut MediaDescription) {
    media.media_name.formats.push("webrtc-datachannel".to_owned());
    media.attributes.extend([
        valued("sctp-port", "5000".to_owned()),
        valued("max-message-size", limits::MAX_DATA_MESSAGE_BYTES.to_string()),
    ]);
}

fn idle(answer: &Answer<'_>, section: &Section, kind: MediaKind, media: &mut MediaDescription) {
    rtp(section, "inactive", media);
    match section.codecs.choose(codec_of(kind), Flow::Down) {
        Some(codec) => codec.describe(media),
        None => section.codecs.describe_preferred(media),
    }
    if media.media_name.formats.is_empty() {
        media.media_name.formats.extend(section.name.formats.first().cloned());
    }
    header_extensions(answer, section, Flow::Down, media);
}

fn uplink(answer: &Answer<'_>, section: &Section, role: &UplinkRole<'_>, media: &mut MediaDescription) {
    rtp(section, "recvonly", media);
    role.codec.describe_uplink(media, role.publication.is_stereo, role.publication.wants_dtx);
    header_extensions(answer, section, Flow::Up, media);
    for stream in &role.simulcast {
        media.attributes.push(valued("rid", format!("{} recv", stream.rid.as_str())));
    }
    if !role.simulcast.is_empty() {
        // What is paused stays so: Chromium takes a stream without its `~` as an order to resume it.
        let name = |stream: &&Stream| format!("{}{}", if stream.is_paused { "~" } else { "" }, stream.rid.as_str());
        let names: Vec<_> = role.simulcast.iter().map(name).collect();
        media.attributes.push(valued("simulcast", format!("recv {}", names.join(";"))));
    }
}

fn downlink(answer: &Answer<'_>, section: &Section, role: &DownlinkRole<'_>, media: &mut MediaDescription) {
    rtp(section, "sendonly", media);
    role.codec.describe(media);
    let request = &role.subscription.request;
    header_extensions(answer, section, Flow::Down, media);
    let (stream_id, track_id) = (request.msid.stream_id(), request.msid.track_id());
    media.attributes.push(valued("msid", format!("{stream_id} {track_id}")));
    let ssrc = role.subscription.ssrc;
    if let Some(rtx_ssrc) = role.rtx_ssrc() {
        media.attributes.push(valued("ssrc-group", format!("FID {ssrc} {rtx_ssrc}")));
    }
    // One name for all sources that are played in sync (RFC 7022), which is what a stream is.
    for ssrc in std::iter::once(ssrc).chain(role.rtx_ssrc()) {
        media.attributes.push(valued("ssrc", format!("{ssrc} cname:{stream_id}")));
    }
}

fn rtp(section: &Section, direction: &str, media: &mut MediaDescription) {
    media.attributes.extend([flag(direction), flag("rtcp-mux")]);
    if section.takes_reduced_size_rtcp {
        media.attributes.push(flag("rtcp-rsize"));
    }
}

fn header_extensions(answer: &Answer<'_>, section: &Section, flow: Flow, media: &mut MediaDescription) {
    let answered = extensions::answered(section, flow, answer.extensions);
    media.attributes.extend(answered.map(|value| valued("extmap", value)));
}

fn no_address() -> ConnectionInformation {
    ConnectionInformation {
        network_type: "IN".to_owned(),
        address_type: "IP4".to_owned(),
        address: Some(Address { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED).to_string(), ttl: None, range: None }),
    }
}

fn valued(name: &str, value: String) -> Attribute {
    Attribute::new(name.to_owned(), Some(value))
}

fn flag(name: &str) -> Attribute {
    Attribute::new(name.to_owned(), None)
}
