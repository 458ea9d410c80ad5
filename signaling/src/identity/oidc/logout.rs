// SPDX-License-Identifier: EUPL-1.2
//! Signing out: here and at the provider (OpenID Connect RP-Initiated Logout 1.0), and when the provider says that somebody
//! signed out there (Back-Channel Logout 1.0).

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::json;
use store::{StoreError, Tx, sql};
use tracing::info;

use super::Provider;
use super::claims::Claims;
use super::page::{self, Refusal};
use super::routes::redirect;
use super::texts;
use crate::api::ids::UserId;
use crate::api::language::Language;
use crate::api::visitor::Visitor;
use crate::app::App;
use crate::identity::caller::Actor;
use crate::identity::secret;
use crate::identity::sessions::{self, cookie, origin, table};
use crate::identity::users;
use crate::records::audit::{self, Cause, Event};

/// What a logout token must say that it is.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// For how long we remember that we have seen one, beyond its own end: the provider's clock may be off.
const LEEWAY: Duration = Duration::minutes(2);

/// Asks whether to sign out: a link must not do it.
pub(super) async fn ask(headers: HeaderMap) -> Response {
    let language = Language::requested(&headers).unwrap_or_default();
    let (question, button) = texts::sign_out(language);
    let form = format!("<form method=\"post\" action=\"/auth/logout\"><button>{button}</button></form>");
    page::page(StatusCode::OK, language, question, &form)
}

/// Signs out here, and sends the browser to the provider to sign out there.
pub(super) async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match end_session(&app, &headers).await {
        Ok(location) if wants_json(&headers) => {
            // Our own pages go there themselves: their policy keeps forms from leading to another site (CSP form-action).
            let mut response = axum::Json(json!({ "location": location })).into_response();
            response.headers_mut().insert(header::SET_COOKIE, cookie::forget(&app, cookie::SESSION));
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Ok(location) => redirect(&location, [cookie::forget(&app, cookie::SESSION)]),
        Err(refusal) => refusal.page(&headers),
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/json")
}

async fn end_session(app: &App, headers: &HeaderMap) -> Result<String, Refusal> {
    origin::check(headers, &app.config.public_url)?;
    let home = || "/".to_owned();
    let Some(hash) = sessions::hash_in(app, headers) else { return Ok(home()) };
    let mut tx = app.store.write().await?;
    let Some(session) = table::find(&mut tx, &hash, Utc::now()).await? else { return Ok(home()) };
    if !table::end(&mut tx, &hash).await? {
        return Ok(home());
    }
    let actor = Actor::User(session.user);
    let cause = Cause { tenant: Some(session.tenant), actor: &actor, request_id: None };
    audit::append(&mut tx, cause, &Event::new("user.sign_out", session.user)).await?;
    tx.commit().await?;
    let provider = app.oidc.as_ref().filter(|_| session.oidc_session.is_some());
    let Some(provider) = provider else { return Ok(home()) };
    // When the provider is away, being signed out here is what can be had.
    let endpoint = provider.metadata().await.ok().and_then(|metadata| metadata.end_session_endpoint.clone());
    let Some(endpoint) = endpoint else { return Ok(home()) };
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &provider.settings.client_id)
        .append_pair("post_logout_redirect_uri", &format!("{}/", app.config.public_url))
        .finish();
    let separator = if endpoint.contains('?') { '&' } else { '?' };
    Ok(format!("{endpoint}{separator}{query}"))
}

#[derive(Deserialize)]
pub(super) struct LogoutRequest {
    logout_token: String,
}

/// The provider says that somebody signed out there.
pub(super) async fn backchannel(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    request: Result<Form<LogoutRequest>, axum::extract::rejection::FormRejection>,
) -> Response {
    // The provider may sign out thousands at once, and must be heard: only what is wrong is counted.
    let ended = match request {
        _ if visitor.check_failures().is_err() => Err(Refusal::Busy),
        Ok(Form(LogoutRequest { logout_token })) => end_of_provider(&app, &logout_token).await,
        Err(_) => Err(Refusal::BadToken),
    };
    if ended == Err(Refusal::BadToken) {
        visitor.note_failure();
    }
    let mut response = match ended {
        Ok(sessions) => {
            info!(sessions, "the identity provider ended sessions");
            StatusCode::OK.into_response()
        }
        Err(Refusal::ProviderAway | Refusal::Unavailable | Refusal::Busy) => {
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(Refusal::NotConfigured) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": "invalid_request" }))).into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn end_of_provider(app: &App, token: &str) -> Result<usize, Refusal> {
    let provider = app.oidc.as_ref().ok_or(Refusal::NotConfigured)?;
    let claims = verify(provider, token).await?;
    let now = Utc::now();
    let mut tx = app.store.write().await?;
    note_token(&mut tx, &claims, now).await?;
    let (session, subject) = (claims.text("sid"), claims.text("sub"));
    let user = match subject {
        Some(subject) => users::table::by_subject(&mut tx, &provider.settings.issuer, subject).await?,
        None => None,
    };
    let ended = match (session, user) {
        (None, None) if subject.is_none() => return Err(Refusal::BadToken),
        (Some(session), user) => {
            let mut ended = table::end_of_provider(&mut tx, session).await?;
            // Where the provider did not say what it calls a session, it may be the one that is meant.
            if let Some(user) = user
                && table::end_nameless(&mut tx, user.id).await? > 0
            {
                ended.push(user.id);
            }
            ended
        }
        (None, Some(user)) if table::end_all(&mut tx, user.id, None).await? > 0 => vec![user.id],
        (None, _) => Vec::new(),
    };
    for user in &ended {
        note_end(&mut tx, *user).await?;
    }
    tx.commit().await?;
    Ok(ended.len())
}

/// What a logout token says, if all is right with it (Back-Channel Logout 1.0 §2.6).
async fn verify(provider: &Provider, token: &str) -> Result<Claims, Refusal> {
    let (header, claims) = provider.verify(token, &provider.settings.client_id).await?;
    let is_of_type = match header.typ.as_deref() {
        Some(name) => name.eq_ignore_ascii_case("logout+jwt") || name.eq_ignore_ascii_case("jwt"),
        None => true,
    };
    let says_logout =
        claims.0.get("events").and_then(|events| events.get(EVENT)).is_some_and(|event| event.is_object());
    // An ID token has a nonce, and must not be taken for a logout token.
    let is_good = is_of_type && says_logout && !claims.0.contains_key("nonce") && claims.text("jti").is_some();
    if is_good { Ok(claims) } else { Err(Refusal::BadToken) }
}

/// Fails for a token that was used before.
async fn note_token(tx: &mut Tx, claims: &Claims, now: DateTime<Utc>) -> Result<(), Refusal> {
    let jti = claims.text("jti").ok_or(Refusal::BadToken)?;
    let expires_at_s = claims.seconds("exp").ok_or(Refusal::BadToken)?;
    // Saturates; a time that no clock shows is as good as for ever.
    let expires_at = DateTime::from_timestamp(expires_at_s as i64, 0);
    let until = expires_at.and_then(|expires_at| expires_at.checked_add_signed(LEEWAY));
    let until = until.unwrap_or(DateTime::<Utc>::MAX_UTC);
    tx.execute(sql("DELETE FROM oidc_logout_tokens WHERE expires_at < $1").bind(now)).await?;
    let insert = sql("INSERT INTO oidc_logout_tokens (jti_hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    let insert = insert.bind(secret::hash(jti)).bind(until);
    if tx.execute(insert).await? == 1 { Ok(()) } else { Err(Refusal::BadToken) }
}

async fn note_end(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let tenant = users::table::find(tx, None, user).await?.map(|user| user.tenant_id);
    let event = Event::new("user.sign_out", user).with("by", "provider".into());
    audit::append(tx, Cause::system(tenant), &event).await
}
