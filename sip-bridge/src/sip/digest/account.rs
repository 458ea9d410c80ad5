// SPDX-License-Identifier: EUPL-1.2
//! Our side of it: an account at a provider or telephone system that wants to know who we are.

use std::fmt;

use rand::Rng;
use zeroize::Zeroizing;

use super::algorithm::{Proof, hex};
use super::{Algorithm, Challenge, Credentials};

/// Challenges of one response that are looked at: one for each algorithm, and a few that we do not know.
const MAX_CHALLENGES: usize = 16;

/// Why a challenge has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Another scheme, hash or protection than ours.
    #[error("no challenge that could be answered")]
    NoneUsable,
    /// The same again, and not because the nonce is old: asking once more would go on for ever.
    #[error("user name or password refused")]
    Refused,
}

/// A name and a password, and the challenge that is answered at present.
///
/// One for each side that asks: the account of a registrar and of a proxy on the way are two (RFC 3261 §22.3).
pub struct Account {
    username: String,
    password: Zeroizing<String>,
    challenged: Option<Challenged>,
}

struct Challenged {
    challenge: Challenge,
    /// Ours, kept as long as the nonce, since `-sess` hashes the first one.
    cnonce: String,
    used: u32,
    /// No answer with this nonce was accepted yet.
    is_unproven: bool,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("is_challenged", &self.challenged.is_some()).finish_non_exhaustive()
    }
}

impl Account {
    /// An account that nobody has asked about yet.
    #[must_use]
    pub const fn new(username: String, password: Zeroizing<String>) -> Self {
        Self { username, password, challenged: None }
    }

    /// Takes the values of WWW-Authenticate or Proxy-Authenticate of one response and keeps the strongest that can be
    /// answered (RFC 8760 §2.4).
    ///
    /// # Errors
    /// [`AccountError`]; then the request has failed.
    pub fn handle_challenges<'a>(
        &mut self,
        rng: &mut impl Rng,
        values: impl Iterator<Item = &'a str>,
    ) -> Result<(), AccountError> {
        let usable = values.take(MAX_CHALLENGES).filter_map(|value| value.parse::<Challenge>().ok());
        // Of equals the first: what the other side prefers comes first.
        let best = usable.reduce(|best, next| if strength(&next) > strength(&best) { next } else { best });
        let challenge = best.ok_or(AccountError::NoneUsable)?;
        if let Some(last) = &self.challenged
            && last.used > 0
            && last.challenge.realm == challenge.realm
            && !challenge.is_stale
            && last.is_unproven
        {
            return Err(AccountError::Refused);
        }
        let cnonce = hex(&rng.random::<[u8; 16]>());
        self.challenged = Some(Challenged { challenge, cnonce, used: 0, is_unproven: true });
        Ok(())
    }

    /// The value of Authorization or Proxy-Authorization for a request, or `None` if nobody has asked. `uri` is the
    /// Request-URI as it is written in the request.
    pub fn authorization(&mut self, method: &str, uri: &str) -> Option<String> {
        let challenged = self.challenged.as_mut()?;
        challenged.used = challenged.used.saturating_add(1);
        let challenge = &challenged.challenge;
        let nonce_count = challenge.has_qop_auth.then_some(challenged.used);
        let needs_cnonce = challenge.has_qop_auth || challenge.algorithm.is_session();
        let proof = Proof {
            algorithm: challenge.algorithm,
            username: &self.username,
            realm: &challenge.realm,
            password: &self.password,
            method,
            uri,
            nonce: &challenge.nonce,
            cnonce: &challenged.cnonce,
            nonce_count,
        };
        let credentials = Credentials {
            username: self.username.clone(),
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            uri: uri.to_owned(),
            response: proof.response(),
            algorithm: challenge.algorithm,
            cnonce: needs_cnonce.then(|| challenged.cnonce.clone()),
            opaque: challenge.opaque.clone(),
            nonce_count,
        };
        Some(credentials.to_string())
    }

    /// The other side let a request pass: when it asks again, that is for another reason than the password.
    pub const fn handle_accepted(&mut self) {
        if let Some(challenged) = &mut self.challenged {
            challenged.is_unproven = false;
        }
    }
}

/// Counting what was used is worth less than a better hash.
const fn strength(challenge: &Challenge) -> (Algorithm, bool) {
    (challenge.algorithm, challenge.has_qop_auth)
}
