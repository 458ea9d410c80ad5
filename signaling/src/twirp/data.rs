// SPDX-License-Identifier: EUPL-1.2
//! Sending messages into a room from outside.

use bus::DataChannel;
use livekit_protocol as proto;

use super::error::{Code, TwirpError};
use super::service::Caller;
use crate::rooms::input::Control;
use crate::session::data_packets;

/// Longest message that data channels of browsers carry.
const MAX_DATA_BYTES: usize = 60_000;

/// SDKs send sixteen random bytes, by which receivers know a message that came twice.
const NONCE_BYTES: usize = 16;

#[expect(deprecated, reason = "clients of every age write these messages")]
pub(super) async fn send(
    caller: Caller,
    request: proto::SendDataRequest,
) -> Result<proto::SendDataResponse, TwirpError> {
    let room = caller.changed_room(&request.room)?;
    if request.data.len() > MAX_DATA_BYTES {
        return Err(TwirpError::new(Code::InvalidArgument, "data is too large"));
    }
    if !matches!(request.nonce.len(), 0 | NONCE_BYTES) {
        return Err(TwirpError::new(Code::InvalidArgument, "nonce must be 16 bytes"));
    }
    let channel = match proto::data_packet::Kind::try_from(request.kind) {
        Ok(proto::data_packet::Kind::Lossy) => DataChannel::Lossy,
        Ok(proto::data_packet::Kind::Reliable) | Err(_) => DataChannel::Reliable,
    };
    let user = proto::UserPacket {
        payload: request.data,
        topic: request.topic,
        nonce: request.nonce,
        ..proto::UserPacket::default()
    };
    let packet = data_packets::from_server(user, request.destination_identities, request.destination_sids);
    room.control(Control::SendData { channel, packet }).await?;
    Ok(proto::SendDataResponse {})
}
