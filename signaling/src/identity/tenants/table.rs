// SPDX-License-Identifier: EUPL-1.2
//! Tenants in the database.

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx, sql};

use super::model::{Tenant, TenantInput};
use super::settings::Settings;
use crate::api::ids::{PolicyId, TenantId};
use crate::api::paging::Page;

/// What lists are sorted by.
pub(super) type Key = (i64, TenantId);

impl FromRow for Tenant {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let settings: Settings = row.json("settings")?;
        let Settings { time_zone, branding, legal, dial_in, dial_out, limits, retention, keep_attendance } = settings;
        let input = TenantInput {
            name: row.get("name")?,
            slug: row.get("slug")?,
            oidc_claim_value: row.get("oidc_claim_value")?,
            locale: row.get("locale")?,
            default_policy_id: row.get("default_policy_id")?,
            time_zone,
            branding,
            legal,
            dial_in,
            dial_out,
            limits,
            retention,
            keep_attendance,
        };
        Ok(Self {
            id: row.get("id")?,
            input,
            revision: row.get("revision")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, tenant: &Tenant) -> Result<(), StoreError> {
    let input = &tenant.input;
    tx.execute(
        sql("INSERT INTO tenants (id, slug, name, oidc_claim_value, locale, default_policy_id, settings, revision,
                 created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)")
        .bind(tenant.id)
        .bind(&input.slug)
        .bind(&input.name)
        .bind(input.oidc_claim_value.clone())
        .bind(input.locale)
        .bind(input.default_policy_id)
        .bind(&json!(input.settings()))
        .bind(tenant.revision)
        .bind(tenant.created_at),
    )
    .await?;
    Ok(())
}

/// Stores what it has become. False when somebody else has changed it since `revision`.
pub(super) async fn update(
    tx: &mut Tx,
    id: TenantId,
    revision: i64,
    input: &TenantInput,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let changed = tx
        .execute(
            sql("UPDATE tenants SET slug = $1, name = $2, oidc_claim_value = $3, locale = $4, default_policy_id = $5,
                     settings = $6, revision = revision + 1, updated_at = $7
                 WHERE id = $8 AND revision = $9")
            .bind(&input.slug)
            .bind(&input.name)
            .bind(input.oidc_claim_value.clone())
            .bind(input.locale)
            .bind(input.default_policy_id)
            .bind(&json!(input.settings()))
            .bind(now)
            .bind(id)
            .bind(revision),
        )
        .await?;
    Ok(changed == 1)
}

/// The one with that id.
pub(super) async fn find(tx: &mut Tx, id: TenantId) -> Result<Option<Tenant>, StoreError> {
    tx.optional(sql("SELECT * FROM tenants WHERE id = $1").bind(id)).await
}

/// Removes it with all that it has.
pub(super) async fn delete(tx: &mut Tx, id: TenantId, revision: i64) -> Result<bool, StoreError> {
    let deleted = tx.execute(sql("DELETE FROM tenants WHERE id = $1 AND revision = $2").bind(id).bind(revision));
    Ok(deleted.await? == 1)
}

/// A page of them, the oldest first; only that one when one is named.
pub(super) async fn page(tx: &mut Tx, only: Option<TenantId>, page: &Page<Key>) -> Result<Vec<Tenant>, StoreError> {
    let mut select = sql("SELECT * FROM tenants WHERE TRUE");
    if let Some(only) = only {
        select.push_bound(" AND id = ", only);
    }
    if let Some((created_at, id)) = page.after {
        select.push_bound(" AND (created_at, id) > (", created_at).push_bound(", ", id).push(")");
    }
    select.push_bound(" ORDER BY created_at, id LIMIT ", page.probe());
    tx.all(select).await
}

struct Found;

impl FromRow for Found {
    fn from_row(_: &Row) -> Result<Self, StoreError> {
        Ok(Self)
    }
}

/// Whether the tenant has that policy.
pub(super) async fn has_policy(tx: &mut Tx, tenant: TenantId, policy: PolicyId) -> Result<bool, StoreError> {
    let select = sql("SELECT id FROM policies WHERE id = $1 AND tenant_id = $2").bind(policy).bind(tenant);
    Ok(tx.optional::<Found>(select).await?.is_some())
}

/// Whether there is another tenant.
pub(super) async fn has_another(tx: &mut Tx, tenant: TenantId) -> Result<bool, StoreError> {
    let select = sql("SELECT id FROM tenants WHERE id <> $1 LIMIT 1").bind(tenant);
    Ok(tx.optional::<Found>(select).await?.is_some())
}
