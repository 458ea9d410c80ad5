// SPDX-License-Identifier: EUPL-1.2
//! Signing in with a password, who one is, and signing out.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{cookie, origin, table};
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::{Anyone, Context};
use crate::api::ids::{TenantId, UserId};
use crate::api::language::Language;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::caller::Actor;
use crate::identity::roles::Role;
use crate::identity::scopes::{Scope, Scopes};
use crate::identity::users::model::{User, tidy_email};
use crate::identity::{tenants, users};
use crate::records::audit::{self, Cause, Event};

pub(in crate::identity) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show, sign_in, sign_out))
}

/// What somebody signs in with.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInInput {
    /// The address of their account.
    #[schema(max_length = 254)]
    email: String,
    /// Their password.
    #[schema(max_length = 256, format = "password")]
    password: String,
    /// Their tenant, by its slug; needed by those who have accounts in several.
    #[schema(max_length = 63)]
    tenant: Option<String>,
}

/// Who is signed in, and what they may do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// The account.
    user_id: UserId,
    /// The tenant it belongs to.
    tenant_id: TenantId,
    /// Its address.
    email: String,
    /// Its name.
    name: String,
    /// What they are in the organisation.
    role: Role,
    /// The language they are addressed in, if they have chosen one.
    language: Option<Language>,
    /// What they may do.
    #[schema(value_type = Vec<Scope>)]
    scopes: Scopes,
    /// How strongly they proved who they are, in the identity provider's words.
    acr: Option<String>,
    /// What goes into the header X-CSRF-Token of requests that change something.
    csrf_token: String,
    /// When they are signed out unless they do something.
    idle_until: DateTime<Utc>,
    /// When they are signed out whatever they do.
    expires_at: DateTime<Utc>,
}

/// Tells who is signed in
#[utoipa::path(get, path = "/session", tag = "Session", security(("browser" = [])),
    responses((status = 200, body = SessionView)))]
async fn show(context: Context) -> Result<Response, Problem> {
    let hash = super::hash_in(&context.app, &context.headers).ok_or(Code::Unauthenticated)?;
    let view = view(&context.app, &hash).await?;
    Ok(Answer::ok(&view)?.into_response())
}

async fn view(app: &App, hash: &str) -> Result<SessionView, Problem> {
    let mut tx = app.store.read().await?;
    let session = table::find(&mut tx, hash, Utc::now()).await?.ok_or(Code::Unauthenticated)?;
    let User { input, tenant_id, .. } =
        users::table::find(&mut tx, None, session.user).await?.ok_or(Code::Unauthenticated)?;
    Ok(SessionView {
        user_id: session.user,
        tenant_id,
        email: input.email,
        name: input.name,
        role: input.role,
        language: input.language,
        scopes: input.role.scopes(),
        acr: session.acr.clone(),
        csrf_token: super::csrf(app, hash),
        idle_until: session.idle_until(),
        expires_at: session.expires_at,
    })
}

/// Signs in with a password
///
/// The answer sets a cookie. It is the same for a wrong password and for an account that does not exist.
#[utoipa::path(post, path = "/session", tag = "Session", request_body = SignInInput, security(()),
    responses((status = 201, body = SessionView)))]
async fn sign_in(
    State(app): State<Arc<App>>,
    anyone: Anyone,
    headers: HeaderMap,
    Body(input): Body<SignInInput>,
) -> Result<Response, Problem> {
    origin::check(&headers, &app.config.public_url)?;
    let email = tidy_email(&input.email);
    let made = app.throttle.begin(Instant::now(), &email, anyone.address)?;
    let (user, hash) = candidate(&app, &email, input.tenant.as_deref()).await?;
    let verified = app.passwords.verify(input.password, hash.clone()).await?;
    let mut tx = app.store.write().await?;
    // It took a while: who has another password by now does not come in with the old one.
    let is_right = match (&user, &hash) {
        (Some(user), Some(hash)) if verified => {
            users::table::note_password_sign_in(&mut tx, user.id, hash, Utc::now()).await?
        }
        _ => false,
    };
    // Who was disabled or removed meanwhile does not come in.
    let user = match user {
        Some(user) => users::table::find(&mut tx, None, user.id).await?,
        None => None,
    };
    let tenant = user.as_ref().map(|user| user.tenant_id);
    let Some(user) = user.as_ref().filter(|user| is_right && !user.input.disabled) else {
        // Whose account it would have been is known to the log, not which name was tried.
        let target = user.map(|user| user.id.to_string()).unwrap_or_else(|| "unknown".to_owned());
        let event = Event::new("user.sign_in", target).with("by", "password".into()).denied();
        let cause = Cause { tenant, actor: &Actor::System, request_id: Some(&anyone.request_id) };
        audit::append(&mut tx, cause, &event).await?;
        tx.commit().await?;
        return Err(Code::SignInRefused.into());
    };
    // A browser that was signed in as somebody else is so no more.
    if let Some(old) = super::hash_in(&app, &headers) {
        table::end(&mut tx, &old).await?;
    }
    let begun = super::begin(&app, &mut tx, user.id, &table::FromProvider::default()).await?;
    let event = Event::new("user.sign_in", user.id).with("by", "password".into());
    let cause = Cause { tenant, actor: &Actor::User(user.id), request_id: Some(&anyone.request_id) };
    audit::append(&mut tx, cause, &event).await?;
    tx.commit().await?;
    app.throttle.succeeded(&made);
    let view = view(&app, &begun.hash).await?;
    let mut response = Answer::created("/api/v1/session".to_owned(), &view)?.into_response();
    response.headers_mut().insert(header::SET_COOKIE, begun.cookie);
    Ok(response)
}

/// The account that somebody means, with what is stored of its password. Without a tenant an address must be of one account
/// only.
async fn candidate(app: &App, email: &str, tenant: Option<&str>) -> Result<(Option<User>, Option<String>), Problem> {
    let mut tx = app.store.read().await?;
    let tenant = match tenant {
        Some(name) => match tenants::named(&mut tx, Some(name)).await? {
            Some(tenant) => Some(tenant),
            None => return Ok((None, None)),
        },
        None => None,
    };
    let mut found = users::table::by_email(&mut tx, tenant, email).await?;
    let user = if found.len() == 1 { found.pop() } else { None };
    let hash = match &user {
        Some(user) => users::table::password_hash(&mut tx, user.id).await?,
        None => None,
    };
    Ok((user, hash))
}

/// Signs out
#[utoipa::path(delete, path = "/session", tag = "Session", security(("browser" = [])), responses((status = 204)))]
async fn sign_out(context: Context) -> Result<Response, Problem> {
    let hash = super::hash_in(&context.app, &context.headers).ok_or(Code::Unauthenticated)?;
    let mut tx = context.write().await?;
    let session = table::find(&mut tx, &hash, Utc::now()).await?.ok_or(Code::Unauthenticated)?;
    if !table::end(&mut tx, &hash).await? {
        return Err(Code::Unauthenticated.into());
    }
    let event = Event::new("user.sign_out", session.user);
    let mut response = context.commit(tx, Some(session.tenant), &event, Answer::no_content()).await?;
    response.headers_mut().insert(header::SET_COOKIE, cookie::forget(&context.app, cookie::SESSION));
    Ok(response)
}
