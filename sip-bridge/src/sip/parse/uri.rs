// SPDX-License-Identifier: EUPL-1.2
//! URIs: `sip:` and `sips:` (RFC 3261 §19.1.1 and §25.1), `tel:` (RFC 3966), and any other as far as its characters.

use super::cursor::Cursor;
use super::escape::{is_escaped, is_header_char, is_param_char, is_password_char, is_uri_char, is_user_char, unescape};
use super::limits::MAX_PARAMS;
use super::{host, tel};
use crate::sip::message::{Params, Scheme, SipUri, Uri};

/// A URI that is the whole text.
pub(in crate::sip) fn parse(text: &str) -> Option<Uri> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !is_scheme || rest.is_empty() {
        return None;
    }
    if scheme.eq_ignore_ascii_case("sip") {
        return sip(Scheme::Sip, rest).map(Uri::Sip);
    }
    if scheme.eq_ignore_ascii_case("sips") {
        return sip(Scheme::Sips, rest).map(Uri::Sip);
    }
    if scheme.eq_ignore_ascii_case("tel") {
        return tel::is_number(rest).then(|| Uri::Tel(rest.to_owned()));
    }
    is_escaped(rest, is_uri_char).then(|| Uri::Other(text.to_owned()))
}

fn sip(scheme: Scheme, text: &str) -> Option<SipUri> {
    // Only what stands before the `@` may have one of the separators that follow unescaped, and nothing a second `@`.
    let (user, password, rest) = match text.split_once('@') {
        Some((user_info, rest)) => {
            let (user, password) = match user_info.split_once(':') {
                Some((user, password)) => (user, Some(unescape(password, is_password_char)?)),
                None => (user_info, None),
            };
            if user.is_empty() {
                return None;
            }
            (Some(unescape(user, is_user_char)?), password, rest)
        }
        None => (None, None, text),
    };
    let mut cursor = Cursor::new(rest);
    let host = host::read(&mut cursor)?;
    let port = if cursor.eat(':') { Some(host::read_port(&mut cursor)?) } else { None };
    let params = read_params(&mut cursor)?;
    let headers = if cursor.eat('?') { headers(cursor.rest())? } else { Vec::new() };
    if headers.is_empty() && !cursor.is_empty() {
        return None;
    }
    Some(SipUri { scheme, user, password, host, port, params, headers })
}

fn read_params(cursor: &mut Cursor<'_>) -> Option<Params> {
    let mut params = Params::default();
    while cursor.eat(';') {
        let name = cursor.take_while(|c| is_param_char(c) || c == '%');
        let name = unescape(name, is_param_char)?.to_ascii_lowercase();
        let value = if cursor.eat('=') {
            let value = cursor.take_while(|c| is_param_char(c) || c == '%');
            Some(unescape(value, is_param_char).filter(|value| !value.is_empty())?)
        } else {
            None
        };
        // Names come once (RFC 3261 §19.1.1).
        if name.is_empty() || params.0.len() == MAX_PARAMS || params.get(&name).is_some() {
            return None;
        }
        params.0.push((name, value));
    }
    Some(params)
}

fn headers(text: &str) -> Option<Vec<(String, String)>> {
    let header = |header: &str| {
        let (name, value) = header.split_once('=')?;
        let name = unescape(name, is_header_char).filter(|name| !name.is_empty())?;
        Some((name, unescape(value, is_header_char)?))
    };
    // One more than may be is enough to see that they are too many.
    let headers: Option<Vec<_>> = text.split('&').take(MAX_PARAMS + 1).map(header).collect();
    headers.filter(|headers| headers.len() <= MAX_PARAMS)
}
