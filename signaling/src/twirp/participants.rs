// SPDX-License-Identifier: EUPL-1.2
//! Looking at participants, changing what they may do, and removing them.

use std::time::{SystemTime, UNIX_EPOCH};

use bus::TrackSid;
use livekit_protocol as proto;

use super::error::{Code, TwirpError};
use super::service::Caller;
use crate::auth::revocation::{ANY_TOKEN, Revocation};
use crate::meeting_sessions::model::session_of_room;
use crate::meeting_sessions::removal;
use crate::rooms::details::{DetailsChange, MAX_NAME_BYTES, is_reserved};
use crate::rooms::input::{Control, Destination};
use crate::rooms::output::ControlReply;
use crate::session::convert;

pub(super) async fn list(
    caller: Caller,
    request: proto::ListParticipantsRequest,
) -> Result<proto::ListParticipantsResponse, TwirpError> {
    let room = caller.administered_room(&request.room)?;
    match room.control(Control::ListParticipants).await? {
        ControlReply::Participants(infos) => {
            let participants = infos.iter().map(|info| convert::participant(info)).collect();
            Ok(proto::ListParticipantsResponse { participants })
        }
        _ => Err(unexpected()),
    }
}

pub(super) async fn get(
    caller: Caller,
    request: proto::RoomParticipantIdentity,
) -> Result<proto::ParticipantInfo, TwirpError> {
    let room = caller.administered_room(&request.room)?;
    participant(room.control(Control::GetParticipant(request.identity.into())).await?)
}

/// Removes somebody, who cannot come back with a token issued before. That holds also for somebody who is not there at
/// the moment.
pub(super) async fn remove(
    caller: Caller,
    request: proto::RoomParticipantIdentity,
) -> Result<proto::RemoveParticipantResponse, TwirpError> {
    caller.check_changes(&request.room)?;
    if request.identity.len() > MAX_NAME_BYTES {
        return Err(TwirpError::new(Code::InvalidArgument, "identity length exceeds limits"));
    }
    if let Some(run) = session_of_room(&request.room) {
        let is_known = removal::by_operator(&caller.app, run, &request.identity).await?;
        return if is_known { Ok(proto::RemoveParticipantResponse {}) } else { Err(TwirpError::no_such_participant()) };
    }
    // What is remembered comes from whoever moderates any room: it is bounded, and of a room that there is.
    let room = caller.administered_room(&request.room)?;
    let now = SystemTime::now();
    let issued_until = match u64::try_from(request.revoke_token_ts) {
        // Tokens from before that second are refused.
        Ok(before) if before > 0 => before - 1,
        _ => now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
    };
    let revocation = Revocation {
        room: request.room.clone(),
        identity: request.identity.clone(),
        issued_until,
        forget_at: now + ANY_TOKEN,
    };
    caller.app.revocations.note(now, &revocation);
    let outcome = room.control(Control::RemoveParticipant(request.identity.into())).await;
    // Afterwards, for nobody shall stay because the database is slow.
    caller.app.revocations.keep(&caller.app.store, &revocation).await;
    outcome?;
    Ok(proto::RemoveParticipantResponse {})
}

/// Sends somebody to another room, for whoever administers the one and may send people to the other.
pub(super) async fn move_to(
    caller: Caller,
    request: proto::MoveParticipantRequest,
) -> Result<proto::MoveParticipantResponse, TwirpError> {
    let room = caller.changed_room(&request.room)?;
    let destination = &caller.token.grants.destination_room;
    if destination.is_empty() || *destination != request.destination_room {
        return Err(TwirpError::denied());
    }
    if *destination == request.room {
        return Err(TwirpError::new(Code::InvalidArgument, "the destination is the same room"));
    }
    // Who comes to a meeting is let in there, by its own rules.
    if session_of_room(destination).is_some() {
        return Err(TwirpError::denied());
    }
    let to = Destination::Room(request.destination_room);
    room.control(Control::Move { identity: request.identity.into(), to }).await?;
    Ok(proto::MoveParticipantResponse {})
}

pub(super) async fn update(
    caller: Caller,
    request: proto::UpdateParticipantRequest,
) -> Result<proto::ParticipantInfo, TwirpError> {
    let room = caller.changed_room(&request.room)?;
    let change = DetailsChange {
        name: request.name,
        metadata: request.metadata,
        // Those are the server's own to set.
        attributes: request.attributes.into_iter().filter(|(name, _)| !is_reserved(name)).collect(),
    };
    let permissions = request.permission.as_ref().map(convert::permissions_from);
    let control = Control::UpdateParticipant { identity: request.identity.into(), change, permissions };
    participant(room.control(control).await?)
}

pub(super) async fn mute_track(
    caller: Caller,
    request: proto::MuteRoomTrackRequest,
) -> Result<proto::MuteRoomTrackResponse, TwirpError> {
    let room = caller.changed_room(&request.room)?;
    let control =
        Control::Mute { identity: request.identity.into(), track: request.track_sid.into(), is_muted: request.muted };
    match room.control(control).await? {
        ControlReply::Track(info) => Ok(proto::MuteRoomTrackResponse { track: Some(convert::track(&info)) }),
        _ => Err(unexpected()),
    }
}

pub(super) async fn update_subscriptions(
    caller: Caller,
    request: proto::UpdateSubscriptionsRequest,
) -> Result<proto::UpdateSubscriptionsResponse, TwirpError> {
    let room = caller.changed_room(&request.room)?;
    let of_participants = request.participant_tracks.into_iter().flat_map(|tracks| tracks.track_sids);
    let tracks = request.track_sids.into_iter().chain(of_participants).map(TrackSid::from).collect();
    let control = Control::Subscribe { identity: request.identity.into(), tracks, subscribe: request.subscribe };
    room.control(control).await?;
    Ok(proto::UpdateSubscriptionsResponse {})
}

fn participant(reply: ControlReply) -> Result<proto::ParticipantInfo, TwirpError> {
    match reply {
        ControlReply::Participant(info) => Ok(convert::participant(&info)),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> TwirpError {
    TwirpError::new(Code::Internal, "unexpected answer")
}
