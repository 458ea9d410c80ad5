// SPDX-License-Identifier: EUPL-1.2
//! A policy as the API shows it, and what one is made of.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rules::RuleChanges;
use crate::api::ids::{PolicyId, TenantId};

/// A policy: what a kind of meeting allows.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Policy {
    /// Its id.
    pub(crate) id: PolicyId,
    /// The tenant that has it.
    pub(crate) tenant_id: TenantId,
    /// By which organizers choose it.
    pub(crate) name: String,
    /// What differs from the tenant's default policy, or from what is built in.
    pub(crate) rules: RuleChanges,
    /// Grows with each change; the ETag.
    pub(crate) revision: i64,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// What a policy is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyInput {
    /// By which organizers choose it.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    /// What differs from the tenant's default policy, or from what is built in.
    #[serde(default)]
    pub(crate) rules: RuleChanges,
}
