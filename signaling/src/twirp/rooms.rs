// SPDX-License-Identifier: EUPL-1.2
//! Making, finding and ending rooms.

use std::time::Duration;

use livekit_protocol as proto;

use super::error::{Code, TwirpError};
use super::service::Caller;
use crate::meeting_sessions::model::session_of_room;
use crate::rooms::details::{MAX_METADATA_BYTES, MAX_NAME_BYTES};
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::{Control, Input, RoomChange};
use crate::rooms::output::ControlReply;
use crate::session::convert;

pub(super) async fn create(caller: Caller, request: proto::CreateRoomRequest) -> Result<proto::Room, TwirpError> {
    if !caller.token.grants.room_create {
        return Err(TwirpError::denied());
    }
    if request.name.is_empty() {
        return Err(TwirpError::new(Code::InvalidArgument, "no room name"));
    }
    if request.name.len() > MAX_NAME_BYTES {
        return Err(TwirpError::new(Code::InvalidArgument, "room name length exceeds limits"));
    }
    if session_of_room(&request.name).is_some() {
        return Err(TwirpError::new(Code::InvalidArgument, "the name is a meeting's"));
    }
    check_metadata(&request.metadata)?;
    let seconds = |seconds: u32| (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    let change = RoomChange {
        empty_timeout: seconds(request.empty_timeout),
        departure_timeout: seconds(request.departure_timeout),
        max_participants: (request.max_participants > 0).then_some(request.max_participants),
        metadata: (!request.metadata.is_empty()).then_some(request.metadata),
    };
    let (room, is_new) = caller
        .app
        .directory
        .get_or_create(&request.name, &change)
        .ok_or(TwirpError::new(Code::Unavailable, "the server is about to end"))?;
    if is_new || change == RoomChange::default() {
        return Ok(convert::room(&room.info()));
    }
    // A room that exists takes on what is asked for, as with LiveKit.
    described(room.control(Control::Configure(change)).await?)
}

pub(super) async fn list(
    caller: Caller,
    request: proto::ListRoomsRequest,
) -> Result<proto::ListRoomsResponse, TwirpError> {
    if !caller.token.grants.room_list {
        return Err(TwirpError::denied());
    }
    let rooms = caller.app.directory.list(&request.names);
    Ok(proto::ListRoomsResponse { rooms: rooms.iter().map(convert::room).collect() })
}

pub(super) async fn delete(
    caller: Caller,
    request: proto::DeleteRoomRequest,
) -> Result<proto::DeleteRoomResponse, TwirpError> {
    let room = caller.app.directory.get(&request.room);
    if !caller.token.grants.room_create {
        return Err(TwirpError::denied());
    }
    let room = room.ok_or_else(TwirpError::no_such_room)?;
    room.send(Input::Close(DisconnectReason::RoomDeleted)).await;
    room.ended().await;
    Ok(proto::DeleteRoomResponse {})
}

pub(super) async fn update_metadata(
    caller: Caller,
    request: proto::UpdateRoomMetadataRequest,
) -> Result<proto::Room, TwirpError> {
    let room = caller.changed_room(&request.room)?;
    check_metadata(&request.metadata)?;
    described(room.control(Control::SetMetadata(request.metadata)).await?)
}

fn described(reply: ControlReply) -> Result<proto::Room, TwirpError> {
    match reply {
        ControlReply::Room(info) => Ok(convert::room(&info)),
        _ => Err(TwirpError::new(Code::Internal, "unexpected answer")),
    }
}

fn check_metadata(metadata: &str) -> Result<(), TwirpError> {
    if metadata.len() > MAX_METADATA_BYTES {
        return Err(TwirpError::new(Code::InvalidArgument, "metadata size exceeds limits"));
    }
    Ok(())
}
