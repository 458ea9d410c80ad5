// SPDX-License-Identifier: EUPL-1.2
//! Tenants: authorities that share an installation and see nothing of each other.

pub(crate) mod model;
pub(crate) mod routes;
pub(crate) mod settings;
mod table;

use chrono::Utc;
use store::{FromRow, Row, Single, StoreError, Tx, sql};

use crate::api::ids::TenantId;
use crate::api::language::Language;
use crate::identity::tenants::settings::Settings;

/// The tenant of a new installation.
const FIRST_SLUG: &str = "main";

/// Makes a tenant when there is none, so that a new installation can be used at once.
pub(crate) async fn ensure_one(tx: &mut Tx) -> Result<(), StoreError> {
    tx.lock("tenants").await?;
    if tx.optional::<Single<TenantId>>(sql("SELECT id FROM tenants LIMIT 1")).await?.is_none() {
        let now = Utc::now();
        let insert = sql("INSERT INTO tenants (id, slug, name, locale, settings, revision, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, 1, $6, $6)");
        let insert = insert.bind(TenantId::new()).bind(FIRST_SLUG).bind("Saal").bind(Language::De.as_str());
        tx.execute(insert.bind("{}").bind(now)).await?;
    }
    Ok(())
}

/// The tenant that somebody names by its id or its slug; without a name the only one there is.
pub(crate) async fn named(tx: &mut Tx, name: Option<&str>) -> Result<Option<TenantId>, StoreError> {
    let found: Vec<Single<TenantId>> = match name {
        Some(name) => tx.all(sql("SELECT id FROM tenants WHERE id = $1 OR slug = $1").bind(name)).await?,
        None => tx.all(sql("SELECT id FROM tenants LIMIT 2")).await?,
    };
    Ok(match found.as_slice() {
        [Single(id)] => Some(*id),
        _ => None,
    })
}

struct Stored(Settings);

impl FromRow for Stored {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.json("settings").map(Self)
    }
}

/// What the tenant decides for itself; what it has not is none of its fields' value.
pub(crate) async fn settings(tx: &mut Tx, tenant: TenantId) -> Result<Settings, StoreError> {
    let stored: Option<Stored> = tx.optional(sql("SELECT settings FROM tenants WHERE id = $1").bind(tenant)).await?;
    Ok(stored.map(|Stored(settings)| settings).unwrap_or_default())
}

/// The tenant to which the identity provider sends people by that value.
pub(crate) async fn by_oidc_claim(tx: &mut Tx, value: &str) -> Result<Option<TenantId>, StoreError> {
    let found: Option<Single<TenantId>> =
        tx.optional(sql("SELECT id FROM tenants WHERE oidc_claim_value = $1").bind(value)).await?;
    Ok(found.map(|Single(id)| id))
}
