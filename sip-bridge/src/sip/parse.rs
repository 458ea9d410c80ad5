// SPDX-License-Identifier: EUPL-1.2
//! Bytes to messages, strictly by RFC 3261 §7 and §25: what does not fit the grammar is refused or dropped, never guessed.
//!
//! What a request asks for is not judged here but in [`check`](super::check). All work is linear in the length of a
//! message, except for parameters' names, of which there are few ([`limits`]).

mod call;
pub(in crate::sip) mod cursor;
mod date;
pub(in crate::sip) mod escape;
mod framer;
pub(in crate::sip) mod header_lines;
mod header_names;
mod headers;
pub(in crate::sip) mod host;
pub mod limits;
mod malformed;
pub(in crate::sip) mod media_type;
pub(in crate::sip) mod name_addr;
pub(in crate::sip) mod params;
mod refusal;
mod start_line;
pub(in crate::sip) mod tel;
#[cfg(test)]
mod tests;
pub(in crate::sip) mod uri;
mod via;

use std::str::FromStr;

pub use framer::{Broken, Frame, Framer};
pub use malformed::{Flaw, Malformed, Refusal};

use self::start_line::{Kind, StartLine};
use super::message::{Message, NameAddr, Request, Response, Transport, Uri};

/// Parses one whole message: a datagram, or what [`Framer`] cut out of a stream. Line ends before it are skipped
/// (RFC 3261 §7.5); on a stream it must have a Content-Length (§18.3), and what follows the body is ignored.
///
/// # Errors
/// [`Malformed`], which says what is wrong and, for requests that can be answered, how.
pub fn parse(bytes: &[u8], transport: Transport) -> Result<Message, Malformed> {
    let mut bytes = bytes;
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    if bytes.is_empty() {
        return Err(Malformed::dropped(Flaw::KeepAlive));
    }
    let (head_bytes, end) = match header_lines::end_of_head(bytes) {
        Ok(end) => (end, Ok(())),
        Err(flaw) => (bytes.len().min(limits::MAX_HEAD_BYTES), Err(flaw)),
    };
    let end = if bytes.len() > limits::MAX_MESSAGE_BYTES { Err(Flaw::TooLong) } else { end };
    let (head_bytes, body) = bytes.split_at_checked(head_bytes).unwrap_or((bytes, &[]));
    let head = header_lines::split(head_bytes);
    let Some(kind) = start_line::kind(head.first) else {
        return Err(Malformed::dropped(Flaw::NotSip));
    };
    end.and_then(|()| understand(head, kind, body, transport)).map_err(|flaw| {
        // Rare enough to read the lines once more.
        refusal::malformed(flaw, kind, &header_lines::split(head_bytes))
    })
}

fn understand(head: header_lines::Head<'_>, kind: Kind, body: &[u8], transport: Transport) -> Result<Message, Flaw> {
    let start = start_line::parse(head.first, kind)?;
    if let Some(flaw) = head.flaw {
        return Err(flaw);
    }
    let parsed = headers::parse(head.lines, kind)?;
    let headers = parsed.headers;
    let body = match parsed.content_length {
        Some(length) => {
            let length = usize::try_from(length).map_err(|_| Flaw::Truncated)?;
            body.get(..length).ok_or(Flaw::Truncated)?
        }
        None if transport.is_reliable() => return Err(Flaw::Missing("Content-Length")),
        None => body,
    };
    let body = body.to_vec();
    Ok(match start {
        StartLine::Request { method, uri } => {
            if headers.cseq.method != method {
                return Err(Flaw::MethodMismatch);
            }
            // Only a registration can take all contacts away (RFC 3261 §20.10).
            if headers.is_contact_star && method != super::message::Method::Register {
                return Err(Flaw::Header("Contact"));
            }
            Message::Request(Request { method, uri, headers, body })
        }
        StartLine::Response { status, reason } => Message::Response(Response { status, reason, headers, body }),
    })
}

/// A text that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct ParseError(&'static str);

impl FromStr for Uri {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        uri::parse(text).ok_or(ParseError("URI"))
    }
}

/// As in a From: the angle brackets may be missing if the URI has no comma, semicolon or question mark.
impl FromStr for NameAddr {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        name_addr::parse(text, name_addr::Brackets::Optional).ok_or(ParseError("address"))
    }
}
