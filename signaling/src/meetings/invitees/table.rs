// SPDX-License-Identifier: EUPL-1.2
//! Invitees in the database.

use store::{FromRow, Row, StoreError, Tx, sql};

use super::super::model::Invitee;
use crate::api::ids::{InviteeId, MeetingId, UserId};
use crate::api::paging::Page;

/// Most people whom one meeting invites.
pub(crate) const MAX_INVITEES: usize = 1000;

/// The same for statements.
const LIMIT: i64 = 1000;

/// Everybody who is invited, and then, as far as there are no more than so many, those whose invitation was withdrawn: see
/// `revoked_at`.
pub(crate) async fn of_meeting(tx: &mut Tx, meeting: MeetingId) -> Result<Vec<Invitee>, StoreError> {
    let select = sql("SELECT * FROM invitees WHERE meeting_id = $1
         ORDER BY CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END, created_at, id LIMIT $2");
    tx.all(select.bind(meeting).bind(LIMIT)).await
}

/// Everybody who is invited.
pub(super) async fn active(tx: &mut Tx, meeting: MeetingId) -> Result<Vec<Invitee>, StoreError> {
    let select =
        sql("SELECT * FROM invitees WHERE meeting_id = $1 AND revoked_at IS NULL ORDER BY created_at, id LIMIT $2");
    tx.all(select.bind(meeting).bind(LIMIT)).await
}

/// Somebody of that account, that address or, knowing nothing else, that number, whose invitation was withdrawn.
pub(super) async fn withdrawn(
    tx: &mut Tx,
    meeting: MeetingId,
    user: Option<UserId>,
    email: Option<&String>,
    phone: Option<&String>,
) -> Result<Option<Invitee>, StoreError> {
    let select = sql("SELECT * FROM invitees WHERE meeting_id = $1 AND revoked_at IS NOT NULL
             AND (user_id = $2 OR email = $3 OR (user_id IS NULL AND email IS NULL AND phone_e164 = $4))
         ORDER BY CASE WHEN user_id = $2 THEN 0 ELSE 1 END, created_at, id LIMIT 1");
    tx.optional(select.bind(meeting).bind(user).bind(email.cloned()).bind(phone.cloned())).await
}

/// The one with that id, if they are invited to that meeting.
pub(crate) async fn find(tx: &mut Tx, meeting: MeetingId, id: InviteeId) -> Result<Option<Invitee>, StoreError> {
    let select = sql("SELECT * FROM invitees WHERE id = $1 AND meeting_id = $2");
    tx.optional(select.bind(id).bind(meeting)).await
}

/// How many are invited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Invited {
    /// In all.
    pub(crate) total: i64,
    /// Of them, at the telephone.
    pub(crate) phone: i64,
}

impl FromRow for Invited {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { total: row.get("total")?, phone: row.get("phone")? })
    }
}

/// How many are invited to a meeting.
pub(crate) async fn count(tx: &mut Tx, meeting: MeetingId) -> Result<Invited, StoreError> {
    tx.one(
        sql("SELECT COUNT(*) AS total, COUNT(CASE WHEN type = 'phone' THEN 1 END) AS phone
             FROM invitees WHERE meeting_id = $1 AND revoked_at IS NULL")
        .bind(meeting),
    )
    .await
}

/// Those who moderate several meetings with their organizers.
pub(crate) async fn co_hosts(tx: &mut Tx, meetings: &[MeetingId]) -> Result<Vec<Invitee>, StoreError> {
    if meetings.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = sql("SELECT * FROM invitees WHERE role = 'co_host' AND revoked_at IS NULL");
    select.push_list(" AND meeting_id IN ", meetings.iter().copied()).push(" ORDER BY created_at, id");
    tx.all(select).await
}

/// What lists are sorted by.
pub(crate) type Key = (i64, InviteeId);

/// A page of those who are invited, and of those whose invitation was withdrawn.
pub(crate) async fn page(tx: &mut Tx, meeting: MeetingId, page: &Page<Key>) -> Result<Vec<Invitee>, StoreError> {
    let mut select = sql("SELECT * FROM invitees WHERE meeting_id = $1").bind(meeting);
    if let Some((created_at, id)) = page.after {
        select.push_bound(" AND (created_at, id) > (", created_at).push_bound(", ", id).push(")");
    }
    select.push_bound(" ORDER BY created_at, id LIMIT ", page.probe());
    tx.all(select).await
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, invitee: &Invitee) -> Result<(), StoreError> {
    tx.execute(
        sql("INSERT INTO invitees (id, meeting_id, tenant_id, email, user_id, phone_e164, name, role, type,
                 response_status, response_sequence, lobby_bypass, link_generation, revoked_at,
                 last_notified_sequence, revision, created_at, updated_at, language, own_sequence)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)")
        .bind(invitee.id)
        .bind(invitee.meeting_id)
        .bind(invitee.tenant_id)
        .bind(invitee.email.clone())
        .bind(invitee.user_id)
        .bind(invitee.phone_e164.clone())
        .bind(&invitee.name)
        .bind(invitee.role)
        .bind(invitee.kind)
        .bind(invitee.response_status)
        .bind(invitee.response_sequence)
        .bind(invitee.lobby_bypass)
        .bind(invitee.link_generation)
        .bind(invitee.revoked_at)
        .bind(invitee.last_notified_sequence)
        .bind(invitee.revision)
        .bind(invitee.created_at)
        .bind(invitee.updated_at)
        .bind(invitee.language)
        .bind(invitee.own_sequence),
    )
    .await?;
    Ok(())
}

/// Stores all of them that can change, if they still are of the revision before.
pub(super) async fn update(tx: &mut Tx, invitee: &Invitee) -> Result<bool, StoreError> {
    let updated = tx
        .execute(
            sql("UPDATE invitees SET email = $1, user_id = $2, phone_e164 = $3, name = $4, role = $5, type = $6,
                     response_status = $7, lobby_bypass = $8, link_generation = $9, revoked_at = $10,
                     revision = $11, updated_at = $12, language = $14, own_sequence = $15
                 WHERE id = $13 AND revision = $11 - 1")
            .bind(invitee.email.clone())
            .bind(invitee.user_id)
            .bind(invitee.phone_e164.clone())
            .bind(&invitee.name)
            .bind(invitee.role)
            .bind(invitee.kind)
            .bind(invitee.response_status)
            .bind(invitee.lobby_bypass)
            .bind(invitee.link_generation)
            .bind(invitee.revoked_at)
            .bind(invitee.revision)
            .bind(invitee.updated_at)
            .bind(invitee.id)
            .bind(invitee.language)
            .bind(invitee.own_sequence),
        )
        .await?;
    Ok(updated == 1)
}
