// SPDX-License-Identifier: EUPL-1.2
//! The audit log: who did what to what, with which result. Append-only; each tenant's events are a chain in which every
//! hash covers the one before, so that an event that is changed, removed or put in between is found.
//!
//! An event names ids and fields, never what people wrote: no titles, names or addresses.

mod filter;
pub(crate) mod head;
mod model;
pub(crate) mod routes;
pub(crate) mod verify;

use chrono::Utc;
use serde_json::{Value as Json, json};
use store::{FromRow, Row, StoreError, Tx, sql};

use crate::api::ids::{AuditEventId, TenantId};
use crate::identity::caller::{Actor, Caller};
use crate::identity::secret;

pub(crate) use self::filter::{Filter, Order};

/// What the first event of a chain follows.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Something that was done, or that somebody was not allowed to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Such as `meeting.update`.
    pub(crate) action: &'static str,
    /// What kind of thing it was done to.
    pub(crate) target_type: &'static str,
    /// Which of that kind.
    pub(crate) target_id: String,
    /// Whether it was done.
    pub(crate) result: Outcome,
    /// Which fields changed, and what else matters.
    pub(crate) details: Json,
}

/// Whether something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was.
    Success,
    /// It was not allowed.
    Denied,
}

impl Outcome {
    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Denied => "denied",
        }
    }
}

impl Event {
    /// Something that was done. `action` begins with the kind of the target.
    pub(crate) fn new(action: &'static str, target_id: impl ToString) -> Self {
        let target_type = action.split('.').next().unwrap_or(action);
        let target_id = target_id.to_string();
        Self { action, target_type, target_id, result: Outcome::Success, details: json!({}) }
    }

    /// With the names of the fields that changed.
    pub(crate) fn changing(self, fields: &[impl AsRef<str>]) -> Self {
        let fields: Vec<_> = fields.iter().map(AsRef::as_ref).collect();
        self.with("fields", json!(fields))
    }

    /// With another detail.
    pub(crate) fn with(mut self, name: &str, value: Json) -> Self {
        self.details[name] = value;
        self
    }

    /// It was not allowed.
    pub(crate) fn denied(mut self) -> Self {
        self.result = Outcome::Denied;
        self
    }
}

/// Who did it, and in answer to which request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause<'a> {
    /// Whose chain it belongs to; none is the installation's.
    pub(crate) tenant: Option<TenantId>,
    /// Who did it.
    pub(crate) actor: &'a Actor,
    /// The request, when it was one.
    pub(crate) request_id: Option<&'a str>,
}

impl<'a> Cause<'a> {
    /// What a caller does to something of that tenant.
    pub(crate) fn of(caller: &'a Caller, tenant: Option<TenantId>, request_id: &'a str) -> Self {
        Self { tenant, actor: &caller.actor, request_id: Some(request_id) }
    }

    /// What Saal does by itself.
    pub(crate) fn system(tenant: Option<TenantId>) -> Self {
        Self { tenant, actor: &Actor::System, request_id: None }
    }
}

/// The end of a chain.
struct Head {
    number: i64,
    hash: String,
}

impl FromRow for Head {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { number: row.get("number")?, hash: row.get("hash")? })
    }
}

/// Appends an event. It is kept together with what the transaction does, or not at all.
///
/// From here to the end of the transaction other writers of the tenant wait, so it comes last.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn append(tx: &mut Tx, cause: Cause<'_>, event: &Event) -> Result<(), StoreError> {
    let tenant = cause.tenant.map(|id| id.to_string()).unwrap_or_default();
    let head = match next_head(tx, &tenant).await? {
        Some(head) => head,
        None => {
            let begin = sql("INSERT INTO audit_heads (tenant_id, number, hash, first_number, first_previous_hash)
                 VALUES ($1, 0, $2, 1, $2) ON CONFLICT (tenant_id) DO NOTHING");
            tx.execute(begin.bind(&tenant).bind(GENESIS)).await?;
            let missing = || StoreError::Senseless("a chain that has just begun is not there".to_owned());
            next_head(tx, &tenant).await?.ok_or_else(missing)?
        }
    };
    let mut link = Link {
        tenant_id: tenant,
        number: head.number,
        id: AuditEventId::new().to_string(),
        occurred_at_ms: Utc::now().timestamp_millis(),
        actor_type: cause.actor.kind().to_owned(),
        actor_id: cause.actor.id(),
        action: event.action.to_owned(),
        target_type: event.target_type.to_owned(),
        target_id: event.target_id.clone(),
        result: event.result.as_str().to_owned(),
        request_id: cause.request_id.map(str::to_owned),
        details: event.details.to_string(),
        previous_hash: head.hash,
        hash: String::new(),
    };
    link.hash = link.expected_hash();
    tx.execute(sql("UPDATE audit_heads SET hash = $1 WHERE tenant_id = $2").bind(&link.hash).bind(&link.tenant_id))
        .await?;
    tx.execute(
        sql("INSERT INTO audit_events (tenant_id, number, id, occurred_at, actor_type, actor_id, action, target_type,
                 target_id, result, request_id, details, previous_hash, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
        .bind(&link.tenant_id)
        .bind(link.number)
        .bind(&link.id)
        .bind(link.occurred_at_ms)
        .bind(&link.actor_type)
        .bind(&link.actor_id)
        .bind(&link.action)
        .bind(&link.target_type)
        .bind(&link.target_id)
        .bind(&link.result)
        .bind(link.request_id.clone())
        .bind(&link.details)
        .bind(&link.previous_hash)
        .bind(&link.hash),
    )
    .await?;
    Ok(())
}

/// Takes the next number of a chain that has begun. It locks the chain's end, where the database locks rows.
async fn next_head(tx: &mut Tx, tenant: &str) -> Result<Option<Head>, StoreError> {
    let update = sql("UPDATE audit_heads SET number = number + 1 WHERE tenant_id = $1 RETURNING number, hash");
    tx.optional(update.bind(tenant)).await
}

/// An event as it is stored: one link of a chain. Its columns are taken as they are: those of an event that somebody has
/// changed may make no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) tenant_id: String,
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) occurred_at_ms: i64,
    pub(crate) actor_type: String,
    pub(crate) actor_id: String,
    pub(crate) action: String,
    pub(crate) target_type: String,
    pub(crate) target_id: String,
    pub(crate) result: String,
    pub(crate) request_id: Option<String>,
    pub(crate) details: String,
    pub(crate) previous_hash: String,
    pub(crate) hash: String,
}

impl Link {
    /// The hash that it must have: SHA-256 over all of it and the hash before, as a JSON list, in hexadecimal.
    pub(crate) fn expected_hash(&self) -> String {
        let content = json!([
            self.previous_hash,
            self.tenant_id,
            self.number,
            self.id,
            self.occurred_at_ms,
            self.actor_type,
            self.actor_id,
            self.action,
            self.target_type,
            self.target_id,
            self.result,
            self.request_id,
            self.details,
        ]);
        secret::hash(&content.to_string())
    }
}

impl FromRow for Link {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            tenant_id: row.get("tenant_id")?,
            number: row.get("number")?,
            id: row.get("id")?,
            occurred_at_ms: row.get("occurred_at")?,
            actor_type: row.get("actor_type")?,
            actor_id: row.get("actor_id")?,
            action: row.get("action")?,
            target_type: row.get("target_type")?,
            target_id: row.get("target_id")?,
            result: row.get("result")?,
            request_id: row.get("request_id")?,
            details: row.get("details")?,
            previous_hash: row.get("previous_hash")?,
            hash: row.get("hash")?,
        })
    }
}
