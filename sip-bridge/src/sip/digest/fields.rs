// SPDX-License-Identifier: EUPL-1.2
//! `Digest name=value, name="value"`: the form of all four headers (RFC 3261 §25.1 `digest-cln`, `dig-resp`).

use std::fmt::{self, Display, Write};

use super::DigestError;
use crate::sip::parse::cursor::Cursor;

/// Parts of one value. The standards know 13.
const MAX_FIELDS: usize = 32;

/// Longest part that is kept. Nonces of big servers have about 200 bytes.
const MAX_FIELD_BYTES: usize = 1024;

/// The parts of a value, names in lower case.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn parse(text: &str) -> Result<Self, DigestError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let scheme = cursor.token().ok_or(DigestError::Syntax)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return Err(DigestError::Scheme);
        }
        if !cursor.skip_space() {
            return Err(DigestError::Syntax);
        }
        let mut fields = Self(Vec::new());
        loop {
            let (name, value) = read(&mut cursor).ok_or(DigestError::Syntax)?;
            if fields.0.len() == MAX_FIELDS || value.len() > MAX_FIELD_BYTES || fields.get(&name).is_some() {
                return Err(DigestError::Syntax);
            }
            fields.0.push((name, value));
            if !cursor.eat_separator(',') {
                break;
            }
        }
        cursor.skip_space();
        if cursor.is_empty() { Ok(fields) } else { Err(DigestError::Syntax) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn needed(&self, name: &'static str) -> Result<String, DigestError> {
        self.get(name).map(str::to_owned).ok_or(DigestError::Missing(name))
    }
}

fn read(cursor: &mut Cursor<'_>) -> Option<(String, String)> {
    let name = cursor.token()?.to_ascii_lowercase();
    if !cursor.eat_separator('=') {
        return None;
    }
    // Some leave the quotes of a URI out, so it ends where the next part begins.
    let value = match cursor.peek()? {
        '"' => cursor.quoted_string()?,
        _ => cursor.take_while(|c| !matches!(c, ',' | ' ' | '\t' | '"')).to_owned(),
    };
    Some((name, value))
}

/// A value in quotes, on one line.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_ascii_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
