// SPDX-License-Identifier: EUPL-1.2
//! What operations answer beside what their functions say themselves: problems, and the heads of answers.

use serde_json::{Map, Value, json};
use utoipa::ToSchema as _;

use super::{Operation, PROBLEM, REFERENCE};
use crate::api::problem::{Code, ProblemDocument};

/// What each kind of problem looks like, once for all operations.
pub(super) fn components() -> Value {
    let mut responses = Map::new();
    for code in Code::ALL {
        let (_, status) = code.parts();
        let mut headers = json!({
            "X-Request-Id": header("What the server's log calls the request.", true),
            "Content-Language": header("Of `title`, `detail` and the errors' details.", true),
        });
        match status.as_u16() {
            401 => headers["WWW-Authenticate"] = header("How to prove who one is.", true),
            405 => headers["Allow"] = header("What there is instead.", true),
            429 => headers["Retry-After"] = header("Seconds to wait.", true),
            503 => headers["Retry-After"] = header("Seconds to wait, where that is known.", false),
            _ => {}
        }
        let names =
            Code::ALL.iter().filter(|other| other.parts().1 == status).map(|code| format!("`{}`", code.as_str()));
        let description = format!("{}: {}.", reason(status.as_str()), names.collect::<Vec<_>>().join(", "));
        responses.insert(
            name(status.as_str()),
            json!({
                "description": description,
                "headers": headers,
                "content": { PROBLEM: document() },
            }),
        );
    }
    responses.into()
}

/// The name of a status's problem.
fn name(status: &str) -> String {
    format!("Problem{status}")
}

fn reason(status: &str) -> &'static str {
    let status = status.parse::<u16>().ok().and_then(|status| axum::http::StatusCode::from_u16(status).ok());
    status.and_then(|status| status.canonical_reason()).unwrap_or_default()
}

fn header(description: &str, is_always_there: bool) -> Value {
    json!({ "description": description, "required": is_always_there, "schema": { "type": "string" } })
}

/// Adds how an operation fails, and completes what it answers otherwise.
pub(super) fn complete(operation: &Operation<'_>, said: &mut Value) {
    let Some(responses) = said["responses"].as_object_mut() else { return };
    let is_tagged = operation.has_revision && matches!(operation.method, "get" | "put" | "patch");
    for (status, response) in responses.iter_mut() {
        if response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = reason(status).into();
        }
        let mut headers = response["headers"].as_object().cloned().unwrap_or_default();
        headers.insert("X-Request-Id".to_owned(), header("What the server's log calls the request.", true));
        if status == "201" {
            headers.insert("Location".to_owned(), header("Where what was made is found.", true));
        }
        if is_tagged && status.starts_with('2') {
            headers.insert("ETag".to_owned(), header("The revision, and a mark of the rest that a GET shows: for If-Match, where the revision counts, and If-None-Match.", true));
        }
        let schema = response["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default();
        if schema.contains("/PageOf_") {
            headers.insert("Link".to_owned(), header("The next page (RFC 8288), unless this is the last one.", false));
        }
        response["headers"] = headers.into();
    }
    if is_tagged && operation.method == "get" {
        let mut headers = json!({ "X-Request-Id": header("What the server's log calls the request.", true) });
        headers["ETag"] = header("The revision.", true);
        let unchanged = json!({ "description": "It is still what If-None-Match says.", "headers": headers });
        responses.insert("304".to_owned(), unchanged);
    }
    for code in problems(operation) {
        let status = code.parts().1;
        match responses.get_mut(status.as_str()) {
            // What OAuth wants to be told otherwise is told so only when the front door lets it in.
            Some(response) => response["content"][PROBLEM] = document(),
            None => {
                let problem = json!({ "$ref": format!("#/components/responses/{}", name(status.as_str())) });
                responses.insert(status.as_str().to_owned(), problem);
            }
        }
    }
}

fn document() -> Value {
    json!({ "schema": { "$ref": format!("{REFERENCE}{}", ProblemDocument::name()) } })
}

/// How an operation can fail.
fn problems(operation: &Operation<'_>) -> Vec<Code> {
    let mut codes = vec![Code::Malformed, Code::Unauthenticated, Code::Forbidden, Code::NotFound, Code::BodyTooLarge];
    codes.extend([Code::Invalid, Code::RateLimited, Code::Unavailable]);
    if operation.method != "get" {
        codes.push(Code::Conflict);
    }
    if operation.has_body {
        codes.push(Code::UnsupportedMediaType);
    }
    if operation.takes_if_match {
        codes.extend([Code::EtagMismatch, Code::PreconditionRequired]);
    }
    // What takes place, and what leads there, can be over.
    if ["/meeting_sessions/{session_id}/", "/join/", "/lobby/"].iter().any(|start| operation.path.starts_with(start)) {
        codes.push(Code::MeetingEnded);
    }
    codes
}
