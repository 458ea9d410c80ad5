// SPDX-License-Identifier: EUPL-1.2
//! What an operator does on the server itself, by `saal`'s commands, with a running server or without one.

pub mod audit;

use chrono::{Duration, Utc};
use store::{Store, StoreError};
use thiserror::Error;

use crate::api::ids::ApiTokenId;
use crate::identity::api_tokens::model::ApiToken;
use crate::identity::api_tokens::{self, token};
use crate::identity::caller::Actor;
use crate::identity::scopes::{Scope, Scopes};
use crate::identity::tenants;
use crate::records::audit::{Cause, Event, append};

/// Why a command did not do it.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such tenant, or there are several and none was named.
    #[error("there is no such tenant; name one by its slug")]
    NoSuchTenant,
    /// A word that is no scope.
    #[error("{0:?} is no scope; known: {known}", known = known_scopes())]
    NoSuchScope(String),
    /// A head that this installation has not signed.
    #[error("that is no head that this installation has signed")]
    NotOurHead,
    /// What it wrote to takes no more.
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

fn known_scopes() -> String {
    Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

/// What an API token is to be.
#[derive(Clone, Debug)]
pub struct NewApiToken<'a> {
    /// What it is for.
    pub name: &'a str,
    /// Names of scopes with commas between them; `meetings:*` stands for all that begin so.
    pub scopes: &'a str,
    /// The tenant's slug or id; the only one there is without it.
    pub tenant: Option<&'a str>,
    /// For the whole installation instead of a tenant.
    pub is_for_installation: bool,
    /// For how many days.
    pub days: u32,
}

/// Makes an API token and returns it. It is not shown again.
///
/// # Errors
///
/// Fails when the tenant or a scope is not known, or the database is away.
pub async fn create_api_token(store: &Store, wanted: &NewApiToken<'_>) -> Result<String, CommandError> {
    let scopes = Scopes::parse(wanted.scopes).map_err(CommandError::NoSuchScope)?;
    let mut tx = store.write().await?;
    tenants::ensure_one(&mut tx).await?;
    let tenant = if wanted.is_for_installation {
        None
    } else {
        Some(tenants::named(&mut tx, wanted.tenant).await?.ok_or(CommandError::NoSuchTenant)?)
    };
    let secret = token::make();
    let now = Utc::now();
    let made = ApiToken {
        id: ApiTokenId::new(),
        tenant_id: tenant,
        name: wanted.name.to_owned(),
        prefix: token::shown(&secret),
        scopes,
        allowed_networks: Vec::new(),
        created_at: now,
        expires_at: now + Duration::days(wanted.days.into()),
        last_used_at: None,
        revoked_at: None,
    };
    api_tokens::insert(&mut tx, &made, &token::hash(&secret), &Actor::System).await?;
    let event = Event::new("api_token.create", made.id).with("scopes", serde_json::json!(made.scopes));
    append(&mut tx, Cause::system(tenant), &event).await?;
    tx.commit().await?;
    Ok(secret)
}
