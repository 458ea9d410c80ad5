// SPDX-License-Identifier: EUPL-1.2
//! Keys for SRTP in descriptions (SDES, RFC 4568; with GCM, RFC 7714 §14).
//!
//! Lines that ask for what we do not have (master key identifiers, key derivation rates, streams that are only half
//! protected) are passed over, as the standard wants (§5.1.2, §6.3). How long a key lasts is its sender's business:
//! no call of ours comes near the number of packets after which it would matter to safety.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rand::CryptoRng;
pub use srtp::SrtpSuite;
use subtle::ConstantTimeEq as _;

use super::description::Media;
use super::parse::number;

/// Some telephones leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A master key with its salt, for one direction.
#[derive(Clone)]
pub struct SrtpKey {
    suite: SrtpSuite,
    /// The key, and the salt behind it.
    material: Vec<u8>,
}

impl SrtpKey {
    /// A new one.
    pub fn generate(suite: SrtpSuite, rng: &mut impl CryptoRng) -> Self {
        let mut material = vec![0; suite.key_bytes() + suite.salt_bytes()];
        rng.fill_bytes(&mut material);
        Self { suite, material }
    }

    /// One from the bytes of key and salt; `None` when they are not as many as the suite needs.
    #[must_use]
    pub fn from_material(suite: SrtpSuite, material: &[u8]) -> Option<Self> {
        (material.len() == suite.key_bytes() + suite.salt_bytes()).then(|| Self { suite, material: material.to_vec() })
    }

    /// For which suite it is.
    #[must_use]
    pub const fn suite(&self) -> SrtpSuite {
        self.suite
    }

    /// The master key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.material.get(..self.suite.key_bytes()).unwrap_or_default()
    }

    /// The master salt.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        self.material.get(self.suite.key_bytes()..).unwrap_or_default()
    }
}

impl PartialEq for SrtpKey {
    fn eq(&self, other: &Self) -> bool {
        self.suite == other.suite && bool::from(self.material.ct_eq(&other.material))
    }
}

impl Eq for SrtpKey {}

impl fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpKey").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// The keys of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtpKeys {
    /// For what we send.
    pub send: SrtpKey,
    /// For what we receive.
    pub receive: SrtpKey,
}

/// An `a=crypto` line that we could use.
#[derive(Clone)]
pub(super) struct CryptoLine {
    /// Which line an answer means.
    pub(super) tag: u32,
    pub(super) key: SrtpKey,
}

impl CryptoLine {
    /// `1 AES_CM_128_HMAC_SHA1_80 inline:WVNf…|2^31 WSH=64`
    fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9).and_then(number)?;
        let name = words.next()?;
        let suite = SrtpSuite::ALL.into_iter().find(|suite| suite.as_str().eq_ignore_ascii_case(name))?;
        let key = words.next()?;
        // More than one key needs identifiers, as one with an identifier does.
        let (method, inline) = key.split_once(':').filter(|_| !key.contains(';'))?;
        if !method.eq_ignore_ascii_case("inline") {
            return None;
        }
        let mut parts = inline.split('|');
        let material = BASE64.decode(parts.next()?).ok()?;
        if parts.any(|part| part.contains(':')) || !words.all(is_harmless) {
            return None;
        }
        Some(Self { tag, key: SrtpKey::from_material(suite, &material)? })
    }

    pub(super) fn to_value(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.key.suite.as_str(), BASE64.encode(&self.key.material))
    }

    /// All lines of a section that we could use, in its order of preference.
    pub(super) fn all(media: &Media) -> impl Iterator<Item = Self> {
        media.all("crypto").filter_map(Self::parse)
    }
}

/// Session parameters that change nothing: a window of replay protection, which we have, and keys derived once.
/// What begins with a hyphen may be ignored by those who do not know it (RFC 4568 §6.3.7).
fn is_harmless(parameter: &str) -> bool {
    let parameter = parameter.to_ascii_uppercase();
    parameter.starts_with("WSH=") || parameter == "KDR=0" || parameter.starts_with('-')
}
