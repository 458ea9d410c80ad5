// SPDX-License-Identifier: EUPL-1.2
//! Occurrences in the database.

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx, sql};

use crate::api::ids::{MeetingId, UserId};
use crate::api::paging::Page;
use crate::meetings::capacity;
use crate::meetings::model::{Occurrence, RecurrenceId};
use crate::meetings::rights::{MeetingColumn, Viewer};

/// The one of that meeting with that id.
pub(crate) async fn find(tx: &mut Tx, meeting: MeetingId, id: RecurrenceId) -> Result<Option<Occurrence>, StoreError> {
    let select = sql("SELECT * FROM occurrences WHERE meeting_id = $1 AND recurrence_id = $2");
    tx.optional(select.bind(meeting).bind(id.0)).await
}

/// Those of several meetings that differ from what the rule says, or do not take place: the newest first, and so many at
/// most.
pub(crate) async fn differing(tx: &mut Tx, meetings: &[MeetingId], limit: i64) -> Result<Vec<Occurrence>, StoreError> {
    if meetings.is_empty() {
        return Ok(Vec::new());
    }
    // As the index has it.
    let mut select = sql("SELECT * FROM occurrences WHERE (is_exception = TRUE OR status = 'cancelled')");
    select.push_list(" AND meeting_id IN ", meetings.iter().copied());
    select.push_bound(" ORDER BY recurrence_id DESC LIMIT ", limit);
    tx.all(select).await
}

/// The one that takes place at `now`, or else the next one, if it is not cancelled.
pub(crate) async fn at_or_after(
    tx: &mut Tx,
    meeting: MeetingId,
    now: DateTime<Utc>,
) -> Result<Option<Occurrence>, StoreError> {
    Ok(next(tx, meeting, now, 1).await?.into_iter().next())
}

/// The ones that are not over, in the order of their starts, without those that were cancelled.
pub(in crate::meetings) async fn next(
    tx: &mut Tx,
    meeting: MeetingId,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Occurrence>, StoreError> {
    let select = sql("SELECT * FROM occurrences WHERE meeting_id = $1 AND ends_at > $2 AND status = 'scheduled'
         ORDER BY starts_at LIMIT $3");
    tx.all(select.bind(meeting).bind(now).bind(limit)).await
}

/// When the next ones are, as many as room is looked for.
pub(in crate::meetings) async fn next_spans(
    tx: &mut Tx,
    meeting: MeetingId,
    now: DateTime<Utc>,
) -> Result<Vec<capacity::Span>, StoreError> {
    let limit = i64::try_from(capacity::CHECKED_OCCURRENCES).unwrap_or(i64::MAX);
    let found = next(tx, meeting, now, limit).await?;
    Ok(found.into_iter().map(|one| capacity::Span { from: one.starts_at, to: one.ends_at }).collect())
}

/// A page of a meeting's, by id.
pub(super) async fn page(
    tx: &mut Tx,
    meeting: MeetingId,
    span: Span,
    page: &Page<i64>,
) -> Result<Vec<Occurrence>, StoreError> {
    let mut select = sql("SELECT * FROM occurrences WHERE meeting_id = $1").bind(meeting);
    if let Some(after) = span.after {
        select.push_bound(" AND starts_at >= ", after);
    }
    if let Some(before) = span.before {
        select.push_bound(" AND starts_at < ", before);
    }
    if let Some(id) = page.after {
        select.push_bound(" AND recurrence_id > ", id);
    }
    select.push_bound(" ORDER BY recurrence_id LIMIT ", page.probe());
    tx.all(select).await
}

/// Which starts are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) after: Option<DateTime<Utc>>,
    pub(super) before: Option<DateTime<Utc>>,
}

/// What the calendar is sorted by.
pub(super) type Key = (i64, MeetingId, i64);

/// An occurrence with what the calendar shows of its meeting.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) occurrence: Occurrence,
    pub(super) meeting_title: String,
    pub(super) organizer_name: String,
    pub(super) code: String,
    pub(super) organizer_id: Option<UserId>,
}

impl FromRow for Entry {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            occurrence: Occurrence::from_row(row)?,
            meeting_title: row.get("meeting_title")?,
            organizer_name: row.get("organizer_name")?,
            code: row.get("code")?,
            organizer_id: row.get("organizer_id")?,
        })
    }
}

/// The statement for a page of the calendar.
pub(super) fn calendar(viewer: &Viewer, span: Span, page: &Page<Key>) -> store::Statement {
    let mut select =
        sql("SELECT occurrences.*, meetings.title AS meeting_title, meetings.organizer_name, meetings.code,
             meetings.organizer_id
         FROM occurrences JOIN meetings ON meetings.id = occurrences.meeting_id
         WHERE occurrences.status = 'scheduled'");
    viewer.narrow(&mut select, MeetingColumn::Occurrences);
    if let Some(after) = span.after {
        select.push_bound(" AND occurrences.starts_at >= ", after);
    }
    if let Some(before) = span.before {
        select.push_bound(" AND occurrences.starts_at < ", before);
    }
    if let Some((starts_at, meeting, id)) = page.after {
        select
            .push_bound(
                " AND (occurrences.starts_at, occurrences.meeting_id, occurrences.recurrence_id) > (",
                starts_at,
            )
            .push_bound(", ", meeting)
            .push_bound(", ", id)
            .push(")");
    }
    let order = " ORDER BY occurrences.starts_at, occurrences.meeting_id, occurrences.recurrence_id LIMIT ";
    select.push_bound(order, page.probe());
    select
}

/// Stores an exception.
pub(super) async fn update(tx: &mut Tx, occurrence: &Occurrence) -> Result<(), StoreError> {
    tx.execute(
        sql("UPDATE occurrences SET starts_at = $1, ends_at = $2, status = $3, is_exception = $4, title = $5,
                 policy_overrides = $6, sequence = $7
             WHERE meeting_id = $8 AND recurrence_id = $9")
        .bind(occurrence.starts_at)
        .bind(occurrence.ends_at)
        .bind(occurrence.status)
        .bind(occurrence.is_exception)
        .bind(occurrence.title.clone())
        .bind(&json!(occurrence.policy_overrides))
        .bind(occurrence.sequence)
        .bind(occurrence.meeting_id)
        .bind(occurrence.recurrence_id.0),
    )
    .await?;
    Ok(())
}

/// Cancels what is not over yet.
pub(in crate::meetings) async fn cancel_all(
    tx: &mut Tx,
    meeting: MeetingId,
    sequence: i64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let update = sql("UPDATE occurrences SET status = 'cancelled', sequence = $1
         WHERE meeting_id = $2 AND ends_at > $3 AND status = 'scheduled'");
    tx.execute(update.bind(sequence).bind(meeting).bind(now)).await?;
    Ok(())
}
