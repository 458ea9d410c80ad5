// SPDX-License-Identifier: EUPL-1.2
//! Hosts and ports (RFC 3261 §25.1 `host`, RFC 5118 for IPv6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cursor::Cursor;
use crate::sip::message::Host;

/// RFC 1035 §2.3.4.
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

/// A host that is the whole text.
pub(in crate::sip) fn parse(text: &str) -> Option<Host> {
    let mut cursor = Cursor::new(text);
    let host = read(&mut cursor)?;
    cursor.is_empty().then_some(host)
}

/// Reads a host.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Host> {
    if cursor.eat('[') {
        let address = cursor.take_while(|c| c != ']');
        return cursor.eat(']').then(|| ipv6(address)).flatten().map(|address| Host::Address(IpAddr::V6(address)));
    }
    let text = cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(Host::Address(IpAddr::V4(address)));
    }
    is_name(text).then(|| Host::Name(text.to_ascii_lowercase()))
}

/// An IPv6 address without brackets.
pub(super) fn ipv6(text: &str) -> Option<Ipv6Addr> {
    // The grammar of RFC 3261 can be read so that three colons stand before an IPv4 part. RFC 5118 §4.10 asks to accept
    // what was written so.
    if text.contains(":::") { text.replacen(":::", "::", 1).parse().ok() } else { text.parse().ok() }
}

/// Reads a port behind its colon.
pub(super) fn read_port(cursor: &mut Cursor<'_>) -> Option<u16> {
    let port = cursor.number()?;
    u16::try_from(port).ok().filter(|port| *port != 0)
}

/// Labels between dots of which the last begins with a letter, so that it is no malformed address. An underscore is no
/// part of the standard's names, but of those that people give their machines.
fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= MAX_LABEL_BYTES && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= MAX_NAME_BYTES
        && name.split('.').all(is_label)
        && last.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}
