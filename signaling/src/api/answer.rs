// SPDX-License-Identifier: EUPL-1.2
//! What a request is answered with, in a form that can be kept for those who ask the same again.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::{Code, Problem};

/// An answer without its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(super) status: StatusCode,
    /// `Location` and `ETag`, where there are any.
    pub(super) headers: Vec<(HeaderName, String)>,
    /// JSON, or nothing.
    pub(super) body: Option<String>,
    /// What is kept in the body's stead for those who ask again, where the body holds a secret.
    pub(super) kept_body: Option<String>,
}

impl Answer {
    /// The body is what was asked for.
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self, Problem> {
        Self::with_status(StatusCode::OK, body)
    }

    /// Something was made, which is found at `location`.
    pub(crate) fn created(location: String, body: &impl Serialize) -> Result<Self, Problem> {
        let mut answer = Self::with_status(StatusCode::CREATED, body)?;
        answer.headers.push((header::LOCATION, location));
        Ok(answer)
    }

    /// It is done, and there is nothing to say about it.
    pub(crate) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: None, kept_body: None }
    }

    /// With that status.
    pub(crate) fn with_status(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self { status, headers: Vec::new(), body: Some(write(body)?), kept_body: None })
    }

    /// For those who ask again it is `body`: a secret is shown once, and not kept.
    pub(crate) fn kept_as(mut self, body: &impl Serialize) -> Result<Self, Problem> {
        self.kept_body = Some(write(body)?);
        Ok(self)
    }

    /// With the resource's revision.
    pub(crate) fn with_etag(self, revision: i64) -> Self {
        self.with_tag(super::etag::text(revision))
    }

    /// With that tag.
    pub(super) fn with_tag(mut self, tag: String) -> Self {
        self.headers.push((header::ETAG, tag));
        self
    }
}

fn write(body: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(body).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written");
        Problem::new(Code::Internal)
    })
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
            None => self.status.into_response(),
        };
        for (name, value) in self.headers {
            // They are made of ids and paths of ours, which fit.
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        // What it says is for whoever asked, and may change at any time.
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
        response
    }
}
