// SPDX-License-Identifier: EUPL-1.2
//! API tokens in the database.

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx, sql};

use super::model::ApiToken;
use crate::api::ids::{ApiTokenId, TenantId};
use crate::api::paging::Page;
use crate::identity::caller::Actor;

/// What lists are sorted by.
pub(super) type Key = (i64, ApiTokenId);

impl FromRow for ApiToken {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            name: row.get("name")?,
            prefix: row.get("prefix")?,
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
pub(crate) async fn insert(tx: &mut Tx, token: &ApiToken, hash: &str, made_by: &Actor) -> Result<(), StoreError> {
    tx.execute(
        sql("INSERT INTO api_tokens (id, tenant_id, name, prefix, token_hash, scopes, allowed_networks, created_by,
                 created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(token.id)
        .bind(token.tenant_id)
        .bind(&token.name)
        .bind(&token.prefix)
        .bind(hash)
        .bind(token.scopes.clone())
        .bind(&json!(token.allowed_networks))
        .bind(made_by.id())
        .bind(token.created_at)
        .bind(token.expires_at),
    )
    .await?;
    Ok(())
}

/// The one with that hash.
pub(super) async fn by_hash(tx: &mut Tx, hash: &str) -> Result<Option<ApiToken>, StoreError> {
    tx.optional(sql("SELECT * FROM api_tokens WHERE token_hash = $1").bind(hash)).await
}

/// The one with that id, if it is the tenant's.
pub(super) async fn find(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    id: ApiTokenId,
) -> Result<Option<ApiToken>, StoreError> {
    let mut select = sql("SELECT * FROM api_tokens WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

/// A page of them, the oldest first.
pub(super) async fn page(tx: &mut Tx, tenant: Option<TenantId>, page: &Page<Key>) -> Result<Vec<ApiToken>, StoreError> {
    let mut select = sql("SELECT * FROM api_tokens WHERE TRUE");
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
pub(super) async fn note_use(tx: &mut Tx, id: ApiTokenId, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.execute(sql("UPDATE api_tokens SET last_used_at = $1 WHERE id = $2").bind(now).bind(id)).await?;
    Ok(())
}

/// Withdraws it.
pub(super) async fn revoke(tx: &mut Tx, id: ApiTokenId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let update = sql("UPDATE api_tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL");
    tx.execute(update.bind(now).bind(id)).await?;
    Ok(())
}
