// SPDX-License-Identifier: EUPL-1.2
//! How often somebody may open links: from one address, before anything is looked up, and by one link, once it is proven.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::answers::page;
use crate::api::problem::Problem;
use crate::api::visitor::Visitor;

/// Counts a visitor by their address.
pub(super) async fn check(visitor: Visitor, request: Request, next: Next) -> Response {
    let Err(problem) = visitor.check() else { return next.run(request).await };
    if request.uri().path().starts_with(page::PATH) {
        return wait(page::busy(request.headers()), &problem);
    }
    too_often(&problem)
}

/// The answer to a calendar that asks too often.
pub(super) fn too_often(problem: &Problem) -> Response {
    wait(
        (StatusCode::TOO_MANY_REQUESTS, [(header::CACHE_CONTROL, "no-store")], "too many requests").into_response(),
        problem,
    )
}

/// Says in an answer how long to wait.
pub(super) fn wait(mut response: Response, problem: &Problem) -> Response {
    let seconds = problem.wait().map_or(1, |wait| wait.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}
