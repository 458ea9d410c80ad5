// SPDX-License-Identifier: EUPL-1.2
//! Invitees in the database.

use store::{StoreError, Tx, sql};

use super::super::model::Invitee;
use crate::api::ids::{InviteeId, MeetingId};

/// Most people whom one meeting invites.
pub(crate) const MAX_INVITEES: i64 = 1000;

/// Everybody who is invited, and those whose invitation was withdrawn: see `revoked_at`.
pub(crate) async fn of_meeting(tx: &mut Tx, meeting: MeetingId) -> Result<Vec<Invitee>, StoreError> {
    let select = sql("SELECT * FROM invitees WHERE meeting_id = $1 ORDER BY created_at, id LIMIT $2");
    tx.all(select.bind(meeting).bind(MAX_INVITEES)).await
}

/// The one with that id, if they are invited to that meeting.
pub(crate) async fn find(tx: &mut Tx, meeting: MeetingId, id: InviteeId) -> Result<Option<Invitee>, StoreError> {
    let select = sql("SELECT * FROM invitees WHERE id = $1 AND meeting_id = $2");
    tx.optional(select.bind(id).bind(meeting)).await
}
