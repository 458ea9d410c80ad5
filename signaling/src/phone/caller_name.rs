// SPDX-License-Identifier: EUPL-1.2
//! What somebody is called who calls from a number: only what the meeting itself says, by whom it invites. Elsewhere anybody
//! may have written anybody's name beside it.

use store::{FromRow, Row, Statement, StoreError, Tx, sql};

use super::caller_number::E164;
use crate::api::ids::{InviteeId, MeetingId};

struct Named {
    name: String,
    account: Option<String>,
}

impl FromRow for Named {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { name: row.get("name")?, account: row.get("account_name")? })
    }
}

impl Named {
    fn shown(self) -> Option<String> {
        self.account.into_iter().chain([self.name]).find(|name| !name.trim().is_empty())
    }
}

fn select() -> Statement {
    sql("SELECT i.name, u.name AS account_name FROM invitees i
         LEFT JOIN users u ON u.id = i.user_id AND u.disabled_at IS NULL
         WHERE i.revoked_at IS NULL")
}

/// Of somebody with a number that the meeting invites. Nobody's when it invites several with that number.
pub(super) async fn of_number(tx: &mut Tx, meeting: MeetingId, number: &E164) -> Result<Option<String>, StoreError> {
    let mut select = select();
    select.push_bound(" AND i.meeting_id = ", meeting).push_bound(" AND i.phone_e164 = ", number.as_str());
    select.push(" LIMIT 2");
    let found: Vec<Named> = tx.all(select).await?;
    let only = <[Named; 1]>::try_from(found).ok();
    Ok(only.and_then(|[one]| one.shown()))
}

/// Of somebody who is invited. Their account's before what the invitation says.
pub(super) async fn of_invitee(tx: &mut Tx, invitee: InviteeId) -> Result<Option<String>, StoreError> {
    let mut select = select();
    select.push_bound(" AND i.id = ", invitee);
    Ok(tx.optional::<Named>(select).await?.and_then(Named::shown))
}
