// SPDX-License-Identifier: EUPL-1.2
//! Reads session descriptions by the grammar of RFC 8866 §9, within bounds.
//!
//! What telephones get wrong and what harms nobody is taken as meant: lines that end in LF only, no `t=` or `s=`, lines
//! of a section in another order, blank lines and blanks at the end. All else that the grammar forbids is an error.

use std::net::IpAddr;

use super::description::{Address, Attribute, Media, Origin, SessionDescription};

/// Longer bodies are refused unread. The longest offer of a telephone that we know of has 3 kB.
const MAX_BYTES: usize = 16 * 1024;
/// Longest line. Keys and lists of features need a few hundred bytes.
const MAX_LINE_BYTES: usize = 1024;
/// Sections of a description.
const MAX_SECTIONS: usize = 16;
/// Attributes of a section, or of the session part.
const MAX_ATTRIBUTES: usize = 128;
/// Formats of a section: as many as there are payload types.
const MAX_FORMATS: usize = 128;

/// Why a body is no session description. All of them are the sender's fault (400).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A bound was passed.
    #[error("longer or more than we read")]
    TooLarge,
    /// It does not begin with `v=0`.
    #[error("not SDP version 0")]
    Version,
    /// A line is not a letter, an equals sign and text, or has an unknown letter or control characters.
    #[error("line {0} is malformed")]
    Line(usize),
    /// No `o=`, or more than one.
    #[error("no origin, or two")]
    Origin,
}

impl SessionDescription {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// When it does not follow the grammar, or is larger than any telephone's.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        if body.len() > MAX_BYTES {
            return Err(ParseError::TooLarge);
        }
        let text = String::from_utf8_lossy(body);
        let text = text.trim_end_matches(['\0', '\r', '\n', ' ']);
        let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        if lines.next().map(str::trim_end) != Some("v=0") {
            return Err(ParseError::Version);
        }
        let mut reader = Reader::default();
        for (number, line) in (2..).zip(lines) {
            if line.len() > MAX_LINE_BYTES {
                return Err(ParseError::TooLarge);
            }
            if line.trim().is_empty() {
                continue;
            }
            reader.line(line)?.ok_or(ParseError::Line(number))?;
        }
        reader.finish()
    }
}

#[derive(Default)]
struct Reader {
    origin: Option<Origin>,
    session_name: Option<String>,
    connection: Option<Address>,
    timing: Option<(u64, u64)>,
    attributes: Vec<Attribute>,
    media: Vec<Media>,
}

impl Reader {
    /// Takes one line. `None` when it is malformed.
    fn line(&mut self, line: &str) -> Result<Option<()>, ParseError> {
        let mut chars = line.chars();
        let (Some(letter), Some('=')) = (chars.next(), chars.next()) else { return Ok(None) };
        let value = chars.as_str();
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Ok(None);
        }
        match letter {
            'o' => return self.origin(value),
            'm' => return self.section(value),
            'a' => return self.attribute(value),
            's' => return Ok(self.session_name(value)),
            'c' => return Ok(self.connection(value)),
            't' => return Ok(self.timing(value)),
            // Known, and of no use to a call.
            'i' | 'u' | 'e' | 'p' | 'b' | 'r' | 'z' | 'k' => {}
            _ => return Ok(None),
        }
        Ok(Some(()))
    }

    fn origin(&mut self, value: &str) -> Result<Option<()>, ParseError> {
        if self.origin.is_some() || !self.media.is_empty() {
            return Err(ParseError::Origin);
        }
        let mut words = value.split_ascii_whitespace();
        let (Some(username), Some(session_id), Some(session_version)) = (words.next(), words.next(), words.next())
        else {
            return Ok(None);
        };
        let Some(address) = address(&mut words) else { return Ok(None) };
        self.origin = Some(Origin {
            username: username.to_owned(),
            session_id: session_id.to_owned(),
            session_version: session_version.to_owned(),
            address,
        });
        Ok(Some(()))
    }

    fn session_name(&mut self, value: &str) -> Option<()> {
        if self.session_name.is_none() && !value.trim().is_empty() {
            self.session_name = Some(value.to_owned());
        }
        self.media.is_empty().then_some(())
    }

    /// The first one counts: more than one is for layered multicast (RFC 8866 §5.7).
    fn connection(&mut self, value: &str) -> Option<()> {
        let address = address(&mut value.split_ascii_whitespace())?;
        let place = self.media.last_mut().map_or(&mut self.connection, |media| &mut media.connection);
        place.get_or_insert(address);
        Some(())
    }

    fn timing(&mut self, value: &str) -> Option<()> {
        let mut words = value.split_ascii_whitespace();
        let timing = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        self.timing.get_or_insert(timing);
        self.media.is_empty().then_some(())
    }

    fn attribute(&mut self, value: &str) -> Result<Option<()>, ParseError> {
        let attributes = self.media.last_mut().map_or(&mut self.attributes, |media| &mut media.attributes);
        if attributes.len() >= MAX_ATTRIBUTES {
            return Err(ParseError::TooLarge);
        }
        let (name, value) = match value.split_once(':') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (value.trim_end(), None),
        };
        if !is_token(name) {
            return Ok(None);
        }
        attributes.push(Attribute { name: name.to_owned(), value });
        Ok(Some(()))
    }

    fn section(&mut self, value: &str) -> Result<Option<()>, ParseError> {
        let mut words = value.split_ascii_whitespace();
        let (Some(kind), Some(ports), Some(protocol)) = (words.next(), words.next(), words.next()) else {
            return Ok(None);
        };
        let formats: Vec<String> = words.take(MAX_FORMATS + 1).map(str::to_owned).collect();
        if self.media.len() >= MAX_SECTIONS || formats.len() > MAX_FORMATS {
            return Err(ParseError::TooLarge);
        }
        // A number of ports may follow, for layered multicast.
        let port = ports.split('/').next().and_then(number);
        let Some(port) = port.and_then(|port| u16::try_from(port).ok()) else { return Ok(None) };
        if !is_token(kind) || !protocol.split('/').all(is_token) || formats.is_empty() {
            return Ok(None);
        }
        self.media.push(Media {
            kind: kind.to_owned(),
            port,
            protocol: protocol.to_owned(),
            formats,
            connection: None,
            attributes: Vec::new(),
        });
        Ok(Some(()))
    }

    fn finish(self) -> Result<SessionDescription, ParseError> {
        Ok(SessionDescription {
            origin: self.origin.ok_or(ParseError::Origin)?,
            session_name: self.session_name.unwrap_or_else(|| "-".to_owned()),
            connection: self.connection,
            timing: self.timing.unwrap_or_default(),
            attributes: self.attributes,
            media: self.media,
        })
    }
}

/// Digits only: Rust's own parser takes a sign as well.
pub(super) fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// `IN IP4 192.0.2.1`, with what multicast appends cut off.
pub(super) fn address<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Address> {
    words.next().filter(|network| network.eq_ignore_ascii_case("IN"))?;
    let is_ipv6 = match words.next()? {
        family if family.eq_ignore_ascii_case("IP4") => false,
        family if family.eq_ignore_ascii_case("IP6") => true,
        _ => return None,
    };
    let text = words.next()?.split('/').next()?;
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(Address::Ip(ip));
    }
    let is_name = !text.is_empty() && text.len() <= 255;
    let is_name = is_name && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    is_name.then(|| Address::Name { name: text.to_owned(), is_ipv6 })
}

/// RFC 8866 §9, `token`.
fn is_token(text: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_byte)
}
