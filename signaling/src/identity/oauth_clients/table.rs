// SPDX-License-Identifier: EUPL-1.2
//! OAuth clients in the database.

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx, sql};

use super::model::OauthClient;
use crate::api::ids::{OauthClientId, TenantId};
use crate::api::paging::Page;
use crate::identity::caller::Actor;

/// What lists are sorted by.
pub(super) type Key = (i64, OauthClientId);

impl FromRow for OauthClient {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            name: row.get("name")?,
            scopes: row.get("scopes")?,
            allowed_networks: row.json("allowed_networks")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            last_used_at: row.get("last_used_at")?,
            revoked_at: row.get("revoked_at")?,
        })
    }
}

/// Stores a new one.
pub(super) async fn insert(
    tx: &mut Tx,
    client: &OauthClient,
    secret_hash: &str,
    made_by: &Actor,
) -> Result<(), StoreError> {
    tx.execute(
        sql("INSERT INTO oauth_clients (id, tenant_id, name, secret_hash, scopes, allowed_networks, created_by, created_at,
                 expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(client.id)
        .bind(client.tenant_id)
        .bind(&client.name)
        .bind(secret_hash)
        .bind(client.scopes.clone())
        .bind(&json!(client.allowed_networks))
        .bind(made_by.id())
        .bind(client.created_at)
        .bind(client.expires_at),
    )
    .await?;
    Ok(())
}

/// The one with that id, if it is the tenant's.
pub(super) async fn find(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    id: OauthClientId,
) -> Result<Option<OauthClient>, StoreError> {
    let mut select = sql("SELECT * FROM oauth_clients WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

struct SecretHash(String);

impl FromRow for SecretHash {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("secret_hash").map(Self)
    }
}

/// What is stored of its secret.
pub(super) async fn secret_hash(tx: &mut Tx, id: OauthClientId) -> Result<Option<String>, StoreError> {
    let found = tx.optional(sql("SELECT secret_hash FROM oauth_clients WHERE id = $1").bind(id)).await?;
    Ok(found.map(|SecretHash(hash)| hash))
}

/// A page of them, the oldest first.
pub(super) async fn page(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    page: &Page<Key>,
) -> Result<Vec<OauthClient>, StoreError> {
    let mut select = sql("SELECT * FROM oauth_clients WHERE TRUE");
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    if let Some((created_at, id)) = page.after {
        select.push_bound(" AND (created_at, id) > (", created_at).push_bound(", ", id).push(")");
    }
    select.push_bound(" ORDER BY created_at, id LIMIT ", page.probe());
    tx.all(select).await
}

/// Notes that it was used.
pub(super) async fn note_use(tx: &mut Tx, id: OauthClientId, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.execute(sql("UPDATE oauth_clients SET last_used_at = $1 WHERE id = $2").bind(now).bind(id)).await?;
    Ok(())
}

/// Withdraws it.
pub(super) async fn revoke(tx: &mut Tx, id: OauthClientId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let update = sql("UPDATE oauth_clients SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL");
    tx.execute(update.bind(now).bind(id)).await?;
    Ok(())
}
