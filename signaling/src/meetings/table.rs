// SPDX-License-Identifier: EUPL-1.2
//! Meetings in the database.

use store::{StoreError, Tx, sql};

use super::model::Meeting;
use crate::api::ids::{MeetingId, TenantId};

/// The one with that id, if it is the tenant's.
pub(crate) async fn find(tx: &mut Tx, tenant: Option<TenantId>, id: MeetingId) -> Result<Option<Meeting>, StoreError> {
    let mut select = sql("SELECT * FROM meetings WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

/// The one with that code in its link. Permanent rooms have links of the same form.
pub(crate) async fn by_code(tx: &mut Tx, code: &str) -> Result<Option<Meeting>, StoreError> {
    tx.optional(sql("SELECT * FROM meetings WHERE code = $1").bind(code)).await
}

/// The one with that number for the keypad. Permanent rooms have numbers of the same form.
pub(crate) async fn by_conference_id(tx: &mut Tx, conference_id: &str) -> Result<Option<Meeting>, StoreError> {
    tx.optional(sql("SELECT * FROM meetings WHERE conference_id = $1").bind(conference_id)).await
}
