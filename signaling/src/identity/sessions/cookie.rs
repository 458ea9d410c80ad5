// SPDX-License-Identifier: EUPL-1.2
//! Cookies: how they are named, read and set (RFC 6265).

use axum::http::{HeaderMap, HeaderValue, header};

use crate::app::App;

/// The cookie of a browser that is signed in.
pub(crate) const SESSION: &str = "saal_session";

/// Characters of the longest cookie that is looked at.
const MAX_CHARS: usize = 4_096;

/// How a cookie is called here. With https it says that it was set by this very host, for all of it, and not by a
/// neighbour in the domain.
pub(crate) fn name(app: &App, name: &str) -> String {
    if is_secure(app) { format!("__Host-{name}") } else { name.to_owned() }
}

fn is_secure(app: &App) -> bool {
    app.config.public_url.starts_with("https://")
}

/// The value of a cookie in a request.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    all(headers, name).next()
}

/// All values of a cookie in a request: without https a neighbour in the domain may have set one as well.
pub(crate) fn all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(known, _)| *known == name).map(|(_, value)| value).filter(|value| value.len() <= MAX_CHARS)
}

/// Sets a cookie that no script can read and no other site's form brings along; for so many seconds, or as long as the
/// browser runs. `value` is of our own making, and fits.
pub(crate) fn set(app: &App, cookie: &str, value: &str, max_age_s: Option<u32>) -> HeaderValue {
    let mut text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax", name(app, cookie));
    if is_secure(app) {
        text.push_str("; Secure");
    }
    if let Some(seconds) = max_age_s {
        text.push_str(&format!("; Max-Age={seconds}"));
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// Takes it away.
pub(crate) fn forget(app: &App, cookie: &str) -> HeaderValue {
    set(app, cookie, "", Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let value = HeaderValue::from_static("a=1; saal_session=xyz;saal_session2=no");
        let headers = HeaderMap::from_iter([(header::COOKIE, value)]);
        assert_eq!(read(&headers, SESSION), Some("xyz"));
        assert_eq!(read(&headers, "b"), None);
        let long = format!("saal_session={}", "x".repeat(MAX_CHARS + 1));
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(long).expect("a value"))]);
        assert_eq!(read(&headers, SESSION), None);
    }
}
