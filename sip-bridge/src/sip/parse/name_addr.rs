// SPDX-License-Identifier: EUPL-1.2
//! URIs with a name and parameters (RFC 3261 §20.10, §25.1 `name-addr`, `addr-spec`), one or a list of them.

use super::cursor::{Cursor, is_token};
use super::{params, uri};
use crate::sip::message::NameAddr;

/// Whether the angle brackets may be missing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::sip) enum Brackets {
    /// As in From, To and Contact. What follows a semicolon belongs to the header then, and a URI that has a comma, a
    /// semicolon or a question mark of its own is refused (RFC 3261 §20).
    Optional,
    /// As in Route and Record-Route.
    Needed,
}

/// A value that is the whole text.
pub(in crate::sip) fn parse(text: &str, brackets: Brackets) -> Option<NameAddr> {
    let mut cursor = Cursor::new(text);
    let value = read(&mut cursor, brackets)?;
    cursor.skip_space();
    cursor.is_empty().then_some(value)
}

/// Reads one value.
pub(super) fn read(cursor: &mut Cursor<'_>, brackets: Brackets) -> Option<NameAddr> {
    cursor.skip_space();
    let display_name = if cursor.peek() == Some('"') {
        let name = cursor.quoted_string()?;
        cursor.skip_space();
        Some(name)
    } else {
        read_tokens(cursor)
    };
    let uri = if cursor.eat('<') {
        let text = cursor.take_while(|c| c != '>');
        let uri = uri::parse(text)?;
        if !cursor.eat('>') {
            return None;
        }
        uri
    } else if display_name.is_none() && brackets == Brackets::Optional {
        let text = cursor.take_while(|c| !matches!(c, ' ' | '\t' | ';' | ',' | '?'));
        if cursor.peek() == Some('?') {
            return None;
        }
        uri::parse(text)?
    } else {
        return None;
    };
    Some(NameAddr { display_name, uri, params: params::read(cursor)? })
}

/// Reads a name that is words without quotes, if a bracket follows.
fn read_tokens(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut ahead = *cursor;
    let words = ahead.take_while(|c| !matches!(c, '<' | ',' | ';' | '"'));
    let name = words.trim_end_matches([' ', '\t']);
    let is_name = !name.is_empty() && name.split([' ', '\t']).all(|word| word.is_empty() || is_token(word));
    if ahead.peek() != Some('<') || !is_name {
        return None;
    }
    *cursor = ahead;
    Some(name.to_owned())
}
