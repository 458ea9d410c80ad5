// SPDX-License-Identifier: EUPL-1.2
//! Whether a request comes from a page of ours. Signing in and out need that although no cookie is involved: otherwise a
//! page of somebody else could sign a person in as somebody else, who would then see what that person does.

use axum::http::{HeaderMap, Uri, header};

use crate::api::problem::{Code, Problem};

/// Where browsers say how the page that asks is related to us (W3C Fetch Metadata).
const FETCH_SITE: &str = "sec-fetch-site";

/// Fails when a browser says that the request comes from elsewhere. Programs say nothing, and no page can make them ask.
pub(crate) fn check(headers: &HeaderMap, public_url: &str) -> Result<(), Problem> {
    if is_own(headers, public_url) { Ok(()) } else { Err(Code::ForgeryProtection.into()) }
}

fn is_own(headers: &HeaderMap, public_url: &str) -> bool {
    if let Some(site) = headers.get(FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    // Browsers of old, and those that came without TLS.
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_of_host = origin.parse::<Uri>().is_ok_and(|origin| {
        origin.authority().is_some() && origin.authority().map(|authority| authority.as_str()) == host
    });
    origin == public_url || is_of_host
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn check_one(pairs: &[(&'static str, &'static str)], expected: bool) {
        let pairs = pairs.iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)));
        let headers = HeaderMap::from_iter(pairs);
        assert_eq!(is_own(&headers, "https://conf.example.org"), expected, "{headers:?}");
    }

    #[test]
    fn pages_of_others_are_told_from_ours() {
        check_one(&[], true);
        check_one(&[("sec-fetch-site", "same-origin"), ("origin", "https://conf.example.org")], true);
        for site in ["cross-site", "same-site", ""] {
            check_one(&[("sec-fetch-site", site), ("origin", "https://conf.example.org")], false);
        }
        check_one(&[("origin", "https://conf.example.org"), ("host", "10.0.0.7:7880")], true);
        check_one(&[("origin", "http://10.0.0.7:7880"), ("host", "10.0.0.7:7880")], true);
        check_one(&[("origin", "https://evil.example"), ("host", "conf.example.org")], false);
        check_one(&[("origin", "null"), ("host", "conf.example.org")], false);
        check_one(&[("origin", "null")], false);
    }
}
