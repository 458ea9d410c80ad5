// SPDX-License-Identifier: EUPL-1.2
//! What an offer says of the one transport that its BUNDLE group shares: ICE credentials (RFC 8839 §5.4), certificate
//! fingerprint (RFC 8122 §5) and DTLS role (RFC 8842 §5.1).
//!
//! Any of them stands in the m-line or, for all m-lines, in the session. The m-line with the BUNDLE tag counts
//! (RFC 9143 §7.1.3); fingerprints must be the same wherever they stand.

use rtc_sdp::description::common::Attribute;

use super::{NegotiationError, attributes};
use crate::session::{Fingerprint, IceCredentials};

/// The client's side of ICE.
pub(super) fn ice_credentials(tagged: &[Attribute], session: &[Attribute]) -> Result<IceCredentials, NegotiationError> {
    let find = |name, lengths: std::ops::RangeInclusive<usize>| {
        attributes::first(tagged, name)
            .or_else(|| attributes::first(session, name))
            .filter(|text| lengths.contains(&text.len()) && text.bytes().all(is_ice_char))
            .ok_or(NegotiationError::IceCredentials)
    };
    Ok(IceCredentials { ufrag: find("ice-ufrag", 4..=256)?.into(), password: find("ice-pwd", 22..=256)?.into() })
}

/// `ice-char` of RFC 8839 §5.1, and `-` and `_`, which some agents draw from base64url.
fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

/// Checks that the client is willing to start the DTLS handshake, because we only wait for it.
pub(super) fn check_dtls_role(tagged: &[Attribute], session: &[Attribute]) -> Result<(), NegotiationError> {
    match attributes::first(tagged, "setup").or_else(|| attributes::first(session, "setup")) {
        Some("actpass" | "active") => Ok(()),
        _ => Err(NegotiationError::DtlsRole),
    }
}

/// The certificate that the client will show, from all places where its fingerprint stands.
#[derive(Default)]
pub(super) struct FingerprintFinder(Option<Fingerprint>);

impl FingerprintFinder {
    /// Looks into the session or one m-line.
    pub(super) fn look_into(&mut self, section: &[Attribute]) -> Result<(), NegotiationError> {
        for value in attributes::all(section, "fingerprint") {
            let Some((algorithm, digest)) = value.split_once(' ') else { continue };
            // A client may list other digests of the same certificate beside it.
            if !algorithm.eq_ignore_ascii_case("sha-256") {
                continue;
            }
            let found = parse_digest(digest).ok_or(NegotiationError::Fingerprint)?;
            if self.0.replace(found).is_some_and(|earlier| earlier != found) {
                return Err(NegotiationError::ConflictingFingerprints);
            }
        }
        Ok(())
    }

    /// What was found.
    pub(super) fn found(self) -> Result<Fingerprint, NegotiationError> {
        self.0.ok_or(NegotiationError::Fingerprint)
    }
}

/// `AB:CD:…` as it stands in SDP.
pub(super) fn write_digest(fingerprint: &Fingerprint) -> String {
    fingerprint.0.map(|byte| format!("{byte:02X}")).join(":")
}

fn parse_digest(text: &str) -> Option<Fingerprint> {
    let mut digest = [0; 32];
    let mut bytes = text.trim().split(':');
    for byte in &mut digest {
        let hex = bytes.next().filter(|hex| hex.len() == 2)?;
        *byte = u8::from_str_radix(hex, 16).ok()?;
    }
    bytes.next().is_none().then_some(Fingerprint(digest))
}
