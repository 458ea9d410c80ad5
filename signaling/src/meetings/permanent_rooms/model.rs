// SPDX-License-Identifier: EUPL-1.2
//! A permanent room.

use chrono::{DateTime, Utc};
use store::{FromRow, Row, StoreError};

use crate::api::ids::{PolicyId, RoomId, TenantId, UserId};

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
