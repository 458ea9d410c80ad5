// SPDX-License-Identifier: EUPL-1.2

//! Serves the browser client out of the binary: the page at `/` and `/m/…`, and the files it loads.
//!
//! Deliberately compresses nothing: the build puts a `.br` and a `.gz` beside each text file. The page is asked for anew
//! every time and answered with 304 (RFC 9110 §15.4.5); files under `/assets/` have a hash in their name and never
//! change. The content security policy allows nothing from anywhere else, and no inline script or style.

use std::borrow::Cow;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

/// The built client. `build.rs` sets the variable.
#[derive(RustEmbed)]
#[folder = "$SAAL_WEB_CLIENT_EMBED"]
struct Embedded;

/// Sent with every answer of this module.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self'; media-src 'self' blob:; worker-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), \
         screen-wake-lock=(self), fullscreen=(self), picture-in-picture=(self)",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// A new version of the server has to reach everybody at their next visit.
const ASK_EVERY_TIME: &str = "no-cache";

/// One year, the longest time that is of use. The name changes with the content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The client's routes, to be merged into the server's router.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    routes_of(embedded)
}

/// One file as it is embedded.
struct File {
    content: Cow<'static, [u8]>,
    content_type: String,
    sha256: [u8; 32],
}

/// Finds a file by its path below the client's folder.
type Lookup = fn(&str) -> Option<File>;

fn embedded(path: &str) -> Option<File> {
    let file = Embedded::get(path)?;
    Some(File {
        content_type: file.metadata.mimetype().to_owned(),
        sha256: file.metadata.sha256_hash(),
        content: file.data,
    })
}

fn routes_of<S: Clone + Send + Sync + 'static>(lookup: Lookup) -> Router<S> {
    let file = move |path: &'static str| {
        get(move |headers: HeaderMap| async move { answer(lookup, path, ASK_EVERY_TIME, &headers) })
    };
    let asset = move |Path(path): Path<String>, headers: HeaderMap| async move {
        answer(lookup, &format!("assets/{path}"), FOR_EVER, &headers)
    };
    Router::new()
        .route("/", file("index.html"))
        .route("/m/{*rest}", file("index.html"))
        .route("/sign-in", file("index.html"))
        .route("/meetings", file("index.html"))
        .route("/meetings/{*rest}", file("index.html"))
        .route("/admin", file("index.html"))
        .route("/admin/{*rest}", file("index.html"))
        .route("/favicon.svg", file("favicon.svg"))
        .route("/licences.txt", file("licences.txt"))
        .route("/assets/{*path}", get(asset))
}

fn answer(lookup: Lookup, path: &str, caching: &'static str, request: &HeaderMap) -> Response {
    let mut response = file_response(lookup, path, caching, request)
        .unwrap_or_else(|| (StatusCode::NOT_FOUND, [(CACHE_CONTROL, ASK_EVERY_TIME)], "not found").into_response());
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn file_response(lookup: Lookup, path: &str, caching: &'static str, request: &HeaderMap) -> Option<Response> {
    let plain = lookup(path)?;
    let content_type = with_charset(&plain.content_type);
    let (file, encoding) = match compressed(lookup, path, request) {
        Some((file, encoding)) => (file, Some(encoding)),
        None => (plain, None),
    };
    let etag = etag(&file.sha256);
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(ETAG, HeaderValue::from_str(&etag).ok()?);
    if is_known(request, &etag) {
        return Some((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(&content_type).ok()?);
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some((headers, file.content).into_response())
}

/// The best compressed form of a file that there is and that the browser understands.
fn compressed(lookup: Lookup, path: &str, request: &HeaderMap) -> Option<(File, &'static str)> {
    [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(encoding, _)| accepts(request, encoding))
        .find_map(|(encoding, suffix)| Some((lookup(&format!("{path}{suffix}"))?, encoding)))
}

/// Whether a coding is named in `Accept-Encoding` and not ruled out by `q=0` (RFC 9110 §12.5.3).
fn accepts(request: &HeaderMap, coding: &str) -> bool {
    list(request, &ACCEPT_ENCODING).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let is_ruled_out = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case(coding) && !is_ruled_out
    })
}

/// Whether the browser already has this version. Weak comparison, as RFC 9110 §13.1.2 asks for.
fn is_known(request: &HeaderMap, etag: &str) -> bool {
    list(request, &IF_NONE_MATCH).any(|known| known == "*" || known.trim_start_matches("W/") == etag)
}

/// The items of a header that is a comma-separated list, possibly spread over several lines.
fn list<'a>(request: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = request.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Half of the hash is enough to tell versions apart.
fn etag(sha256: &[u8; 32]) -> String {
    let hex: String = sha256.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

fn with_charset(content_type: &str) -> String {
    if content_type.starts_with("text/") { format!("{content_type}; charset=utf-8") } else { content_type.to_owned() }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::head;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    /// A client of three files, so that the tests do not depend on Node.js.
    fn made_up(path: &str) -> Option<File> {
        let (content, content_type): (&[u8], &str) = match path {
            "index.html" => (b"<page>", "text/html"),
            "assets/app-1.js" => (b"plain", "text/javascript"),
            "assets/app-1.js.br" => (b"brotli", "application/octet-stream"),
            "assets/app-1.js.gz" => (b"gzip", "application/gzip"),
            "assets/font-1.woff2" => (b"font", "font/woff2"),
            _ => return None,
        };
        let mut sha256 = [0; 32];
        sha256[..4].copy_from_slice(&content[..4]);
        Some(File { content: Cow::Borrowed(content), content_type: content_type.to_owned(), sha256 })
    }

    async fn ask(uri: &str, headers: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Body::empty()).expect("the request is well-formed");
        let response = routes_of::<()>(made_up).oneshot(request).await.expect("a router does not fail");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("the body is in memory").to_bytes();
        (parts.status, parts.headers, String::from_utf8_lossy(&bytes).into_owned())
    }

    #[tokio::test]
    async fn every_screen_is_the_same_page() {
        for uri in ["/", "/m/Rat", "/m/B%C3%BCrgeramt%20S%C3%BCd", "/m/a%2Fb", "/m/a/b"] {
            let (status, headers, body) = ask(uri, &[]).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, "<page>"), "{uri}");
            assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
            assert_eq!(headers[CACHE_CONTROL], "no-cache");
        }
    }

    #[tokio::test]
    async fn a_page_the_browser_has_is_not_sent_again() {
        let (_, headers, _) = ask("/", &[]).await;
        let etag = headers[ETAG].to_str().expect("an etag is ASCII").to_owned();
        for known in [etag.clone(), format!("W/{etag}"), format!("\"old\", {etag}"), "*".to_owned()] {
            let (status, headers, body) = ask("/m/Rat", &[(IF_NONE_MATCH, &known)]).await;
            assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{known}");
            assert_eq!(headers[ETAG], etag);
            assert!(headers.contains_key(CONTENT_SECURITY_POLICY));
        }
        let (status, ..) = ask("/", &[(IF_NONE_MATCH, "\"old\"")]).await;
        assert_eq!(status, StatusCode::OK);
    }

    #[tokio::test]
    async fn assets_never_change() {
        let (status, headers, body) = ask("/assets/font-1.woff2", &[(ACCEPT_ENCODING, "br")]).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "font"));
        assert_eq!(headers[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(headers[CONTENT_TYPE], "font/woff2");
        assert!(!headers.contains_key(CONTENT_ENCODING));
    }

    #[tokio::test]
    async fn the_best_encoding_the_browser_understands_is_sent() {
        let check = async |accepted: &str, body: &str, encoding: Option<&str>| {
            let (_, headers, sent) = ask("/assets/app-1.js", &[(ACCEPT_ENCODING, accepted)]).await;
            assert_eq!(sent, body, "{accepted}");
            assert_eq!(headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()), encoding, "{accepted}");
            assert_eq!(headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
            assert_eq!(headers[VARY], "accept-encoding");
        };
        check("gzip, deflate, br, zstd", "brotli", Some("br")).await;
        check("gzip;q=1.0, BR;q=0.5", "brotli", Some("br")).await;
        check("br;q=0, gzip", "gzip", Some("gzip")).await;
        check("br; q=0.000, gzip;q=0", "plain", None).await;
        check("identity", "plain", None).await;
        check("", "plain", None).await;
    }

    #[tokio::test]
    async fn what_is_missing_is_404_and_not_the_page() {
        for uri in
            ["/assets/app-2.js", "/assets/../Cargo.toml", "/assets/%2e%2e/index.html", "/favicon.svg", "/unknown"]
        {
            let (status, _, body) = ask(uri, &[]).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{uri}");
            assert_ne!(body, "<page>", "{uri}");
        }
        let (_, headers, _) = ask("/assets/app-2.js", &[]).await;
        assert_eq!(headers[CACHE_CONTROL], "no-cache", "a mistake must not be kept for a year");
    }

    #[tokio::test]
    async fn every_answer_keeps_the_page_to_itself() {
        for uri in ["/", "/assets/app-1.js", "/assets/missing.js"] {
            let (_, headers, _) = ask(uri, &[]).await;
            for (name, value) in SECURITY_HEADERS {
                assert_eq!(headers[&name], value, "{uri}");
            }
        }
        let (_, headers, _) = ask("/", &[]).await;
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().expect("the policy is ASCII");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("http"));
    }

    #[tokio::test]
    async fn a_probe_of_the_root_succeeds() {
        // LiveKit's browser library sends HEAD / before it connects and wants a 2xx.
        // Here, and where the signalling brings an answer of its own for it into the same router.
        let own_answer = Router::new().route("/", head(async || StatusCode::NO_CONTENT));
        for (router, expected) in [
            (routes_of::<()>(made_up), StatusCode::OK),
            (routes_of::<()>(made_up).merge(own_answer), StatusCode::NO_CONTENT),
        ] {
            let request = Request::head("/").body(Body::empty()).expect("the request is well-formed");
            let response = router.oneshot(request).await.expect("a router does not fail");
            assert_eq!(response.status(), expected);
        }
    }

    #[tokio::test]
    async fn the_embedded_client_is_there() {
        let request = Request::get("/").body(Body::empty()).expect("the request is well-formed");
        let response = routes::<()>().oneshot(request).await.expect("a router does not fail");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    }
}
