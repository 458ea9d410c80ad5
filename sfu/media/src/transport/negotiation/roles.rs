// SPDX-License-Identifier: EUPL-1.2
//! What each m-line of an offer is used for, and the session that follows from it.

use super::codecs::{ChosenCodec, Flow};
use super::extensions;
use super::publications::{Publication, Publications};
use super::sections::{Purpose, Section, codec_of};
use super::simulcast::{self, Stream};
use super::subscriptions::{Subscription, Subscriptions};
use crate::session::{Downlink, ExtensionIds, MediaKind, Mid, Session, Uplink};

/// What an m-line is used for.
pub(super) enum Role<'a> {
    /// Nothing, and it is taken out of the transport.
    Refused,
    /// Data channels.
    Data,
    /// Nothing at present.
    Idle(MediaKind),
    /// The client sends.
    Uplink(UplinkRole<'a>),
    /// The client receives.
    Downlink(DownlinkRole<'a>),
}

/// An m-line on which the client sends.
pub(super) struct UplinkRole<'a> {
    pub(super) publication: &'a Publication,
    pub(super) codec: ChosenCodec<'a>,
    /// In the order of the offer; empty without simulcast.
    pub(super) simulcast: Vec<&'a Stream>,
}

/// An m-line on which the client receives.
pub(super) struct DownlinkRole<'a> {
    pub(super) subscription: &'a Subscription,
    pub(super) codec: ChosenCodec<'a>,
}

impl DownlinkRole<'_> {
    /// SSRC of the retransmissions, if the client understands them.
    pub(super) fn rtx_ssrc(&self) -> Option<u32> {
        self.codec.negotiated.rtx_payload_type.map(|_| self.subscription.rtx_ssrc)
    }
}

/// The role of every m-line.
pub(super) fn of<'a>(
    sections: &'a [Section],
    publications: &'a Publications,
    subscriptions: &'a Subscriptions,
    agreed: ExtensionIds,
) -> Vec<Role<'a>> {
    let role = |section: &'a Section| {
        if !section.is_usable {
            return Role::Refused;
        }
        let (kind, mid) = match (section.purpose, &section.mid) {
            (Purpose::Media(kind), Some(mid)) => (kind, mid),
            (Purpose::Data, _) => return Role::Data,
            _ => return Role::Refused,
        };
        uplink(section, kind, mid, publications, agreed)
            .or_else(|| downlink(section, mid, subscriptions))
            .unwrap_or(Role::Idle(kind))
    };
    sections.iter().map(role).collect()
}

/// The session that these roles make.
pub(super) fn session(sections: &[Section], roles: &[Role<'_>], agreed: ExtensionIds) -> Session {
    let mut session = Session { extensions: agreed, ..Session::default() };
    for (section, role) in sections.iter().zip(roles) {
        let Some(mid) = &section.mid else { continue };
        match role {
            Role::Refused | Role::Idle(_) => {}
            Role::Data => session.data_channels = true,
            Role::Uplink(uplink) => session.uplinks.push(uplink_of(section, mid, uplink)),
            Role::Downlink(downlink) => session.downlinks.push(Downlink {
                mid: mid.clone(),
                track: downlink.subscription.request.track,
                codec: downlink.codec.negotiated,
                ssrc: downlink.subscription.ssrc,
                rtx_ssrc: downlink.rtx_ssrc(),
            }),
        }
    }
    session
}

fn uplink<'a>(
    section: &'a Section,
    kind: MediaKind,
    mid: &Mid,
    publications: &'a Publications,
    agreed: ExtensionIds,
) -> Option<Role<'a>> {
    let publication = publications.on(mid)?;
    let codec = section.codecs.choose(codec_of(kind), Flow::Up)?;
    // Without both extensions nobody could tell the streams apart; the client then sends the first one only.
    let is_simulcast = extensions::is_offered(section, agreed.rid) && extensions::is_offered(section, agreed.mid);
    let allowed = |stream: &&Stream| is_simulcast && stream.allows(codec.negotiated.payload_type);
    let simulcast = section.simulcast.iter().filter(allowed).collect();
    Some(Role::Uplink(UplinkRole { publication, codec, simulcast }))
}

fn downlink<'a>(section: &'a Section, mid: &Mid, subscriptions: &'a Subscriptions) -> Option<Role<'a>> {
    let subscription = subscriptions.on(mid)?;
    let codec = section.codecs.choose(subscription.request.codec, Flow::Down)?;
    Some(Role::Downlink(DownlinkRole { subscription, codec }))
}

fn uplink_of(section: &Section, mid: &Mid, role: &UplinkRole<'_>) -> Uplink {
    let codec = role.codec.negotiated;
    let has_rtx = codec.rtx_payload_type.is_some();
    let ssrcs = if role.simulcast.is_empty() {
        section.sources.iter().map(|(ssrc, rtx)| (*ssrc, rtx.filter(|_| has_rtx))).collect()
    } else {
        Vec::new()
    };
    Uplink {
        mid: mid.clone(),
        track: role.publication.track,
        speaker_group: role.publication.speaker_group,
        codec,
        rids: simulcast::smallest_first(role.simulcast.iter().copied()),
        ssrcs,
    }
}
