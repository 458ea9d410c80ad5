// SPDX-License-Identifier: EUPL-1.2
//! Occurrences in the database.

use chrono::{DateTime, Utc};
use store::{StoreError, Tx, sql};

use super::super::model::{Occurrence, RecurrenceId};
use crate::api::ids::MeetingId;

/// The one of that meeting with that id.
pub(crate) async fn find(tx: &mut Tx, meeting: MeetingId, id: RecurrenceId) -> Result<Option<Occurrence>, StoreError> {
    let select = sql("SELECT * FROM occurrences WHERE meeting_id = $1 AND recurrence_id = $2");
    tx.optional(select.bind(meeting).bind(id.0)).await
}

/// The first ones of a meeting whose ids are not before `from`, by id.
pub(crate) async fn of_meeting(
    tx: &mut Tx,
    meeting: MeetingId,
    from: Option<RecurrenceId>,
    limit: i64,
) -> Result<Vec<Occurrence>, StoreError> {
    let mut select = sql("SELECT * FROM occurrences WHERE meeting_id = $1").bind(meeting);
    if let Some(from) = from {
        select.push_bound(" AND recurrence_id >= ", from.0);
    }
    select.push_bound(" ORDER BY recurrence_id LIMIT ", limit);
    tx.all(select).await
}

/// The one that takes place at `now`, or else the next one, if it is not cancelled.
pub(crate) async fn at_or_after(
    tx: &mut Tx,
    meeting: MeetingId,
    now: DateTime<Utc>,
) -> Result<Option<Occurrence>, StoreError> {
    let select = sql("SELECT * FROM occurrences WHERE meeting_id = $1 AND ends_at > $2 AND status = 'scheduled'
         ORDER BY starts_at LIMIT 1");
    tx.optional(select.bind(meeting).bind(now)).await
}
