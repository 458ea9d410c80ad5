// SPDX-License-Identifier: EUPL-1.2
//! The front door of the API. Before a request reaches its subject it is known who asks, that they do not ask too often,
//! that a browser's request comes from our own pages, and the body is read; what goes wrong is said in the language that
//! was asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::LengthLimitError;
use sha2::{Digest as _, Sha256};
use tracing::{Instrument as _, debug, error, info_span};
use uuid::Uuid;

use super::client_address::{Peer, client_address};
use super::context::Facts;
use super::idempotency;
use super::language::Language;
use super::problem::{Code, Problem};
use crate::app::App;
use crate::identity::authentication::{self, ProvenBy};
use crate::identity::caller::Actor;
use crate::identity::secret::hex;

/// Longest body of somebody who is known: a hundred meetings at once have about 200 kB.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Longest body of a stranger, who signs in or asks to join, and of somebody in a room.
const MAX_STRANGERS_BODY_BYTES: usize = 16 * 1024;

/// Longest wait for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What quotes a request in the log and in the answer.
const REQUEST_ID: &str = "x-request-id";

/// Where browsers put the proof that a request comes from our own pages.
const CSRF_HEADER: &str = "x-csrf-token";

pub(super) async fn handle(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    let language = Language::requested(request.headers()).unwrap_or(Language::En);
    let path = request.uri().path().to_owned();
    let span = info_span!("request", %id);
    let answered = async {
        match prepare(&app, request, &id, language).await {
            Ok(request) => carry_out(&app, request, next).await,
            Err(problem) => problem.into_response(),
        }
    };
    let mut response = answered.instrument(span).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        debug!(%id, code = problem.code().as_str(), "a request fails");
        response = problem.render(language, Some(&id), Some(&path));
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Has the request's subject do what is asked. A change is carried out to its end also when whoever asked hangs up
/// meanwhile: what follows a commit, such as ending a room, must not be left out.
async fn carry_out(app: &App, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let guard = app.changes.enter();
    let change = async move {
        let response = next.run(request).await;
        drop(guard);
        response
    };
    let outcome = tokio::spawn(change.in_current_span()).await;
    outcome.unwrap_or_else(|error| {
        error!(%error, "a change ended badly");
        Problem::new(Code::Internal).into_response()
    })
}

/// Looks at the request, and gives it what its subject wants to know.
async fn prepare(app: &Arc<App>, request: Request, id: &str, language: Language) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    if has_nul(&parts) {
        return Err(Code::Malformed.into());
    }
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let address = peer.map(|peer| client_address(peer, &parts.headers, &app.config.trusted_proxies));
    let proof = authentication::proof(app, &parts.headers);
    match (address, &proof) {
        // Whoever shows wrong tokens guesses, and is not even looked up when there were too many.
        (Some(address), Some(proof)) => app.api.failures.check(Instant::now(), address, Some(proof))?,
        (Some(address), None) => app.api.limits.check_stranger(address)?,
        (None, _) => {}
    }
    let authenticated = authentication::authenticate(app, &parts.headers, address).await;
    if let (Some(address), Some(proof)) = (address, proof) {
        match &authenticated {
            Ok(Some(_)) => app.api.failures.note_success(Instant::now(), proof),
            Ok(None) => app.api.failures.note_failure(Instant::now(), address),
            Err(problem) if problem.code() == Code::Unauthenticated => {
                app.api.failures.note_failure(Instant::now(), address);
            }
            // The database is away, or it is not the proof that is wrong.
            Err(_) => {}
        }
    }
    let authenticated = authenticated?;
    let changes = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if let Some(authenticated) = &authenticated {
        app.api.limits.check_caller(&authenticated.caller.actor.id())?;
        if changes
            && !is_sign_in(&parts)
            && let ProvenBy::Cookie { csrf } = &authenticated.proof
        {
            check_forgery(&parts, csrf)?;
        }
    }
    let limit = match &authenticated {
        // A guest is known by a link that anybody may have had.
        Some(authenticated) if !matches!(authenticated.caller.actor, Actor::Participant { .. }) => MAX_BODY_BYTES,
        _ => MAX_STRANGERS_BODY_BYTES,
    };
    let bytes = read(body, limit).await?;
    let caller = authenticated.map(|authenticated| authenticated.caller);
    let idempotency = match (&caller, parts.headers.get(idempotency::HEADER)) {
        (Some(caller), Some(key)) if parts.method == Method::POST => {
            let key = idempotency::parse(key.to_str().map_err(|_| Code::Malformed)?)?;
            Some(idempotency::Key { caller: idempotency::owner(caller), key, request_hash: hash(&parts, &bytes) })
        }
        _ => None,
    };
    let facts = Facts { request_id: id.to_owned(), language, address, caller, idempotency };
    parts.extensions.insert(Arc::new(facts));
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// No text that is stored may hold one, and nobody means one in a path or a query.
fn has_nul(parts: &Parts) -> bool {
    let has_nul = |text: &str| text.contains("%00");
    has_nul(parts.uri.path()) || parts.uri.query().is_some_and(has_nul)
}

/// Signing in looks itself whether it comes from a page of ours. That page cannot know the proof of a session which another
/// tab began, and need not: the cookie counts for nothing there but to end that session.
fn is_sign_in(parts: &Parts) -> bool {
    parts.method == Method::POST && parts.uri.path() == "/api/v1/session"
}

/// A page of somebody else can make a browser send its cookies, but not this header.
fn check_forgery(parts: &Parts, expected: &str) -> Result<(), Problem> {
    let given = parts.headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_equal = aws_lc_rs::constant_time::verify_slices_are_equal(given, expected.as_bytes());
    is_equal.map_err(|_| Code::ForgeryProtection.into())
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let source = std::error::Error::source(&error);
            let is_too_long = source.is_some_and(<dyn std::error::Error>::is::<LengthLimitError>);
            Err(if is_too_long { Code::BodyTooLarge } else { Code::Malformed }.into())
        }
        Err(_) => Err(Code::Malformed.into()),
    }
}

fn hash(parts: &Parts, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    let uri = parts.uri.path_and_query().map_or_else(|| parts.uri.path(), |all| all.as_str());
    for part in [parts.method.as_str().as_bytes(), uri.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}
