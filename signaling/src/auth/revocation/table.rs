// SPDX-License-Identifier: EUPL-1.2
//! Revoked tokens in the database.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use store::{FromRow, Row, StoreError, Tx, sql};

use super::{MAX_REVOCATIONS, Revocation};

/// Most that are deleted at once for want of room.
const MAX_DELETED: i64 = 1_000;

fn milliseconds(time: SystemTime) -> i64 {
    i64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

impl FromRow for Revocation {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let (issued_until, forget_at): (i64, i64) = (row.get("issued_until")?, row.get("forget_at")?);
        Ok(Self {
            room: row.get("room")?,
            identity: row.get("identity")?,
            issued_until: u64::try_from(issued_until).unwrap_or_default(),
            forget_at: UNIX_EPOCH + Duration::from_millis(u64::try_from(forget_at).unwrap_or_default()),
        })
    }
}

/// Keeps one. Those that are over go, and when there are too many, those that are over soonest.
pub(crate) async fn keep(tx: &mut Tx, revocation: &Revocation, now: SystemTime) -> Result<(), StoreError> {
    keep_of(tx, revocation, now, i64::try_from(MAX_REVOCATIONS).unwrap_or(i64::MAX)).await
}

/// The same with another bound.
pub(super) async fn keep_of(
    tx: &mut Tx,
    revocation: &Revocation,
    now: SystemTime,
    most: i64,
) -> Result<(), StoreError> {
    tx.execute(sql("DELETE FROM token_revocations WHERE forget_at <= $1").bind(milliseconds(now))).await?;
    tx.execute(
        sql("INSERT INTO token_revocations (room, identity, issued_until, forget_at, changed_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (room, identity) DO UPDATE SET
                 issued_until = CASE WHEN excluded.issued_until > token_revocations.issued_until
                     THEN excluded.issued_until ELSE token_revocations.issued_until END,
                 forget_at = CASE WHEN excluded.forget_at > token_revocations.forget_at
                     THEN excluded.forget_at ELSE token_revocations.forget_at END,
                 changed_at = excluded.changed_at")
        .bind(&revocation.room)
        .bind(&revocation.identity)
        .bind(i64::try_from(revocation.issued_until).unwrap_or(i64::MAX))
        .bind(milliseconds(revocation.forget_at))
        .bind(milliseconds(now)),
    )
    .await?;
    tx.execute(
        sql("DELETE FROM token_revocations WHERE (room, identity) IN (
                 SELECT room, identity FROM token_revocations ORDER BY forget_at DESC, room, identity
                 LIMIT $1 OFFSET $2)")
        .bind(MAX_DELETED)
        .bind(most),
    )
    .await?;
    Ok(())
}

/// Those that were made or changed since then and still count.
pub(super) async fn changed_since(
    tx: &mut Tx,
    since: SystemTime,
    now: SystemTime,
) -> Result<Vec<Revocation>, StoreError> {
    let select = sql("SELECT * FROM token_revocations WHERE changed_at >= $1 AND forget_at > $2
         ORDER BY changed_at LIMIT $3");
    let most = i64::try_from(MAX_REVOCATIONS).unwrap_or(i64::MAX);
    tx.all(select.bind(milliseconds(since)).bind(milliseconds(now)).bind(most)).await
}
