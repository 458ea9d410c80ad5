// SPDX-License-Identifier: EUPL-1.2
//! The pages by which browsers go to the provider and come back. They are no part of the API: people see their answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use chrono::Utc;
use serde::Deserialize;
use tracing::info;

use super::exchange::redirect_uri;
use super::page::Refusal;
use super::state::{COOKIE, LIFETIME_S, SignIn};
use super::{Provider, account, logout};
use crate::api::visitor::Visitor;
use crate::app::App;
use crate::identity::caller::Actor;
use crate::identity::sessions::{self, cookie, table};
use crate::records::audit::{self, Cause, Event};

/// Longest body: a logout token has about a kilobyte.
const MAX_BODY_BYTES: usize = 32 * 1024;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/auth/oidc/start", get(start))
        .route("/auth/oidc/callback", get(callback))
        .route("/auth/oidc/backchannel-logout", post(logout::backchannel))
        .route("/auth/logout", get(logout::ask).post(logout::sign_out))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

#[derive(Deserialize)]
struct Start {
    return_to: Option<String>,
}

/// Sends a browser to the provider.
async fn start(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(query): Query<Start>,
) -> Response {
    if visitor.check().is_err() {
        return Refusal::Busy.page(&headers);
    }
    match location_of_provider(&app, query.return_to.as_deref().unwrap_or("/")).await {
        Ok((location, cookie)) => redirect(&location, [cookie]),
        Err(refusal) => refusal.page(&headers),
    }
}

async fn location_of_provider(app: &App, return_to: &str) -> Result<(String, HeaderValue), Refusal> {
    let provider = app.oidc.as_ref().ok_or(Refusal::NotConfigured)?;
    let metadata = provider.metadata().await?;
    let sign_in = SignIn::new(return_to);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.settings.client_id)
        .append_pair("redirect_uri", &redirect_uri(app))
        .append_pair("scope", &provider.settings.scopes)
        .append_pair("state", &sign_in.state(app))
        .append_pair("nonce", &sign_in.nonce(app))
        .append_pair("code_challenge", &sign_in.challenge(app))
        .append_pair("code_challenge_method", "S256");
    if !provider.settings.required_acr.is_empty() {
        query.append_pair("acr_values", &provider.settings.required_acr.join(" "));
    }
    let separator = if metadata.authorization_endpoint.contains('?') { '&' } else { '?' };
    let location = format!("{}{separator}{}", metadata.authorization_endpoint, query.finish());
    Ok((location, cookie::set(app, COOKIE, &sign_in.seal(app), Some(LIFETIME_S))))
}

/// What the provider sends a browser back with.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Callback {
    code: String,
    state: String,
    error: String,
    iss: String,
}

/// Signs in whom the provider sends back.
async fn callback(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    headers: HeaderMap,
    query: Result<Query<Callback>, QueryRejection>,
) -> Response {
    if visitor.check().is_err() {
        return Refusal::Busy.page(&headers);
    }
    let callback = query.map(|Query(callback)| callback).unwrap_or_default();
    match sign_in(&app, &headers, &callback).await {
        Ok((return_to, session)) => redirect(&return_to, [session, cookie::forget(&app, COOKIE)]),
        Err(refusal) => {
            info!(reason = refusal.name(), "a sign-in with the identity provider was refused");
            let mut response = refusal.page(&headers);
            response.headers_mut().append(header::SET_COOKIE, cookie::forget(&app, COOKIE));
            response
        }
    }
}

async fn sign_in(app: &App, headers: &HeaderMap, callback: &Callback) -> Result<(String, HeaderValue), Refusal> {
    let provider = app.oidc.as_ref().ok_or(Refusal::NotConfigured)?;
    let begun = cookie::read(headers, &cookie::name(app, COOKIE)).and_then(|cookie| SignIn::open(app, cookie));
    let begun = begun.ok_or(Refusal::NotBegun)?;
    let expected = begun.state(app);
    let is_answer = aws_lc_rs::constant_time::verify_slices_are_equal(callback.state.as_bytes(), expected.as_bytes());
    is_answer.map_err(|_| Refusal::NotBegun)?;
    check_issuer(provider, &callback.iss).await?;
    if !callback.error.is_empty() || callback.code.is_empty() {
        return Err(Refusal::NotGranted);
    }
    let claims = provider.exchange(app, &begun, &callback.code).await?;
    let now = Utc::now();
    let mut tx = app.store.write().await?;
    let resolved = account::resolve(&mut tx, &provider.settings, &claims, now).await;
    let (user, events) = match resolved {
        Ok(resolved) => resolved,
        Err(refusal) => {
            drop(tx);
            note_refusal(app, refusal).await?;
            return Err(refusal);
        }
    };
    if let Some(old) = sessions::hash_in(app, headers) {
        table::end(&mut tx, &old).await?;
    }
    let from_provider = table::FromProvider {
        session: Some(claims.text("sid").unwrap_or_default().to_owned()),
        acr: claims.text("acr").map(str::to_owned),
    };
    let session = sessions::begin(app, &mut tx, user.id, &from_provider).await?;
    let actor = Actor::User(user.id);
    let cause = Cause { tenant: Some(user.tenant_id), actor: &actor, request_id: None };
    let signed_in = Event::new("user.sign_in", user.id).with("by", "provider".into());
    for event in events.iter().chain([&signed_in]) {
        audit::append(&mut tx, cause, event).await?;
    }
    tx.commit().await?;
    Ok((begun.return_to, session.cookie))
}

/// Whether the answer is of the provider that was asked (RFC 9207).
async fn check_issuer(provider: &Provider, named: &str) -> Result<(), Refusal> {
    let is_needed = provider.metadata().await?.authorization_response_iss_parameter_supported;
    let is_right = named == provider.settings.issuer || (named.is_empty() && !is_needed);
    if is_right { Ok(()) } else { Err(Refusal::BadToken) }
}

/// Somebody whom the provider vouches for, and who does not get in all the same.
async fn note_refusal(app: &App, refusal: Refusal) -> Result<(), Refusal> {
    let mut tx = app.store.write().await?;
    let event = Event::new("user.sign_in", "unknown").with("by", "provider".into());
    let event = event.with("reason", refusal.name().into()).denied();
    audit::append(&mut tx, Cause::system(None), &event).await?;
    tx.commit().await?;
    Ok(())
}

/// Sends a browser elsewhere, with cookies.
pub(super) fn redirect<const N: usize>(location: &str, cookies: [HeaderValue; N]) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/")));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}
