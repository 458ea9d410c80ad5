// SPDX-License-Identifier: EUPL-1.2
//! Coming in: what a client sends in its join request, and what it is answered.

use livekit_protocol as proto;

use super::admission::Admitted;
use super::{convert, ping, requests};
use crate::auth::room_token::RoomToken;
use crate::rooms::details::{Details, TooLong, is_reserved};
use crate::rooms::info::{ClientFeatures, ParticipantKind, Profile};
use crate::rooms::input::{Join, Offer, SessionId};
use crate::rooms::output::Joined;

/// Version of LiveKit's server that clients switch features by: RPC needs 1.8.0, without any they refuse to join.
const COMPATIBLE_VERSION: &str = "1.13.0";

/// Version of LiveKit's protocol that goes with it. Clients treat it as "at least".
const PROTOCOL: i32 = 16;

/// Tracks that can be announced with a join: more than a room lets wait. Each is answered, also with no.
const MAX_TRACKS: usize = 32;

/// What the client sent, checked as far as a room need not be asked.
pub(super) fn request(session: SessionId, admitted: &Admitted) -> Join {
    let Admitted { token, join, details, connection, caller } = admitted;
    let join = join.clone();
    let client = join.client_info.unwrap_or_default();
    let capabilities = convert::known_numbers::<proto::client_info::Capability>(&client.capabilities);
    let kind_details = token.claims.kind_details.iter().flatten();
    let kind_details =
        kind_details.filter_map(|name| proto::participant_info::KindDetail::from_str_name(&name.to_uppercase()));
    Join {
        session,
        profile: Profile {
            identity: token.identity().into(),
            kind: kind(token),
            kind_details: kind_details.map(i32::from).collect(),
            details: details.clone(),
            permissions: token.grants.permissions(),
            is_moderator: token.grants.room_admin,
            client: ClientFeatures { protocol: client.client_protocol, capabilities },
        },
        connection: *connection,
        caller: caller.clone(),
        // A client that says nothing wants to see and hear.
        auto_subscribe: join.connection_settings.is_none_or(|settings| settings.auto_subscribe),
        tracks: join.add_track_requests.into_iter().take(MAX_TRACKS).map(requests::add_track::parse).collect(),
        offer: join.publisher_offer.map(|offer| Offer { id: offer.id, sdp: offer.sdp }),
    }
}

/// What kind of participant a token makes. Old ones say so among the grants.
fn kind(token: &RoomToken) -> ParticipantKind {
    match ParticipantKind::parse(&token.claims.kind) {
        ParticipantKind::Standard if token.grants.agent => ParticipantKind::Agent,
        ParticipantKind::Standard if token.grants.recorder => ParticipantKind::Egress,
        kind => kind,
    }
}

/// What a participant shows of itself: what the token says and, over it, what the client sent. Whether it may send
/// anything has been checked.
pub(super) fn details(token: &RoomToken, join: &proto::JoinRequest) -> Result<Details, TooLong> {
    let mut details = Details {
        name: token.claims.name.clone(),
        metadata: token.claims.metadata.clone(),
        attributes: token.claims.attributes.clone().unwrap_or_default(),
    };
    if !join.metadata.is_empty() {
        details.metadata.clone_from(&join.metadata);
    }
    // An attribute without a value removes none here, unlike later.
    let sent = join.participant_attributes.iter().filter(|(name, value)| !value.is_empty() && !is_reserved(name));
    details.attributes.extend(sent.map(|(name, value)| (name.clone(), value.clone())));
    details.checked()
}

/// The first message to somebody who is in.
pub(super) fn response(joined: &Joined) -> proto::JoinResponse {
    let permissions = &joined.participant.profile.permissions;
    proto::JoinResponse {
        room: Some(convert::room(&joined.room)),
        participant: Some(convert::participant(&joined.participant)),
        other_participants: joined.others.iter().map(|other| convert::participant(other)).collect(),
        server_version: COMPATIBLE_VERSION.to_owned(),
        // The server is reached directly, and LiveKit's clients take an empty list as it is: no STUN server of a third
        // party ever hears of them.
        ice_servers: Vec::new(),
        subscriber_primary: false,
        ping_interval: ping::PING_INTERVAL_SECONDS,
        ping_timeout: ping::PING_TIMEOUT_SECONDS,
        server_info: Some(server_info()),
        // Empty: the client then waits for the track to be known here before it offers an m-line for it.
        enabled_publish_codecs: Vec::new(),
        fast_publish: permissions.can_publish,
        ..Default::default()
    }
}

/// Who we say we are.
pub(super) fn server_info() -> proto::ServerInfo {
    proto::ServerInfo {
        edition: proto::server_info::Edition::Standard.into(),
        version: COMPATIBLE_VERSION.to_owned(),
        protocol: PROTOCOL,
        debug_info: concat!("saal ", env!("CARGO_PKG_VERSION")).to_owned(),
        ..Default::default()
    }
}
