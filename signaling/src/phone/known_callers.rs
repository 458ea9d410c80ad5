// SPDX-License-Identifier: EUPL-1.2
//! Numbers that are served as always while codes are being guessed: those that got in of late without a wrong code, of which
//! only a hash under the installation's secret is kept; those under which somebody with an account is invited; and, to one
//! meeting, those of the people whom it invites.

use chrono::{DateTime, Duration, Utc};
use store::{Single, StoreError, Tx, sql};

use super::Serves;
use super::caller_number::E164;
use crate::api::ids::{MeetingId, TenantId};
use crate::identity::keys::{Keys, Purpose};
use crate::identity::secret::hex;

/// How long a number is known. `records/retention/classes.rs` deletes it then.
pub(crate) const KNOWN_FOR: Duration = Duration::days(30);

/// Most accounts that are looked at which share a number.
const MAX_ACCOUNTS: i64 = 100;

/// How marks of one call begin. The others are hexadecimal.
const OF_CALL: &str = "call:";

/// What is kept of a number.
pub(crate) fn mark(keys: &Keys, number: &str) -> String {
    hex(&keys.derive(Purpose::PhoneCaller, &[b"known", number.as_bytes()]))
}

/// What is kept of a number that nobody vouches for. It proves nothing, so it is another mark than that of the same number where
/// somebody does.
pub(super) fn said_mark(keys: &Keys, number: &str) -> String {
    hex(&keys.derive(Purpose::PhoneCaller, &[b"said", number.as_bytes()]))
}

/// What is kept of somebody who calls without a number: the next call has another.
pub(super) fn call_mark(id: &str) -> String {
    format!("{OF_CALL}{id}")
}

/// Whether a mark is of one call alone, so that whoever has it is somebody else with the next.
pub(crate) fn is_of_call(mark: &str) -> bool {
    mark.starts_with(OF_CALL)
}

/// Whether it is known, whatever meeting it calls.
pub(super) async fn is_known(
    tx: &mut Tx,
    keys: &Keys,
    number: &E164,
    serves: &Serves,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let select = sql("SELECT caller FROM phone_callers WHERE caller = $1 AND last_seen_at > $2");
    let mark = mark(keys, number.as_str());
    if tx.optional::<Single<String>>(select.bind(mark).bind(now - KNOWN_FOR)).await?.is_some() {
        return Ok(true);
    }
    let select = sql("SELECT DISTINCT i.tenant_id FROM invitees i JOIN users u ON u.id = i.user_id
         WHERE i.phone_e164 = $1 AND i.revoked_at IS NULL AND u.disabled_at IS NULL LIMIT $2");
    let tenants: Vec<Single<_>> = tx.all(select.bind(number.as_str()).bind(MAX_ACCOUNTS)).await?;
    Ok(tenants.into_iter().any(|Single(tenant)| serves.includes(tenant)))
}

/// Whether the meeting invites somebody with that number.
pub(super) async fn is_invited(tx: &mut Tx, meeting: MeetingId, number: &E164) -> Result<bool, StoreError> {
    let select =
        sql("SELECT id FROM invitees WHERE meeting_id = $1 AND phone_e164 = $2 AND revoked_at IS NULL LIMIT 1");
    Ok(tx.optional::<Single<String>>(select.bind(meeting).bind(number.as_str())).await?.is_some())
}

/// Keeps that somebody got in without a wrong code.
pub(crate) async fn remember(tx: &mut Tx, keys: &Keys, number: &E164, now: DateTime<Utc>) -> Result<(), StoreError> {
    let insert = sql("INSERT INTO phone_callers (caller, last_seen_at) VALUES ($1, $2)
         ON CONFLICT (caller) DO UPDATE SET last_seen_at = excluded.last_seen_at");
    tx.execute(insert.bind(mark(keys, number.as_str())).bind(now)).await?;
    Ok(())
}

/// Forgets a number: too many wrong codes came from it, or the person is erased.
pub(crate) async fn forget(tx: &mut Tx, keys: &Keys, number: &str) -> Result<(), StoreError> {
    tx.execute(sql("DELETE FROM phone_callers WHERE caller = $1").bind(mark(keys, number))).await?;
    Ok(())
}

/// Forgets a number where it called a tenant's meetings or was called: the person is erased. Where others have the number as
/// well, only those calls that were shown under `name`.
pub(crate) async fn forget_in_meetings(
    tx: &mut Tx,
    keys: &Keys,
    tenant: TenantId,
    number: &str,
    name: Option<&str>,
) -> Result<(), StoreError> {
    for mark in [mark(keys, number), said_mark(keys, number)] {
        for statement in [
            "DELETE FROM lobby_entries WHERE tenant_id = $1 AND caller = $2 AND ($3 = '' OR name = $3)",
            "DELETE FROM dial_attempts WHERE tenant_id = $1 AND caller = $2 AND $3 = ''",
            "DELETE FROM meeting_bans WHERE tenant_id = $1 AND caller = $2 AND ($3 = '' OR name = $3)",
            "DELETE FROM session_people WHERE caller = $2 AND ($3 = '' OR name = $3)
                 AND session_id IN (SELECT id FROM meeting_sessions WHERE tenant_id = $1)",
        ] {
            tx.execute(sql(statement).bind(tenant).bind(&mark).bind(name.unwrap_or_default())).await?;
        }
    }
    Ok(())
}
