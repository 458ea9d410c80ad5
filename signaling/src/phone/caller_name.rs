// SPDX-License-Identifier: EUPL-1.2
//! What somebody is called who calls from a number, or is called there: what the meeting says that invites them, and of
//! callers else what the directory of its tenant says, which are the numbers of accounts. No users write their own there,
//! unless through their identity provider: administrators do. Names that exchanges send along are not looked at, since
//! anybody may have written them.
//!
//! Only the name is taken. Nobody gets in sooner by a number of the directory, waits for less or may do more.

use store::{FromRow, Row, Single, Statement, StoreError, Tx, sql};

use super::caller_number::E164;
use crate::api::ids::{InviteeId, MeetingId, TenantId};
use crate::meetings::phone_pins::model::Place;

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

/// Those with a number whom the meeting invites. Two are enough to know that it does not name one.
async fn invited(tx: &mut Tx, meeting: MeetingId, number: &E164) -> Result<Vec<Named>, StoreError> {
    let mut select = select();
    select.push_bound(" AND i.meeting_id = ", meeting).push_bound(" AND i.phone_e164 = ", number.as_str());
    select.push(" LIMIT 2");
    tx.all(select).await
}

/// Of somebody with a number that the meeting invites. Nobody's when it invites several with that number. The directory is
/// not asked: whoever has a number called learns this before anybody answers.
pub(super) async fn of_number(tx: &mut Tx, meeting: MeetingId, number: &E164) -> Result<Option<String>, StoreError> {
    let only = <[Named; 1]>::try_from(invited(tx, meeting, number).await?).ok();
    Ok(only.and_then(|[one]| one.shown()))
}

/// Of whoever calls a place of a tenant from a number for which the trunk vouches: as the meeting invites them, or else as
/// the directory has them. Nobody's when several share the number.
pub(super) async fn of_caller(
    tx: &mut Tx,
    tenant: TenantId,
    place: Place,
    number: &E164,
) -> Result<Option<String>, StoreError> {
    let mut invited = match place {
        Place::Meeting(meeting) => invited(tx, meeting, number).await?,
        Place::Room(_) => Vec::new(),
    };
    if invited.len() > 1 {
        return Ok(None);
    }
    match invited.pop().and_then(Named::shown) {
        None => in_directory(tx, tenant, number).await,
        name => Ok(name),
    }
}

/// Of the only one of the tenant's people with that number. Those who are kept from signing in do not count.
async fn in_directory(tx: &mut Tx, tenant: TenantId, number: &E164) -> Result<Option<String>, StoreError> {
    let select = sql("SELECT name FROM users WHERE tenant_id = $1 AND phone_e164 = $2 AND disabled_at IS NULL LIMIT 2");
    let found: Vec<Single<String>> = tx.all(select.bind(tenant).bind(number.as_str())).await?;
    let only = <[Single<String>; 1]>::try_from(found).ok();
    Ok(only.map(|[Single(name)]| name).filter(|name| !name.trim().is_empty()))
}

/// Of somebody who is invited. Their account's before what the invitation says.
pub(super) async fn of_invitee(tx: &mut Tx, invitee: InviteeId) -> Result<Option<String>, StoreError> {
    let mut select = select();
    select.push_bound(" AND i.id = ", invitee);
    Ok(tx.optional::<Named>(select).await?.and_then(Named::shown))
}
