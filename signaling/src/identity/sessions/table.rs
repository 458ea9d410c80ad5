// SPDX-License-Identifier: EUPL-1.2
//! Browsers that are signed in, in the database.

use chrono::{DateTime, Duration, Utc};
use store::{FromRow, Row, Single, StoreError, Tx, sql};

use crate::api::ids::{TenantId, UserId};
use crate::identity::roles::Role;

/// For how long a browser stays signed in that asks for nothing.
const IDLE: Duration = Duration::hours(12);

/// For how long one stays signed in at all.
const LIFETIME: Duration = Duration::days(7);

/// How exactly the last use is noted: more often would be a write for each request.
const USE_NOTED_EVERY: Duration = Duration::minutes(5);

/// A browser that is signed in, and who sits before it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) user: UserId,
    pub(crate) tenant: TenantId,
    pub(crate) role: Role,
    pub(crate) acr: Option<String>,
    pub(crate) oidc_session: Option<String>,
    last_seen_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

impl FromRow for Session {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            user: row.get("user_id")?,
            tenant: row.get("tenant_id")?,
            role: row.get("role")?,
            acr: row.get("acr")?,
            oidc_session: row.get("oidc_session")?,
            last_seen_at: row.get("last_seen_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

impl Session {
    /// When the browser is signed out unless it asks for something.
    pub(crate) fn idle_until(&self) -> DateTime<Utc> {
        (self.last_seen_at + IDLE).min(self.expires_at)
    }

    /// Whether its use is to be noted.
    pub(crate) fn is_use_noteworthy(&self, now: DateTime<Utc>) -> bool {
        now - self.last_seen_at >= USE_NOTED_EVERY
    }
}

/// What the identity provider says about a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct FromProvider {
    /// Its name there (`sid`).
    pub(crate) session: Option<String>,
    /// How strongly somebody proved who they are (`acr`).
    pub(crate) acr: Option<String>,
}

/// Stores a new one.
pub(crate) async fn insert(
    tx: &mut Tx,
    hash: &str,
    user: UserId,
    provider: &FromProvider,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.execute(
        sql("INSERT INTO user_sessions (token_hash, user_id, oidc_session, acr, created_at, last_seen_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $5, $6)")
        .bind(hash)
        .bind(user)
        .bind(provider.session.clone())
        .bind(provider.acr.clone())
        .bind(now)
        .bind(now + LIFETIME),
    )
    .await?;
    Ok(())
}

/// The one whose cookie has that hash, if it is still valid and its owner may sign in.
pub(crate) async fn find(tx: &mut Tx, hash: &str, now: DateTime<Utc>) -> Result<Option<Session>, StoreError> {
    tx.optional(
        sql("SELECT s.user_id, u.tenant_id, u.role, s.acr, s.oidc_session, s.last_seen_at, s.expires_at
             FROM user_sessions s JOIN users u ON u.id = s.user_id
             WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3 AND u.disabled_at IS NULL")
        .bind(hash)
        .bind(now)
        .bind(now - IDLE),
    )
    .await
}

/// Notes that it was used.
pub(crate) async fn note_use(tx: &mut Tx, hash: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let update = sql("UPDATE user_sessions SET last_seen_at = $1 WHERE token_hash = $2 AND last_seen_at < $1");
    tx.execute(update.bind(now).bind(hash)).await?;
    Ok(())
}

/// Ends one. False when there was none.
pub(crate) async fn end(tx: &mut Tx, hash: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(sql("DELETE FROM user_sessions WHERE token_hash = $1").bind(hash)).await? == 1)
}

/// Ends all of a person, but for the one that asks for it.
pub(crate) async fn end_all(tx: &mut Tx, user: UserId, but: Option<&str>) -> Result<u64, StoreError> {
    let mut delete = sql("DELETE FROM user_sessions WHERE user_id = $1").bind(user);
    if let Some(but) = but {
        delete.push_bound(" AND token_hash <> ", but);
    }
    tx.execute(delete).await
}

/// Ends all that there are.
pub(crate) async fn end_all_there_are(tx: &mut Tx) -> Result<u64, StoreError> {
    tx.execute(sql("DELETE FROM user_sessions")).await
}

/// Ends those of a person that began with the identity provider, but of which it did not say what it calls them.
pub(crate) async fn end_nameless(tx: &mut Tx, user: UserId) -> Result<u64, StoreError> {
    tx.execute(sql("DELETE FROM user_sessions WHERE user_id = $1 AND oidc_session = ''").bind(user)).await
}

/// Ends those that the identity provider calls so, and says whose they were.
pub(crate) async fn end_of_provider(tx: &mut Tx, session: &str) -> Result<Vec<UserId>, StoreError> {
    let delete = sql("DELETE FROM user_sessions WHERE oidc_session = $1 RETURNING user_id").bind(session);
    let owners: Vec<Single<UserId>> = tx.all(delete).await?;
    Ok(owners.into_iter().map(|Single(id)| id).collect())
}
