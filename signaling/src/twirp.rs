// SPDX-License-Identifier: EUPL-1.2
//! LiveKit's RoomService, by which administrators and applications manage rooms. Twirp: one POST per method, in JSON or
//! protobuf.

mod codec;
mod data;
mod error;
mod participants;
mod room_service;
mod rooms;

pub(crate) use room_service::routes;
