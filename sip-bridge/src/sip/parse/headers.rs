// SPDX-License-Identifier: EUPL-1.2
//! Header lines to [`Headers`]: what every message has and what has a meaning for all of them is parsed strictly, all
//! else is kept as it came.

use super::cursor::{Cursor, is_token};
use super::header_lines::Line;
use super::limits::{MAX_CONTACT, MAX_ROUTE, MAX_VIA};
use super::malformed::Flaw;
use super::name_addr::{self, Brackets};
use super::start_line::Kind;
use super::{call, date, media_type, via};
use crate::sip::message::{CSeq, Headers, NameAddr, Via};

/// Headers without a field of their own which change what a request means, so that two of them are ambiguous.
const ONCE: [&str; 11] = [
    "Authentication-Info",
    "Date",
    "Event",
    "Expires",
    "Min-SE",
    "RAck",
    "Refer-To",
    "Referred-By",
    "Replaces",
    "RSeq",
    "Session-Expires",
];

/// What the lines of one message say.
pub(super) struct Parsed {
    pub(super) headers: Headers,
    pub(super) content_length: Option<u64>,
}

#[derive(Default)]
struct Parts {
    via: Vec<Via>,
    from: Option<NameAddr>,
    to: Option<NameAddr>,
    call_id: Option<String>,
    cseq: Option<CSeq>,
    max_forwards: Option<u8>,
    contact: Vec<NameAddr>,
    is_contact_star: bool,
    route: Vec<NameAddr>,
    record_route: Vec<NameAddr>,
    content_type: Option<String>,
    content_length: Option<u64>,
    others: Vec<(String, String)>,
}

/// Parses the lines of a message. In a response only what every message has is judged: what cannot be refused would be
/// lost with all else that it says, while a call waits for it.
pub(super) fn parse(lines: Vec<Line>, kind: Kind) -> Result<Parsed, Flaw> {
    let mut parts = Parts::default();
    for line in lines {
        if kind == Kind::Request {
            check_other(&parts, &line)?;
        }
        add(&mut parts, line)?;
    }
    if parts.via.is_empty() {
        return Err(Flaw::Missing("Via"));
    }
    let headers = Headers {
        via: parts.via,
        from: parts.from.ok_or(Flaw::Missing("From"))?,
        to: parts.to.ok_or(Flaw::Missing("To"))?,
        call_id: parts.call_id.ok_or(Flaw::Missing("Call-ID"))?,
        cseq: parts.cseq.ok_or(Flaw::Missing("CSeq"))?,
        max_forwards: parts.max_forwards,
        contact: parts.contact,
        is_contact_star: parts.is_contact_star,
        route: parts.route,
        record_route: parts.record_route,
        content_type: parts.content_type,
        others: parts.others,
    };
    Ok(Parsed { headers, content_length: parts.content_length })
}

/// The length of the body, as a stream must say it (RFC 3261 §18.3).
pub(super) fn content_length(lines: &[Line]) -> Result<u64, Flaw> {
    let mut length = None;
    for line in lines.iter().filter(|line| line.name == "Content-Length") {
        once(&mut length, "Content-Length", || number(&line.value))?;
    }
    length.ok_or(Flaw::Missing("Content-Length"))
}

fn add(parts: &mut Parts, line: Line) -> Result<(), Flaw> {
    let value = line.value.as_str();
    match line.name.as_str() {
        "Via" => list(&mut parts.via, value, "Via", MAX_VIA, via::read),
        "From" => once(&mut parts.from, "From", || party(value)),
        "To" => once(&mut parts.to, "To", || party(value)),
        "Call-ID" => once(&mut parts.call_id, "Call-ID", || call::is_call_id(value).then(|| value.to_owned())),
        "CSeq" => once(&mut parts.cseq, "CSeq", || call::cseq(value)),
        "Max-Forwards" => once(&mut parts.max_forwards, "Max-Forwards", || u8::try_from(number(value)?).ok()),
        "Contact" => contact(parts, value),
        "Route" => {
            list(&mut parts.route, value, "Route", MAX_ROUTE, |cursor| name_addr::read(cursor, Brackets::Needed))
        }
        "Record-Route" => list(&mut parts.record_route, value, "Record-Route", MAX_ROUTE, |cursor| {
            name_addr::read(cursor, Brackets::Needed)
        }),
        "Content-Type" => once(&mut parts.content_type, "Content-Type", || {
            media_type::parse(value).filter(|_| !value.contains('\0')).map(|_| value.to_owned())
        }),
        "Content-Length" => once(&mut parts.content_length, "Content-Length", || number(value)),
        _ => other(parts, line),
    }
}

/// Another header is refused if we would have to guess what it means.
fn check_other(parts: &Parts, line: &Line) -> Result<(), Flaw> {
    if let Some(name) = ONCE.into_iter().find(|name| *name == line.name)
        && parts.others.iter().any(|(known, _)| known == name)
    {
        return Err(Flaw::Repeated(name));
    }
    let is_valid = |name, valid: bool| if valid { Ok(()) } else { Err(Flaw::Header(name)) };
    match line.name.as_str() {
        "Date" => is_valid("Date", date::is_date(&line.value)),
        // Whatever does not fit is for ever (RFC 3261 §20.19).
        "Expires" => is_valid("Expires", number(&line.value).is_some()),
        "Require" => is_valid("Require", are_tokens(&line.value)),
        "Proxy-Require" => is_valid("Proxy-Require", are_tokens(&line.value)),
        _ => Ok(()),
    }
}

fn other(parts: &mut Parts, line: Line) -> Result<(), Flaw> {
    // Kept as text, it would end the value for whoever reads texts up to NUL.
    if line.value.contains('\0') {
        return Err(Flaw::HeaderLine);
    }
    parts.others.push((line.name, line.value));
    Ok(())
}

fn once<T>(place: &mut Option<T>, name: &'static str, parse: impl FnOnce() -> Option<T>) -> Result<(), Flaw> {
    if place.is_some() {
        return Err(Flaw::Repeated(name));
    }
    *place = Some(parse().ok_or(Flaw::Header(name))?);
    Ok(())
}

/// Reads values between commas and adds them to those of earlier lines.
fn list<T>(
    values: &mut Vec<T>,
    text: &str,
    name: &'static str,
    max: usize,
    read: impl Fn(&mut Cursor<'_>) -> Option<T>,
) -> Result<(), Flaw> {
    let mut cursor = Cursor::new(text);
    loop {
        if values.len() == max {
            return Err(Flaw::TooMany(name));
        }
        values.push(read(&mut cursor).ok_or(Flaw::Header(name))?);
        if !cursor.eat_separator(',') {
            break;
        }
    }
    cursor.skip_space();
    if cursor.is_empty() { Ok(()) } else { Err(Flaw::Header(name)) }
}

/// From or To.
fn party(value: &str) -> Option<NameAddr> {
    let party = name_addr::parse(value, Brackets::Optional)?;
    let is_tag_valid =
        party.params.0.iter().all(|(name, value)| name != "tag" || value.as_deref().is_some_and(is_token));
    is_tag_valid.then_some(party)
}

fn contact(parts: &mut Parts, value: &str) -> Result<(), Flaw> {
    if parts.is_contact_star || (value == "*" && !parts.contact.is_empty()) {
        return Err(Flaw::Header("Contact"));
    }
    if value == "*" {
        parts.is_contact_star = true;
        return Ok(());
    }
    list(&mut parts.contact, value, "Contact", MAX_CONTACT, |cursor| name_addr::read(cursor, Brackets::Optional))
}

fn number(value: &str) -> Option<u64> {
    let mut cursor = Cursor::new(value);
    let number = cursor.number()?;
    cursor.is_empty().then_some(number)
}

fn are_tokens(value: &str) -> bool {
    value.split(',').all(|token| is_token(token.trim_matches([' ', '\t'])))
}
