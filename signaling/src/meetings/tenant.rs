// SPDX-License-Identifier: EUPL-1.2
//! What meetings need to know of their tenant.

use store::{FromRow, Row, StoreError, Tx, sql};

use super::model::TimeZone;
use crate::api::ids::{PolicyId, TenantId};
use crate::api::language::Language;
use crate::identity::tenants::settings::Settings;
use crate::phone::numbers;

pub(crate) use crate::identity::tenants::settings::{DialInNumber, Limits};

/// The zone of meetings of a tenant that has named none.
const DEFAULT_ZONE: TimeZone = TimeZone(chrono_tz::Tz::Europe__Berlin);

/// A tenant, as meetings see it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) slug: String,
    pub(crate) language: Language,
    pub(crate) default_policy_id: Option<PolicyId>,
    pub(crate) settings: Settings,
}

impl Tenant {
    /// The zone of meetings that name none.
    pub(crate) fn time_zone(&self) -> TimeZone {
        self.settings.time_zone.as_deref().and_then(TimeZone::parse).unwrap_or(DEFAULT_ZONE)
    }
}

impl FromRow for Tenant {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let language: String = row.get("locale")?;
        Ok(Self {
            id: row.get("id")?,
            slug: row.get("slug")?,
            language: Language::from_tag(&language).unwrap_or_default(),
            default_policy_id: row.get("default_policy_id")?,
            settings: row.json("settings")?,
        })
    }
}

/// The numbers that a tenant's meetings show: those that it names itself, or else the installation's.
pub(crate) async fn dial_in_numbers(tx: &mut Tx, tenant: &Tenant) -> Result<Vec<DialInNumber>, StoreError> {
    let named = &tenant.settings.dial_in.numbers;
    if named.is_empty() { numbers::shown(tx, tenant.id).await } else { Ok(named.clone()) }
}

/// The tenant of that id.
pub(crate) async fn find(tx: &mut Tx, id: TenantId) -> Result<Option<Tenant>, StoreError> {
    let select = sql("SELECT id, slug, locale, default_policy_id, settings FROM tenants WHERE id = $1");
    tx.optional(select.bind(id)).await
}
