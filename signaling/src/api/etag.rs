// SPDX-License-Identifier: EUPL-1.2
//! A resource's revision as its ETag (RFC 9110 §8.8.3), so that nobody overwrites what they have not seen.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::problem::{Code, Problem};

/// The tag of a revision.
pub(super) fn text(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// Fails unless the request was made in view of this revision. `*` is whatever there is.
pub(crate) fn check_if_match(headers: &HeaderMap, revision: i64) -> Result<(), Problem> {
    let mut tags = tags(headers, &header::IF_MATCH)?.ok_or(Code::PreconditionRequired)?.into_iter();
    let wanted = text(revision);
    if tags.any(|tag| tag == "*" || tag == wanted) { Ok(()) } else { Err(Code::EtagMismatch.into()) }
}

/// Whether the request wants to make something that is not there yet (`If-None-Match: *`).
pub(crate) fn wants_new(headers: &HeaderMap) -> Result<bool, Problem> {
    Ok(tags(headers, &header::IF_NONE_MATCH)?.is_some_and(|tags| tags.contains(&"*")))
}

/// The resource, or 304 for somebody who has this revision.
pub(crate) fn unless_known(headers: &HeaderMap, revision: i64, answer: Answer) -> Result<Response, Problem> {
    let known = tags(headers, &header::IF_NONE_MATCH)?.unwrap_or_default();
    let current = text(revision);
    // RFC 9110 §13.1.2: compared weakly.
    if known.iter().any(|tag| *tag == "*" || tag.trim_start_matches("W/") == current) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, current)]).into_response());
    }
    Ok(answer.with_etag(revision).into_response())
}

fn tags<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Result<Option<Vec<&'a str>>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let value = value.to_str().map_err(|_| Code::Malformed)?;
    Ok(Some(value.split(',').map(str::trim).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_change_needs_the_revision_that_it_is_about() {
        let check = |value| check_if_match(&headers(header::IF_MATCH, value), 3).map_err(|problem| problem.code());
        assert_eq!(check("\"3\""), Ok(()));
        assert_eq!(check("\"2\", \"3\""), Ok(()));
        assert_eq!(check("*"), Ok(()));
        assert_eq!(check("\"2\""), Err(Code::EtagMismatch));
        assert_eq!(check("W/\"3\""), Err(Code::EtagMismatch), "compared strongly");
        let missing = check_if_match(&HeaderMap::new(), 3).map_err(|problem| problem.code());
        assert_eq!(missing, Err(Code::PreconditionRequired));
    }

    #[test]
    fn somebody_who_has_it_is_told_so() {
        let status = |value| {
            let answer = Answer::ok(&1).expect("an answer");
            unless_known(&headers(header::IF_NONE_MATCH, value), 3, answer).expect("a response").status().as_u16()
        };
        assert_eq!((status("\"3\""), status("W/\"3\""), status("\"2\"")), (304, 304, 200));
    }
}
