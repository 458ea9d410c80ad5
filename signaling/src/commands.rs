// SPDX-License-Identifier: EUPL-1.2
//! What an operator does on the server itself, by `saal`'s commands, with a running server or without one.

pub mod audit;
mod users;

use chrono::{Duration, Utc};
use store::{Store, StoreError};
use thiserror::Error;

use crate::api::ids::ApiTokenId;
use crate::config::MailConfig;
use crate::identity::api_tokens::model::ApiToken;
use crate::identity::api_tokens::{self, token};
use crate::identity::caller::Actor;
use crate::identity::keys::Keys;
use crate::identity::scopes::{Scope, Scopes};
use crate::identity::secret;
use crate::identity::tenants;
use crate::invitations::answers::mail::{MAX_BYTES, receive};
use crate::records::audit::{Cause, Event, append};

pub use self::users::{ListedUser, NewUser, UserChange, change_user, create_user, end_all_sessions, list_users};

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
    /// A word that is no role.
    #[error("{0:?} is no role; known: {known}", known = known_roles())]
    NoSuchRole(String),
    /// Not an e-mail address.
    #[error("{0:?} is no e-mail address")]
    NoAddress(String),
    /// Somebody in the tenant has the address.
    #[error("there is an account with that address already")]
    AddressTaken,
    /// No account, or several in different tenants.
    #[error("there is no such account, or there are several; name the tenant or the account's id")]
    NoSuchUser,
    /// Nobody could look after the installation any more.
    #[error("that is the last system administrator; make another one first")]
    LastSystemAdmin,
    /// Somebody else changed the account at the same moment.
    #[error("somebody else changed the account at the same moment; look at it and try again")]
    ChangedMeanwhile,
    /// A password that is too short.
    #[error("the password is too short: it needs at least {} characters", crate::identity::passwords::MIN_CHARS)]
    ShortPassword,
    /// A password that others would try.
    #[error("the password is too long or too easy to guess")]
    WeakPassword,
    /// A head that this installation has not signed.
    #[error("that is no head that this installation has signed")]
    NotOurHead,
    /// What it wrote to takes no more.
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

/// Names of all scopes.
pub const ALL_SCOPES: &[&str] = &{
    let mut names = [""; Scope::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = Scope::ALL[index].as_str();
        index += 1;
    }
    names
};

fn known_roles() -> String {
    crate::identity::roles::Role::ALL.map(|role| role.as_str()).join(", ")
}

fn known_scopes() -> String {
    Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

/// Takes a mail that answers an invitation, as a mail server hands it over. Returns what became of it, in a word.
///
/// # Errors
///
/// Fails when the database is away: the mail server tries again then.
pub async fn take_mail(store: &Store, config: &MailConfig, message: &[u8]) -> Result<&'static str, CommandError> {
    let keys = Keys::load(store).await?;
    Ok(receive(store, &keys, config, message).await?.as_str())
}

/// Most bytes of a mail that are looked at.
pub const MAX_MAIL_BYTES: usize = MAX_BYTES;

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
    api_tokens::insert(&mut tx, &made, &secret::hash(&secret), &Actor::System).await?;
    let event = Event::new("api_token.create", made.id).with("scopes", serde_json::json!(made.scopes));
    append(&mut tx, Cause::system(tenant), &event).await?;
    tx.commit().await?;
    Ok(secret)
}
