// SPDX-License-Identifier: EUPL-1.2
//! The methods of RoomService.

use super::error::{Code, TwirpError};
use super::service::{Call, Outcome};
use super::{data, participants, rooms};

/// Calls a method. Its name comes back as ours, since a caller could make up any number of them.
pub(super) async fn call(method: &str, call: Call) -> Outcome {
    match method {
        "CreateRoom" => ("CreateRoom", call.answer(rooms::create).await),
        "ListRooms" => ("ListRooms", call.answer(rooms::list).await),
        "DeleteRoom" => ("DeleteRoom", call.answer(rooms::delete).await),
        "UpdateRoomMetadata" => ("UpdateRoomMetadata", call.answer(rooms::update_metadata).await),
        "ListParticipants" => ("ListParticipants", call.answer(participants::list).await),
        "GetParticipant" => ("GetParticipant", call.answer(participants::get).await),
        "RemoveParticipant" => ("RemoveParticipant", call.answer(participants::remove).await),
        "UpdateParticipant" => ("UpdateParticipant", call.answer(participants::update).await),
        "MutePublishedTrack" => ("MutePublishedTrack", call.answer(participants::mute_track).await),
        "UpdateSubscriptions" => ("UpdateSubscriptions", call.answer(participants::update_subscriptions).await),
        "SendData" => ("SendData", call.answer(data::send).await),
        "MoveParticipant" => ("MoveParticipant", call.answer(participants::move_to).await),
        "ForwardParticipant" | "PerformRpc" => {
            ("unimplemented", Err(TwirpError::new(Code::Unimplemented, "not supported by this server")))
        }
        _ => ("unknown", Err(TwirpError::new(Code::BadRoute, "no handler for path"))),
    }
}
