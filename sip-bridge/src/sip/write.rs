// SPDX-License-Identifier: EUPL-1.2
//! Messages to bytes: full names of headers, one value a line, Content-Length always.
//!
//! Whatever the fields contain, a message has no more lines than headers: line ends and NUL in a value become spaces,
//! what is quoted is escaped, and a name that is no token is left out with its value.

mod escape;
mod fields;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use super::message::{Headers, Message, Request, Response, Uri};
use super::parse::Refusal;
use super::parse::cursor::is_token;
use escape::Line;

impl Message {
    /// As it goes over the network.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }
}

impl Request {
    /// As it goes over the network.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::with_capacity(1024);
        // A string takes everything, so writing to it does not fail.
        let method = self.method.as_str();
        let method = if is_token(method) { method } else { "INVALID" };
        _ = write!(text, "{method} {} SIP/2.0\r\n", RequestUri(&self.uri));
        finish(text, &self.headers, &self.body)
    }
}

impl Response {
    /// As it goes over the network.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::with_capacity(1024);
        _ = write!(text, "SIP/2.0 {} {}\r\n", self.status.clamp(100, 699), Line(&self.reason));
        finish(text, &self.headers, &self.body)
    }
}

impl Refusal {
    /// As it goes over the network. Every answer but 100 has a tag in To (RFC 3261 §8.2.6.2): the given one is added if
    /// there is none.
    #[must_use]
    pub fn to_bytes(&self, tag: &str) -> Vec<u8> {
        let mut text = String::with_capacity(512);
        _ = write!(text, "SIP/2.0 {} {}\r\n", self.status.clamp(100, 699), Line(&self.reason));
        for via in &self.via {
            _ = write!(text, "Via: {via}\r\n");
        }
        _ = write!(text, "From: {}\r\nTo: {}", Line(&self.from), Line(&self.to));
        if is_token(tag) && !has_tag(&self.to) {
            _ = write!(text, ";tag={tag}");
        }
        _ = write!(text, "\r\nCall-ID: {}\r\nCSeq: {}\r\n", Line(&self.call_id), Line(&self.cseq));
        text.push_str("Content-Length: 0\r\n\r\n");
        text.into_bytes()
    }
}

/// Whether a value that may be malformed seems to have a tag.
fn has_tag(value: &str) -> bool {
    let behind = value.rsplit('>').next().unwrap_or_default();
    behind.split(';').skip(1).any(|param| {
        let name = param.split('=').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("tag")
    })
}

/// Without what a Request-URI must not have (RFC 3261 §19.1.1, table 1).
struct RequestUri<'a>(&'a Uri);

impl std::fmt::Display for RequestUri<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Uri::Sip(uri) if !uri.headers.is_empty() => {
                let mut uri = uri.clone();
                uri.headers.clear();
                uri.fmt(f)
            }
            uri => uri.fmt(f),
        }
    }
}

fn finish(mut text: String, headers: &Headers, body: &[u8]) -> Vec<u8> {
    write_headers(&mut text, headers);
    _ = write!(text, "Content-Length: {}\r\n\r\n", body.len());
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn write_headers(text: &mut String, headers: &Headers) {
    for via in &headers.via {
        _ = write!(text, "Via: {via}\r\n");
    }
    if let Some(hops) = headers.max_forwards {
        _ = write!(text, "Max-Forwards: {hops}\r\n");
    }
    for route in &headers.route {
        _ = write!(text, "Route: {route}\r\n");
    }
    for route in &headers.record_route {
        _ = write!(text, "Record-Route: {route}\r\n");
    }
    _ = write!(text, "From: {}\r\nTo: {}\r\n", headers.from, headers.to);
    _ = write!(text, "Call-ID: {}\r\nCSeq: {}\r\n", Line(&headers.call_id), headers.cseq);
    if headers.is_contact_star {
        text.push_str("Contact: *\r\n");
    }
    for contact in &headers.contact {
        _ = write!(text, "Contact: {contact}\r\n");
    }
    for (name, value) in &headers.others {
        // The length is ours to say, and a name that is none would be a line of its own kind.
        if is_token(name) && !name.eq_ignore_ascii_case("Content-Length") && !name.eq_ignore_ascii_case("l") {
            _ = write!(text, "{name}: {}\r\n", Line(value));
        }
    }
    if let Some(content_type) = &headers.content_type {
        _ = write!(text, "Content-Type: {}\r\n", Line(content_type));
    }
}
