// SPDX-License-Identifier: EUPL-1.2
//! Permanent rooms in the database.

use store::{StoreError, Tx, sql};

use super::model::Room;
use crate::api::ids::{RoomId, TenantId};

/// The one with that id, if it is the tenant's.
pub(crate) async fn find(tx: &mut Tx, tenant: Option<TenantId>, id: RoomId) -> Result<Option<Room>, StoreError> {
    let mut select = sql("SELECT * FROM rooms WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

/// The one with that code in its link.
pub(crate) async fn by_code(tx: &mut Tx, code: &str) -> Result<Option<Room>, StoreError> {
    tx.optional(sql("SELECT * FROM rooms WHERE code = $1").bind(code)).await
}

/// The one with that number for the keypad.
pub(crate) async fn by_conference_id(tx: &mut Tx, conference_id: &str) -> Result<Option<Room>, StoreError> {
    tx.optional(sql("SELECT * FROM rooms WHERE conference_id = $1").bind(conference_id)).await
}
