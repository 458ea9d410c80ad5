// SPDX-License-Identifier: EUPL-1.2
//! ETags (RFC 9110 §8.8.3): a resource's revision, so that nobody overwrites what they have not seen, and behind it, of what
//! was read, a mark of all that the answer says. For that changes without the revision, too: by the clock, by who is in a
//! meeting, by what belongs to a resource.

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::problem::{Code, Problem};

/// How much of the SHA-256 of an answer is in its tag: nobody gains by two that look alike.
const MARK_BYTES: usize = 8;

/// The tag of a revision.
pub(super) fn text(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// The tag of what was read.
fn text_of(revision: i64, answer: &Answer) -> String {
    let hash = digest(&SHA256, answer.body.as_deref().unwrap_or_default().as_bytes());
    let mark: String = hash.as_ref().iter().take(MARK_BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{revision}-{mark}\"")
}

/// Whether a tag is one of that revision, whatever was read beside it.
fn is_of(tag: &str, revision: i64) -> bool {
    let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    inner.is_some_and(|inner| inner.split_once('-').map_or(inner, |(number, _)| number) == revision.to_string())
}

/// Fails unless the request was made in view of this revision. `*` is whatever there is.
pub(crate) fn check_if_match(headers: &HeaderMap, revision: i64) -> Result<(), Problem> {
    let mut tags = tags(headers, &header::IF_MATCH)?.ok_or(Code::PreconditionRequired)?.into_iter();
    if tags.any(|tag| tag == "*" || is_of(tag, revision)) { Ok(()) } else { Err(Code::EtagMismatch.into()) }
}

/// Whether the request wants to make something that is not there yet (`If-None-Match: *`).
pub(crate) fn wants_new(headers: &HeaderMap) -> Result<bool, Problem> {
    Ok(tags(headers, &header::IF_NONE_MATCH)?.is_some_and(|tags| tags.contains(&"*")))
}

/// The resource, or 304 for somebody who has read just that.
pub(crate) fn unless_known(headers: &HeaderMap, revision: i64, answer: Answer) -> Result<Response, Problem> {
    let known = tags(headers, &header::IF_NONE_MATCH)?.unwrap_or_default();
    let current = text_of(revision, &answer);
    // RFC 9110 §13.1.2: compared weakly.
    if known.iter().any(|tag| *tag == "*" || tag.trim_start_matches("W/") == current) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, current)]).into_response());
    }
    Ok(answer.with_tag(current).into_response())
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
        assert_eq!(check("\"3-0123456789abcdef\""), Ok(()), "of what was read");
        assert_eq!(check("\"33\""), Err(Code::EtagMismatch));
        assert_eq!(check("3"), Err(Code::EtagMismatch));
        assert_eq!(check("\"2\""), Err(Code::EtagMismatch));
        assert_eq!(check("W/\"3\""), Err(Code::EtagMismatch), "compared strongly");
        let missing = check_if_match(&HeaderMap::new(), 3).map_err(|problem| problem.code());
        assert_eq!(missing, Err(Code::PreconditionRequired));
    }

    #[test]
    fn somebody_who_has_it_is_told_so() {
        let ask = |value: &str, body: &str| {
            let value = HeaderValue::try_from(value).expect("a value");
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]);
            unless_known(&headers, 3, Answer::ok(&body).expect("an answer")).expect("a response")
        };
        let tag = ask("\"\"", "one").headers()[header::ETAG].to_str().expect("text").to_owned();
        let status = |tag: &str, body| ask(tag, body).status().as_u16();
        assert_eq!((status(&tag, "one"), status(&format!("W/{tag}"), "one"), status("*", "one")), (304, 304, 304));
        assert_eq!((status(&tag, "another"), status("\"3\"", "one")), (200, 200), "of the same revision");
    }
}
