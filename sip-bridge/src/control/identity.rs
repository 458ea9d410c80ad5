// SPDX-License-Identifier: EUPL-1.2
//! Who calls whom, by the headers of an INVITE: as the trunk gave it, without a dial plan.

use std::str::FromStr as _;

use crate::sip::message::{NameAddr, Request, Uri};

/// The longest that is passed on. A number has at most 15 digits (E.164), and a name rarely more than that.
const MAX_CHARS: usize = 64;

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CallerIdentity {
    /// The number, if the trunk gave one.
    pub(super) number: Option<String>,
    /// It is not to be shown.
    pub(super) is_withheld: bool,
}

/// The number that was called: the Request-URI's. Where that is one of our Contacts, as behind a registration, it is what was
/// called first (P-Called-Party-ID, RFC 7315 §4.2), else To.
pub(super) fn called(invite: &Request, is_contact: impl Fn(&str) -> bool) -> Option<String> {
    let dialled = user(&invite.uri).filter(|user| !is_contact(user));
    let party = || invite.headers.get("P-Called-Party-ID").and_then(|value| NameAddr::from_str(value).ok());
    dialled.or_else(|| party().and_then(|party| user(&party.uri))).or_else(|| user(&invite.headers.to.uri))
}

/// The number that calls: of a trunk that vouches for it P-Asserted-Identity (RFC 3325 §9.1), of which a `tel:` says
/// more than a `sip:`; else From.
pub(super) fn caller(invite: &Request, is_vouched_for: bool) -> CallerIdentity {
    let headers = &invite.headers;
    let values = headers.all("P-Asserted-Identity").flat_map(addresses);
    let asserted: Vec<NameAddr> = if is_vouched_for { values.collect() } else { Vec::new() };
    let number_of = |is_tel: bool| {
        let of_kind = asserted.iter().filter(move |address| matches!(address.uri, Uri::Tel(_)) == is_tel);
        of_kind.filter_map(|address| user(&address.uri)).find(|user| is_number(user))
    };
    let from = || user(&headers.from.uri).filter(|user| is_number(user));
    CallerIdentity {
        number: number_of(true).or_else(|| number_of(false)).or_else(from),
        is_withheld: is_withheld(invite),
    }
}

/// What stands in From for who does not want to be shown: RFC 3323 §4.1.1.3 has the first, exchanges the others.
const NOBODY: [&str; 5] = ["anonymous", "restricted", "private", "withheld", "asserted-id-withheld"];

/// By Privacy (RFC 3323 §4.2, RFC 3325 §9.3), or by an anonymous From (RFC 3323 §4.1.1.3).
fn is_withheld(invite: &Request) -> bool {
    let mut values = invite.headers.all("Privacy").flat_map(|value| value.split([';', ','])).map(str::trim);
    let is_private =
        values.any(|value| ["id", "user", "header", "full"].iter().any(|known| known.eq_ignore_ascii_case(value)));
    let is_anonymous = match &invite.headers.from.uri {
        Uri::Sip(uri) => {
            uri.user.as_deref().is_some_and(|user| NOBODY.iter().any(|known| known.eq_ignore_ascii_case(user)))
                || matches!(&uri.host, crate::sip::message::Host::Name(name) if name == "anonymous.invalid")
        }
        Uri::Tel(_) | Uri::Other(_) => false,
    };
    is_private || is_anonymous
}

/// The addresses of a value, which may be two behind each other. Commas within quotes or brackets do not part them.
fn addresses(value: &str) -> impl Iterator<Item = NameAddr> + '_ {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let mut is_bracketed = false;
    let parts = value.split(move |c| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match c {
            _ if was_escaped => {}
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '<' if !is_quoted => is_bracketed = true,
            '>' if !is_quoted => is_bracketed = false,
            ',' if !is_quoted && !is_bracketed => return true,
            _ => {}
        }
        false
    });
    parts.filter_map(|part| NameAddr::from_str(part.trim()).ok())
}

/// What stands for the person in a URI, without parameters.
fn user(uri: &Uri) -> Option<String> {
    let text = match uri {
        Uri::Sip(uri) => uri.user.as_deref()?,
        Uri::Tel(text) => text,
        Uri::Other(_) => return None,
    };
    let plain = text.split(';').next().unwrap_or_default();
    (!plain.is_empty() && plain.chars().count() <= MAX_CHARS).then(|| plain.to_owned())
}

/// Digits, and what people write between them.
fn is_number(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || "+*#-.() ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::{Message, Transport};
    use crate::sip::parse::parse;

    fn invite(uri: &str, from: &str, lines: &str) -> Request {
        let text = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nFrom: {from};tag=1\r\n\
             To: <sip:+493012345@saal.example>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n{lines}\r\n"
        );
        match parse(text.as_bytes(), Transport::Udp).unwrap() {
            Message::Request(request) => request,
            Message::Response(_) => panic!("a response"),
        }
    }

    fn called_at(uri: &str, lines: &str) -> Option<String> {
        called(&invite(uri, "<sip:a@a.example>", lines), |user| user == "saal")
    }

    fn number(from: &str, lines: &str, is_vouched_for: bool) -> Option<String> {
        caller(&invite("sip:1@b", from, lines), is_vouched_for).number
    }

    #[test]
    fn the_request_uri_says_who_is_called_unless_it_is_our_contact() {
        assert_eq!(called_at("sip:+4930222;npdi@saal.example", "").as_deref(), Some("+4930222"));
        assert_eq!(called_at("tel:+49-30-222;ext=1", "").as_deref(), Some("+49-30-222"));
        assert_eq!(called_at("sip:saal.example", "").as_deref(), Some("+493012345"));
        let party = "P-Called-Party-ID: <sip:+4930333@saal.example>\r\n";
        assert_eq!(called_at("sip:saal@192.0.2.1", party).as_deref(), Some("+4930333"));
        assert_eq!(called_at("sip:saal@192.0.2.1", "").as_deref(), Some("+493012345"));
        assert_eq!(called_at(&format!("sip:{}@b", "1".repeat(65)), "").as_deref(), Some("+493012345"));
    }

    #[test]
    fn only_a_trunk_that_vouches_is_believed() {
        let from = "<sip:+491701@a.example>";
        let asserted = "P-Asserted-Identity: \"Doe, Jane\" <sip:+491702@a.example>, <tel:+491703>\r\n";
        assert_eq!(number(from, asserted, false).as_deref(), Some("+491701"));
        assert_eq!(number(from, asserted, true).as_deref(), Some("+491703"));
        let one = "P-Asserted-Identity: \"Doe, Jane\" <sip:+491702@a.example>\r\n";
        assert_eq!(number(from, one, true).as_deref(), Some("+491702"));
        assert_eq!(number(from, "P-Asserted-Identity: <sip:jane@a.example>\r\n", true).as_deref(), Some("+491701"));
        assert_eq!(number("<sip:jane@a.example>", "", true), None);
    }

    #[test]
    fn who_does_not_want_to_be_shown_is_withheld() {
        let withheld = |from: &str, lines: &str| caller(&invite("sip:1@b", from, lines), true).is_withheld;
        assert!(!withheld("<sip:+491701@a>", ""));
        assert!(!withheld("<sip:+491701@a>", "Privacy: none\r\n"));
        assert!(withheld("<sip:+491701@a>", "Privacy: id\r\n"));
        assert!(withheld("<sip:+491701@a>", "Privacy: user; critical\r\n"));
        assert!(withheld("\"Anonymous\" <sip:anonymous@anonymous.invalid>", ""));
        assert!(withheld("<sip:Restricted@exchange.example>", "P-Asserted-Identity: <tel:+491703>\r\n"));
        let lines = "Privacy: id\r\nP-Asserted-Identity: <tel:+491703>\r\n";
        let identity = caller(&invite("sip:1@b", "<sip:anonymous@anonymous.invalid>", lines), true);
        assert_eq!(identity, CallerIdentity { number: Some("+491703".to_owned()), is_withheld: true });
    }
}
