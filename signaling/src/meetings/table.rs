// SPDX-License-Identifier: EUPL-1.2
//! Meetings in the database.

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{StoreError, Tx, Value, sql};

use super::model::Meeting;
use crate::api::ids::{MeetingId, TenantId};

/// The one with that id, if it is the tenant's.
pub(crate) async fn find(tx: &mut Tx, tenant: Option<TenantId>, id: MeetingId) -> Result<Option<Meeting>, StoreError> {
    let mut select = sql("SELECT * FROM meetings WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

/// The one with that code in its link. Permanent rooms have links of the same form.
pub(crate) async fn by_code(tx: &mut Tx, code: &str) -> Result<Option<Meeting>, StoreError> {
    tx.optional(sql("SELECT * FROM meetings WHERE code = $1").bind(code)).await
}

/// The one with that number for the keypad. Permanent rooms have numbers of the same form.
pub(crate) async fn by_conference_id(tx: &mut Tx, number: &str) -> Result<Option<Meeting>, StoreError> {
    tx.optional(sql("SELECT * FROM meetings WHERE conference_id = $1").bind(number)).await
}

/// The one that other software calls so.
pub(crate) async fn by_external_id(
    tx: &mut Tx,
    tenant: TenantId,
    external_id: &str,
) -> Result<Option<Meeting>, StoreError> {
    let select = sql("SELECT * FROM meetings WHERE tenant_id = $1 AND external_id = $2");
    tx.optional(select.bind(tenant).bind(external_id)).await
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, meeting: &Meeting) -> Result<(), StoreError> {
    let mut insert = sql("INSERT INTO meetings (id, tenant_id, code, conference_id, type, ical_uid, created_by, created_at,
             room_id, title, description, agenda, status, starts_at, ends_at, time_zone, recurrence_rule, excluded_dates,
             expanded_until, organizer_id, organizer_email, organizer_name, policy_id, policy_overrides,
             expected_participants, sequence, invitation_delivery, invitation_language, invitation_message,
             external_id, tags, revision, updated_at)
         VALUES (");
    insert
        .push_bound("", meeting.id)
        .push_bound(", ", meeting.tenant_id)
        .push_bound(", ", &meeting.code)
        .push_bound(", ", &meeting.conference_id)
        .push_bound(", ", meeting.kind)
        .push_bound(", ", &meeting.ical_uid)
        .push_bound(", ", &meeting.created_by)
        .push_bound(", ", meeting.created_at);
    for value in changeable(meeting) {
        insert.push_bound(", ", value);
    }
    insert.push(")");
    tx.execute(insert).await?;
    Ok(())
}

/// Stores all of it that can change, if it still is of the revision before.
pub(super) async fn update(tx: &mut Tx, meeting: &Meeting) -> Result<bool, StoreError> {
    let mut update =
        sql("UPDATE meetings SET (room_id, title, description, agenda, status, starts_at, ends_at, time_zone,
             recurrence_rule, excluded_dates, expanded_until, organizer_id, organizer_email, organizer_name,
             policy_id, policy_overrides, expected_participants, sequence, invitation_delivery, invitation_language,
             invitation_message, external_id, tags, revision, updated_at, type) = (");
    for (index, value) in changeable(meeting).into_iter().enumerate() {
        update.push_bound(if index == 0 { "" } else { ", " }, value);
    }
    update.push_bound(", ", meeting.kind);
    update.push_bound(") WHERE id = ", meeting.id).push_bound(" AND revision = ", meeting.revision - 1);
    Ok(tx.execute(update).await? == 1)
}

/// The values of the columns from `room_id` to `updated_at`, in the order of the two statements.
fn changeable(meeting: &Meeting) -> Vec<Value> {
    let excluded: Vec<_> = meeting.excluded_dates.iter().map(chrono::DateTime::timestamp_millis).collect();
    vec![
        meeting.room_id.into(),
        (&meeting.title).into(),
        (&meeting.description).into(),
        (&meeting.agenda).into(),
        meeting.status.into(),
        meeting.starts_at.into(),
        meeting.ends_at.into(),
        meeting.time_zone.into(),
        meeting.recurrence_rule.clone().into(),
        (&json!(excluded)).into(),
        meeting.expanded_until.into(),
        meeting.organizer_id.into(),
        (&meeting.organizer_email).into(),
        (&meeting.organizer_name).into(),
        meeting.policy_id.into(),
        (&json!(meeting.policy_overrides)).into(),
        (&json!(meeting.expected_participants)).into(),
        meeting.sequence.into(),
        meeting.invitation_delivery.into(),
        meeting.invitation_language.as_str().into(),
        (&meeting.invitation_message).into(),
        meeting.external_id.clone().into(),
        (&json!(meeting.tags)).into(),
        meeting.revision.into(),
        meeting.updated_at.into(),
    ]
}

/// Lets another meeting have what other software called this one, which is cancelled.
pub(super) async fn forget_external_id(tx: &mut Tx, meeting: &Meeting, now: DateTime<Utc>) -> Result<(), StoreError> {
    let update = sql("UPDATE meetings SET external_id = NULL, revision = revision + 1, updated_at = $1
         WHERE id = $2 AND status = 'cancelled'");
    tx.execute(update.bind(now).bind(meeting.id)).await?;
    Ok(())
}

/// Notes that what belongs to it has changed: who read it before has not seen it as it is.
pub(super) async fn touch(tx: &mut Tx, id: MeetingId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let update = sql("UPDATE meetings SET revision = revision + 1, updated_at = $1 WHERE id = $2");
    tx.execute(update.bind(now).bind(id)).await?;
    Ok(())
}

/// Removes a draft, if it still is of that revision. Nobody has heard of it.
pub(super) async fn delete(tx: &mut Tx, meeting: &Meeting) -> Result<bool, StoreError> {
    let delete = sql("DELETE FROM meetings WHERE id = $1 AND revision = $2 AND status = 'draft'");
    Ok(tx.execute(delete.bind(meeting.id).bind(meeting.revision)).await? == 1)
}
