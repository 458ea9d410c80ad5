// SPDX-License-Identifier: EUPL-1.2
//! Who may read which invitations: those of everybody, with their links, whoever may change the meeting; their own,
//! whoever is invited.

use store::{StoreError, Tx, sql};

use crate::api::context::Context;
use crate::api::ids::{MeetingId, TenantId, UserId};
use crate::api::problem::Problem;
use crate::meetings::model::{Invitee, Meeting};
use crate::meetings::rights::Viewer;

/// A meeting as somebody sees it.
pub(super) struct Seen {
    pub(super) meeting: Meeting,
    /// Whether they may read the invitations of others.
    pub(super) is_organizer: bool,
    /// Their own invitations: by account, by address.
    pub(super) own: Vec<Invitee>,
}

/// The meeting, if the caller sees it.
pub(super) async fn see(context: &Context, tx: &mut Tx, id: MeetingId) -> Result<Seen, Problem> {
    let viewer = Viewer::of(context, tx).await?;
    let meeting = viewer.see(tx, id).await?;
    let is_organizer = viewer.change(tx, id).await.is_ok();
    let own = match context.caller.person() {
        Some(person) => invitations_of(tx, meeting.tenant_id, person, Some(id)).await?,
        None => Vec::new(),
    };
    Ok(Seen { meeting, is_organizer, own })
}

/// What somebody with an account is invited to, or their invitations to one meeting.
pub(super) async fn invitations_of(
    tx: &mut Tx,
    tenant: TenantId,
    person: UserId,
    meeting: Option<MeetingId>,
) -> Result<Vec<Invitee>, StoreError> {
    let mut select = sql("SELECT * FROM invitees WHERE revoked_at IS NULL AND tenant_id = $1
         AND (user_id = $2 OR email = (SELECT email FROM users WHERE id = $2))")
    .bind(tenant)
    .bind(person);
    if let Some(meeting) = meeting {
        select.push_bound(" AND meeting_id = ", meeting);
    }
    // An account's invitation before an address's.
    select.push_bound(" ORDER BY CASE WHEN user_id IS NULL THEN 1 ELSE 0 END, created_at DESC LIMIT ", 1000_i64);
    tx.all(select).await
}
