// SPDX-License-Identifier: EUPL-1.2
//! Escapes in URIs: `%` and two hexadecimal digits for a byte (RFC 3261 §19.1.2), and which characters need none where.

/// Characters that need no escape anywhere in a URI (RFC 3261 §25.1 `unreserved`).
const fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '!' | '~' | '*' | '\'' | '(' | ')')
}

/// In the user of a SIP URI.
pub(in crate::sip) const fn is_user_char(c: char) -> bool {
    is_unreserved(c) || matches!(c, '&' | '=' | '+' | '$' | ',' | ';' | '?' | '/')
}

/// In its password.
pub(in crate::sip) const fn is_password_char(c: char) -> bool {
    is_unreserved(c) || matches!(c, '&' | '=' | '+' | '$' | ',')
}

/// In a parameter's name and value.
pub(in crate::sip) const fn is_param_char(c: char) -> bool {
    is_unreserved(c) || matches!(c, '[' | ']' | '/' | ':' | '&' | '+' | '$')
}

/// In a header's name and value.
pub(in crate::sip) const fn is_header_char(c: char) -> bool {
    is_unreserved(c) || matches!(c, '[' | ']' | '/' | '?' | ':' | '+' | '$')
}

/// In a URI of another scheme (RFC 2396 §2, RFC 2732 §3).
pub(in crate::sip) const fn is_uri_char(c: char) -> bool {
    is_unreserved(c) || matches!(c, ';' | '/' | '?' | ':' | '@' | '&' | '=' | '+' | '$' | ',' | '[' | ']')
}

/// Takes escapes away. `None` if another character stands there than may, or if the bytes are no UTF-8, as which
/// everything in SIP is to be understood (RFC 3261 §7).
pub(super) fn unescape(text: &str, allowed: impl Fn(char) -> bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = hex_digit(rest.next()?)?;
            let low = hex_digit(rest.next()?)?;
            bytes.push(high << 4 | low);
        } else if byte.is_ascii() && allowed(char::from(byte)) {
            bytes.push(byte);
        } else {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Whether a text consists of allowed characters and complete escapes.
pub(super) fn is_escaped(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let is_fine = match byte {
            b'%' => rest.next().and_then(hex_digit).is_some() && rest.next().and_then(hex_digit).is_some(),
            _ => byte.is_ascii() && allowed(char::from(byte)),
        };
        if !is_fine {
            return false;
        }
    }
    true
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
