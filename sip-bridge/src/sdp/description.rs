// SPDX-License-Identifier: EUPL-1.2
//! A session description as data (RFC 8866): what offer and answer need of it, in the order of its lines.
//!
//! Lines that no telephone acts on (`i=`, `u=`, `e=`, `p=`, `b=`, `r=`, `z=`, `k=`) are not kept. Since addresses and
//! keys stand in descriptions, `Debug` shows neither.

use std::fmt;
use std::net::IpAddr;

/// A whole description.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// Who made it, and which version it is (`o=`).
    pub origin: Origin,
    /// `s=`; a hyphen when there is none.
    pub session_name: String,
    /// Where media goes, for all sections that do not say it themselves (`c=`).
    pub connection: Option<Address>,
    /// Start and stop (`t=`), zeros for a session without bounds.
    pub timing: (u64, u64),
    /// Attributes of the whole session, in their order.
    pub attributes: Vec<Attribute>,
    /// Sections in their order, which offer and answer share.
    pub media: Vec<Media>,
}

/// Who made a description (RFC 8866 §5.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// A name, or a hyphen.
    pub username: String,
    /// With the name, the address and the version, this names the description. Digits, often more than fit a number.
    pub session_id: String,
    /// Grows when the description changes.
    pub session_version: String,
    /// Where it was made, which says nothing about where media goes.
    pub address: Address,
}

/// An address in `o=` and `c=`.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// As numbers.
    Ip(IpAddr),
    /// A name that nobody has looked up.
    Name {
        /// The name.
        name: String,
        /// Whether `IP6` stood before it.
        is_ipv6: bool,
    },
}

impl Address {
    /// The address, if it is one and not a name.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Name { .. } => None,
        }
    }
}

/// One `a=` line.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Before the colon.
    pub name: String,
    /// Behind it, if there is one.
    pub value: Option<String>,
}

impl Attribute {
    /// An attribute that only is there.
    pub fn flag(name: &str) -> Self {
        Self { name: name.to_owned(), value: None }
    }

    /// An attribute with a value.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: Some(value.into()) }
    }
}

/// A section: one stream of media (RFC 8866 §5.14).
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `image` and others.
    pub kind: String,
    /// Where its sender wants it; zero declines it.
    pub port: u16,
    /// Such as `RTP/AVP`.
    pub protocol: String,
    /// Payload types in order of preference; other words where the protocol is not RTP. Never empty when parsed.
    pub formats: Vec<String>,
    /// Where media goes, if not where the session says.
    pub connection: Option<Address>,
    /// In their order.
    pub attributes: Vec<Attribute>,
}

impl Media {
    /// The value of the first attribute of that name; empty for one without a value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        first(&self.attributes, name)
    }

    /// The values of all attributes of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        values(&self.attributes, name)
    }

    /// Whether there is such an attribute.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }
}

impl SessionDescription {
    /// The value of the first attribute of that name in the session part.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        first(&self.attributes, name)
    }
}

fn first<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    let named = attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name));
    named.map(|attribute| attribute.value.as_deref().unwrap_or(""))
}

fn values<'a>(attributes: &'a [Attribute], name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = attributes.iter().filter(move |attribute| attribute.name.eq_ignore_ascii_case(name));
    named.map(|attribute| attribute.value.as_deref().unwrap_or(""))
}

impl fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionDescription")
            .field("session_version", &self.origin.session_version)
            .field("attributes", &self.attributes)
            .field("media", &self.media)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("session_version", &self.session_version).finish_non_exhaustive()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ip(IpAddr::V4(_)) => "Ip(v4)",
            Self::Ip(IpAddr::V6(_)) => "Ip(v6)",
            Self::Name { .. } => "Name",
        })
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "rtpmap" | "fmtp" | "ptime" | "maxptime" => write!(f, "{}:{:?}", self.name, self.value),
            name => f.write_str(name),
        }
    }
}

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media")
            .field("kind", &self.kind)
            .field("is_declined", &(self.port == 0))
            .field("protocol", &self.protocol)
            .field("formats", &self.formats)
            .field("attributes", &self.attributes)
            .finish_non_exhaustive()
    }
}
