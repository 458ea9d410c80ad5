// SPDX-License-Identifier: EUPL-1.2
//! Lists, a page at a time. A cursor says behind which entry the next page begins, so that a page costs the same
//! wherever it is, and nothing is left out or shown twice when entries come and go.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Answer;
use super::problem::{Code, Problem};

/// Entries on a page of which nothing was said.
const DEFAULT_LIMIT: i64 = 50;

/// Most entries on a page.
pub(crate) const MAX_LIMIT: i64 = 200;

/// Which page is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageRequest {
    /// Entries on a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before. The longest are of lists by name: 200 characters, of four bytes each.
    #[param(max_length = 1200)]
    cursor: Option<String>,
}

/// The page to make: how many entries, and behind which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<K> {
    /// Entries on it.
    pub(crate) limit: i64,
    /// The key of the last entry of the page before.
    pub(crate) after: Option<K>,
}

impl<K: DeserializeOwned> Page<K> {
    fn of(request: &PageRequest) -> Result<Self, Problem> {
        let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Problem::field("query/limit", "invalid"));
        }
        let bad_cursor = || Problem::field("query/cursor", "invalid");
        let read = |cursor: &String| {
            let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| bad_cursor())?;
            // No text that a list is sorted by holds one, and PostgreSQL takes no NUL.
            let json: serde_json::Value = serde_json::from_slice(&json).map_err(|_| bad_cursor())?;
            if has_control_character(&json) {
                return Err(bad_cursor());
            }
            serde_json::from_value(json).map_err(|_| bad_cursor())
        };
        Ok(Self { limit, after: request.cursor.as_ref().map(read).transpose()? })
    }

    /// How many entries to look for: one more shows that there is another page.
    pub(crate) fn probe(&self) -> i64 {
        self.limit + 1
    }
}

fn has_control_character(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.chars().any(char::is_control),
        serde_json::Value::Array(parts) => parts.iter().any(has_control_character),
        _ => false,
    }
}

impl<S: Send + Sync, K: DeserializeOwned> FromRequestParts<S> for Page<K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(request) =
            Query::from_request_parts(parts, state).await.map_err(|_| Problem::field("query/limit", "invalid"))?;
        Self::of(&request)
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageOf<T> {
    /// The entries.
    pub(crate) items: Vec<T>,
    /// For the next page; null on the last one.
    pub(crate) next_cursor: Option<String>,
}

impl<T> PageOf<T> {
    /// Makes a page of what was found, which may be one entry more than fits. `key` is what the list is sorted by.
    pub(crate) fn new<K: Serialize>(mut found: Vec<T>, limit: i64, key: impl Fn(&T) -> K) -> Result<Self, Problem> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = match found.last() {
            Some(last) if has_more => {
                let json = serde_json::to_vec(&key(last)).map_err(|_| Code::Internal)?;
                Some(URL_SAFE_NO_PAD.encode(json))
            }
            _ => None,
        };
        Ok(Self { items: found, next_cursor })
    }
}

impl<T: Serialize> PageOf<T> {
    /// The page as an answer to a request for `uri`, with a link to the next one (RFC 8288).
    pub(crate) fn answer(&self, uri: &axum::http::Uri) -> Result<Response, Problem> {
        Ok(self.linked(Answer::ok(self)?, uri))
    }
}

impl<T> PageOf<T> {
    /// An answer that shows the page beside something else, with a link to the next one.
    pub(crate) fn linked(&self, answer: Answer, uri: &axum::http::Uri) -> Response {
        let mut response = answer.into_response();
        if let Some(cursor) = &self.next_cursor {
            let query = uri.query().unwrap_or_default();
            let others = query.split('&').filter(|part| !part.is_empty() && !part.starts_with("cursor="));
            let query = others.chain([format!("cursor={cursor}").as_str()]).collect::<Vec<_>>().join("&");
            if let Ok(link) = HeaderValue::try_from(format!("<{}?{query}>; rel=\"next\"", uri.path())) {
                response.headers_mut().insert(header::LINK, link);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_begins_behind_the_last_entry() {
        let page = PageOf::new(vec![(1, "a"), (1, "b"), (2, "c")], 2, |entry| *entry).expect("a page");
        assert_eq!(page.items, [(1, "a"), (1, "b")]);
        let request = PageRequest { limit: Some(2), cursor: page.next_cursor };
        let next: Page<(i64, String)> = Page::of(&request).expect("a page");
        assert_eq!(next, Page { limit: 2, after: Some((1, "b".to_owned())) });
        let last = PageOf::new(vec![(2, "c")], 2, |entry| *entry).expect("a page");
        assert_eq!(last.next_cursor, None);
    }

    #[test]
    fn nonsense_is_refused_by_its_name() {
        let bad = |limit: Option<i64>, cursor: Option<&str>| {
            Page::<(i64, String)>::of(&PageRequest { limit, cursor: cursor.map(str::to_owned) }).is_err()
        };
        assert!(bad(Some(0), None) && bad(Some(201), None) && bad(Some(-1), None));
        assert!(bad(None, Some("")) && bad(None, Some("!!")) && bad(None, Some("bnVsbA")));
        assert!(!bad(Some(200), None));
        let cursor = |json: &str| URL_SAFE_NO_PAD.encode(json);
        assert!(!bad(None, Some(&cursor(r#"[1,"a"]"#))));
        assert!(bad(None, Some(&cursor(r#"[1,"\u0000"]"#))) && bad(None, Some(&cursor(r#"[1,"a\u001f"]"#))));
    }
}
