// SPDX-License-Identifier: EUPL-1.2
//! Browsers that are signed in. Each has a cookie of 256 random bits, of which only a hash is stored. It ends twelve hours
//! after the last request, seven days after the sign-in, and whenever somebody says so.

pub(crate) mod cookie;
pub(crate) mod origin;
pub(crate) mod routes;
pub(crate) mod table;

use axum::http::{HeaderMap, HeaderValue};
use chrono::Utc;
use store::{StoreError, Tx};

use self::table::{FromProvider, Session};
use super::authentication::{Authenticated, ProvenBy};
use super::caller::{Actor, Caller};
use super::keys::Purpose;
use super::roles::Role;
use super::users;
use crate::api::ids::UserId;
use crate::api::problem::Problem;
use crate::app::App;
use crate::identity::secret;

/// Who sits before the browser that shows this cookie. A cookie that is over is as good as none.
pub(crate) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Option<Authenticated>, Problem> {
    let Some(hash) = hash_in(app, headers) else { return Ok(None) };
    let now = Utc::now();
    let found = table::find(&mut app.store.read().await?, &hash, now).await?;
    let Some(session) = found else { return Ok(None) };
    if session.is_use_noteworthy(now) {
        let mut tx = app.store.write().await?;
        table::note_use(&mut tx, &hash, now).await?;
        tx.commit().await?;
    }
    let Session { user, tenant, role, acr, .. } = session;
    let caller = Caller {
        actor: Actor::User(user),
        tenant: (role != Role::SystemAdmin).then_some(tenant),
        role: Some(role),
        on_behalf_of: None,
        scopes: role.scopes(),
        own_scopes: role.scopes(),
        acr,
    };
    Ok(Some(Authenticated { caller, proof: ProvenBy::Cookie { csrf: csrf(app, &hash) } }))
}

/// The hash of the cookie that a request shows.
pub(crate) fn hash_in(app: &App, headers: &HeaderMap) -> Option<String> {
    cookie::read(headers, cookie::name(app, cookie::SESSION).as_str()).map(secret::hash)
}

/// What a page of ours sends beside the cookie, which pages of others do not know.
pub(crate) fn csrf(app: &App, hash: &str) -> String {
    app.installation.derive_text(Purpose::Csrf, &[hash.as_bytes()])
}

/// A browser that has just been signed in.
pub(crate) struct Begun {
    /// What is stored of its cookie.
    pub(crate) hash: String,
    /// The cookie to set, once the transaction is kept.
    pub(crate) cookie: HeaderValue,
}

/// Signs somebody in.
pub(crate) async fn begin(app: &App, tx: &mut Tx, user: UserId, provider: &FromProvider) -> Result<Begun, StoreError> {
    let secret = secret::make("");
    let hash = secret::hash(&secret);
    let now = Utc::now();
    table::insert(tx, &hash, user, provider, now).await?;
    users::table::note_sign_in(tx, user, now).await?;
    Ok(Begun { hash, cookie: cookie::set(app, cookie::SESSION, &secret, None) })
}
