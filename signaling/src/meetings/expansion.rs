// SPDX-License-Identifier: EUPL-1.2
//! Writes down when meetings happen: up to a horizon, which a daily job moves on. So the calendar is a matter of reading
//! rows, and a rule is worked out when it is written, not when it is read.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use store::{Single, Store, StoreError, Tx, sql};
use tracing::{error, info};

use super::capacity::Expected;
use super::model::{Meeting, MeetingStatus, Occurrence, RecurrenceId};
use super::recurrence::{Rule, Window, expand, said};
use super::schedule::Schedule;
use super::{invitees, table};
use crate::api::ids::MeetingId;

/// How far ahead occurrences are written down.
pub(crate) const HORIZON: Duration = Duration::days(400);

/// How far back, when a series began earlier.
const LOOK_BACK: Duration = Duration::days(32);

/// Most occurrences that are written down for one meeting at a time.
pub(crate) const MAX_OCCURRENCES: usize = 1000;

/// The job writes on when less than this is left, so that it touches a series every ten days and not every day.
const DUE: Duration = Duration::days(390);

/// Meetings in one transaction of the job.
const BATCH: i64 = 50;

/// The end of the year 9999, for what does not end. The table has it as its default.
pub(super) const NEVER_MS: i64 = 253_402_300_799_000;

/// Rows in one statement. SQLite takes 32,766 values.
const ROWS: usize = 100;

/// Which starts of a series are written down.
pub(super) fn window(starts_at: DateTime<Utc>, now: DateTime<Utc>) -> Window {
    Window { from: starts_at.max(now - LOOK_BACK), to: starts_at.max(now) + HORIZON, limit: MAX_OCCURRENCES }
}

/// Writes down the occurrences of a meeting whose schedule is new or different. Exceptions stay where their start still
/// is one; the others are returned. What is over for longer than a month stays as it was.
pub(super) async fn write_down(
    tx: &mut Tx,
    meeting: &Meeting,
    schedule: &Schedule,
    old_duration: Duration,
    now: DateTime<Utc>,
) -> Result<Vec<RecurrenceId>, StoreError> {
    let from = window(schedule.starts_at, now).from;
    let from = if meeting.recurrence_rule.is_some() { from.min(now - LOOK_BACK) } else { DateTime::UNIX_EPOCH };
    let exceptions: Vec<Occurrence> = tx
        .all(
            sql("SELECT * FROM occurrences WHERE meeting_id = $1 AND recurrence_id >= $2 AND is_exception = TRUE
                 ORDER BY recurrence_id LIMIT 1000")
            .bind(meeting.id)
            .bind(from),
        )
        .await?;
    let delete = sql("DELETE FROM occurrences WHERE meeting_id = $1 AND recurrence_id >= $2");
    tx.execute(delete.bind(meeting.id).bind(from)).await?;
    if meeting.status == MeetingStatus::Draft {
        note_end(tx, meeting.id).await?;
        return Ok(exceptions.into_iter().map(|exception| exception.recurrence_id).collect());
    }
    let duration = schedule.duration();
    let mut dropped = schedule.dropped.clone();
    let mut occurrences: Vec<_> =
        schedule.expansion.starts.iter().map(|start| plain(meeting, *start, duration)).collect();
    let behind = said_behind(schedule, &exceptions);
    for mut exception in exceptions {
        let was_moved =
            exception.starts_at != exception.recurrence_id.0 || exception.ends_at - exception.starts_at != old_duration;
        if !was_moved {
            exception.ends_at = exception.starts_at + duration;
        }
        match occurrences.binary_search_by_key(&exception.recurrence_id, |known| known.recurrence_id) {
            Ok(index) => occurrences[index] = exception,
            Err(_) if behind.contains(&exception.recurrence_id.0) => occurrences.push(exception),
            Err(_) => dropped.push(exception.recurrence_id),
        }
    }
    dropped.sort_unstable();
    insert(tx, meeting, &occurrences).await?;
    note_end(tx, meeting.id).await?;
    Ok(dropped)
}

/// Which exceptions are starts of the rule behind those that are written down now.
fn said_behind(schedule: &Schedule, exceptions: &[Occurrence]) -> BTreeSet<DateTime<Utc>> {
    let (Some(text), Some(until)) = (&schedule.rule, schedule.expansion.until) else { return BTreeSet::new() };
    let ids = exceptions.iter().map(|exception| exception.recurrence_id.0);
    let behind = ids.filter(|id| *id >= until && schedule.excluded_dates.binary_search(id).is_err()).collect();
    let zone = schedule.zone.0;
    Rule::parse(text, zone).and_then(|rule| said(&rule, schedule.starts_at, zone, &behind)).unwrap_or_default()
}

/// Writes on where the horizon has come near. Returns for how many meetings. To be called once a day; a second call, or
/// another process at the same time, does no harm.
pub(crate) async fn extend_due(store: &Store, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let mut extended = 0;
    let mut after = (0, String::new());
    loop {
        let mut tx = store.write().await?;
        tx.lock("meetings expansion").await?;
        let due: Vec<Meeting> = tx
            .all(
                sql("SELECT * FROM meetings WHERE expanded_until < $1 AND (expanded_until, id) > ($2, $3)
                     AND status = 'scheduled' ORDER BY expanded_until, id LIMIT $4")
                .bind(now + DUE)
                .bind(after.0)
                .bind(&after.1)
                .bind(BATCH),
            )
            .await?;
        let Some(last) = due.last() else { break };
        after = (last.expanded_until.unwrap_or_default().timestamp_millis(), last.id.to_string());
        for meeting in &due {
            extended += u64::from(extend(&mut tx, meeting, now).await?);
        }
        tx.commit().await?;
    }
    if extended > 0 {
        info!(meetings = extended, "wrote down what happens later");
    }
    Ok(extended)
}

/// Returns false for one that is not as it was read any more: whoever changed it wrote down what happens.
async fn extend(tx: &mut Tx, meeting: &Meeting, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let (Some(text), Some(from)) = (&meeting.recurrence_rule, meeting.expanded_until) else { return Ok(false) };
    // Who changes it from here on waits, and so writes over what is written here.
    let hold = sql("UPDATE meetings SET expanded_until = expanded_until
         WHERE id = $1 AND revision = $2 AND status = 'scheduled'");
    if tx.execute(hold.bind(meeting.id).bind(meeting.revision)).await? == 0 {
        return Ok(false);
    }
    let ahead: Single<i64> = tx
        .one(
            sql("SELECT COUNT(*) AS number FROM occurrences WHERE meeting_id = $1 AND recurrence_id >= $2")
                .bind(meeting.id)
                .bind(now),
        )
        .await?;
    let limit = MAX_OCCURRENCES.saturating_sub(usize::try_from(ahead.0).unwrap_or(usize::MAX));
    if limit == 0 {
        return Ok(false);
    }
    let window = Window { from, to: now + HORIZON, limit };
    let zone = meeting.time_zone.0;
    let expansion = Rule::parse(text, zone).and_then(|rule| expand(&rule, meeting.starts_at, zone, window));
    let (until, starts) = match expansion {
        Ok(expansion) => (expansion.until, expansion.starts),
        Err(error) => {
            // It could be worked out when it was made, so this is a matter of how long ago that was. It has not ended,
            // so nothing may take it for old; and it is not tried again.
            error!(meeting = %meeting.id, %error, "a series cannot be written down any further");
            (DateTime::from_timestamp_millis(NEVER_MS), Vec::new())
        }
    };
    let duration = meeting.ends_at.map_or(Duration::zero(), |end| end - meeting.starts_at);
    let is_excluded = |start: &DateTime<Utc>| meeting.excluded_dates.contains(start);
    let starts = starts.into_iter().filter(|start| !is_excluded(start));
    let occurrences: Vec<_> = starts.map(|start| plain(meeting, start, duration)).collect();
    insert(tx, meeting, &occurrences).await?;
    tx.execute(sql("UPDATE meetings SET expanded_until = $1 WHERE id = $2").bind(until).bind(meeting.id)).await?;
    note_end(tx, meeting.id).await?;
    Ok(true)
}

/// One as the rule says.
fn plain(meeting: &Meeting, start: DateTime<Utc>, duration: Duration) -> Occurrence {
    Occurrence {
        meeting_id: meeting.id,
        recurrence_id: RecurrenceId(start),
        tenant_id: meeting.tenant_id,
        starts_at: start,
        ends_at: start + duration,
        status: super::model::OccurrenceStatus::Scheduled,
        is_exception: false,
        title: None,
        policy_overrides: super::policies::rules::RuleChanges::default(),
        sequence: meeting.sequence,
    }
}

async fn insert(tx: &mut Tx, meeting: &Meeting, occurrences: &[Occurrence]) -> Result<(), StoreError> {
    let expected = Expected::of(meeting, invitees::table::count(tx, meeting.id).await?);
    for rows in occurrences.chunks(ROWS) {
        let mut insert =
            sql("INSERT INTO occurrences (meeting_id, recurrence_id, tenant_id, starts_at, ends_at, status,
             is_exception, title, policy_overrides, sequence, expected_total, expected_phone) VALUES ");
        for (index, row) in rows.iter().enumerate() {
            insert
                .push_bound(if index == 0 { "(" } else { ", (" }, row.meeting_id)
                .push_bound(", ", row.recurrence_id.0)
                .push_bound(", ", row.tenant_id)
                .push_bound(", ", row.starts_at)
                .push_bound(", ", row.ends_at)
                .push_bound(", ", row.status)
                .push_bound(", ", row.is_exception)
                .push_bound(", ", row.title.clone())
                .push_bound(", ", &json!(row.policy_overrides))
                .push_bound(", ", row.sequence)
                .push_bound(", ", expected.total)
                .push_bound(", ", expected.phone)
                .push(")");
        }
        insert.push(" ON CONFLICT (meeting_id, recurrence_id) DO NOTHING");
        tx.execute(insert).await?;
    }
    Ok(())
}

/// Notes at the meeting when it is over: at the end of its last occurrence, if there is a last one.
pub(super) async fn note_end(tx: &mut Tx, meeting: MeetingId) -> Result<(), StoreError> {
    let update = sql("UPDATE meetings SET over_at = CASE WHEN expanded_until IS NULL THEN
             COALESCE((SELECT MAX(ends_at) FROM occurrences WHERE meeting_id = $1), $2) ELSE $2 END
         WHERE id = $1");
    tx.execute(update.bind(meeting).bind(NEVER_MS)).await?;
    Ok(())
}

/// Notes at the occurrences how many are expected, after somebody was invited or is not any more.
pub(super) async fn note_expected(tx: &mut Tx, meeting: MeetingId) -> Result<(), StoreError> {
    let Some(meeting) = table::find(tx, None, meeting).await? else { return Ok(()) };
    let expected = Expected::of(&meeting, invitees::table::count(tx, meeting.id).await?);
    let update = sql("UPDATE occurrences SET expected_total = $1, expected_phone = $2
         WHERE meeting_id = $3 AND (expected_total <> $1 OR expected_phone <> $2)");
    tx.execute(update.bind(expected.total).bind(expected.phone).bind(meeting.id)).await?;
    Ok(())
}
