// SPDX-License-Identifier: EUPL-1.2
//! The packet ciphers: AES in GCM (RFC 7714), and AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1 and §4.2.1).
//!
//! A cipher holds the session keys of one direction of either RTP or RTCP and works in place. It keeps no state:
//! which index a packet has, and that no index is used twice, is the business of its callers.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::keys::{KeyError, KeyUse, MasterKey, apply_keystream, keystream_key};
use crate::suite::SrtpSuite;

/// Fixed header of RTCP, which stays readable (RFC 3711 §3.4).
pub const RTCP_HEADER_BYTES: usize = 8;

/// The SRTCP index with its encryption flag.
const RTCP_INDEX_BYTES: usize = 4;

/// Set in the SRTCP index when the packet is encrypted. DTLS-SRTP always encrypts, and SDES unless it was agreed
/// otherwise, which we never do.
const RTCP_ENCRYPTED: u32 = 1 << 31;

const GCM_TAG_BYTES: usize = 16;
/// The usual length of a tag, and that of RTCP in any case.
const HMAC_TAG_BYTES: usize = 10;
const SHORT_HMAC_TAG_BYTES: usize = 4;
const ROLLOVER_BYTES: usize = 4;

/// Whose packets they are: SSRC and packet index, or SRTCP index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketId {
    /// The stream.
    pub ssrc: u32,
    /// 48 bits for RTP (RFC 3711 §3.3.1), 31 for RTCP.
    pub index: u64,
}

/// Session keys of one direction of either RTP or RTCP.
pub struct Cipher(Kind);

enum Kind {
    Gcm { key: LessSafeKey, salt: [u8; 12] },
    AesCm { key: Box<EncryptingKey>, salt: [u8; 14], authentication: Box<hmac::Key>, tag_bytes: usize },
}

impl Cipher {
    /// For RTP of one direction.
    ///
    /// # Errors
    ///
    /// When the cryptographic library refuses the keys.
    pub fn for_rtp(master: &MasterKey) -> Result<Self, KeyError> {
        let is_short = master.suite() == SrtpSuite::AesCm128HmacSha1_32;
        let tag_bytes = if is_short { SHORT_HMAC_TAG_BYTES } else { HMAC_TAG_BYTES };
        Self::new(master, [KeyUse::RtpEncryption, KeyUse::RtpAuthentication, KeyUse::RtpSalt], tag_bytes)
    }

    /// For RTCP of one direction. Its tags are never short (RFC 4568 §6.2.2).
    ///
    /// # Errors
    ///
    /// When the cryptographic library refuses the keys.
    pub fn for_rtcp(master: &MasterKey) -> Result<Self, KeyError> {
        Self::new(master, [KeyUse::RtcpEncryption, KeyUse::RtcpAuthentication, KeyUse::RtcpSalt], HMAC_TAG_BYTES)
    }

    fn new(
        master: &MasterKey,
        [encryption, authentication, salt_use]: [KeyUse; 3],
        tag_bytes: usize,
    ) -> Result<Self, KeyError> {
        let mut key = Zeroizing::new([0; 32]);
        let key = key.get_mut(..master.suite().key_bytes()).ok_or(KeyError)?;
        master.derive(encryption, key)?;
        match master.suite() {
            SrtpSuite::AeadAes128Gcm | SrtpSuite::AeadAes256Gcm => {
                let mut salt = [0; 12];
                master.derive(salt_use, &mut salt)?;
                Self::gcm_from_session_keys(key, salt)
            }
            SrtpSuite::AesCm128HmacSha1_80 | SrtpSuite::AesCm128HmacSha1_32 => {
                let (mut secret, mut salt) = (Zeroizing::new([0; 20]), [0; 14]);
                master.derive(authentication, &mut *secret)?;
                master.derive(salt_use, &mut salt)?;
                let authentication = Box::new(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &*secret));
                Ok(Self(Kind::AesCm { key: Box::new(keystream_key(key)?), salt, authentication, tag_bytes }))
            }
        }
    }

    pub(crate) fn gcm_from_session_keys(key: &[u8], salt: [u8; 12]) -> Result<Self, KeyError> {
        let algorithm = if key.len() == 32 { &AES_256_GCM } else { &AES_128_GCM };
        let key = UnboundKey::new(algorithm, key).map_err(|_| KeyError)?;
        Ok(Self(Kind::Gcm { key: LessSafeKey::new(key), salt }))
    }

    /// How much longer sealing makes a packet of RTP.
    #[must_use]
    pub const fn rtp_overhead_bytes(&self) -> usize {
        match &self.0 {
            Kind::Gcm { .. } => GCM_TAG_BYTES,
            Kind::AesCm { tag_bytes, .. } => *tag_bytes,
        }
    }

    /// How much longer sealing makes a packet of RTCP.
    #[must_use]
    pub const fn rtcp_overhead_bytes(&self) -> usize {
        match &self.0 {
            Kind::Gcm { .. } => GCM_TAG_BYTES + RTCP_INDEX_BYTES,
            Kind::AesCm { .. } => HMAC_TAG_BYTES + RTCP_INDEX_BYTES,
        }
    }

    /// Seals the first `len` bytes of `packet`, whose header is `header_len` long. Gives the sealed length, or `None`
    /// when there is no room for the tag.
    #[inline]
    pub fn seal_rtp(&self, packet: &mut [u8], header_len: usize, len: usize, id: PacketId) -> Option<usize> {
        let (header, rest) = packet.split_at_mut_checked(header_len)?;
        let (body, tail) = rest.split_at_mut_checked(len.checked_sub(header_len)?)?;
        match &self.0 {
            Kind::Gcm { key, salt } => {
                let tag = key.seal_in_place_separate_tag(gcm_nonce(salt, id), Aad::from(&*header), body).ok()?;
                tail.get_mut(..GCM_TAG_BYTES)?.copy_from_slice(tag.as_ref());
                Some(len + GCM_TAG_BYTES)
            }
            Kind::AesCm { key, salt, authentication, tag_bytes } => {
                tail.get_mut(..*tag_bytes)?[..ROLLOVER_BYTES].copy_from_slice(&rollover_counter(id));
                apply_keystream(key, aes_cm_iv(salt, id), body).ok()?;
                let tag = hmac::sign(authentication, &packet[..len + ROLLOVER_BYTES]);
                packet[len..len + tag_bytes].copy_from_slice(&tag.as_ref()[..*tag_bytes]);
                Some(len + tag_bytes)
            }
        }
    }

    /// Opens `packet`, whose header is `header_len` long. Gives the plain length, or `None` when the packet is not
    /// authentic; its bytes are then undefined.
    #[inline]
    pub fn open_rtp(&self, packet: &mut [u8], header_len: usize, id: PacketId) -> Option<usize> {
        match &self.0 {
            Kind::Gcm { key, salt } => {
                let len = packet.len().checked_sub(GCM_TAG_BYTES)?;
                let (header, rest) = packet.split_at_mut_checked(header_len)?;
                let (body, tag) = rest.split_at_mut_checked(len.checked_sub(header_len)?)?;
                key.open_in_place_separate_tag(gcm_nonce(salt, id), Aad::from(&*header), tag, body).ok()?;
                Some(len)
            }
            Kind::AesCm { key, salt, authentication, tag_bytes } => {
                let len = packet.len().checked_sub(*tag_bytes).filter(|len| *len >= header_len)?;
                let (mut tag, tag_bytes) = ([0; HMAC_TAG_BYTES], *tag_bytes);
                let tag = &mut tag[..tag_bytes];
                tag.copy_from_slice(&packet[len..]);
                // The rollover counter is authenticated as if it followed the packet.
                packet[len..len + ROLLOVER_BYTES].copy_from_slice(&rollover_counter(id));
                let expected = hmac::sign(authentication, &packet[..len + ROLLOVER_BYTES]);
                if !bool::from(tag[..].ct_eq(&expected.as_ref()[..tag_bytes])) {
                    return None;
                }
                apply_keystream(key, aes_cm_iv(salt, id), &mut packet[header_len..len]).ok()?;
                Some(len)
            }
        }
    }

    /// Seals the first `len` bytes of `packet`, at least a header. Gives the sealed length, or `None` when there is no room
    /// for tag and index.
    pub fn seal_rtcp(&self, packet: &mut [u8], len: usize, id: PacketId) -> Option<usize> {
        let (header, rest) = packet.split_at_mut_checked(RTCP_HEADER_BYTES)?;
        let (body, tail) = rest.split_at_mut_checked(len.checked_sub(RTCP_HEADER_BYTES)?)?;
        let index = (id.index as u32 | RTCP_ENCRYPTED).to_be_bytes();
        match &self.0 {
            Kind::Gcm { key, salt } => {
                let tail = tail.get_mut(..GCM_TAG_BYTES + RTCP_INDEX_BYTES)?;
                let aad = rtcp_aad(header, index);
                let tag = key.seal_in_place_separate_tag(gcm_nonce(salt, id), Aad::from(aad), body).ok()?;
                tail[..GCM_TAG_BYTES].copy_from_slice(tag.as_ref());
                tail[GCM_TAG_BYTES..].copy_from_slice(&index);
                Some(len + GCM_TAG_BYTES + RTCP_INDEX_BYTES)
            }
            Kind::AesCm { key, salt, authentication, .. } => {
                let tail = tail.get_mut(..RTCP_INDEX_BYTES + HMAC_TAG_BYTES)?;
                tail[..RTCP_INDEX_BYTES].copy_from_slice(&index);
                apply_keystream(key, aes_cm_iv(salt, id), body).ok()?;
                let len = len + RTCP_INDEX_BYTES;
                let tag = hmac::sign(authentication, &packet[..len]);
                packet[len..len + HMAC_TAG_BYTES].copy_from_slice(&tag.as_ref()[..HMAC_TAG_BYTES]);
                Some(len + HMAC_TAG_BYTES)
            }
        }
    }

    /// The SRTCP index of a packet, or `None` when it is too short or says that it is not encrypted.
    pub fn rtcp_index(&self, packet: &[u8]) -> Option<u32> {
        let from_end = match &self.0 {
            Kind::Gcm { .. } => RTCP_INDEX_BYTES,
            Kind::AesCm { .. } => RTCP_INDEX_BYTES + HMAC_TAG_BYTES,
        };
        let tag_before_index = if matches!(self.0, Kind::Gcm { .. }) { GCM_TAG_BYTES } else { 0 };
        let start = packet.len().checked_sub(from_end)?;
        if start < RTCP_HEADER_BYTES + tag_before_index {
            return None;
        }
        let (index, _) = packet[start..].split_first_chunk()?;
        let index = u32::from_be_bytes(*index);
        (index & RTCP_ENCRYPTED != 0).then_some(index & !RTCP_ENCRYPTED)
    }

    /// Opens `packet`, whose index is [`Self::rtcp_index`]. Gives the plain length, or `None` when the packet is not
    /// authentic; its bytes are then undefined.
    pub fn open_rtcp(&self, packet: &mut [u8], id: PacketId) -> Option<usize> {
        match &self.0 {
            Kind::Gcm { key, salt } => {
                let (header, rest) = packet.split_at_mut_checked(RTCP_HEADER_BYTES)?;
                let (rest, index) = rest.split_last_chunk_mut::<RTCP_INDEX_BYTES>()?;
                let (body, tag) = rest.split_last_chunk_mut::<GCM_TAG_BYTES>()?;
                let aad = rtcp_aad(header, *index);
                key.open_in_place_separate_tag(gcm_nonce(salt, id), Aad::from(aad), tag, body).ok()?;
                Some(RTCP_HEADER_BYTES + body.len())
            }
            Kind::AesCm { key, salt, authentication, .. } => {
                let (signed, tag) = packet.split_last_chunk_mut::<HMAC_TAG_BYTES>()?;
                let expected = hmac::sign(authentication, signed);
                if !bool::from(tag.ct_eq(&expected.as_ref()[..HMAC_TAG_BYTES])) {
                    return None;
                }
                let len = signed.len().checked_sub(RTCP_INDEX_BYTES)?;
                apply_keystream(key, aes_cm_iv(salt, id), signed.get_mut(RTCP_HEADER_BYTES..len)?).ok()?;
                Some(len)
            }
        }
    }
}

/// RFC 7714 §8.1 and §9.1: for RTCP the upper two bytes of the index are zero.
fn gcm_nonce(salt: &[u8; 12], id: PacketId) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[2..6].copy_from_slice(&id.ssrc.to_be_bytes());
    nonce[6..].copy_from_slice(&id.index.to_be_bytes()[2..]);
    for (byte, salt) in nonce.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    Nonce::assume_unique_for_key(nonce)
}

/// RFC 3711 §4.1.1.
fn aes_cm_iv(salt: &[u8; 14], id: PacketId) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[4..8].copy_from_slice(&id.ssrc.to_be_bytes());
    iv[8..14].copy_from_slice(&id.index.to_be_bytes()[2..]);
    for (byte, salt) in iv.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    iv
}

fn rollover_counter(id: PacketId) -> [u8; ROLLOVER_BYTES] {
    ((id.index >> 16) as u32).to_be_bytes()
}

/// RFC 7714 §9.2: what is authenticated besides the encrypted part.
fn rtcp_aad(header: &[u8], index: [u8; RTCP_INDEX_BYTES]) -> [u8; RTCP_HEADER_BYTES + RTCP_INDEX_BYTES] {
    let mut aad = [0; RTCP_HEADER_BYTES + RTCP_INDEX_BYTES];
    aad[..RTCP_HEADER_BYTES].copy_from_slice(header);
    aad[RTCP_HEADER_BYTES..].copy_from_slice(&index);
    aad
}
