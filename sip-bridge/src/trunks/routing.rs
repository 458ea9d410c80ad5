// SPDX-License-Identifier: EUPL-1.2
//! How a call of ours is addressed on its way to a trunk: whom it calls, as whom, and at which of the trunk's addresses.

use std::time::Duration;

use super::registering::uri;
use crate::sip::event::RegistrationId;
use crate::sip::flow::Flow;
use crate::sip::message::{Host, NameAddr, Params, Uri};

/// One of the ways to a trunk.
pub(crate) struct Route {
    /// Where the INVITE is sent.
    pub(crate) flow: Flow,
    /// By which registration we are known there.
    pub(crate) registration: Option<RegistrationId>,
    /// Whose users the trunk's numbers are.
    pub(super) domain: Host,
    pub(super) port: Option<u16>,
    /// Who we are where no number of ours is to be told.
    pub(super) user: String,
    /// Whose users we are.
    pub(super) own: Host,
}

/// What a call has shown of where it was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// Somebody is there.
    Heard,
    /// Nobody is.
    Unheard,
    /// Somebody is, and wants no calls for so long.
    Busy(Duration),
}

impl Route {
    /// A number of the trunk's: Request-URI and To.
    pub(crate) fn callee(&self, number: &str) -> Uri {
        number_at(number, self.domain.clone(), self.port)
    }

    /// Who calls. Without a number it is who we are there, and the trunk puts in what it wants to be seen.
    pub(crate) fn caller(&self, number: Option<&str>) -> NameAddr {
        let uri = match number {
            Some(number) => number_at(number, self.own.clone(), None),
            None => uri(Some(&self.user), self.own.clone(), None),
        };
        name_of(uri)
    }
}

/// A number as a user of a host. What is a number everywhere says that it is one (RFC 3261 §19.1.1).
pub(crate) fn number_at(number: &str, host: Host, port: Option<u16>) -> Uri {
    let mut uri = uri(Some(number), host, port);
    if let Uri::Sip(uri) = &mut uri
        && number.starts_with('+')
    {
        uri.params.set("user", Some("phone".to_owned()));
    }
    uri
}

/// Whether it is what can be dialled: what telephones have keys for, with or without a `+` in front, and no longer than numbers
/// with a prefix in front are.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'*' | b'#'))
}

/// E.164 has 15. Exchanges want prefixes in front, and some a code behind.
const MAX_DIGITS: usize = 32;

/// An address without a display name.
pub(crate) fn name_of(uri: Uri) -> NameAddr {
    NameAddr { display_name: None, uri, params: Params::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host::Name(name.to_owned())
    }

    #[test]
    fn a_number_that_holds_everywhere_says_so() {
        let text = |number: &str, port| number_at(number, host("provider.example"), port).to_string();
        assert_eq!(text("+4930555", None), "sip:+4930555@provider.example;user=phone");
        assert_eq!(text("0", Some(5070)), "sip:0@provider.example:5070");
        // A hash has to be escaped in a URI (RFC 3261 §25.1).
        assert_eq!(text("*31#0", None), "sip:*31%230@provider.example");
    }

    #[test]
    fn only_what_has_keys_is_a_number() {
        for number in ["0", "+4930555", "**9", "12345678901234567890123456789012"] {
            assert!(is_number(number), "{number}");
        }
        for other in ["", "+", "++49", "49 30", "alice", "1;a=b", "1@b", "123456789012345678901234567890123"] {
            assert!(!is_number(other), "{other}");
        }
    }
}
