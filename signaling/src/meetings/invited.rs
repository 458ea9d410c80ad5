// SPDX-License-Identifier: EUPL-1.2
//! Who is invited, and as what: by their account, or by the address of it. Whoever asks that asks here, so that nobody may
//! change a meeting that they do not moderate, or the other way round.

use chrono::{DateTime, Utc};
use store::{FromRow, Row, Statement, StoreError, Tx, sql};

use super::model::{Invitee, InviteeRole};
use crate::api::ids::{MeetingId, TenantId, UserId};

/// Most invitations of one person that are read at once.
const MAX_INVITATIONS: i64 = 1000;

/// What somebody is invited as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Invited {
    pub(crate) role: InviteeRole,
    /// They need not wait in the lobby.
    pub(crate) lobby_bypass: bool,
}

impl FromRow for Invited {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { role: row.get("role")?, lobby_bypass: row.get("lobby_bypass")? })
    }
}

/// What somebody with an account in the meeting's tenant is invited as. They may be so by account and by address: what lets
/// them do more counts.
pub(crate) async fn as_what(tx: &mut Tx, meeting: MeetingId, user: UserId) -> Result<Option<Invited>, StoreError> {
    let select = sql("SELECT role, lobby_bypass FROM invitees WHERE meeting_id = $1 AND revoked_at IS NULL
             AND (user_id = $2
                 OR email = (SELECT email FROM users WHERE id = $2 AND users.tenant_id = invitees.tenant_id))
         ORDER BY CASE WHEN role = 'co_host' THEN 0 WHEN user_id IS NOT NULL THEN 1 ELSE 2 END LIMIT 1");
    tx.optional(select.bind(meeting).bind(user)).await
}

/// The role alone.
pub(crate) async fn role(tx: &mut Tx, meeting: MeetingId, user: UserId) -> Result<Option<InviteeRole>, StoreError> {
    Ok(as_what(tx, meeting, user).await?.map(|invited| invited.role))
}

/// The invitations of somebody with an account in that tenant, to all meetings or to one. An account's is before an
/// address's.
pub(crate) async fn of_person(
    tx: &mut Tx,
    tenant: TenantId,
    person: UserId,
    meeting: Option<MeetingId>,
) -> Result<Vec<Invitee>, StoreError> {
    let mut select = sql("SELECT * FROM invitees WHERE revoked_at IS NULL AND tenant_id = $1
         AND (user_id = $2 OR email = (SELECT email FROM users WHERE id = $2 AND tenant_id = $1))")
    .bind(tenant)
    .bind(person);
    if let Some(meeting) = meeting {
        select.push_bound(" AND meeting_id = ", meeting);
    }
    select.push_bound(" ORDER BY CASE WHEN user_id IS NULL THEN 1 ELSE 0 END, created_at DESC LIMIT ", MAX_INVITATIONS);
    tx.all(select).await
}

/// Adds the ids of the meetings that somebody holds or is invited to, in parentheses. They are few: others are looked up by
/// them, not the other way round.
pub(crate) fn push_theirs(select: &mut Statement, tenant: TenantId, person: UserId) {
    select
        .push_bound("(SELECT id FROM meetings WHERE organizer_id = ", person)
        .push_bound(" UNION SELECT meeting_id FROM invitees WHERE revoked_at IS NULL AND user_id = ", person)
        .push_bound(" UNION SELECT meeting_id FROM invitees WHERE revoked_at IS NULL AND tenant_id = ", tenant)
        .push_bound(" AND email = (SELECT email FROM users WHERE id = ", person)
        .push_bound(" AND tenant_id = ", tenant)
        .push("))");
}

/// Adds the ids of the meetings that somebody moderates, in parentheses.
pub(crate) fn push_moderated(select: &mut Statement, person: UserId) {
    select
        .push_bound("(SELECT id FROM meetings WHERE organizer_id = ", person)
        .push_bound(
            " UNION SELECT meeting_id FROM invitees WHERE revoked_at IS NULL AND role = 'co_host' AND user_id = ",
            person,
        )
        .push_bound(
            " UNION SELECT i.meeting_id FROM users u JOIN invitees i ON i.tenant_id = u.tenant_id AND i.email = u.email
                 WHERE i.revoked_at IS NULL AND i.role = 'co_host' AND u.id = ",
            person,
        )
        .push(")");
}

/// Somebody has an account by now, or another address: what names them by it is theirs. With an identity provider accounts
/// come with the first sign-in, when meetings have been made long since.
pub(crate) async fn link(
    tx: &mut Tx,
    tenant: TenantId,
    user: UserId,
    email: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let update = sql("UPDATE meetings SET organizer_id = $1, revision = revision + 1, updated_at = $2
         WHERE tenant_id = $3 AND organizer_email = $4 AND organizer_id IS NULL");
    tx.execute(update.bind(user).bind(now).bind(tenant).bind(email)).await?;
    // Whoever is invited twice, by account and by address, stays so.
    let update = sql("UPDATE invitees SET user_id = $1, revision = revision + 1, updated_at = $2,
             type = CASE WHEN type = 'external' THEN 'internal' ELSE type END
         WHERE tenant_id = $3 AND email = $4 AND user_id IS NULL
             AND NOT EXISTS (SELECT 1 FROM invitees o WHERE o.meeting_id = invitees.meeting_id AND o.user_id = $1)");
    tx.execute(update.bind(user).bind(now).bind(tenant).bind(email)).await?;
    Ok(())
}
