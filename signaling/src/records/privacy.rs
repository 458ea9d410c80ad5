// SPDX-License-Identifier: EUPL-1.2
//! What a person may ask for: all that is kept of them (GDPR article 15), and that it is erased (article 17).

pub(crate) mod erase;
pub(crate) mod exports;
mod model;
mod places;
pub(crate) mod routes;

use store::{FromRow, Row, StoreError, Tx, sql};

use crate::api::ids::{TenantId, UserId};
use crate::identity::roles::Role;

/// Whose data it is about, within a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) tenant: TenantId,
    /// Their account, if they have one.
    pub(crate) user: Option<UserId>,
    /// Their address, in lower case.
    pub(crate) email: Option<String>,
    /// What they are called, if they have an account.
    pub(crate) name: Option<String>,
    /// What they are, if they have an account.
    pub(crate) role: Option<Role>,
}

struct Account {
    id: UserId,
    email: String,
    name: String,
    role: Role,
}

impl FromRow for Account {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: row.get("id")?, email: row.get("email")?, name: row.get("name")?, role: row.get("role")? })
    }
}

impl Person {
    /// Whose account, or whose address it is. Somebody without an account may be invited nevertheless; an account that is
    /// not there is nobody.
    pub(crate) async fn find(
        tx: &mut Tx,
        tenant: TenantId,
        user: Option<UserId>,
        email: Option<&str>,
    ) -> Result<Option<Self>, StoreError> {
        let email = email.map(|email| email.trim().to_lowercase());
        let mut select = sql("SELECT id, email, name, role FROM users WHERE tenant_id = $1").bind(tenant);
        match (user, &email) {
            (Some(user), _) => _ = select.push_bound(" AND id = ", user),
            (None, Some(email)) => _ = select.push_bound(" AND email = ", email),
            (None, None) => return Ok(None),
        }
        let account: Option<Account> = tx.optional(select).await?;
        Ok(match (account, user) {
            (Some(account), _) => Some(Self {
                tenant,
                user: Some(account.id),
                email: Some(account.email),
                name: Some(account.name),
                role: Some(account.role),
            }),
            (None, Some(_)) => None,
            (None, None) => Some(Self { tenant, user: None, email, name: None, role: None }),
        })
    }
}

#[cfg(test)]
mod tests;
