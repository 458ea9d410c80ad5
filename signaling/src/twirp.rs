// SPDX-License-Identifier: EUPL-1.2
//! LiveKit's RoomService, by which administrators and applications manage rooms, and what of its SIP service Saal has. Twirp: one
//! POST per method, in JSON or protobuf.

mod codec;
mod data;
mod error;
mod participants;
mod room_service;
mod rooms;
mod service;
mod sip;

pub(crate) use service::routes;
