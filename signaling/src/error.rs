// SPDX-License-Identifier: EUPL-1.2
//! Errors of our own API, as problem documents (RFC 9457). LiveKit's paths have their own ways.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use thiserror::Error;

/// Why a request fails.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ApiError {
    /// The request is not as it should be.
    #[error("{0}")]
    Malformed(&'static str),
    /// The server is not set up for it.
    #[error("{0}")]
    Unavailable(&'static str),
    /// Our fault. What it was is in the log.
    #[error("the server failed")]
    Internal,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Never changes, unlike the words.
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Unavailable(_) => "unavailable",
            Self::Internal => "internal",
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let problem = json!({
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "code": self.code(),
            "detail": self.to_string(),
        });
        let content_type = HeaderValue::from_static("application/problem+json");
        (status, [(header::CONTENT_TYPE, content_type)], problem.to_string()).into_response()
    }
}
