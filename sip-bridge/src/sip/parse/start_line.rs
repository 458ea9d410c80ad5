// SPDX-License-Identifier: EUPL-1.2
//! The first line of a message (RFC 3261 §7.1, §7.2): its parts stand between single spaces.

use super::cursor::is_token;
use super::malformed::Flaw;
use super::uri;
use crate::sip::message::{Method, Uri};

/// What kind of message it is, which is known even if the line is malformed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Response,
}

/// A first line.
pub(super) enum StartLine {
    Request { method: Method, uri: Uri },
    Response { status: u16, reason: String },
}

/// The kind of message; `None` if it is none of SIP.
pub(super) fn kind(line: &[u8]) -> Option<Kind> {
    if starts_with_sip(line) {
        return Some(Kind::Response);
    }
    let end = line.trim_ascii_end();
    let version = end.rsplit(|byte| *byte == b' ').next()?;
    starts_with_sip(version).then_some(Kind::Request)
}

/// The first word of the line, which is the method of a request even if the rest is malformed.
pub(super) fn first_word(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b' ').next().unwrap_or_default()
}

/// The line's parts.
pub(super) fn parse(line: &[u8], kind: Kind) -> Result<StartLine, Flaw> {
    match kind {
        Kind::Request => request(line),
        Kind::Response => response(line),
    }
}

fn starts_with_sip(text: &[u8]) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
}

fn request(line: &[u8]) -> Result<StartLine, Flaw> {
    // The version comes first: how the rest of another version looks, nobody knows.
    let version = line.trim_ascii_end().rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    check_version(version)?;
    let line = str::from_utf8(line).map_err(|_| Flaw::StartLine)?;
    let mut parts = line.splitn(3, ' ');
    let (Some(method), Some(uri), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Flaw::StartLine);
    };
    if !is_token(method) {
        return Err(Flaw::StartLine);
    }
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        // A space too many, within the URI or behind the version.
        return Err(Flaw::StartLine);
    }
    let uri = uri::parse(uri).ok_or(Flaw::RequestUri)?;
    // Headers are for URIs on which somebody clicks (RFC 3261 §19.1.1, table 1).
    if matches!(&uri, Uri::Sip(sip) if !sip.headers.is_empty()) {
        return Err(Flaw::RequestUri);
    }
    Ok(StartLine::Request { method: Method::from_name(method), uri })
}

fn response(line: &[u8]) -> Result<StartLine, Flaw> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    check_version(parts.next().unwrap_or_default())?;
    let status = match parts.next() {
        Some(&[hundreds @ b'1'..=b'6', tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => {
            u16::from(hundreds - b'0') * 100 + u16::from(tens - b'0') * 10 + u16::from(ones - b'0')
        }
        _ => return Err(Flaw::StartLine),
    };
    // The space belongs to the line even if no words follow (RFC 4475 §3.1.1.13), and some forget it.
    let reason = String::from_utf8_lossy(parts.next().unwrap_or_default());
    if reason.chars().any(|c| c.is_ascii_control() && c != '\t') {
        return Err(Flaw::StartLine);
    }
    Ok(StartLine::Response { status, reason: reason.into_owned() })
}

fn check_version(version: &[u8]) -> Result<(), Flaw> {
    if version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Ok(());
    }
    let digits = version.get(4..).unwrap_or_default();
    let is_version = starts_with_sip(version) && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    Err(if is_version && !digits.is_empty() { Flaw::Version } else { Flaw::StartLine })
}
