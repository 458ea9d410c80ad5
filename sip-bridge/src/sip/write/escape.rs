// SPDX-License-Identifier: EUPL-1.2
//! Texts made safe for the place where they stand.

use std::fmt::{self, Write};

use crate::sip::parse::cursor::is_token;
use crate::sip::parse::params::is_unquoted_value;

/// A header's value on its line. Line ends and NUL are spaces.
pub(super) struct Line<'a>(pub(super) &'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pieces = self.0.split(['\r', '\n', '\0']);
        f.write_str(pieces.next().unwrap_or_default())?;
        pieces.try_for_each(|piece| {
            f.write_char(' ')?;
            f.write_str(piece)
        })
    }
}

/// A quoted string. Line ends, which cannot be escaped, are spaces.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '\r' | '\n' => f.write_char(' ')?,
                '"' | '\\' => write!(f, "\\{c}")?,
                '\t' => f.write_char(c)?,
                c if c.is_ascii_control() => write!(f, "\\{c}")?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// The value of a header's parameter: in quotes unless it needs none.
pub(super) struct ParamValue<'a>(pub(super) &'a str);

impl fmt::Display for ParamValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_unquoted_value(self.0) { f.write_str(self.0) } else { Quoted(self.0).fmt(f) }
    }
}

/// A part of a URI, escaped except for the characters that are allowed there.
pub(super) struct Escaped<'a>(pub(super) &'a str, pub(super) fn(char) -> bool);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            let c = char::from(byte);
            if byte.is_ascii() && (self.1)(c) {
                f.write_char(c)?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// A token; characters that are none are left out.
pub(super) struct Token<'a>(pub(super) &'a str);

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_token(self.0) {
            return f.write_str(self.0);
        }
        self.0.chars().filter(|c| crate::sip::parse::cursor::is_token_char(*c)).try_for_each(|c| f.write_char(c))
    }
}
