// SPDX-License-Identifier: EUPL-1.2
//! Asks the API, and waits when it says so.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hyper::header::RETRY_AFTER;
use hyper::{Method, StatusCode};
use serde_json::Value;

use crate::signal::http::{Base, Http};

/// Tries while the server asks for patience.
const MAX_TRIES: usize = 100;

/// Two connections: one of software, one of people who show nothing but a link.
pub(crate) struct Client {
    software: Http,
    strangers: Http,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Software,
    Stranger,
}

impl Client {
    pub(crate) fn new(base: Base, token: &str) -> Self {
        Self { software: Http::with_token(base.clone(), token), strangers: Http::new(base) }
    }

    /// Sends a request and returns what came of it, with the time from its sending to the whole answer. Waiting for the
    /// limit of requests is not part of it.
    ///
    /// # Errors
    ///
    /// When the answer is not `expected`.
    pub(crate) async fn ask(
        &mut self,
        who: Who,
        method: Method,
        path: &str,
        body: Option<&Value>,
        expected: StatusCode,
    ) -> Result<(Value, Duration)> {
        let http = match who {
            Who::Software => &mut self.software,
            Who::Stranger => &mut self.strangers,
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let path = format!("/api/v1{path}");
        for _ in 0..MAX_TRIES {
            let began = Instant::now();
            let answer = http.ask(method.clone(), &path, "application/json", body.clone()).await?;
            let took = began.elapsed();
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                let seconds = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(1))).await;
                continue;
            }
            if answer.status != expected {
                let text = String::from_utf8_lossy(&answer.body);
                bail!("{method} {path} was answered with {} instead of {expected}: {text}", answer.status);
            }
            let answer = if answer.body.is_empty() { Value::Null } else { serde_json::from_slice(&answer.body)? };
            return Ok((answer, took));
        }
        bail!("{method} {path}: the server asks for patience without end")
    }

    /// Reads something.
    pub(crate) async fn get(&mut self, path: &str) -> Result<(Value, Duration)> {
        self.ask(Who::Software, Method::GET, path, None, StatusCode::OK).await.context("cannot be read")
    }
}
