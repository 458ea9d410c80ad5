// SPDX-License-Identifier: EUPL-1.2
//! Whether a well-formed request asks for something that we do at all, as far as the message alone can say
//! (RFC 3261 §8.2.1 to §8.2.3). Where it belongs to and whether the caller may, others decide.
//!
//! Max-Forwards 0 is no reason: we are the end of the way, and only who forwards says 483 (RFC 4475 §3.3.11).

use super::message::{Headers, Method, Request, Response, Uri};
use super::parse::cursor::Cursor;
use super::parse::media_type;

/// What we do.
#[derive(Clone, Debug)]
pub struct Supported {
    /// Methods that are served, for Allow.
    pub methods: Vec<Method>,
    /// Option tags that a request may require, such as `timer`.
    pub extensions: Vec<String>,
    /// Media types of bodies that are understood in requests, such as `application/sdp`, in lower case; for Accept.
    pub content_types: Vec<String>,
    /// Media types of the bodies in our answers to an INVITE, in lower case.
    pub answer_types: Vec<String>,
    /// Whether `tel:` URIs may be called, not only `sip:` and `sips:`.
    pub does_tel: bool,
}

/// A final answer that says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// 400 to 699.
    pub status: u16,
    /// For people.
    pub reason: &'static str,
    /// What tells the other side how to do better: name and value.
    pub headers: Vec<(&'static str, String)>,
}

impl Rejection {
    const fn new(status: u16, reason: &'static str) -> Self {
        Self { status, reason, headers: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The answer to that request. The tag of To is the caller's to set.
    #[must_use]
    pub fn response(&self, request: &Request) -> Response {
        let mut response = request.response(self.status, self.reason);
        for (name, value) in &self.headers {
            response.headers.push(name, value.clone());
        }
        response
    }
}

/// Checks a request in the order of the standard: method, URI, extensions, body.
///
/// # Errors
/// [`Rejection`], to be sent unless the request is an ACK, which this never rejects.
pub fn check(request: &Request, supported: &Supported) -> Result<(), Rejection> {
    if request.method == Method::Ack {
        return Ok(());
    }
    check_method(request, supported)?;
    check_uri(request, supported)?;
    // CANCEL says nothing that it could require (RFC 3261 §9.1), and has no body.
    if request.method == Method::Cancel {
        return Ok(());
    }
    check_extensions(&request.headers, supported)?;
    check_body(request, supported)?;
    check_accept(request, supported)
}

fn check_method(request: &Request, supported: &Supported) -> Result<(), Rejection> {
    if supported.methods.contains(&request.method) {
        return Ok(());
    }
    // What nobody here has heard of is not implemented; what we know and do not do is not allowed (§21.4.6, §21.5.2).
    let rejection = match request.method {
        Method::Other(_) => Rejection::new(501, "Not Implemented"),
        _ => Rejection::new(405, "Method Not Allowed"),
    };
    Err(rejection.with("Allow", join(supported.methods.iter().map(Method::as_str))))
}

fn check_uri(request: &Request, supported: &Supported) -> Result<(), Rejection> {
    let is_known = match &request.uri {
        Uri::Sip(_) => true,
        Uri::Tel(_) => supported.does_tel,
        Uri::Other(_) => false,
    };
    if !is_known {
        return Err(Rejection::new(416, "Unsupported URI Scheme"));
    }
    // What is registered is an address of SIP (RFC 3261 §10.3, RFC 4475 §3.3.4).
    if request.method == Method::Register && !matches!(request.headers.to.uri, Uri::Sip(_)) {
        return Err(Rejection::new(400, "Bad Request (no address of SIP in To)"));
    }
    Ok(())
}

/// Proxy-Require is for those on the way (RFC 3261 §20.29).
fn check_extensions(headers: &Headers, supported: &Supported) -> Result<(), Rejection> {
    let is_known = |tag: &&str| supported.extensions.iter().any(|known| known.eq_ignore_ascii_case(tag));
    let unknown: Vec<&str> = headers.tokens("Require").filter(|tag| !is_known(tag)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Rejection::new(420, "Bad Extension").with("Unsupported", join(unknown.into_iter())))
}

fn check_body(request: &Request, supported: &Supported) -> Result<(), Rejection> {
    if request.body.is_empty() {
        return Ok(());
    }
    let headers = &request.headers;
    // A body that says it may be ignored may be (RFC 3261 §20.11).
    if is_optional(headers) {
        return Ok(());
    }
    if headers.tokens("Content-Encoding").any(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(Rejection::new(415, "Unsupported Media Type").with("Accept-Encoding", "identity".to_owned()));
    }
    let understood = headers.content_type.as_deref().and_then(media_type::parse).is_some_and(|found| {
        let name = format!("{}/{}", found.kind, found.subtype);
        supported.content_types.contains(&name)
    });
    if understood {
        return Ok(());
    }
    let accept = join(supported.content_types.iter().map(String::as_str));
    Err(Rejection::new(415, "Unsupported Media Type").with("Accept", accept))
}

fn is_optional(headers: &Headers) -> bool {
    headers.get("Content-Disposition").is_some_and(|value| {
        value.split(';').skip(1).any(|param| {
            let (name, value) = param.split_once('=').unwrap_or((param, ""));
            name.trim().eq_ignore_ascii_case("handling") && value.trim().eq_ignore_ascii_case("optional")
        })
    })
}

/// Whether the caller understands what we would answer (RFC 3261 §20.1, §21.4.7). Without Accept it does.
fn check_accept(request: &Request, supported: &Supported) -> Result<(), Rejection> {
    let headers = &request.headers;
    if request.method != Method::Invite || headers.get("Accept").is_none() {
        return Ok(());
    }
    let accepts = |value: &str| {
        let mut cursor = Cursor::new(value);
        while let Some(range) = media_type::read(&mut cursor) {
            let is_wanted = |own: &String| {
                let (kind, subtype) = own.split_once('/').unwrap_or((own, ""));
                (range.kind == "*" || range.kind == kind) && (range.subtype == "*" || range.subtype == subtype)
            };
            if !is_never(range.params.get("q")) && supported.answer_types.iter().any(is_wanted) {
                return true;
            }
            if !cursor.eat_separator(',') {
                break;
            }
        }
        false
    };
    if headers.all("Accept").any(accepts) { Ok(()) } else { Err(Rejection::new(406, "Not Acceptable")) }
}

/// A weight of zero means that it is not wanted.
fn is_never(weight: Option<&str>) -> bool {
    weight.is_some_and(|weight| !weight.is_empty() && weight.chars().all(|c| matches!(c, '0' | '.')))
}

/// Whether a response came to whom it was meant for: who sends requests finds its own Via alone (RFC 3261 §8.1.3.3).
/// Others are dropped.
#[must_use]
pub fn is_for_sender(response: &Response) -> bool {
    response.headers.via.len() == 1
}

fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::{Message, Transport};
    use crate::sip::parse::parse;

    /// The status with which such a request is rejected.
    fn status(method: &str, uri: &str, lines: &str, body: &str) -> Option<u16> {
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n\
             To: <tel:+4930>\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\n{lines}\r\n{body}"
        );
        let Message::Request(request) = parse(text.as_bytes(), Transport::Udp).unwrap() else {
            panic!("a response");
        };
        let supported = Supported {
            methods: vec![Method::Invite, Method::Ack, Method::Cancel],
            extensions: vec!["timer".to_owned(), "100rel".to_owned()],
            content_types: vec!["application/sdp".to_owned()],
            answer_types: vec!["application/sdp".to_owned()],
            does_tel: false,
        };
        check(&request, &supported).err().map(|rejection| rejection.status)
    }

    fn invite(lines: &str, body: &str) -> Option<u16> {
        status("INVITE", "sip:b@b.example", lines, body)
    }

    #[test]
    fn methods_are_unknown_or_only_not_served() {
        assert_eq!(status("INVITE", "sip:b", "", ""), None);
        assert_eq!(status("REGISTER", "sip:b", "", ""), Some(405));
        assert_eq!(status("invite", "sip:b", "", ""), Some(501));
    }

    #[test]
    fn other_schemes_are_not_called() {
        assert_eq!(status("INVITE", "sips:b", "", ""), None);
        assert_eq!(status("INVITE", "tel:+49", "", ""), Some(416));
        assert_eq!(status("INVITE", "http://a", "", ""), Some(416));
    }

    #[test]
    fn what_is_required_must_be_supported() {
        assert_eq!(invite("Require: TIMER, 100rel\r\n", ""), None);
        assert_eq!(invite("Require: timer\r\nRequire: x\r\n", ""), Some(420));
        assert_eq!(invite("Proxy-Require: x\r\n", ""), None);
        for method in ["ACK", "CANCEL"] {
            assert_eq!(status(method, "sip:b", "Require: x\r\n", ""), None);
        }
    }

    #[test]
    fn bodies_must_be_understood_unless_they_are_optional() {
        assert_eq!(invite("c: Application/SDP;charset=x\r\n", "v=0"), None);
        assert_eq!(invite("c: text/plain\r\n", "v=0"), Some(415));
        assert_eq!(invite("", "v=0"), Some(415));
        assert_eq!(invite("c: text/plain\r\n", ""), None);
        assert_eq!(invite("c: application/sdp\r\ne: gzip\r\n", "v=0"), Some(415));
        assert_eq!(invite("c: application/sdp\r\ne: identity\r\n", "v=0"), None);
        assert_eq!(invite("c: text/plain\r\nContent-Disposition: render; handling=Optional\r\n", "v=0"), None);
    }

    #[test]
    fn the_caller_must_understand_our_answer() {
        for accept in ["application/sdp", "*/*", "text/plain, application/*;q=0.5", "text/plain\r\nAccept: */*"] {
            assert_eq!(invite(&format!("Accept: {accept}\r\n"), ""), None, "{accept}");
        }
        for accept in ["text/plain", "application/sdp;q=0.0", ""] {
            assert_eq!(invite(&format!("Accept: {accept}\r\n"), ""), Some(406), "{accept}");
        }
    }
}
