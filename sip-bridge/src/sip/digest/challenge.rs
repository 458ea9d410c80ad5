// SPDX-License-Identifier: EUPL-1.2
//! What WWW-Authenticate and Proxy-Authenticate say (RFC 7616 §3.3).

use std::fmt::{self, Display};
use std::str::FromStr;

use super::fields::{Fields, Quoted};
use super::{Algorithm, DigestError};

/// A challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// For whose users.
    pub realm: String,
    /// What the answer has to contain.
    pub nonce: String,
    /// What the answer has to repeat.
    pub opaque: Option<String>,
    /// How.
    pub algorithm: Algorithm,
    /// Only the nonce was too old, the password was right.
    pub is_stale: bool,
    /// Whether `qop=auth` is offered; if not, the answer has no count (RFC 2069).
    pub has_qop_auth: bool,
}

impl FromStr for Challenge {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let fields = Fields::parse(text)?;
        let algorithm = match fields.get("algorithm") {
            Some(name) => Algorithm::from_name(name).ok_or(DigestError::Algorithm)?,
            None => Algorithm::Md5,
        };
        let has_qop_auth = match fields.get("qop") {
            Some(qop) if qop.split(',').any(|offer| offer.trim().eq_ignore_ascii_case("auth")) => true,
            Some(_) => return Err(DigestError::Protection),
            None => false,
        };
        Ok(Self {
            realm: fields.needed("realm")?,
            nonce: fields.needed("nonce")?,
            opaque: fields.get("opaque").map(str::to_owned),
            algorithm,
            is_stale: fields.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            has_qop_auth,
        })
    }
}

impl Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest realm={}, nonce={}", Quoted(&self.realm), Quoted(&self.nonce))?;
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", Quoted(opaque))?;
        }
        write!(f, ", algorithm={}", self.algorithm.as_str())?;
        if self.is_stale {
            write!(f, ", stale=true")?;
        }
        if self.has_qop_auth {
            write!(f, ", qop=\"auth\"")?;
        }
        Ok(())
    }
}
