// SPDX-License-Identifier: EUPL-1.2
//! Whether the process lives, and whether it can serve whoever comes now.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::app::App;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/health/live", get(|| async { "OK" })).route("/health/ready", get(ready))
}

async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    if app.directory.is_ready() && !app.directory.is_leaving() {
        (StatusCode::OK, "OK")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no SFU node serves, or this process is about to end")
    }
}
