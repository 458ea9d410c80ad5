// SPDX-License-Identifier: EUPL-1.2
//! Addresses as mail servers understand them: international domain names as the DNS has them (RFC 5891). A name before
//! the @ that is not ASCII needs a server that can SMTPUTF8.

use lettre::Address;

/// The address to send to. None for what is no address.
pub(in crate::invitations) fn address(text: &str) -> Option<Address> {
    let (user, domain) = text.rsplit_once('@')?;
    let domain = idna::domain_to_ascii(domain).ok()?;
    let has_control = user.chars().any(|character| character.is_control() || character.is_whitespace());
    if has_control { None } else { Address::new(user, domain).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn international_domains_become_those_of_the_dns() {
        let ascii = |text| address(text).map(|address| address.to_string());
        assert_eq!(ascii("post@müllverwertung.example").as_deref(), Some("post@xn--mllverwertung-wob.example"));
        assert_eq!(ascii("jörg@example.org").as_deref(), Some("jörg@example.org"));
        for wrong in ["", "x", "@example.org", "x@", "a b@example.org", "x@a..b", "x@example.org\r\nRCPT TO:<y@z>"] {
            assert_eq!(address(wrong), None, "{wrong:?}");
        }
    }
}
