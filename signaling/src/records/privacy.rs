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
use crate::identity::users::model::tidy_email;

/// Whose data it is about, within a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) tenant: TenantId,
    /// Their account, if they have one.
    pub(crate) user: Option<UserId>,
    /// Their address, in lower case.
    pub(crate) email: Option<String>,
    /// Their telephone number, as in E.164, when they are known by that.
    pub(crate) phone: Option<String>,
    /// What they are called, if they have an account.
    pub(crate) name: Option<String>,
    /// What they are, if they have an account.
    pub(crate) role: Option<Role>,
}

/// By what somebody is known who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KnownBy {
    /// By their account.
    Account(UserId),
    /// By their address. They may have an account with it.
    Email(String),
    /// By a telephone number, as in E.164, that invitations or accounts have.
    Phone(String),
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
    /// Whose account, address or telephone number it is. Somebody without an account may be invited nevertheless; an
    /// account that is not there is nobody.
    pub(crate) async fn find(tx: &mut Tx, tenant: TenantId, known_by: &KnownBy) -> Result<Option<Self>, StoreError> {
        let mut select = sql("SELECT id, email, name, role FROM users WHERE tenant_id = $1").bind(tenant);
        let mut stranger = Self { tenant, user: None, email: None, phone: None, name: None, role: None };
        match known_by {
            KnownBy::Account(user) => _ = select.push_bound(" AND id = ", *user),
            KnownBy::Email(email) => {
                let email = tidy_email(email);
                select.push_bound(" AND email = ", &email);
                stranger.email = Some(email);
            }
            KnownBy::Phone(phone) => return Ok(Some(Self { phone: Some(phone.clone()), ..stranger })),
        }
        let account: Option<Account> = tx.optional(select).await?;
        Ok(match (account, known_by) {
            (Some(account), _) => Some(Self {
                user: Some(account.id),
                email: Some(account.email),
                name: Some(account.name),
                role: Some(account.role),
                ..stranger
            }),
            (None, KnownBy::Account(_)) => None,
            (None, _) => Some(stranger),
        })
    }
}

#[cfg(test)]
mod tests;
