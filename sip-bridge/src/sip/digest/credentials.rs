// SPDX-License-Identifier: EUPL-1.2
//! What Authorization and Proxy-Authorization say (RFC 7616 §3.4).

use std::fmt::{self, Display};
use std::str::FromStr;

use super::fields::{Fields, Quoted};
use super::{Algorithm, DigestError};

/// An answer to a challenge.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub username: String,
    /// Of whose users.
    pub realm: String,
    /// The challenge's.
    pub nonce: String,
    /// The request's URI as the sender wrote it.
    pub uri: String,
    /// The proof, hexadecimal.
    pub response: String,
    /// How.
    pub algorithm: Algorithm,
    /// The client's own nonce.
    pub cnonce: Option<String>,
    /// The challenge's.
    pub opaque: Option<String>,
    /// How often the nonce was used, if `qop=auth`.
    pub nonce_count: Option<u32>,
}

/// Without anything by which somebody could be known or imitated.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl FromStr for Credentials {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let fields = Fields::parse(text)?;
        let algorithm = match fields.get("algorithm") {
            Some(name) => Algorithm::from_name(name).ok_or(DigestError::Algorithm)?,
            None => Algorithm::Md5,
        };
        let cnonce = fields.get("cnonce").map(str::to_owned);
        let nonce_count = match fields.get("qop") {
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                let count = fields.get("nc").ok_or(DigestError::Missing("nc"))?;
                if cnonce.is_none() {
                    return Err(DigestError::Missing("cnonce"));
                }
                let is_count = count.len() == 8 && count.bytes().all(|byte| byte.is_ascii_hexdigit());
                let count = u32::from_str_radix(count, 16).ok().filter(|_| is_count).ok_or(DigestError::Syntax)?;
                Some(count)
            }
            Some(_) => return Err(DigestError::Protection),
            None => None,
        };
        Ok(Self {
            username: fields.needed("username")?,
            realm: fields.needed("realm")?,
            nonce: fields.needed("nonce")?,
            uri: fields.needed("uri")?,
            response: fields.needed("response")?.to_ascii_lowercase(),
            algorithm,
            cnonce,
            opaque: fields.get("opaque").map(str::to_owned),
            nonce_count,
        })
    }
}

/// Algorithm, qop and nc have no quotes (RFC 3261 §25.1), the others do.
impl Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest username={}, realm={}", Quoted(&self.username), Quoted(&self.realm))?;
        write!(f, ", nonce={}, uri={}", Quoted(&self.nonce), Quoted(&self.uri))?;
        write!(f, ", response={}, algorithm={}", Quoted(&self.response), self.algorithm.as_str())?;
        if let Some(cnonce) = &self.cnonce {
            write!(f, ", cnonce={}", Quoted(cnonce))?;
        }
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", Quoted(opaque))?;
        }
        if let Some(count) = self.nonce_count {
            write!(f, ", qop=auth, nc={count:08x}")?;
        }
        Ok(())
    }
}
