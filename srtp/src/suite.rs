// SPDX-License-Identifier: EUPL-1.2
//! The ways to protect packets that can be agreed on.

/// How SRTP protects packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SrtpSuite {
    /// RFC 7714.
    AeadAes128Gcm,
    /// RFC 7714, with a longer key.
    AeadAes256Gcm,
    /// RFC 4568 §6.2.1; every telephone with SRTP knows it.
    AesCm128HmacSha1_80,
    /// The same with a short tag on RTP (RFC 4568 §6.2.2). RTCP keeps the long one.
    AesCm128HmacSha1_32,
}

impl SrtpSuite {
    /// All of them, the strongest at the least cost first.
    pub const ALL: [Self; 4] =
        [Self::AeadAes128Gcm, Self::AeadAes256Gcm, Self::AesCm128HmacSha1_80, Self::AesCm128HmacSha1_32];

    /// Its name in a description.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// Length of the master key.
    #[must_use]
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 16,
        }
    }

    /// Length of the master salt.
    #[must_use]
    pub const fn salt_bytes(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 14,
        }
    }
}
