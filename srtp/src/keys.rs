// SPDX-License-Identifier: EUPL-1.2
//! Master keys, and the session keys that are derived from them (RFC 3711 §4.3): for GCM with a short salt (RFC 7714 §11), from
//! a long key by AES-256 (RFC 6188 §3). The key derivation rate is zero with DTLS (RFC 5764 §4.1.2), and with SDES where it is
//! not said otherwise, so keys are derived once.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroizing;

use crate::suite::SrtpSuite;

/// Length of the longest key.
const MAX_KEY_BYTES: usize = 32;

/// Length of the salt as the derivation sees it; a shorter one is padded with zeros on the right.
const SALT_BYTES: usize = 14;

/// The cryptographic library refused a key, or key or salt are not as long as the suite wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unusable SRTP keying material")]
pub struct KeyError;

/// Master key and salt of one direction.
pub struct MasterKey {
    suite: SrtpSuite,
    key: Zeroizing<[u8; MAX_KEY_BYTES]>,
    salt: Zeroizing<[u8; SALT_BYTES]>,
}

/// What a derived key is for: the label of RFC 3711 §4.3.1 and §4.3.2.
#[derive(Clone, Copy)]
pub(crate) enum KeyUse {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

impl MasterKey {
    /// Key and salt as they were agreed on.
    ///
    /// # Errors
    ///
    /// When one of them is not as long as the suite wants.
    pub fn new(suite: SrtpSuite, key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
        if key.len() != suite.key_bytes() || salt.len() != suite.salt_bytes() {
            return Err(KeyError);
        }
        let mut master = Self { suite, key: Zeroizing::default(), salt: Zeroizing::default() };
        master.key.get_mut(..key.len()).ok_or(KeyError)?.copy_from_slice(key);
        master.salt.get_mut(..salt.len()).ok_or(KeyError)?.copy_from_slice(salt);
        Ok(master)
    }

    /// For which suite it is.
    #[must_use]
    pub const fn suite(&self) -> SrtpSuite {
        self.suite
    }

    /// The AES-CM pseudo-random function of RFC 3711 §4.3.3.
    pub(crate) fn derive(&self, key_use: KeyUse, derived: &mut [u8]) -> Result<(), KeyError> {
        let mut iv = [0; 16];
        iv[..SALT_BYTES].copy_from_slice(&*self.salt);
        iv[7] ^= key_use as u8;
        derived.fill(0);
        let key = self.key.get(..self.suite.key_bytes()).ok_or(KeyError)?;
        apply_keystream(&keystream_key(key)?, iv, derived)
    }
}

pub(crate) fn keystream_key(key: &[u8]) -> Result<EncryptingKey, KeyError> {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    let key = UnboundCipherKey::new(algorithm, key).map_err(|_| KeyError)?;
    EncryptingKey::ctr(key).map_err(|_| KeyError)
}

/// AES in counter mode, the same for both directions (RFC 3711 §4.1.1).
#[inline]
pub(crate) fn apply_keystream(key: &EncryptingKey, iv: [u8; 16], bytes: &mut [u8]) -> Result<(), KeyError> {
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(bytes, context).map(drop).map_err(|_| KeyError)
}
