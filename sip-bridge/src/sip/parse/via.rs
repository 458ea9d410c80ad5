// SPDX-License-Identifier: EUPL-1.2
//! Via (RFC 3261 §20.42 and §25.1, RFC 3581 for `rport`).

use super::cursor::{Cursor, is_token};
use super::limits::MAX_PARAMS;
use super::{host, params};
use crate::sip::message::{Params, Via};

/// What a branch begins with that tells transactions apart (RFC 3261 §8.1.1.7).
const MAGIC_COOKIE: &str = "z9hG4bK";

/// Reads one value.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Via> {
    let mut via = read_sent_by(cursor, Some("2.0"))?;
    via.params = params::read(cursor)?;
    are_params_valid(&via).then_some(via)
}

/// Reads as much of a value as an answer needs: of whatever version, and of the parameters those that are well-formed
/// (RFC 4475 §3.1.2.1). Where the value ends is not known then.
pub(super) fn read_leniently(cursor: &mut Cursor<'_>) -> Option<Via> {
    let mut via = read_sent_by(cursor, None)?;
    let own = cursor.rest().split(',').next().unwrap_or_default();
    for param in own.split(';').map(str::trim).filter(|param| !param.is_empty()).take(MAX_PARAMS) {
        let text = format!(";{param}");
        let mut param = Cursor::new(&text);
        if let Some(found) = params::read(&mut param).filter(|_| param.is_empty()) {
            found.0.into_iter().for_each(|(name, value)| via.params.set(&name, value));
        }
    }
    Some(via)
}

/// Reads the protocol and the host. Spaces may stand between all parts.
fn read_sent_by(cursor: &mut Cursor<'_>, version: Option<&str>) -> Option<Via> {
    cursor.skip_space();
    let protocol = cursor.token()?;
    if !protocol.eq_ignore_ascii_case("SIP") || !cursor.eat_separator('/') {
        return None;
    }
    let found = cursor.token()?;
    if version.is_some_and(|version| version != found) || !cursor.eat_separator('/') {
        return None;
    }
    let transport = cursor.token()?.to_owned();
    if !cursor.skip_space() {
        return None;
    }
    let host = host::read(cursor)?;
    let port = if cursor.eat_separator(':') { Some(host::read_port(cursor)?) } else { None };
    Some(Via { transport, host, port, params: Params::default() })
}

fn are_params_valid(via: &Via) -> bool {
    via.params.0.iter().all(|(name, value)| {
        let value = value.as_deref();
        match name.as_str() {
            "branch" => value.is_some_and(is_branch),
            "received" => value.is_some_and(is_address),
            "maddr" => value.is_some_and(|value| host::parse(value).is_some()),
            "ttl" => value.is_some_and(|value| is_number(value) && value.parse::<u8>().is_ok()),
            // Without a value it asks for one (RFC 3581 §3).
            "rport" => value.is_none_or(|value| is_number(value) && value.parse::<u16>().is_ok_and(|port| port != 0)),
            _ => true,
        }
    })
}

/// Something has to follow the cookie, or all transactions are one (RFC 4475 §3.2.1).
fn is_branch(value: &str) -> bool {
    is_token(value) && !value.eq_ignore_ascii_case(MAGIC_COOKIE)
}

/// With or without brackets (RFC 5118 §4.5).
fn is_address(value: &str) -> bool {
    let address = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(value);
    address.parse::<std::net::IpAddr>().is_ok()
}

fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}
