// SPDX-License-Identifier: EUPL-1.2
//! What meetings need to know of their tenant.

use serde::{Deserialize, Serialize};
use store::{FromRow, Row, StoreError, Tx, sql};
use utoipa::ToSchema;

use crate::api::ids::{PolicyId, TenantId};
use crate::api::language::Language;

/// What a tenant may have at once. None is as much as the machines carry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Limits {
    pub(crate) max_concurrent_participants: Option<u32>,
    pub(crate) max_concurrent_phone_calls: Option<u32>,
    pub(crate) max_bitrate_kbps: Option<u32>,
    pub(crate) max_meeting_minutes: Option<u32>,
}

/// A number that one can call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DialInNumber {
    /// The number, as in E.164.
    #[schema(example = "+4930123456")]
    pub(crate) e164: String,
    /// What it is called, such as the city.
    #[serde(default)]
    pub(crate) label: String,
    /// The country (ISO 3166-1).
    #[serde(default)]
    pub(crate) country: String,
    /// The language that is spoken there.
    #[serde(default)]
    pub(crate) language: String,
}

/// The part of a tenant's settings that meetings look at. What else is in there is not read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) dial_in: DialIn,
}

/// How a tenant is reached by telephone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct DialIn {
    pub(crate) numbers: Vec<DialInNumber>,
}

/// A tenant, as meetings see it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) language: Language,
    pub(crate) default_policy_id: Option<PolicyId>,
    pub(crate) settings: Settings,
}

impl FromRow for Tenant {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let language: String = row.get("locale")?;
        Ok(Self {
            id: row.get("id")?,
            language: Language::from_tag(&language).unwrap_or_default(),
            default_policy_id: row.get("default_policy_id")?,
            settings: row.json("settings")?,
        })
    }
}

/// The tenant of that id.
pub(crate) async fn find(tx: &mut Tx, id: TenantId) -> Result<Option<Tenant>, StoreError> {
    let select = sql("SELECT id, locale, default_policy_id, settings FROM tenants WHERE id = $1");
    tx.optional(select.bind(id)).await
}
