// SPDX-License-Identifier: EUPL-1.2
//! Requests that we make to others. Each ends in time, follows no redirect, and reads an answer of bounded length.

pub(crate) mod reach;

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use thiserror::Error;
use tracing::warn;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest wait for all of an answer.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Longest answer.
const MAX_ANSWER_BYTES: usize = 512 * 1024;

/// Why a request to somebody else came to nothing.
#[derive(Debug, Error)]
pub(crate) enum OutgoingError {
    /// No connection, no answer in time, or one that is too long.
    #[error("no answer")]
    NoAnswer,
    /// An answer, but not the one that is needed.
    #[error("status {0}")]
    Status(StatusCode),
    /// An answer that cannot be read.
    #[error("an answer that is not what it should be")]
    Unreadable,
}

/// A client for requests to those whom the settings name. Certificates are checked as the system says. A system that says
/// nothing is no reason not to run: then nobody's certificate is good, until Saal is started with some.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    let builder = || {
        reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("Saal/", env!("CARGO_PKG_VERSION")))
    };
    builder().build().or_else(|error| {
        warn!(%error, "this machine has no certificates of authorities (ca-certificates): no https to anybody");
        builder().tls_certs_only([]).build()
    })
}

/// Sends a request and reads the JSON of a good answer.
pub(crate) async fn json<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, OutgoingError> {
    let (status, body) = answer(request).await?;
    if !status.is_success() {
        return Err(OutgoingError::Status(status));
    }
    serde_json::from_slice(&body).map_err(|_| OutgoingError::Unreadable)
}

/// Sends a request and reads the answer, whatever its status.
pub(crate) async fn answer(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), OutgoingError> {
    let mut response = request.send().await.map_err(|_| OutgoingError::NoAnswer)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| OutgoingError::NoAnswer)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(OutgoingError::NoAnswer);
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}
