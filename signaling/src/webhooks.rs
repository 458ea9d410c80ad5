// SPDX-License-Identifier: EUPL-1.2
//! Telling other software what happens: webhooks as Standard Webhooks describes them
//! (<https://www.standardwebhooks.com>). A message is stored in the transaction of what it tells, so it is sent if and
//! only if that happened; messages to one address go out in their order, again and again until they arrive.

pub(crate) mod deliver;
mod events;
mod meeting_changes;
mod model;
pub(crate) mod routes;
mod sign;
mod table;

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{StoreError, Tx};

use crate::api::ids::TenantId;

pub(crate) use self::events::{Happening, WebhookEvent};

/// Whether any webhook of the tenant wants to know of such an event.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn is_wanted(tx: &mut Tx, tenant: TenantId, event: WebhookEvent) -> Result<bool, StoreError> {
    Ok(!table::wanting(tx, tenant, event).await?.is_empty())
}

/// Stores a message about what happens for each webhook of the tenant that wants to know. This is the way for all that
/// happens but changes of meetings, which have an outbox of their own (`meeting_changes`). It is sent within a second;
/// [`deliver::Deliverer::nudge`] after the commit sends it at once.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn note(
    tx: &mut Tx,
    tenant: TenantId,
    happening: &Happening,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let wanting = table::wanting(tx, tenant, happening.event).await?;
    let payload = json!({ "type": happening.event.as_str(), "timestamp": now, "data": happening.data });
    for webhook in wanting {
        if table::is_full(tx, webhook.id).await? {
            table::disable(tx, &webhook, "full", now).await?;
            continue;
        }
        table::enqueue(tx, webhook.id, tenant, happening.event, &payload, now).await?;
    }
    Ok(())
}
