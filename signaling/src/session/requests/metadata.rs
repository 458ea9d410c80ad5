// SPDX-License-Identifier: EUPL-1.2
//! A client changes what it shows of itself.

use livekit_protocol::UpdateParticipantMetadata;

use super::Task;
use crate::rooms::details::DetailsChange;
use crate::rooms::input::Request;

pub(super) fn parse(update: UpdateParticipantMetadata) -> Task {
    let change = DetailsChange {
        name: update.name,
        metadata: update.metadata,
        attributes: update.attributes.into_iter().collect(),
    };
    Task::Room(Request::ChangeDetails { request_id: update.request_id, change })
}
