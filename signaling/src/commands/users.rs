// SPDX-License-Identifier: EUPL-1.2
//! Accounts, from the command line: the first system administrator is made here.

use chrono::Utc;
use store::{Store, StoreError, Tx};

use super::CommandError;
use crate::api::ids::UserId;
use crate::identity::roles::Role;
use crate::identity::users::model::{User, UserInput, tidy_email};
use crate::identity::users::{check_system_admin_remains, named, table};
use crate::identity::{passwords, sessions, tenants};
use crate::records::audit::{self, Cause, Event};

/// What an account is to be.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// Its address.
    pub email: &'a str,
    /// What others read; the address without it.
    pub name: Option<&'a str>,
    /// The name of a role.
    pub role: &'a str,
    /// The tenant's slug or id; the only one there is without it.
    pub tenant: Option<&'a str>,
    /// Its password; without one its owner signs in with the identity provider.
    pub password: Option<&'a str>,
}

/// An account, in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUser {
    /// Its id.
    pub id: String,
    /// Its address.
    pub email: String,
    /// Its role.
    pub role: &'static str,
    /// Whether its owner is kept from signing in.
    pub is_disabled: bool,
    /// Whether it has a password.
    pub has_password: bool,
}

/// What happens to an account.
#[derive(Clone, Copy, Debug)]
pub enum UserChange<'a> {
    /// It gets a password, and is signed out everywhere.
    Password(&'a str),
    /// It gets the role of that name.
    Role(&'a str),
    /// Its owner is kept from signing in, and is signed out everywhere.
    Disable,
    /// Its owner may sign in again.
    Enable,
    /// It is removed.
    Delete,
}

/// Makes an account and returns its id.
///
/// # Errors
///
/// Fails when something about it is wrong, the address is taken, or the database is away.
pub async fn create_user(store: &Store, wanted: &NewUser<'_>) -> Result<String, CommandError> {
    let email = tidy_email(wanted.email);
    if !email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()) {
        return Err(CommandError::NoAddress(wanted.email.to_owned()));
    }
    let role = role(wanted.role)?;
    let hash = wanted.password.map(|password| hash(password, &email)).transpose()?;
    let mut tx = store.write().await?;
    tenants::ensure_one(&mut tx).await?;
    let tenant_id = tenants::named(&mut tx, wanted.tenant).await?.ok_or(CommandError::NoSuchTenant)?;
    let now = Utc::now();
    let name = wanted.name.unwrap_or(&email).to_owned();
    let user = User {
        id: UserId::new(),
        tenant_id,
        input: UserInput { email, name, role, language: None, phone_e164: None, disabled: false },
        has_password: hash.is_some(),
        is_known_to_provider: false,
        last_sign_in_at: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    table::insert(&mut tx, &user, hash).await.map_err(taken)?;
    let event = Event::new("user.create", user.id).with("role", role.as_str().into());
    audit::append(&mut tx, Cause::system(Some(tenant_id)), &event).await?;
    tx.commit().await?;
    Ok(user.id.to_string())
}

/// All accounts of a tenant, or of all tenants.
///
/// # Errors
///
/// Fails when there is no such tenant, or the database is away.
pub async fn list_users(
    store: &Store,
    tenant: Option<&str>,
    mut show: impl FnMut(&ListedUser),
) -> Result<(), CommandError> {
    let mut tx = store.read().await?;
    let tenant = match tenant {
        Some(name) => Some(tenants::named(&mut tx, Some(name)).await?.ok_or(CommandError::NoSuchTenant)?),
        None => None,
    };
    let mut after = None;
    loop {
        let (users, last) = table::next_of_all(&mut tx, tenant, after).await?;
        for user in users {
            show(&ListedUser {
                id: user.id.to_string(),
                email: user.input.email,
                role: user.input.role.as_str(),
                is_disabled: user.input.disabled,
                has_password: user.has_password,
            });
        }
        if last.is_none() {
            return Ok(());
        }
        after = last;
    }
}

/// Changes the account that somebody names by its id or its address.
///
/// # Errors
///
/// Fails when there is no such account or several, when it is the last system administrator, or the database is away.
pub async fn change_user(
    store: &Store,
    name: &str,
    tenant: Option<&str>,
    change: UserChange<'_>,
) -> Result<(), CommandError> {
    let mut tx = store.write().await?;
    let tenant = match tenant {
        Some(name) => Some(tenants::named(&mut tx, Some(name)).await?.ok_or(CommandError::NoSuchTenant)?),
        None => None,
    };
    let user = named(&mut tx, tenant, name).await?.ok_or(CommandError::NoSuchUser)?;
    let event = match change {
        UserChange::Password(password) => {
            // It keeps other writers waiting for an instant; nobody does that in a loop.
            let hash = hash(password, &user.input.email)?;
            table::set_password(&mut tx, user.id, &hash, Utc::now()).await?;
            sessions::table::end_all(&mut tx, user.id, None).await?;
            Event::new("user.password", user.id)
        }
        UserChange::Role(name) => update(&mut tx, &user, UserInput { role: role(name)?, ..user.input.clone() }).await?,
        UserChange::Disable => update(&mut tx, &user, UserInput { disabled: true, ..user.input.clone() }).await?,
        UserChange::Enable => update(&mut tx, &user, UserInput { disabled: false, ..user.input.clone() }).await?,
        UserChange::Delete => {
            remains(&mut tx, &user, None).await?;
            if !table::delete(&mut tx, &user).await? {
                return Err(CommandError::ChangedMeanwhile);
            }
            Event::new("user.delete", user.id)
        }
    };
    audit::append(&mut tx, Cause::system(Some(user.tenant_id)), &event).await?;
    tx.commit().await?;
    Ok(())
}

/// Signs everybody out everywhere, and returns how many browsers that were.
///
/// # Errors
///
/// Fails when the database is away.
pub async fn end_all_sessions(store: &Store) -> Result<u64, CommandError> {
    let mut tx = store.write().await?;
    let ended = sessions::table::end_all_there_are(&mut tx).await?;
    if ended > 0 {
        let event = Event::new("user.sign_out", "everybody").with("sessions", ended.into());
        audit::append(&mut tx, Cause::system(None), &event).await?;
    }
    tx.commit().await?;
    Ok(ended)
}

async fn update(tx: &mut Tx, user: &User, input: UserInput) -> Result<Event, CommandError> {
    remains(tx, user, Some(&input)).await?;
    if !table::update(tx, user, &input, Utc::now()).await? {
        return Err(CommandError::ChangedMeanwhile);
    }
    if input.disabled {
        sessions::table::end_all(tx, user.id, None).await?;
    }
    let event = Event::new("user.update", user.id).changing(&user.input.changed(&input));
    Ok(if input.role == user.input.role { event } else { event.with("role", input.role.as_str().into()) })
}

async fn remains(tx: &mut Tx, user: &User, input: Option<&UserInput>) -> Result<(), CommandError> {
    check_system_admin_remains(tx, user, input).await.map_err(|_| CommandError::LastSystemAdmin)
}

fn role(name: &str) -> Result<Role, CommandError> {
    Role::parse(name).ok_or_else(|| CommandError::NoSuchRole(name.to_owned()))
}

fn hash(password: &str, email: &str) -> Result<String, CommandError> {
    match passwords::weakness(password, email) {
        Some("too-short") => Err(CommandError::ShortPassword),
        Some(_) => Err(CommandError::WeakPassword),
        None => passwords::hash(password).ok_or(CommandError::WeakPassword),
    }
}

fn taken(error: StoreError) -> CommandError {
    if error.is_taken("email") { CommandError::AddressTaken } else { error.into() }
}
