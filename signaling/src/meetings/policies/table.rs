// SPDX-License-Identifier: EUPL-1.2
//! Policies in the database.

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx, sql};

use super::model::{Policy, PolicyInput};
use crate::api::ids::{PolicyId, TenantId};
use crate::api::paging::Page;

/// What lists are sorted by.
pub(super) type Key = (String, PolicyId);

impl FromRow for Policy {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            name: row.get("name")?,
            rules: row.json("rules")?,
            revision: row.get("revision")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, policy: &Policy) -> Result<(), StoreError> {
    tx.execute(
        sql("INSERT INTO policies (id, tenant_id, name, rules, revision, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(policy.id)
        .bind(policy.tenant_id)
        .bind(&policy.name)
        .bind(&json!(policy.rules))
        .bind(policy.revision)
        .bind(policy.created_at)
        .bind(policy.updated_at),
    )
    .await?;
    Ok(())
}

/// The one with that id, if it is the tenant's.
pub(crate) async fn find(tx: &mut Tx, tenant: Option<TenantId>, id: PolicyId) -> Result<Option<Policy>, StoreError> {
    let mut select = sql("SELECT * FROM policies WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

/// A page of a tenant's, by name.
pub(super) async fn page(tx: &mut Tx, tenant: TenantId, page: &Page<Key>) -> Result<Vec<Policy>, StoreError> {
    let mut select = sql("SELECT * FROM policies WHERE tenant_id = $1").bind(tenant);
    if let Some((name, id)) = &page.after {
        select.push_bound(" AND (name, id) > (", name).push_bound(", ", *id).push(")");
    }
    select.push_bound(" ORDER BY name, id LIMIT ", page.probe());
    tx.all(select).await
}

/// Changes it, if it still is of that revision.
pub(super) async fn update(
    tx: &mut Tx,
    current: &Policy,
    input: &PolicyInput,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let update = sql("UPDATE policies SET name = $1, rules = $2, revision = revision + 1, updated_at = $3
         WHERE id = $4 AND revision = $5");
    let update = update.bind(&input.name).bind(&json!(input.rules)).bind(now).bind(current.id).bind(current.revision);
    Ok(tx.execute(update).await? == 1)
}

/// Removes it, if it still is of that revision. What was under it is under the tenant's default from then on.
pub(super) async fn delete(tx: &mut Tx, current: &Policy) -> Result<bool, StoreError> {
    let forget = sql("UPDATE tenants SET default_policy_id = NULL WHERE default_policy_id = $1");
    tx.execute(forget.bind(current.id)).await?;
    let delete = sql("DELETE FROM policies WHERE id = $1 AND revision = $2");
    Ok(tx.execute(delete.bind(current.id).bind(current.revision)).await? == 1)
}
