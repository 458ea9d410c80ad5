// SPDX-License-Identifier: EUPL-1.2
//! A permanent room.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::{FromRow, Row, StoreError};
use utoipa::ToSchema;

use crate::api::ids::{PolicyId, RoomId, TenantId, UserId};
use crate::meetings::view::DialInView;

/// A permanent room, as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Room {
    pub(crate) id: RoomId,
    pub(crate) tenant_id: TenantId,
    pub(crate) name: String,
    /// Its short name, unique in the tenant.
    pub(crate) slug: String,
    pub(crate) owner_id: UserId,
    pub(crate) policy_id: Option<PolicyId>,
    /// In the link `/m/{code}`.
    pub(crate) code: String,
    /// For the keypad.
    pub(crate) conference_id: String,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl FromRow for Room {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            name: row.get("name")?,
            slug: row.get("slug")?,
            owner_id: row.get("owner_id")?,
            policy_id: row.get("policy_id")?,
            code: row.get("code")?,
            conference_id: row.get("conference_id")?,
            revision: row.get("revision")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// A permanent room.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Room)]
pub(crate) struct RoomView {
    /// Its id.
    pub(super) id: RoomId,
    /// The tenant that has it.
    pub(super) tenant_id: TenantId,
    /// What it is called.
    pub(super) name: String,
    /// Its short name, unique in the tenant.
    pub(super) slug: String,
    /// The account that it belongs to.
    pub(super) owner_id: UserId,
    /// What it allows.
    pub(super) policy_id: Option<PolicyId>,
    /// The link to it.
    pub(super) join_url: String,
    /// How to come by telephone.
    pub(super) dial_in: DialInView,
    /// Grows with each change; the ETag.
    pub(super) revision: i64,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(super) updated_at: DateTime<Utc>,
}

/// What a permanent room is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoomInput {
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    /// Its short name, unique in the tenant: small letters, digits and hyphens.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", example = "council")]
    pub(crate) slug: String,
    /// The account that it belongs to; whoever asks without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner_id: Option<UserId>,
    /// What it allows; the tenant's default without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy_id: Option<PolicyId>,
}
