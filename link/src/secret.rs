// SPDX-License-Identifier: EUPL-1.2
//! The secret that both sides of a link have, and how each proves it without showing it.
//!
//! A proof is an HMAC over what TLS exports of the connection (RFC 5705), so it is worth nothing on another connection: who
//! stands in between has two connections, and two different proofs. Each side has its own label, so that neither proof can be
//! handed back.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes that TLS exports for a proof, and of a proof: those of SHA-256.
pub(crate) const PROOF_BYTES: usize = 32;

/// Whoever receives a proof can try secrets without asking anybody, so guessing must be hopeless.
const SHORTEST_BYTES: usize = 32;

/// More than anybody writes into a file of secrets, and less than a file that was named by mistake may take of the memory.
const LONGEST_FILE_BYTES: u64 = 4_096;

/// Who proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Bridge,
    Node,
}

/// Why there is no secret.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file could not be read.
    #[error("reading {0}")]
    File(PathBuf, #[source] io::Error),
    /// It could be guessed.
    #[error("the secret has fewer than {SHORTEST_BYTES} characters; `openssl rand -base64 32` makes a good one")]
    TooShort,
    /// It is some other file.
    #[error("the file is too long for one secret")]
    TooLong,
}

/// What both sides of a link know, and nobody else.
pub struct Secret(hmac::Key);

impl Secret {
    /// A secret as it was typed; blanks around it do not count.
    ///
    /// # Errors
    ///
    /// Fails when it is so short that it could be guessed.
    pub fn new(text: &[u8]) -> Result<Self, SecretError> {
        let text = text.trim_ascii();
        if text.len() < SHORTEST_BYTES {
            return Err(SecretError::TooShort);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, text)))
    }

    /// The secret in a file.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or holds no good secret.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let failed = |error| SecretError::File(path.to_owned(), error);
        let mut text = Zeroizing::new(Vec::new());
        let file = File::open(path).map_err(failed)?;
        file.take(LONGEST_FILE_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > LONGEST_FILE_BYTES {
            return Err(SecretError::TooLong);
        }
        Self::new(&text)
    }

    /// A side's proof on the connection of which TLS exported that.
    pub(crate) fn prove(&self, side: Side, exported: &[u8; PROOF_BYTES]) -> [u8; PROOF_BYTES] {
        let tag = hmac::sign(&self.0, &message(side, exported));
        let mut proof = [0; PROOF_BYTES];
        proof.copy_from_slice(tag.as_ref());
        proof
    }

    /// Whether a proof is right. It takes as long whichever byte is wrong.
    pub(crate) fn is_proven(&self, side: Side, exported: &[u8; PROOF_BYTES], proof: &[u8; PROOF_BYTES]) -> bool {
        hmac::verify(&self.0, &message(side, exported), proof).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

fn message(side: Side, exported: &[u8; PROOF_BYTES]) -> Vec<u8> {
    let label: &[u8] = match side {
        Side::Bridge => b"saal link, bridge:",
        Side::Node => b"saal link, node:",
    };
    [label, exported].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"0123456789abcdef0123456789abcdef";

    #[test]
    fn a_proof_is_good_for_its_side_its_connection_and_its_secret_alone() {
        let (secret, other) = (Secret::new(GOOD).unwrap(), Secret::new(&[b'x'; 32]).unwrap());
        let (here, elsewhere) = ([1; PROOF_BYTES], [2; PROOF_BYTES]);
        let proof = secret.prove(Side::Bridge, &here);
        assert!(secret.is_proven(Side::Bridge, &here, &proof));
        assert!(!secret.is_proven(Side::Node, &here, &proof));
        assert!(!secret.is_proven(Side::Bridge, &elsewhere, &proof));
        assert!(!other.is_proven(Side::Bridge, &here, &proof));
        for byte in 0..PROOF_BYTES {
            let mut wrong = proof;
            wrong[byte] ^= 1;
            assert!(!secret.is_proven(Side::Bridge, &here, &wrong));
        }
    }

    #[test]
    fn a_secret_that_could_be_guessed_is_none() {
        assert!(matches!(Secret::new(&GOOD[1..]), Err(SecretError::TooShort)));
        assert!(matches!(Secret::new(b"  short \n                            "), Err(SecretError::TooShort)));
        assert_eq!(format!("{:?}", Secret::new(GOOD).unwrap()), "Secret(hidden)");
    }

    #[test]
    fn a_file_holds_the_secret_whether_its_line_ends_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let proof = |secret: &Secret| secret.prove(Side::Node, &[7; PROOF_BYTES]);
        std::fs::write(&path, [GOOD, b"\n"].concat()).unwrap();
        assert_eq!(proof(&Secret::read(&path).unwrap()), proof(&Secret::new(GOOD).unwrap()));
        std::fs::write(&path, vec![b'a'; 5_000]).unwrap();
        assert!(matches!(Secret::read(&path), Err(SecretError::TooLong)));
        assert!(matches!(Secret::read(&folder.path().join("none")), Err(SecretError::File(..))));
    }
}
