// SPDX-License-Identifier: EUPL-1.2
//! A number as the API shows it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::ids::{PhoneNumberId, TenantId};
use crate::api::language::Language;

/// A number that can be called.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PhoneNumber {
    /// Its id.
    pub(super) id: PhoneNumberId,
    /// What it is made of.
    #[serde(flatten)]
    pub(super) input: PhoneNumberInput,
    /// Grows with each change: its ETag.
    pub(super) revision: i64,
    /// Since when.
    pub(super) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(super) updated_at: DateTime<Utc>,
}

/// What a number is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoneNumberInput {
    /// The number. As in E.164 it is known however a trunk writes it; anything else is what a trunk says, sign by sign.
    #[schema(min_length = 1, max_length = 64, pattern = "^[+0-9A-Za-z*#._ ()/-]+$", example = "+4930123456")]
    pub(super) number: String,
    /// What it is called where it is shown, such as the city.
    #[schema(min_length = 1, max_length = 100, example = "Berlin")]
    pub(super) name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub(super) description: String,
    /// The only trunk by which it can be called; any without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 63, example = "provider")]
    pub(super) trunk_id: Option<String>,
    /// Whose meetings are reached by it; all tenants' without it, nobody's where the list is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1000)]
    pub(super) tenants: Option<Vec<TenantId>>,
    /// What callers are spoken to in, the usual one first; all that there are where the list is empty. With several, callers choose.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub(super) languages: Vec<Language>,
    /// The conference number of the only meeting or room that it leads to. Callers are not asked for one then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]{9,10}$", example = "4815162342")]
    pub(super) direct: Option<String>,
    /// Whether meetings and invitations show it, where the tenant names no numbers itself.
    #[serde(default)]
    #[schema(default = false)]
    pub(super) is_shown: bool,
}

impl PhoneNumberInput {
    /// Names of the fields in which they differ.
    pub(super) fn changed(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            ("number", self.number != other.number),
            ("name", self.name != other.name),
            ("description", self.description != other.description),
            ("trunk_id", self.trunk_id != other.trunk_id),
            ("tenants", self.tenants != other.tenants),
            ("languages", self.languages != other.languages),
            ("direct", self.direct != other.direct),
            ("is_shown", self.is_shown != other.is_shown),
        ];
        fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

impl PhoneNumber {
    /// As that tenant sees it: who else is reached by it is not their business.
    pub(super) fn seen_by(mut self, tenant: Option<TenantId>) -> Self {
        if let (Some(own), Some(tenants)) = (tenant, &mut self.input.tenants) {
            tenants.retain(|tenant| *tenant == own);
        }
        self
    }
}
