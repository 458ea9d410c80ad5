// SPDX-License-Identifier: EUPL-1.2
//! Requests that somebody repeats because no answer came (draft-ietf-httpapi-idempotency-key-header-07): the work is done
//! once, and whoever asks again with the same key gets the same answer. The answer is kept in the transaction that does
//! the work, so neither is ever there without the other.

use axum::http::{HeaderName, StatusCode};
use chrono::{Duration, Utc};
use store::{FromRow, Row, StoreError, Tx, sql};

use super::answer::Answer;
use super::ids::{TenantId, UserId};
use super::problem::{Code, Problem};
use crate::identity::caller::{Actor, Caller};

/// The header.
pub(super) const HEADER: &str = "idempotency-key";

/// How long an answer is kept.
pub(crate) const LIFETIME: Duration = Duration::hours(24);

/// Longest key.
const MAX_KEY_CHARS: usize = 255;

/// What a repeated request is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Who asks: keys of one caller mean nothing to another.
    pub(super) caller: String,
    /// What they named it.
    pub(super) key: String,
    /// SHA-256 of method, path, query and body, in hexadecimal.
    pub(super) request_hash: String,
}

/// Whose keys they are: what one caller named means nothing to another, and nothing to the same software when it acts for
/// somebody else.
pub(super) fn owner(caller: &Caller) -> String {
    let actor = match &caller.actor {
        // The same identity in another room is somebody else.
        Actor::Participant { room, identity } => format!("participant {}", serde_json::json!([room, identity])),
        actor => format!("{} {}", actor.kind(), actor.id()),
    };
    match caller.on_behalf_of {
        Some(person) => format!("{actor} for {person}"),
        None => actor,
    }
}

/// Reads the header, which may be a quoted string (RFC 8941) or bare.
pub(super) fn parse(header: &str) -> Result<String, Problem> {
    let key = header.trim();
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    let is_good = (1..=MAX_KEY_CHARS).contains(&key.len()) && key.chars().all(|character| character.is_ascii_graphic());
    if is_good { Ok(key.to_owned()) } else { Err(Problem::field("header/Idempotency-Key", "invalid")) }
}

struct Kept {
    request_hash: String,
    answer: Answer,
}

impl FromRow for Kept {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let senseless = || StoreError::Senseless("an answer that was kept".to_owned());
        let status: u32 = row.get("status")?;
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let headers: Vec<(String, String)> = row.json("headers")?;
        let read = |(name, value): (String, String)| Some((HeaderName::try_from(name).ok()?, value));
        let headers = headers.into_iter().map(read).collect::<Option<Vec<_>>>().ok_or_else(senseless)?;
        let answer = Answer { status: status.ok_or_else(senseless)?, headers, body: row.get("body")?, kept_body: None };
        Ok(Self { request_hash: row.get("request_hash")?, answer })
    }
}

/// Ends the work with the answer that was given, when there is one. Whoever asks twice at once waits here.
pub(super) async fn replay(tx: &mut Tx, key: &Key) -> Result<(), Problem> {
    tx.lock(&format!("idempotency {} {}", key.caller, key.key)).await?;
    let kept: Option<Kept> = tx
        .optional(
            sql("SELECT request_hash, status, headers, body FROM idempotency_keys
                 WHERE caller = $1 AND idempotency_key = $2 AND created_at > $3")
            .bind(&key.caller)
            .bind(&key.key)
            .bind(Utc::now() - LIFETIME),
        )
        .await?;
    match kept {
        Some(kept) if kept.request_hash == key.request_hash => Err(Problem::replay(kept.answer)),
        Some(_) => Err(Code::IdempotencyKeyReused.into()),
        None => Ok(()),
    }
}

/// Keeps the answer, which is about something of that tenant.
pub(super) async fn keep(tx: &mut Tx, key: &Key, tenant: Option<TenantId>, answer: &Answer) -> Result<(), StoreError> {
    let headers: Vec<_> = answer.headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
    tx.execute(
        sql("INSERT INTO idempotency_keys (caller, idempotency_key, request_hash, status, headers, body, created_at, tenant_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (caller, idempotency_key) DO UPDATE SET request_hash = excluded.request_hash,
                 tenant_id = excluded.tenant_id, status = excluded.status, headers = excluded.headers, body = excluded.body,
                 created_at = excluded.created_at")
        .bind(&key.caller)
        .bind(&key.key)
        .bind(&key.request_hash)
        .bind(i64::from(answer.status.as_u16()))
        .bind(&serde_json::json!(headers))
        .bind(answer.kept_body.clone().or_else(|| answer.body.clone()))
        .bind(Utc::now())
        .bind(tenant),
    )
    .await?;
    Ok(())
}

/// Deletes the answers about a tenant, and those that were given to somebody. Nothing is looked for in what they say: that
/// would tell whoever asks what others were told. Whoever repeats a request of the last day does it again.
pub(crate) async fn forget(tx: &mut Tx, tenant: TenantId, person: Option<UserId>) -> Result<u64, StoreError> {
    let mut delete = sql("DELETE FROM idempotency_keys WHERE tenant_id = $1").bind(tenant);
    if let Some(person) = person {
        delete.push_bound(" OR caller = ", format!("user {person}"));
    }
    tx.execute(delete).await
}
