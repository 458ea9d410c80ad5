// SPDX-License-Identifier: EUPL-1.2
//! Hashes of digest authentication, and the response that they make (RFC 7616 §3.4).

use aws_lc_rs::digest::{SHA256, SHA512_256, digest};
use md5::{Digest as _, Md5};

/// A hash, and whether the first nonce goes into the secret (`-sess`). Stronger ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Algorithm {
    Md5,
    Md5Sess,
    Sha256,
    Sha256Sess,
    Sha512_256,
    Sha512_256Sess,
}

impl Algorithm {
    const ALL: [Self; 6] =
        [Self::Md5, Self::Md5Sess, Self::Sha256, Self::Sha256Sess, Self::Sha512_256, Self::Sha512_256Sess];

    /// Its name on the wire (RFC 7616 §6.1).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512_256 => "SHA-512-256",
            Self::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// The algorithm of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
    }

    pub(super) const fn is_session(self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess | Self::Sha512_256Sess)
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 | Self::Md5Sess => hex(&Md5::digest(text.as_bytes())),
            Self::Sha256 | Self::Sha256Sess => hex(digest(&SHA256, text.as_bytes()).as_ref()),
            Self::Sha512_256 | Self::Sha512_256Sess => hex(digest(&SHA512_256, text.as_bytes()).as_ref()),
        }
    }
}

/// In lower case, as it is hashed again.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// What goes into a response.
pub(super) struct Proof<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) username: &'a str,
    pub(super) realm: &'a str,
    pub(super) password: &'a str,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) nonce: &'a str,
    /// The client's own nonce; empty if it sent none.
    pub(super) cnonce: &'a str,
    /// How often the nonce was used, with `qop=auth`; `None` without.
    pub(super) nonce_count: Option<u32>,
}

impl Proof<'_> {
    /// RFC 7616 §3.4.1 to §3.4.3.
    pub(super) fn response(&self) -> String {
        let hash = |text: &str| self.algorithm.hash(text);
        let Self { username, realm, password, method, uri, nonce, cnonce, .. } = self;
        let mut secret = hash(&format!("{username}:{realm}:{password}"));
        if self.algorithm.is_session() {
            secret = hash(&format!("{secret}:{nonce}:{cnonce}"));
        }
        let request = hash(&format!("{method}:{uri}"));
        match self.nonce_count {
            Some(count) => hash(&format!("{secret}:{nonce}:{count:08x}:{cnonce}:auth:{request}")),
            None => hash(&format!("{secret}:{nonce}:{request}")),
        }
    }
}
