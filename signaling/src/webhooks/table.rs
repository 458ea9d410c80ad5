// SPDX-License-Identifier: EUPL-1.2
//! Webhooks and their messages in the database.

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use store::{FromRow, Row, Single, StoreError, Tx, sql};
use tracing::warn;
use uuid::Uuid;

use super::WebhookEvent;
use super::model::{Webhook, WebhookDelivery, WebhookDeliveryStatus, WebhookInput};
use crate::api::ids::{TenantId, WebhookId};
use crate::api::paging::Page;
use crate::records::audit::{self, Cause, Event};

/// Messages that wait for one webhook at most. Then Saal gives up on it: it is told nothing more, and those wait until
/// somebody looks after it.
const MAX_WAITING: i64 = 10_000;

/// What lists are sorted by.
pub(super) type Key = (i64, WebhookId);

impl FromRow for Webhook {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let input = WebhookInput {
            url: row.get("url")?,
            description: row.get("description")?,
            events: row.json("events")?,
            is_active: row.get("is_active")?,
        };
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            input,
            failing_since: row.get("failing_since")?,
            disabled_at: row.get("disabled_at")?,
            revision: row.get("revision")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            secret_generation: row.get("secret_generation")?,
            secret_rotated_at: row.get("secret_rotated_at")?,
        })
    }
}

impl FromRow for WebhookDelivery {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            event: row.get("event_type")?,
            payload: row.json("payload")?,
            status: row.get("status")?,
            attempts: row.get("attempts")?,
            last_status: row.get("last_status")?,
            last_error: row.get("last_error")?,
            created_at: row.get("created_at")?,
            finished_at: row.get("finished_at")?,
        })
    }
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, webhook: &Webhook) -> Result<(), StoreError> {
    tx.execute(
        sql("INSERT INTO webhooks (id, tenant_id, url, description, events, is_active, secret_generation, failures,
                 next_attempt_at, claimed_until, revision, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, $8, $9, $10)")
        .bind(webhook.id)
        .bind(webhook.tenant_id)
        .bind(&webhook.input.url)
        .bind(&webhook.input.description)
        .bind(&json!(webhook.input.events))
        .bind(webhook.input.is_active)
        .bind(webhook.secret_generation)
        .bind(webhook.revision)
        .bind(webhook.created_at)
        .bind(webhook.updated_at),
    )
    .await?;
    Ok(())
}

/// Changes one, whose failures are forgotten. False when somebody else has changed it meanwhile.
pub(super) async fn update(tx: &mut Tx, webhook: &Webhook) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql("UPDATE webhooks SET url = $1, description = $2, events = $3, is_active = $4, secret_generation = $5,
                     failing_since = NULL, failures = 0, next_attempt_at = 0, disabled_at = NULL,
                     revision = revision + 1, updated_at = $6, secret_rotated_at = $9
                 WHERE id = $7 AND revision = $8")
            .bind(&webhook.input.url)
            .bind(&webhook.input.description)
            .bind(&json!(webhook.input.events))
            .bind(webhook.input.is_active)
            .bind(webhook.secret_generation)
            .bind(webhook.updated_at)
            .bind(webhook.id)
            .bind(webhook.revision)
            .bind(webhook.secret_rotated_at),
        )
        .await?;
    Ok(changed > 0)
}

/// Removes it with its messages.
pub(super) async fn delete(tx: &mut Tx, id: WebhookId) -> Result<(), StoreError> {
    tx.execute(sql("DELETE FROM webhooks WHERE id = $1").bind(id)).await?;
    Ok(())
}

/// The one with that id, if it is the tenant's.
pub(super) async fn find(tx: &mut Tx, tenant: Option<TenantId>, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    let mut select = sql("SELECT * FROM webhooks WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

/// A page of them, the oldest first.
pub(super) async fn page(tx: &mut Tx, tenant: Option<TenantId>, page: &Page<Key>) -> Result<Vec<Webhook>, StoreError> {
    let mut select = sql("SELECT * FROM webhooks WHERE TRUE");
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    if let Some((created_at, id)) = page.after {
        select.push_bound(" AND (created_at, id) > (", created_at).push_bound(", ", id).push(")");
    }
    select.push_bound(" ORDER BY created_at, id LIMIT ", page.probe());
    tx.all(select).await
}

/// How many a tenant has.
pub(super) async fn count(tx: &mut Tx, tenant: TenantId) -> Result<i64, StoreError> {
    let select = sql("SELECT COUNT(*) AS count FROM webhooks WHERE tenant_id = $1");
    Ok(tx.one::<Single<i64>>(select.bind(tenant)).await?.0)
}

/// The tenant's active ones that want to be told of an event.
pub(super) async fn wanting(tx: &mut Tx, tenant: TenantId, event: WebhookEvent) -> Result<Vec<Webhook>, StoreError> {
    // A tenant has few, so the list of events is looked at here.
    let all: Vec<Webhook> =
        tx.all(sql("SELECT * FROM webhooks WHERE tenant_id = $1 AND is_active").bind(tenant)).await?;
    Ok(all.into_iter().filter(|webhook| webhook.input.events.contains(&event)).collect())
}

/// Whether so many messages wait that no more are taken.
pub(super) async fn is_full(tx: &mut Tx, webhook: WebhookId) -> Result<bool, StoreError> {
    let select = sql("SELECT COUNT(*) AS count FROM (
             SELECT 1 AS waits FROM webhook_deliveries WHERE webhook_id = $1 AND status = 'pending' LIMIT $2) AS waiting");
    Ok(tx.one::<Single<i64>>(select.bind(webhook).bind(MAX_WAITING)).await?.0 >= MAX_WAITING)
}

/// Tells it nothing any more, until somebody sets it active. That is written down.
pub(super) async fn disable(
    tx: &mut Tx,
    webhook: &Webhook,
    reason: &'static str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let update =
        sql("UPDATE webhooks SET is_active = FALSE, disabled_at = $1, revision = revision + 1, updated_at = $1
         WHERE id = $2");
    tx.execute(update.bind(now).bind(webhook.id)).await?;
    warn!(webhook = %webhook.id, reason, "a webhook is disabled");
    let event = Event::new("webhook.disable", webhook.id).changing(&["is_active"]).with("reason", json!(reason));
    audit::append(tx, Cause::system(Some(webhook.tenant_id)), &event).await
}

/// Stores a message behind those that wait. Returns its id.
pub(super) async fn enqueue(
    tx: &mut Tx,
    webhook: WebhookId,
    tenant: TenantId,
    event: WebhookEvent,
    payload: &Json,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    let id = Uuid::now_v7().to_string();
    tx.execute(
        sql("INSERT INTO webhook_deliveries (id, webhook_id, tenant_id, event_type, payload, status, attempts, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7)")
        .bind(&id)
        .bind(webhook)
        .bind(tenant)
        .bind(event.as_str())
        .bind(payload)
        .bind(WebhookDeliveryStatus::Pending)
        .bind(now),
    )
    .await?;
    Ok(id)
}

/// A page of a webhook's messages, the newest first.
pub(super) async fn deliveries(
    tx: &mut Tx,
    webhook: WebhookId,
    page: &Page<String>,
) -> Result<Vec<WebhookDelivery>, StoreError> {
    let mut select = sql("SELECT * FROM webhook_deliveries WHERE webhook_id = $1").bind(webhook);
    if let Some(id) = &page.after {
        select.push_bound(" AND id < ", id);
    }
    select.push_bound(" ORDER BY id DESC LIMIT ", page.probe());
    tx.all(select).await
}

/// One of them.
pub(super) async fn delivery(tx: &mut Tx, webhook: WebhookId, id: &str) -> Result<Option<WebhookDelivery>, StoreError> {
    let select = sql("SELECT * FROM webhook_deliveries WHERE webhook_id = $1 AND id = $2");
    tx.optional(select.bind(webhook).bind(id)).await
}

/// Lets a message wait again, as if it had never been tried.
pub(super) async fn redeliver(tx: &mut Tx, webhook: WebhookId, id: &str) -> Result<(), StoreError> {
    let update = sql("UPDATE webhook_deliveries SET status = $1, attempts = 0, last_status = NULL, last_error = NULL,
             finished_at = NULL
         WHERE webhook_id = $2 AND id = $3");
    tx.execute(update.bind(WebhookDeliveryStatus::Pending).bind(webhook).bind(id)).await?;
    Ok(())
}
