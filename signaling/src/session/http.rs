// SPDX-License-Identifier: EUPL-1.2
//! The paths by which clients come in.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::admission::{self, Admitted, Generation, Query, Refusal};
use super::limits::MAX_FRAME_BYTES;
use super::socket;
use crate::app::App;

/// A websocket that waits costs no more than this.
const READ_BUFFER_BYTES: usize = 8 * 1024;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/rtc", get(connect_v0))
        .route("/rtc/validate", get(validate_v0))
        .route("/rtc/v1", get(connect_v1))
        .route("/rtc/v1/validate", get(validate_v1))
}

async fn connect_v1(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap, upgrade: Upgrade) -> Response {
    let Ok(upgrade) = upgrade else { return StatusCode::NOT_FOUND.into_response() };
    match admit_or_revive(&app, &uri, &headers, Generation::V1).await {
        Ok(admitted) => limit(upgrade).on_upgrade(move |socket| socket::run(app, socket, admitted)),
        Err(refusal) => refuse(refusal),
    }
}

/// Clients that know only two peer connections are told on the websocket that they cannot join: that is the one answer
/// that all of them show, and none repeats its attempt.
async fn connect_v0(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap, upgrade: Upgrade) -> Response {
    let Ok(upgrade) = upgrade else { return StatusCode::NOT_FOUND.into_response() };
    match admit(&app, &uri, &headers, Generation::V0) {
        Ok(_) => limit(upgrade).on_upgrade(socket::refuse_generation),
        Err(refusal) => refuse(refusal),
    }
}

/// A browser learns here why its websocket did not open.
async fn validate_v1(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    validate(&app, &uri, &headers, Generation::V1).await
}

async fn validate_v0(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    validate(&app, &uri, &headers, Generation::V0).await
}

async fn validate(app: &Arc<App>, uri: &Uri, headers: &HeaderMap, generation: Generation) -> Response {
    match admit_or_revive(app, uri, headers, generation).await {
        Ok(_) => "success".into_response(),
        Err(refusal) => refuse(refusal),
    }
}

async fn admit_or_revive(
    app: &Arc<App>,
    uri: &Uri,
    headers: &HeaderMap,
    generation: Generation,
) -> Result<Admitted, Refusal> {
    let query = query(uri);
    admission::or_revive(app, || admission::admit(app, SystemTime::now(), headers, &query, generation)).await
}

fn admit(app: &App, uri: &Uri, headers: &HeaderMap, generation: Generation) -> Result<Admitted, Refusal> {
    let admitted = admission::admit(app, SystemTime::now(), headers, &query(uri), generation);
    admitted.inspect_err(|refusal| app.metrics.refusals.with_label_values(&[refusal.status.as_str()]).inc())
}

fn query(uri: &Uri) -> Query {
    axum::extract::Query::try_from_uri(uri).map(|query| query.0).unwrap_or_default()
}

fn refuse(refusal: Refusal) -> Response {
    (refusal.status, refusal.text).into_response()
}

/// Compression (RFC 7692) is not agreed on: the library has none, every client does without, and a frame that is short
/// here stays short.
fn limit(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade.max_message_size(MAX_FRAME_BYTES).max_frame_size(MAX_FRAME_BYTES).read_buffer_size(READ_BUFFER_BYTES)
}
