// SPDX-License-Identifier: EUPL-1.2
//! Master keys, and the session keys that are derived from them (RFC 3711 §4.3, for GCM with the short salt of
//! RFC 7714 §11). DTLS-SRTP uses a key derivation rate of zero (RFC 5764 §4.1.2), so keys are derived once.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::SrtpProfile;

/// Length of every SRTP key that we negotiate.
pub(super) const KEY_BYTES: usize = 16;

/// Length of the salt as the derivation sees it; a shorter one is padded with zeros on the right.
const SALT_BYTES: usize = 14;

/// The cryptographic library refused a key, or DTLS exported too little of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unusable SRTP keying material")]
pub struct KeyError;

/// Master key and salt of one direction.
#[derive(Clone)]
pub(super) struct MasterKey {
    key: [u8; KEY_BYTES],
    salt: [u8; SALT_BYTES],
}

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

impl MasterKey {
    pub(super) fn new(key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
        let mut padded_salt = [0; SALT_BYTES];
        padded_salt.get_mut(..salt.len()).ok_or(KeyError)?.copy_from_slice(salt);
        Ok(Self { key: key.try_into().map_err(|_| KeyError)?, salt: padded_salt })
    }

    /// The AES-CM pseudo-random function of RFC 3711 §4.3.3.
    pub(super) fn derive<const N: usize>(&self, key_use: KeyUse) -> Result<[u8; N], KeyError> {
        let mut iv = [0; 16];
        iv[..SALT_BYTES].copy_from_slice(&self.salt);
        iv[7] ^= key_use as u8;
        let mut derived = [0; N];
        apply_keystream(&keystream_key(&self.key)?, iv, &mut derived)?;
        Ok(derived)
    }
}

/// The client's and the server's master keys from what DTLS exported (RFC 5764 §4.2).
pub(super) fn split_keying_material(profile: SrtpProfile, material: &[u8]) -> Result<(MasterKey, MasterKey), KeyError> {
    if material.len() != profile.keying_material_bytes() {
        return Err(KeyError);
    }
    let (keys, salts) = material.split_at(2 * KEY_BYTES);
    let (client_salt, server_salt) = salts.split_at(profile.salt_bytes());
    Ok((MasterKey::new(&keys[..KEY_BYTES], client_salt)?, MasterKey::new(&keys[KEY_BYTES..], server_salt)?))
}

pub(super) fn keystream_key(key: &[u8; KEY_BYTES]) -> Result<EncryptingKey, KeyError> {
    let key = UnboundCipherKey::new(&AES_128, key).map_err(|_| KeyError)?;
    EncryptingKey::ctr(key).map_err(|_| KeyError)
}

/// AES in counter mode, the same for both directions (RFC 3711 §4.1.1).
pub(super) fn apply_keystream(key: &EncryptingKey, iv: [u8; 16], bytes: &mut [u8]) -> Result<(), KeyError> {
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(bytes, context).map(drop).map_err(|_| KeyError)
}
