// SPDX-License-Identifier: EUPL-1.2
//! A client wants tracks, or does not want them any more.

use bus::TrackSid;
use livekit_protocol::{ParticipantTracks, UpdateSubscription};

use super::Task;
use crate::rooms::input::Request;

/// Tracks that one request can name. A large room has fewer.
pub(crate) const MAX_TRACKS: usize = 5000;

pub(super) fn parse(request: UpdateSubscription) -> Task {
    let tracks = tracks(request.track_sids, request.participant_tracks);
    Task::Room(Request::Subscribe { tracks, subscribe: request.subscribe })
}

/// Tracks named in either way.
pub(crate) fn tracks(sids: Vec<String>, of_participants: Vec<ParticipantTracks>) -> Vec<TrackSid> {
    let of_participants = of_participants.into_iter().flat_map(|tracks| tracks.track_sids);
    sids.into_iter().chain(of_participants).take(MAX_TRACKS).map(TrackSid::from).collect()
}
