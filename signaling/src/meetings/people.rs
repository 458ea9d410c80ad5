// SPDX-License-Identifier: EUPL-1.2
//! The accounts of people whom meetings name.

use store::{FromRow, Row, StoreError, Tx, sql};

use crate::api::ids::{TenantId, UserId};
use crate::identity::users::model::tidy_email;

/// What meetings know of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) id: UserId,
    /// In lower case.
    pub(super) email: String,
    pub(super) name: String,
}

impl FromRow for Person {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: row.get("id")?, email: row.get("email")?, name: row.get("name")? })
    }
}

/// The account with that id, if it is the tenant's.
pub(super) async fn by_id(tx: &mut Tx, tenant: TenantId, id: UserId) -> Result<Option<Person>, StoreError> {
    let select = sql("SELECT id, email, name FROM users WHERE id = $1 AND tenant_id = $2");
    tx.optional(select.bind(id).bind(tenant)).await
}

/// The account with that address, if it is the tenant's.
pub(super) async fn by_email(tx: &mut Tx, tenant: TenantId, email: &str) -> Result<Option<Person>, StoreError> {
    let select = sql("SELECT id, email, name FROM users WHERE email = $1 AND tenant_id = $2");
    tx.optional(select.bind(tidy_email(email)).bind(tenant)).await
}
