// SPDX-License-Identifier: EUPL-1.2
//! The head of a message as lines: split at CRLF, folded lines put together, names in their full form (RFC 3261 §7.3).
//!
//! A line ends with CR and LF together. One of them alone is refused, because somebody between us and the sender may
//! see another header there than we do.

use super::cursor::is_token;
use super::header_names::canonical;
use super::limits::{MAX_HEAD_BYTES, MAX_HEADER_LINES};
use super::malformed::Flaw;

/// A header line.
pub(in crate::sip) struct Line {
    /// In its full form, in the case of the standard if a standard knows it.
    pub(in crate::sip) name: String,
    /// On one line, without white space at its ends. Bytes that are not UTF-8 are U+FFFD: telephone systems that write
    /// names in Latin-1 are no reason to refuse a call, and nothing but text can contain that character.
    pub(in crate::sip) value: String,
}

/// What stands before the body.
pub(super) struct Head<'a> {
    /// Without its line end.
    pub(super) first: &'a [u8],
    pub(super) lines: Vec<Line>,
    /// The first thing that is wrong with the lines; those that could be read are there.
    pub(super) flaw: Option<Flaw>,
}

/// How long the head is, with the empty line behind it.
pub(super) fn end_of_head(bytes: &[u8]) -> Result<usize, Flaw> {
    let searched = bytes.get(..MAX_HEAD_BYTES).unwrap_or(bytes);
    match searched.windows(4).position(|four| four == b"\r\n\r\n") {
        Some(at) => Ok(at + 4),
        None if bytes.len() > MAX_HEAD_BYTES => Err(Flaw::TooLong),
        None => Err(Flaw::NoEnd),
    }
}

/// Splits a head.
pub(super) fn split(head: &[u8]) -> Head<'_> {
    let mut physical = PhysicalLines(head);
    let first = physical.next().unwrap_or_default();
    let (lines, flaw) = split_headers(physical.0);
    Head { first, lines, flaw }
}

/// Splits headers that have no first line before them, such as those of a part of a body.
pub(in crate::sip) fn split_headers(headers: &[u8]) -> (Vec<Line>, Option<Flaw>) {
    let physical = PhysicalLines(headers);
    let mut lines: Vec<Line> = Vec::new();
    let mut flaw = None;
    // A line that was refused, so that its continuations are skipped with it.
    let mut skipping = false;
    for line in physical {
        if line.is_empty() {
            continue;
        }
        if line.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            flaw.get_or_insert(Flaw::HeaderLine);
            skipping = true;
            continue;
        }
        if let [b' ' | b'\t', ..] = line {
            match lines.last_mut() {
                Some(last) if !skipping => unfold(&mut last.value, line),
                // Before the first header there is nothing to continue.
                _ => _ = flaw.get_or_insert(Flaw::HeaderLine),
            }
            continue;
        }
        if lines.len() == MAX_HEADER_LINES {
            flaw.get_or_insert(Flaw::TooMany("header lines"));
            break;
        }
        match split_line(line) {
            Some(line) => {
                skipping = false;
                lines.push(line);
            }
            None => {
                skipping = true;
                flaw.get_or_insert(Flaw::HeaderLine);
            }
        }
    }
    for line in &mut lines {
        if line.value.ends_with([' ', '\t']) {
            let end = line.value.trim_end_matches([' ', '\t']).len();
            line.value.truncate(end);
        }
        if has_bare_control_character(&line.value) {
            flaw.get_or_insert(Flaw::HeaderLine);
        }
    }
    (lines, flaw)
}

/// Lines between CRLF.
struct PhysicalLines<'a>(&'a [u8]);

impl<'a> Iterator for PhysicalLines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.windows(2).position(|two| two == b"\r\n");
        let (line, rest) = match end {
            Some(end) => (self.0.get(..end)?, self.0.get(end + 2..)?),
            None => (self.0, &[][..]),
        };
        self.0 = rest;
        Some(line)
    }
}

fn split_line(line: &[u8]) -> Option<Line> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = str::from_utf8(line.get(..colon)?).ok()?.trim_end_matches([' ', '\t']);
    if !is_token(name) {
        return None;
    }
    let value = String::from_utf8_lossy(line.get(colon + 1..)?).trim_start_matches([' ', '\t']).to_owned();
    Some(Line { name: canonical(name).to_owned(), value })
}

/// A line's end with the white space around it is one space (RFC 3261 §7.3.1).
fn unfold(value: &mut String, continuation: &[u8]) {
    let end = value.trim_end_matches([' ', '\t']).len();
    value.truncate(end);
    let continuation = String::from_utf8_lossy(continuation);
    if !value.is_empty() {
        value.push(' ');
    }
    value.push_str(continuation.trim_start_matches([' ', '\t']));
}

/// Control characters stand only behind a backslash in a quoted string (RFC 3261 §25.1); whether it is in one, those who
/// understand the header see.
fn has_bare_control_character(value: &str) -> bool {
    let mut escaped = false;
    for byte in value.bytes() {
        if byte.is_ascii_control() && byte != b'\t' && !escaped {
            return true;
        }
        escaped = byte == b'\\' && !escaped;
    }
    false
}
