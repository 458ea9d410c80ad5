// SPDX-License-Identifier: EUPL-1.2
//! Whether two URIs mean the same (RFC 3261 §19.1.4, RFC 3966 §4).

use super::message::{Params, SipUri, Uri};
use super::parse::tel::is_visual_separator;

/// Parameters of a SIP URI that have to be in both if they are in one.
const SIGNIFICANT: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

impl Uri {
    /// Whether both lead to the same. Equivalence is not transitive: parameters that only one of the two has do not
    /// matter, with a few exceptions.
    #[must_use]
    pub fn is_equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(one), Self::Sip(other)) => are_sip_equivalent(one, other),
            (Self::Tel(one), Self::Tel(other)) => are_tel_equivalent(one, other),
            (Self::Other(one), Self::Other(other)) => one == other,
            _ => false,
        }
    }
}

fn are_sip_equivalent(one: &SipUri, other: &SipUri) -> bool {
    one.scheme == other.scheme
        && one.user == other.user
        && one.password == other.password
        && one.host == other.host
        && one.port == other.port
        && are_params_equivalent(&one.params, &other.params)
        && are_headers_equivalent(&one.headers, &other.headers)
}

fn are_params_equivalent(one: &Params, other: &Params) -> bool {
    let agrees = |one: &Params, other: &Params| {
        one.0.iter().all(|(name, value)| {
            let theirs = other.0.iter().find(|(known, _)| known == name);
            match theirs {
                Some((_, theirs)) => {
                    value.as_deref().unwrap_or("").eq_ignore_ascii_case(theirs.as_deref().unwrap_or(""))
                }
                None => !SIGNIFICANT.contains(&name.as_str()),
            }
        })
    };
    agrees(one, other) && agrees(other, one)
}

/// In any order, but all of them: a header that only one URI has makes it another.
fn are_headers_equivalent(one: &[(String, String)], other: &[(String, String)]) -> bool {
    let sorted = |headers: &[(String, String)]| {
        let mut headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        headers.sort();
        headers
    };
    one.len() == other.len() && sorted(one) == sorted(other)
}

/// Without the signs between digits, in any case, and with parameters in any order.
fn are_tel_equivalent(one: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let mut parts = text.split(';');
        let number: String = digits(parts.next().unwrap_or_default());
        let mut params: Vec<(String, String)> = parts
            .map(|param| {
                let (name, value) = param.split_once('=').unwrap_or((param, ""));
                let name = name.to_ascii_lowercase();
                // An extension and a number as context are numbers, too.
                let is_number = name == "ext" || (name == "phone-context" && value.starts_with('+'));
                let value = if is_number { digits(value) } else { value.to_ascii_lowercase() };
                (name, value)
            })
            .collect();
        params.sort();
        (number, params)
    };
    parts(one) == parts(other)
}

fn digits(number: &str) -> String {
    number.chars().filter(|c| !is_visual_separator(*c)).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use crate::sip::message::Uri;

    fn check(one: &str, other: &str, expected: bool) {
        let one: Uri = one.parse().unwrap();
        let other: Uri = other.parse().unwrap();
        assert_eq!(one.is_equivalent(&other), expected, "{one} and {other}");
        assert_eq!(other.is_equivalent(&one), expected, "{other} and {one}");
    }

    #[test]
    fn the_standards_equivalent_uris_are_equivalent() {
        check("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true);
        check("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true);
        check("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true);
        check(
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            true,
        );
        check(
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            true,
        );
    }

    #[test]
    fn the_standards_other_uris_are_not() {
        check("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false);
        check("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false);
        check("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false);
        check("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false);
        check("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false);
        check("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false);
        check("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false);
        check("sip:bob@biloxi.com", "sips:bob@biloxi.com", false);
    }

    #[test]
    fn signs_between_digits_of_a_telephone_number_mean_nothing() {
        check("tel:+49-30-1234", "tel:+49(30)1234", true);
        check("tel:7042;phone-context=Example.com", "tel:70-42;phone-context=example.com", true);
        check("tel:+49301234", "tel:+49301235", false);
        check("tel:+49301234;ext=1", "tel:+49301234", false);
    }
}
