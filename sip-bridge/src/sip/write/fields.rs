// SPDX-License-Identifier: EUPL-1.2
//! Parts of messages as text, which `parse` reads back as the same.

use std::fmt::{self, Display};
use std::net::IpAddr;

use super::escape::{Escaped, ParamValue, Quoted, Token};
use crate::sip::message::{CSeq, Host, NameAddr, Params, Scheme, SipUri, Uri, Via};
use crate::sip::parse::escape::{is_header_char, is_param_char, is_password_char, is_uri_char, is_user_char};

impl Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Name(name) => {
                let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
                name.chars().filter(is_part).try_for_each(|c| c.fmt(f))
            }
        }
    }
}

impl Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.scheme {
            Scheme::Sip => "sip:",
            Scheme::Sips => "sips:",
        })?;
        if let Some(user) = &self.user {
            Escaped(user, is_user_char).fmt(f)?;
            if let Some(password) = &self.password {
                write!(f, ":{}", Escaped(password, is_password_char))?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        for (name, value) in &self.params.0 {
            write!(f, ";{}", Escaped(name, is_param_char))?;
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                write!(f, "={}", Escaped(value, is_param_char))?;
            }
        }
        for (index, (name, value)) in self.headers.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            write!(f, "{separator}{}={}", Escaped(name, is_header_char), Escaped(value, is_header_char))?;
        }
        Ok(())
    }
}

impl Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Escapes are kept in the last two, so a `%` is no character to escape.
        let is_whole_uri_char = |c| is_uri_char(c) || c == '%';
        match self {
            Self::Sip(uri) => uri.fmt(f),
            // A local number may have a number sign (RFC 3966 §3).
            Self::Tel(number) => write!(f, "tel:{}", Escaped(number, |c| is_uri_char(c) || matches!(c, '%' | '#'))),
            Self::Other(text) => Escaped(text, is_whole_uri_char).fmt(f),
        }
    }
}

impl Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            write!(f, ";{}", Token(name))?;
            if let Some(value) = value {
                write!(f, "={}", ParamValue(value))?;
            }
        }
        Ok(())
    }
}

/// Always with angle brackets, so that what follows is not taken for a part of the URI.
impl Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.display_name {
            write!(f, "{} ", Quoted(name))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

impl Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", Token(&self.transport), self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)
    }
}

impl Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, Token(self.method.as_str()))
    }
}
