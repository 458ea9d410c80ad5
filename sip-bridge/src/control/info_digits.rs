// SPDX-License-Identifier: EUPL-1.2
//! Keys that come by SIP INFO, as many exchanges send them: `application/dtmf-relay` (`Signal=5`, `Duration=160`) and
//! `application/dtmf` (the key alone, or the same lines). Neither was ever made a standard.

use crate::digit::Digit;

/// The key that an INFO tells of, if it does.
pub(super) fn digit(content_type: &str, body: &[u8]) -> Option<Digit> {
    let kind = content_type.split(';').next()?.trim();
    let is_relay = kind.eq_ignore_ascii_case("application/dtmf-relay");
    if !is_relay && !kind.eq_ignore_ascii_case("application/dtmf") {
        return None;
    }
    let text = str::from_utf8(body).ok()?;
    let signal = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then(|| value.trim())
    });
    match signal {
        Some(signal) => key(signal),
        None if is_relay => None,
        None => key(text.trim()),
    }
}

/// A label, or the code of an event of two digits, as some write `*` and `#`.
fn key(text: &str) -> Option<Digit> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(label), None) => Digit::from_char(label),
        (Some('1'), Some(_)) => text.parse().ok().and_then(Digit::from_event),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relayed(body: &str) -> Option<char> {
        digit("application/dtmf-relay", body.as_bytes()).map(Digit::as_char)
    }

    #[test]
    fn the_signal_of_a_relay_is_the_key() {
        assert_eq!(relayed("Signal=5\r\nDuration=160\r\n"), Some('5'));
        assert_eq!(relayed("signal= *\nduration=250"), Some('*'));
        assert_eq!(relayed("Duration=160\r\nSignal=#"), Some('#'));
        assert_eq!(relayed("Signal=10"), Some('*'));
        assert_eq!(relayed("Signal=11\r\n"), Some('#'));
        assert_eq!(relayed("Signal=d"), Some('D'));
    }

    #[test]
    fn a_plain_body_is_the_key_itself() {
        for (body, key) in [("7", Some('7')), ("7\r\n", Some('7')), ("Signal=8", Some('8')), ("", None), ("78", None)] {
            assert_eq!(digit("application/DTMF; x=y", body.as_bytes()).map(Digit::as_char), key, "{body}");
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        for body in ["", "Signal=", "Signal=16", "Signal=x", "Signal=123", "Signal=1\u{e4}", "5", "Duration=5"] {
            assert_eq!(relayed(body), None, "{body}");
        }
        assert_eq!(digit("text/plain", b"Signal=5"), None);
        assert_eq!(digit("application/dtmf", b"\xff"), None);
    }
}
