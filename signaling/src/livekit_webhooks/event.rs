// SPDX-License-Identifier: EUPL-1.2
//! What happened, in LiveKit's words.

use std::time::{SystemTime, UNIX_EPOCH};

use livekit_protocol as proto;

use crate::identity::secret;
use crate::rooms::info::{DisconnectReason, ParticipantInfo, RoomInfo};
use crate::rooms::output::Milestone;
use crate::session::convert;

/// Bytes of randomness in an event's id.
const ID_BYTES: usize = 12;

/// The event for something that happened in a room.
pub(super) fn describe(room: &RoomInfo, milestone: &Milestone) -> proto::WebhookEvent {
    let (event, participant, track) = match milestone {
        Milestone::Started => ("room_started", None, None),
        Milestone::Finished(_) => ("room_finished", None, None),
        Milestone::Joined(who) => ("participant_joined", Some(convert::participant(who)), None),
        Milestone::Left(who) => ("participant_left", Some(convert::participant(who)), None),
        Milestone::Aborted(who) => ("participant_connection_aborted", Some(convert::participant(who)), None),
        Milestone::Published { publisher, track } => {
            ("track_published", Some(publisher_of(publisher)), Some(convert::track(track)))
        }
        Milestone::Unpublished { publisher, track } => {
            ("track_unpublished", Some(publisher_of(publisher)), Some(convert::track(track)))
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    proto::WebhookEvent {
        event: event.to_owned(),
        room: Some(convert::room(room)),
        participant,
        track,
        id: id(),
        created_at: i64::try_from(now.as_secs()).unwrap_or_default(),
        room_end_reason: if let Milestone::Finished(reason) = milestone { end_reason(*reason).into() } else { 0 },
        ..Default::default()
    }
}

fn id() -> String {
    let random: [u8; ID_BYTES] = rand::random();
    format!("EV_{}", secret::hex(&random))
}

/// Whose track it is. The list of all their tracks would say nothing new, and at their end something wrong.
fn publisher_of(info: &ParticipantInfo) -> proto::ParticipantInfo {
    proto::ParticipantInfo { tracks: Vec::new(), ..convert::participant(info) }
}

fn end_reason(reason: DisconnectReason) -> proto::RoomEndReason {
    match reason {
        DisconnectReason::RoomDeleted => proto::RoomEndReason::RoomEndApiDelete,
        DisconnectReason::RoomClosed => proto::RoomEndReason::RoomEndIdleTimeout,
        DisconnectReason::ServerShutdown => proto::RoomEndReason::RoomEndServerShutdown,
        _ => proto::RoomEndReason::RoomEndUnknown,
    }
}
