// SPDX-License-Identifier: EUPL-1.2
//! Session keys from a master key (RFC 3711 §4.3). With GCM the salt is short (RFC 7714 §11), and with a long key the
//! derivation uses AES-256 (RFC 6188 §3). SDES without `KDR` derives them once.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use crate::sdp::SrtpKey;

/// Length of the salt as the derivation sees it; a shorter one is padded with zeros on the right.
const SALT_BYTES: usize = 14;

/// The cryptographic library refused a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unusable key for SRTP")]
pub struct KeyError;

/// What a derived key is for: the label of RFC 3711 §4.3.1 and §4.3.2.
#[derive(Clone, Copy)]
pub(super) enum KeyUse {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// The pseudo-random function of RFC 3711 §4.3.3.
pub(super) fn derive(master: &SrtpKey, key_use: KeyUse, derived: &mut [u8]) -> Result<(), KeyError> {
    let mut iv = [0; 16];
    iv.get_mut(..SALT_BYTES.min(master.salt().len())).ok_or(KeyError)?.copy_from_slice(master.salt());
    iv[7] ^= key_use as u8;
    derived.fill(0);
    apply_keystream(&keystream_key(master.key())?, iv, derived)
}

pub(super) fn keystream_key(key: &[u8]) -> Result<EncryptingKey, KeyError> {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    let key = UnboundCipherKey::new(algorithm, key).map_err(|_| KeyError)?;
    EncryptingKey::ctr(key).map_err(|_| KeyError)
}

/// AES in counter mode, the same for both directions (RFC 3711 §4.1.1).
pub(super) fn apply_keystream(key: &EncryptingKey, iv: [u8; 16], bytes: &mut [u8]) -> Result<(), KeyError> {
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(bytes, context).map(drop).map_err(|_| KeyError)
}
