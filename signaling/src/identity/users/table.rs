// SPDX-License-Identifier: EUPL-1.2
//! Accounts in the database.

use chrono::{DateTime, Utc};
use store::{FromRow, Row, Single, StoreError, Tx, sql};

use super::model::{User, UserInput};
use crate::api::ids::{TenantId, UserId};
use crate::api::paging::Page;
use crate::identity::roles::Role;
use crate::meetings::invited;

/// What lists are sorted by.
pub(super) type Key = (i64, UserId);

impl FromRow for User {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let disabled_at: Option<DateTime<Utc>> = row.get("disabled_at")?;
        let password_hash: Option<String> = row.get("password_hash")?;
        let oidc_subject: Option<String> = row.get("oidc_subject")?;
        let input = UserInput {
            email: row.get("email")?,
            name: row.get("name")?,
            role: row.get("role")?,
            language: row.get("language")?,
            phone_e164: row.get("phone_e164")?,
            disabled: disabled_at.is_some(),
        };
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            input,
            has_password: password_hash.is_some(),
            is_known_to_provider: oidc_subject.is_some(),
            last_sign_in_at: row.get("last_sign_in_at")?,
            revision: row.get("revision")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Stores a new one.
pub(crate) async fn insert(tx: &mut Tx, user: &User, password_hash: Option<String>) -> Result<(), StoreError> {
    let disabled_at = user.input.disabled.then_some(user.created_at);
    tx.execute(
        sql(
            "INSERT INTO users (id, tenant_id, email, name, role, language, phone_e164, password_hash, feed_generation,
                 disabled_at, revision, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $11)",
        )
        .bind(user.id)
        .bind(user.tenant_id)
        .bind(&user.input.email)
        .bind(&user.input.name)
        .bind(user.input.role)
        .bind(user.input.language)
        .bind(user.input.phone_e164.clone())
        .bind(password_hash)
        .bind(disabled_at)
        .bind(user.revision)
        .bind(user.created_at),
    )
    .await?;
    invited::link(tx, user.tenant_id, user.id, &user.input.email, user.created_at).await
}

/// Stores what it has become. False when somebody else has changed it since.
pub(crate) async fn update(
    tx: &mut Tx,
    user: &User,
    input: &UserInput,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut update = sql("UPDATE users SET email = $1, name = $2, role = $3, language = $4, phone_e164 = $5,
             revision = revision + 1, updated_at = $6")
    .bind(&input.email)
    .bind(&input.name)
    .bind(input.role)
    .bind(input.language)
    .bind(input.phone_e164.clone())
    .bind(now);
    if input.disabled != user.input.disabled {
        update.push_bound(", disabled_at = ", input.disabled.then_some(now));
    }
    update.push_bound(" WHERE id = ", user.id).push_bound(" AND revision = ", user.revision);
    let is_stored = tx.execute(update).await? == 1;
    if is_stored && input.email != user.input.email {
        invited::link(tx, user.tenant_id, user.id, &input.email, now).await?;
    }
    Ok(is_stored)
}

/// The one with that id, if it is the tenant's.
pub(crate) async fn find(tx: &mut Tx, tenant: Option<TenantId>, id: UserId) -> Result<Option<User>, StoreError> {
    let mut select = sql("SELECT * FROM users WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

/// Those with that address: one in each tenant at most. Two are enough to know that it does not name one.
pub(crate) async fn by_email(tx: &mut Tx, tenant: Option<TenantId>, email: &str) -> Result<Vec<User>, StoreError> {
    let mut select = sql("SELECT * FROM users WHERE email = $1").bind(email);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    select.push(" ORDER BY id LIMIT 2");
    tx.all(select).await
}

/// The one whom the identity provider calls so.
pub(crate) async fn by_subject(tx: &mut Tx, issuer: &str, subject: &str) -> Result<Option<User>, StoreError> {
    let select = sql("SELECT * FROM users WHERE oidc_issuer = $1 AND oidc_subject = $2");
    tx.optional(select.bind(issuer).bind(subject)).await
}

/// Notes what the identity provider calls somebody.
pub(crate) async fn set_subject(tx: &mut Tx, id: UserId, issuer: &str, subject: &str) -> Result<(), StoreError> {
    let update = sql("UPDATE users SET oidc_issuer = $1, oidc_subject = $2, revision = revision + 1 WHERE id = $3");
    tx.execute(update.bind(issuer).bind(subject).bind(id)).await?;
    Ok(())
}

/// Removes it. False when somebody else has changed it since.
pub(crate) async fn delete(tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
    let delete = sql("DELETE FROM users WHERE id = $1 AND revision = $2").bind(user.id).bind(user.revision);
    Ok(tx.execute(delete).await? == 1)
}

/// Gives somebody a password.
pub(crate) async fn set_password(tx: &mut Tx, id: UserId, hash: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let update = sql("UPDATE users SET password_hash = $1, revision = revision + 1, updated_at = $2 WHERE id = $3");
    tx.execute(update.bind(hash).bind(now).bind(id)).await?;
    Ok(())
}

/// Takes somebody's password away. False when they had none.
pub(crate) async fn forget_password(tx: &mut Tx, id: UserId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let update = sql("UPDATE users SET password_hash = NULL, revision = revision + 1, updated_at = $1
         WHERE id = $2 AND password_hash IS NOT NULL");
    Ok(tx.execute(update.bind(now).bind(id)).await? == 1)
}

/// Gives somebody another password in the place of that one. False when they have another already, or are disabled.
pub(super) async fn replace_password(
    tx: &mut Tx,
    id: UserId,
    old: &str,
    new: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let update = sql("UPDATE users SET password_hash = $1, revision = revision + 1, updated_at = $2
         WHERE id = $3 AND password_hash = $4 AND disabled_at IS NULL");
    Ok(tx.execute(update.bind(new).bind(now).bind(id).bind(old)).await? == 1)
}

/// Notes that somebody signed in with that password. False when it is not theirs any more, or they are disabled. Nobody
/// changes that until the transaction ends: whoever gives them another password ends the session that begins here.
pub(crate) async fn note_password_sign_in(
    tx: &mut Tx,
    id: UserId,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let update = sql("UPDATE users SET last_sign_in_at = $1
         WHERE id = $2 AND password_hash = $3 AND disabled_at IS NULL");
    Ok(tx.execute(update.bind(now).bind(id).bind(password_hash)).await? == 1)
}

/// Notes that somebody signed in.
pub(crate) async fn note_sign_in(tx: &mut Tx, id: UserId, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.execute(sql("UPDATE users SET last_sign_in_at = $1 WHERE id = $2").bind(now).bind(id)).await?;
    Ok(())
}

/// Which accounts a list is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) tenant: Option<TenantId>,
    pub(super) role: Option<Role>,
    pub(super) disabled: Option<bool>,
    pub(super) email: Option<String>,
}

/// A page of them, the oldest first.
pub(super) async fn page(tx: &mut Tx, wanted: &Wanted, page: &Page<Key>) -> Result<Vec<User>, StoreError> {
    let mut select = sql("SELECT * FROM users WHERE TRUE");
    if let Some(tenant) = wanted.tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    if let Some(role) = wanted.role {
        select.push_bound(" AND role = ", role);
    }
    match wanted.disabled {
        Some(true) => _ = select.push(" AND disabled_at IS NOT NULL"),
        Some(false) => _ = select.push(" AND disabled_at IS NULL"),
        None => {}
    }
    if let Some(email) = &wanted.email {
        select.push_bound(" AND email = ", email);
    }
    if let Some((created_at, id)) = page.after {
        select.push_bound(" AND (created_at, id) > (", created_at).push_bound(", ", id).push(")");
    }
    select.push_bound(" ORDER BY created_at, id LIMIT ", page.probe());
    tx.all(select).await
}

/// Accounts that are read at a time where all of them are.
const BATCH: i64 = 200;

/// The next accounts of a tenant or of all, and where to go on; there is nothing behind the last ones.
pub(crate) async fn next_of_all(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    after: Option<(i64, UserId)>,
) -> Result<(Vec<User>, Option<(i64, UserId)>), StoreError> {
    let wanted = Wanted { tenant, ..Wanted::default() };
    let mut found = page(tx, &wanted, &Page { limit: BATCH, after }).await?;
    let has_more = i64::try_from(found.len()).is_ok_and(|count| count > BATCH);
    found.truncate(usize::try_from(BATCH).unwrap_or(usize::MAX));
    let last = found.last().map(|user| (user.created_at.timestamp_millis(), user.id));
    Ok((found, last.filter(|_| has_more)))
}

/// What is stored of somebody's password.
pub(crate) async fn password_hash(tx: &mut Tx, id: UserId) -> Result<Option<String>, StoreError> {
    let found = tx.optional(sql("SELECT password_hash FROM users WHERE id = $1").bind(id)).await?;
    Ok(found.and_then(|Single(hash)| hash))
}

struct Found;

impl FromRow for Found {
    fn from_row(_: &Row) -> Result<Self, StoreError> {
        Ok(Self)
    }
}

/// Whether there is a system administrator who can sign in, besides that person, or besides those of that tenant.
pub(super) async fn has_system_admin_besides(
    tx: &mut Tx,
    person: Option<UserId>,
    tenant: Option<TenantId>,
) -> Result<bool, StoreError> {
    let mut select = sql("SELECT id FROM users WHERE role = $1 AND disabled_at IS NULL").bind(Role::SystemAdmin);
    if let Some(person) = person {
        select.push_bound(" AND id <> ", person);
    }
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id <> ", tenant);
    }
    select.push(" LIMIT 1");
    Ok(tx.optional::<Found>(select).await?.is_some())
}
