// SPDX-License-Identifier: EUPL-1.2
//! Coming back on a new websocket, with media still flowing.

use std::collections::BTreeSet;

use bus::TrackSid;
use livekit_protocol as proto;

use super::join;
use super::requests::subscription::{self, MAX_TRACKS};
use crate::auth::room_token::RoomToken;
use crate::rooms::input::{Resume, SessionId, SyncState};

/// What the client sent.
pub(super) fn request(session: SessionId, token: &RoomToken, join: proto::JoinRequest) -> Resume {
    Resume {
        session,
        identity: token.identity().into(),
        participant: join.participant_sid.into(),
        sync: join.sync_state.map(sync_state),
    }
}

/// The first message to somebody who is still in.
pub(super) fn response(last_message_seq: u32) -> proto::ReconnectResponse {
    proto::ReconnectResponse { server_info: Some(join::server_info()), last_message_seq, ..Default::default() }
}

/// What the client believes. Its descriptions and data channels are the SFU's own, which has kept them.
pub(super) fn sync_state(sync: proto::SyncState) -> SyncState {
    let subscription = sync.subscription.unwrap_or_default();
    let published = sync.publish_tracks.into_iter().filter_map(|published| published.track);
    SyncState {
        subscribe: subscription.subscribe,
        tracks: subscription::tracks(subscription.track_sids, subscription.participant_tracks),
        disabled: sync.track_sids_disabled.into_iter().take(MAX_TRACKS).map(TrackSid::from).collect(),
        published: published.take(MAX_TRACKS).map(|track| TrackSid::from(track.sid)).collect::<BTreeSet<_>>(),
    }
}
