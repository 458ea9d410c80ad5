// SPDX-License-Identifier: EUPL-1.2
//! Finds the session description in a body: the body itself, or a part of it (RFC 5621, RFC 2046 §5.1).

use super::message::Headers;
use super::parse::header_lines::{Line, split_headers};
use super::parse::media_type::{self, MediaType};

/// Bodies within bodies: a description beside another part, within what a gateway wraps around it.
const MAX_DEPTH: usize = 3;

/// Parts of one body that are looked at; further ones are ignored.
const MAX_PARTS: usize = 16;

/// RFC 2046 §5.1.1.
const MAX_BOUNDARY_BYTES: usize = 70;

/// The description in a message's body, or `None` if there is none that we understand: it has the type
/// `application/sdp`, alone or as a part of `multipart/mixed` (the first), `multipart/alternative` (the last, which is
/// the sender's best) or `multipart/related` (the first).
#[must_use]
pub fn session_description<'a>(headers: &Headers, body: &'a [u8]) -> Option<&'a [u8]> {
    find(headers.content_type.as_deref()?, body, MAX_DEPTH)
}

fn find<'a>(content_type: &str, body: &'a [u8], depth: usize) -> Option<&'a [u8]> {
    let content_type = media_type::parse(content_type)?;
    if content_type.is("application", "sdp") {
        return (!body.is_empty()).then_some(body);
    }
    let depth = depth.checked_sub(1)?;
    if content_type.kind != "multipart" {
        return None;
    }
    let mut found = parts(&content_type, body)?.filter_map(|part| {
        let (headers, body) = split_part(part)?;
        let content_type = value(&headers, "Content-Type")?;
        find(content_type, body, depth)
    });
    match content_type.subtype.as_str() {
        "alternative" => found.last(),
        "mixed" | "related" => found.next(),
        _ => None,
    }
}

/// What stands between the boundaries.
fn parts<'a>(content_type: &MediaType, body: &'a [u8]) -> Option<impl Iterator<Item = &'a [u8]>> {
    let boundary = content_type.params.get("boundary")?;
    if boundary.is_empty() || boundary.len() > MAX_BOUNDARY_BYTES {
        return None;
    }
    let delimiter = format!("--{boundary}").into_bytes();
    // What is before the first boundary belongs to no part.
    let (_, mut rest, mut is_last) = cut(body, &delimiter)?;
    let parts = std::iter::from_fn(move || {
        if is_last {
            return None;
        }
        let (part, behind, is_closed) = cut(rest, &delimiter)?;
        rest = behind;
        is_last = is_closed;
        Some(part)
    });
    Some(parts.take(MAX_PARTS))
}

/// Cuts at the next line that is the delimiter: what is before it, what is behind it, and whether it closes the body.
/// The line end before the delimiter belongs to it.
fn cut<'a>(body: &'a [u8], delimiter: &[u8]) -> Option<(&'a [u8], &'a [u8], bool)> {
    let mut from = 0;
    loop {
        let at = from + body.get(from..)?.windows(delimiter.len()).position(|window| window == delimiter)?;
        from = at + 1;
        let before = body.get(..at)?;
        let behind = body.get(at + delimiter.len()..)?;
        let Some(part) = (if before.is_empty() { Some(before) } else { before.strip_suffix(b"\r\n") }) else {
            continue;
        };
        if behind.starts_with(b"--") {
            return Some((part, &[], true));
        }
        let spaces = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if let Some(rest) = behind.get(spaces..)?.strip_prefix(b"\r\n") {
            return Some((part, rest, false));
        }
    }
}

/// The headers of a part and its content; `None` if its content is encoded in a way that nobody uses in SIP.
fn split_part(part: &[u8]) -> Option<(Vec<Line>, &[u8])> {
    let (head, content) = match part.strip_prefix(b"\r\n") {
        Some(content) => (&[][..], content),
        None => {
            let end = part.windows(4).position(|four| four == b"\r\n\r\n")?;
            (part.get(..end)?, part.get(end + 4..)?)
        }
    };
    let (headers, flaw) = split_headers(head);
    let is_plain = value(&headers, "Content-Transfer-Encoding")
        .is_none_or(|encoding| ["binary", "8bit", "7bit"].iter().any(|plain| plain.eq_ignore_ascii_case(encoding)));
    (flaw.is_none() && is_plain).then_some((headers, content))
}

fn value<'a>(headers: &'a [Line], name: &str) -> Option<&'a str> {
    headers.iter().find(|line| line.name == name).map(|line| line.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "multipart/mixed;boundary=\"a b\"";

    fn check(content_type: &str, body: &str, expected: Option<&str>) {
        let found = find(content_type, body.as_bytes(), MAX_DEPTH);
        assert_eq!(found.map(|found| str::from_utf8(found).unwrap()), expected);
    }

    #[test]
    fn a_description_alone_is_the_body() {
        check("Application / SDP ; charset=utf-8", "v=0\r\n", Some("v=0\r\n"));
        check("application/sdp", "", None);
        check("text/plain", "v=0\r\n", None);
    }

    #[test]
    fn a_description_is_found_among_parts() {
        let body = "before\r\n--a b\r\nContent-Type: text/plain\r\n\r\nv=1\r\n--a b \r\nc: application/sdp\r\n\
                    Content-Disposition: session\r\n\r\nv=0\r\ns=-\r\n\r\n--a b--\r\nbehind";
        check(MIXED, body, Some("v=0\r\ns=-\r\n"));
    }

    #[test]
    fn the_last_alternative_is_the_best() {
        let body = "--x\r\nc: application/sdp\r\n\r\none\r\n--x\r\nc: application/sdp\r\n\r\ntwo\r\n--x\r\n\
                    c: text/plain\r\n\r\nthree\r\n--x--\r\n";
        check("multipart/alternative; boundary=x", body, Some("two"));
        check("multipart/mixed; boundary=x", body, Some("one"));
    }

    #[test]
    fn parts_may_have_parts_but_not_for_ever() {
        let mut body = "--x\r\nc: application/sdp\r\n\r\nv=0\r\n--x--".to_owned();
        check("multipart/mixed;boundary=x", &body, Some("v=0"));
        body = format!("--y\r\nc: multipart/mixed;boundary=x\r\n\r\n{body}\r\n--y--");
        check("multipart/mixed;boundary=y", &body, Some("v=0"));
        body = format!("--z\r\nc: multipart/mixed;boundary=y\r\n\r\n{body}\r\n--z--");
        check("multipart/mixed;boundary=z", &body, Some("v=0"));
        body = format!("--w\r\nc: multipart/mixed;boundary=z\r\n\r\n{body}\r\n--w--");
        check("multipart/mixed;boundary=w", &body, None);
    }

    #[test]
    fn a_boundary_within_a_line_is_text() {
        let body = "--x\r\nc: application/sdp\r\n\r\ns=a --x\r\ns=--xy\r\n--xy\r\n--x--";
        check("multipart/mixed;boundary=x", body, Some("s=a --x\r\ns=--xy\r\n--xy"));
    }

    #[test]
    fn a_body_without_its_end_has_no_last_part() {
        check("multipart/mixed;boundary=x", "--x\r\nc: application/sdp\r\n\r\nv=0\r\n", None);
        check("multipart/mixed", "--x\r\nc: application/sdp\r\n\r\nv=0\r\n--x--", None);
        check("multipart/mixed;boundary=x", "", None);
    }
}
