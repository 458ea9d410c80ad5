// SPDX-License-Identifier: EUPL-1.2
//! Parameters behind the value of a header (RFC 3261 §25.1 `generic-param`).

use super::cursor::{Cursor, is_token, is_token_char};
use super::host;
use super::limits::MAX_PARAMS;
use crate::sip::message::Params;

/// Reads parameters as long as there are semicolons.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Params> {
    let mut params = Params::default();
    while cursor.eat_separator(';') {
        let name = cursor.token()?.to_ascii_lowercase();
        let value = if cursor.eat_separator('=') { Some(read_value(cursor)?) } else { None };
        // Names come once (RFC 3261 §7.3.1).
        if params.0.len() == MAX_PARAMS || params.get(&name).is_some() {
            return None;
        }
        params.0.push((name, value));
    }
    Some(params)
}

/// Reads a quoted string, a token, or an address.
fn read_value(cursor: &mut Cursor<'_>) -> Option<String> {
    if cursor.peek() == Some('"') {
        return cursor.quoted_string();
    }
    let value = cursor.take_while(|c| is_token_char(c) || matches!(c, '[' | ']' | ':'));
    is_unquoted_value(value).then(|| value.to_owned())
}

/// Whether a value needs no quotes: a token, or an IPv6 address, which stands in brackets as a host and without them in
/// `received` (RFC 3261 §25.1, RFC 5118 §4.5).
pub(in crate::sip) fn is_unquoted_value(value: &str) -> bool {
    let address = value.strip_prefix('[').map_or(Some(value), |rest| rest.strip_suffix(']'));
    is_token(value) || address.is_some_and(|address| address.contains(':') && host::ipv6(address).is_some())
}
