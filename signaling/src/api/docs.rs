// SPDX-License-Identifier: EUPL-1.2
//! The OpenAPI document and a page that shows it, from our own origin.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::App;

/// Where the document is.
const DOCUMENT: &str = "/api/v1/openapi.json";

/// The page brings styles in its elements and pictures in its styles; everything else is files of ours.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
);

pub(super) fn routes() -> Router<Arc<App>> {
    let config = Config::new([DOCUMENT]).try_it_out_enabled(true).persist_authorization(false);
    let page = Router::from(SwaggerUi::new("/api/docs").config(config))
        .layer(header_layer(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(header_layer(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        .layer(header_layer(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")));
    Router::new().route(DOCUMENT, get(document)).merge(page)
}

fn header_layer(name: HeaderName, value: HeaderValue) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, value)
}

async fn document(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], app.api.description.document.as_str()).into_response()
}
