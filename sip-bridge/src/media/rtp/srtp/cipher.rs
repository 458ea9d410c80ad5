// SPDX-License-Identifier: EUPL-1.2
//! The packet ciphers: AES in GCM (RFC 7714), and AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1).
//!
//! A cipher holds the session keys of one direction of either RTP or RTCP. It keeps no state: which index a packet
//! has, and that none is used twice, is the business of its callers.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;

use super::keys::{KeyError, KeyUse, apply_keystream, derive, keystream_key};
use crate::sdp::{SrtpKey, SrtpSuite};

/// Fixed header of RTCP, which stays readable (RFC 3711 §3.4).
pub(super) const RTCP_HEADER_BYTES: usize = 8;

const RTCP_INDEX_BYTES: usize = 4;

/// Set in the SRTCP index when the packet is encrypted.
const RTCP_ENCRYPTED: u32 = 1 << 31;

const GCM_TAG_BYTES: usize = 16;

/// Whose packets they are: SSRC and packet index, or SRTCP index.
#[derive(Clone, Copy)]
pub(super) struct PacketId {
    pub(super) ssrc: u32,
    pub(super) index: u64,
}

impl PacketId {
    fn rollover_counter(self) -> [u8; 4] {
        // An index has 48 bits.
        ((self.index >> 16) as u32).to_be_bytes()
    }
}

/// Session keys of one direction.
pub(super) enum Cipher {
    Gcm { key: Box<LessSafeKey>, salt: [u8; 12] },
    AesCm { key: Box<EncryptingKey>, salt: [u8; 14], authentication: Box<hmac::Key>, tag_bytes: usize },
}

impl Cipher {
    pub(super) fn for_rtp(master: &SrtpKey) -> Result<Self, KeyError> {
        let tag_bytes = if master.suite() == SrtpSuite::AesCm128HmacSha1_32 { 4 } else { 10 };
        Self::new(master, [KeyUse::RtpEncryption, KeyUse::RtpAuthentication, KeyUse::RtpSalt], tag_bytes)
    }

    pub(super) fn for_rtcp(master: &SrtpKey) -> Result<Self, KeyError> {
        Self::new(master, [KeyUse::RtcpEncryption, KeyUse::RtcpAuthentication, KeyUse::RtcpSalt], 10)
    }

    fn new(
        master: &SrtpKey,
        [encryption, authentication, salt_use]: [KeyUse; 3],
        tag_bytes: usize,
    ) -> Result<Self, KeyError> {
        let mut key = [0; 32];
        let key = key.get_mut(..master.suite().key_bytes()).ok_or(KeyError)?;
        derive(master, encryption, key)?;
        match master.suite() {
            SrtpSuite::AeadAes128Gcm | SrtpSuite::AeadAes256Gcm => {
                let mut salt = [0; 12];
                derive(master, salt_use, &mut salt)?;
                Self::gcm_from_session_keys(key, salt)
            }
            SrtpSuite::AesCm128HmacSha1_80 | SrtpSuite::AesCm128HmacSha1_32 => {
                let (mut secret, mut salt) = ([0; 20], [0; 14]);
                derive(master, authentication, &mut secret)?;
                derive(master, salt_use, &mut salt)?;
                let authentication = Box::new(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret));
                Ok(Self::AesCm { key: Box::new(keystream_key(key)?), salt, authentication, tag_bytes })
            }
        }
    }

    pub(super) fn gcm_from_session_keys(key: &[u8], salt: [u8; 12]) -> Result<Self, KeyError> {
        let algorithm = if key.len() == 32 { &AES_256_GCM } else { &AES_128_GCM };
        let key = UnboundKey::new(algorithm, key).map_err(|_| KeyError)?;
        Ok(Self::Gcm { key: Box::new(LessSafeKey::new(key)), salt })
    }

    /// Seals a packet whose header is `header_len` long, and appends the tag.
    pub(super) fn seal_rtp(&self, packet: &mut Vec<u8>, header_len: usize, id: PacketId) -> Option<()> {
        let (header, body) = packet.split_at_mut_checked(header_len)?;
        match self {
            Self::Gcm { key, salt } => {
                let tag = key.seal_in_place_separate_tag(gcm_nonce(salt, id), Aad::from(&*header), body).ok()?;
                packet.extend_from_slice(tag.as_ref());
            }
            Self::AesCm { key, salt, authentication, tag_bytes } => {
                apply_keystream(key, aes_cm_iv(salt, id), body).ok()?;
                let tag = sign(authentication, packet, &id.rollover_counter());
                packet.extend_from_slice(tag.as_ref().get(..*tag_bytes)?);
            }
        }
        Some(())
    }

    /// Opens a packet whose header is `header_len` long. Gives the plain length, or `None` when it is not authentic;
    /// its bytes are then undefined.
    pub(super) fn open_rtp(&self, packet: &mut [u8], header_len: usize, id: PacketId) -> Option<usize> {
        match self {
            Self::Gcm { key, salt } => {
                let (header, rest) = packet.split_at_mut_checked(header_len)?;
                let (body, tag) = rest.split_last_chunk_mut::<GCM_TAG_BYTES>()?;
                key.open_in_place_separate_tag(gcm_nonce(salt, id), Aad::from(&*header), tag, body).ok()?;
                Some(header_len + body.len())
            }
            Self::AesCm { key, salt, authentication, tag_bytes } => {
                let len = packet.len().checked_sub(*tag_bytes).filter(|len| *len >= header_len)?;
                let (signed, tag) = packet.split_at_mut_checked(len)?;
                // The rollover counter is authenticated as if it followed the packet.
                is_signed(authentication, signed, &id.rollover_counter(), tag)?;
                apply_keystream(key, aes_cm_iv(salt, id), signed.get_mut(header_len..)?).ok()?;
                Some(len)
            }
        }
    }

    /// Seals an RTCP packet, and appends tag and index.
    pub(super) fn seal_rtcp(&self, packet: &mut Vec<u8>, id: PacketId) -> Option<()> {
        let (header, body) = packet.split_first_chunk_mut::<RTCP_HEADER_BYTES>()?;
        let index = (id.index as u32 | RTCP_ENCRYPTED).to_be_bytes();
        match self {
            Self::Gcm { key, salt } => {
                let aad = rtcp_aad(header, index);
                let tag = key.seal_in_place_separate_tag(gcm_nonce(salt, id), Aad::from(aad), body).ok()?;
                packet.extend_from_slice(tag.as_ref());
                packet.extend_from_slice(&index);
            }
            Self::AesCm { key, salt, authentication, tag_bytes } => {
                apply_keystream(key, aes_cm_iv(salt, id), body).ok()?;
                packet.extend_from_slice(&index);
                let tag = sign(authentication, packet, &[]);
                packet.extend_from_slice(tag.as_ref().get(..*tag_bytes)?);
            }
        }
        Some(())
    }

    /// The SRTCP index of a packet, or `None` when it is too short or says that it is not encrypted: SDES encrypts
    /// RTCP unless it was agreed otherwise, which we never do.
    pub(super) fn rtcp_index(&self, packet: &[u8]) -> Option<u32> {
        let (before, behind) = match self {
            Self::Gcm { .. } => (GCM_TAG_BYTES, 0),
            Self::AesCm { tag_bytes, .. } => (0, *tag_bytes),
        };
        let end = packet.len().checked_sub(behind)?;
        let start = end.checked_sub(RTCP_INDEX_BYTES).filter(|start| *start >= RTCP_HEADER_BYTES + before)?;
        let index = u32::from_be_bytes(packet.get(start..end)?.try_into().ok()?);
        (index & RTCP_ENCRYPTED != 0).then_some(index & !RTCP_ENCRYPTED)
    }

    /// Opens an RTCP packet whose index is [`Self::rtcp_index`]. Gives the plain length, or `None` when it is not
    /// authentic; its bytes are then undefined.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], id: PacketId) -> Option<usize> {
        match self {
            Self::Gcm { key, salt } => {
                let (header, rest) = packet.split_first_chunk_mut::<RTCP_HEADER_BYTES>()?;
                let (rest, index) = rest.split_last_chunk_mut::<RTCP_INDEX_BYTES>()?;
                let (body, tag) = rest.split_last_chunk_mut::<GCM_TAG_BYTES>()?;
                let aad = rtcp_aad(header, *index);
                key.open_in_place_separate_tag(gcm_nonce(salt, id), Aad::from(aad), tag, body).ok()?;
                Some(RTCP_HEADER_BYTES + body.len())
            }
            Self::AesCm { key, salt, authentication, tag_bytes } => {
                let (signed, tag) = packet.split_at_mut_checked(packet.len().checked_sub(*tag_bytes)?)?;
                is_signed(authentication, signed, &[], tag)?;
                let len = signed.len().checked_sub(RTCP_INDEX_BYTES)?;
                apply_keystream(key, aes_cm_iv(salt, id), signed.get_mut(RTCP_HEADER_BYTES..len)?).ok()?;
                Some(len)
            }
        }
    }
}

fn sign(key: &hmac::Key, packet: &[u8], behind: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(packet);
    context.update(behind);
    context.sign()
}

fn is_signed(key: &hmac::Key, packet: &[u8], behind: &[u8], tag: &[u8]) -> Option<()> {
    let expected = sign(key, packet, behind);
    bool::from(expected.as_ref().get(..tag.len())?.ct_eq(tag)).then_some(())
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

/// RFC 7714 §9.2: what is authenticated besides the encrypted part.
fn rtcp_aad(header: &[u8; RTCP_HEADER_BYTES], index: [u8; RTCP_INDEX_BYTES]) -> [u8; 12] {
    let mut aad = [0; RTCP_HEADER_BYTES + RTCP_INDEX_BYTES];
    aad[..RTCP_HEADER_BYTES].copy_from_slice(header);
    aad[RTCP_HEADER_BYTES..].copy_from_slice(&index);
    aad
}
