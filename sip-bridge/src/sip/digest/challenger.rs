// SPDX-License-Identifier: EUPL-1.2
//! Asks callers for a password. Nonces say themselves when they were made and that they are ours, so asking costs no
//! memory; only those with which somebody proved a password are remembered, to count them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;

use super::algorithm::{Proof, hex};
use super::{Algorithm, Challenge, Credentials, DigestError};
use crate::sip::message::Request;

/// Nonces whose counts are remembered. When there are more, the *oldest is forgotten* and refused as too old from then
/// on, with all that are older: those callers are asked once more.
const MAX_COUNTED: usize = 4096;

/// Bytes of a nonce's seal: enough that nobody guesses one.
const SEAL_BYTES: usize = 16;

/// What becomes of a request.
#[derive(Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is from that user.
    Proven {
        /// As in the credentials.
        username: String,
    },
    /// Ask, with [`Challenger::challenges`]: there are no credentials for us, or the nonce is not fresh any more.
    Ask {
        /// The nonce was ours and the password right.
        is_stale: bool,
    },
    /// No such user, or another password: answer 403, or ask again, and count it against the sender.
    Refused,
    /// Credentials that are not understood: 400.
    Malformed(DigestError),
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven { .. } => f.write_str("Proven"),
            Self::Ask { is_stale } => f.debug_struct("Ask").field("is_stale", is_stale).finish(),
            Self::Refused => f.write_str("Refused"),
            Self::Malformed(error) => f.debug_tuple("Malformed").field(error).finish(),
        }
    }
}

/// Asks and checks the answers.
pub struct Challenger {
    realm: String,
    algorithms: Vec<Algorithm>,
    key: hmac::Key,
    lifetime: Duration,
    started_at: Instant,
    /// The number of the last nonce.
    last: u64,
    /// Of nonces with which somebody proved a password: how often they were used.
    counts: BTreeMap<u64, u32>,
    /// Nonces up to this number are too old because their count was forgotten.
    forgotten: Option<u64>,
}

impl fmt::Debug for Challenger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenger").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

/// A nonce that is ours.
struct Nonce {
    number: u64,
    age: Duration,
}

impl Challenger {
    /// Asks for users of a realm with SHA-256 first and MD5 for those who know nothing else (RFC 8760 §2.3). Nonces are
    /// good for `lifetime`.
    ///
    /// `key` must be random and new with every start: nonces are counted from `now`, so those of an earlier start must
    /// not be valid.
    #[must_use]
    pub fn new(now: Instant, realm: String, key: &[u8; 32], lifetime: Duration) -> Self {
        Self {
            realm,
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            lifetime,
            started_at: now,
            last: 0,
            counts: BTreeMap::new(),
            forgotten: None,
        }
    }

    /// Asks with these instead, the preferred first.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: Vec<Algorithm>) -> Self {
        self.algorithms = algorithms;
        self
    }

    /// Values of WWW-Authenticate or Proxy-Authenticate, each for a header of its own, in this order.
    pub fn challenges(&mut self, now: Instant, is_stale: bool) -> Vec<String> {
        self.last += 1;
        let nonce = self.seal(self.last, now.saturating_duration_since(self.started_at));
        let challenge = |algorithm: &Algorithm| Challenge {
            realm: self.realm.clone(),
            nonce: nonce.clone(),
            opaque: None,
            algorithm: *algorithm,
            is_stale,
            has_qop_auth: true,
        };
        self.algorithms.iter().map(|algorithm| challenge(algorithm).to_string()).collect()
    }

    /// Checks the credentials of a request: `header` is Authorization or Proxy-Authorization, and `password` finds the
    /// one of a user. An ACK and a CANCEL cannot be asked, so they are not to be checked (RFC 3261 §22.1).
    pub fn handle_request<P: AsRef<str>>(
        &mut self,
        now: Instant,
        request: &Request,
        header: &str,
        password: impl FnOnce(&str) -> Option<P>,
    ) -> Verdict {
        // Those for other realms are for others on the way, and what nobody can read may be, too.
        let mut malformed = None;
        let mut own = None;
        for value in request.headers.all(header) {
            match value.parse::<Credentials>() {
                Ok(credentials) if credentials.realm == self.realm => own = own.or(Some(credentials)),
                Ok(_) | Err(DigestError::Scheme) => {}
                Err(error) => malformed = Some(error),
            }
        }
        match (own, malformed) {
            (Some(credentials), _) => self.check(now, request, &credentials, password),
            (None, Some(error)) => Verdict::Malformed(error),
            (None, None) => Verdict::Ask { is_stale: false },
        }
    }

    fn check<P: AsRef<str>>(
        &mut self,
        now: Instant,
        request: &Request,
        credentials: &Credentials,
        password: impl FnOnce(&str) -> Option<P>,
    ) -> Verdict {
        if !self.algorithms.contains(&credentials.algorithm) {
            return Verdict::Malformed(DigestError::Algorithm);
        }
        let Some(nonce) = self.open(now, &credentials.nonce) else {
            // Of an earlier start, or made up.
            return Verdict::Ask { is_stale: false };
        };
        let password = password(&credentials.username);
        let proof = Proof {
            algorithm: credentials.algorithm,
            username: &credentials.username,
            realm: &self.realm,
            // Who does not exist takes as long.
            password: password.as_ref().map_or("", AsRef::as_ref),
            method: request.method.as_str(),
            // It need not be the Request-URI: a proxy may have rewritten that, and it is no failure (RFC 3261 §22.4, item 7). To ask
            // once more would not help, since the caller knows only theirs. Whoever copies credentials is stopped by their count.
            uri: &credentials.uri,
            nonce: &credentials.nonce,
            cnonce: credentials.cnonce.as_deref().unwrap_or(""),
            nonce_count: credentials.nonce_count,
        };
        let is_right: bool = proof.response().as_bytes().ct_eq(credentials.response.as_bytes()).into();
        if !is_right || password.is_none() {
            return Verdict::Refused;
        }
        // Without a count a nonce is good for once.
        if nonce.age > self.lifetime || !self.count(nonce.number, credentials.nonce_count.unwrap_or(1)) {
            return Verdict::Ask { is_stale: true };
        }
        Verdict::Proven { username: credentials.username.clone() }
    }

    /// Counts a use of a nonce; false if it was used so often already.
    fn count(&mut self, number: u64, count: u32) -> bool {
        if self.forgotten.is_some_and(|forgotten| number <= forgotten) {
            return false;
        }
        let used = self.counts.entry(number).or_insert(0);
        if count <= *used {
            return false;
        }
        *used = count;
        if self.counts.len() > MAX_COUNTED
            && let Some((oldest, _)) = self.counts.pop_first()
        {
            self.forgotten = Some(oldest);
        }
        true
    }

    /// A nonce: its number and when it was made, readable, and a seal over them.
    fn seal(&self, number: u64, made_after: Duration) -> String {
        let made_after_ms = u64::try_from(made_after.as_millis()).unwrap_or(u64::MAX);
        let mut content = [0; 16];
        content[..8].copy_from_slice(&number.to_be_bytes());
        content[8..].copy_from_slice(&made_after_ms.to_be_bytes());
        let seal = hmac::sign(&self.key, &content);
        format!("{}{}", hex(&content), hex(seal.as_ref().get(..SEAL_BYTES).unwrap_or_default()))
    }

    /// What a nonce says, if the seal is ours.
    fn open(&self, now: Instant, nonce: &str) -> Option<Nonce> {
        let number = u64::from_str_radix(nonce.get(..16)?, 16).ok()?;
        let made_after_ms = u64::from_str_radix(nonce.get(16..32)?, 16).ok()?;
        let expected = self.seal(number, Duration::from_millis(made_after_ms));
        if !bool::from(expected.as_bytes().ct_eq(nonce.as_bytes())) {
            return None;
        }
        let made_at = self.started_at.checked_add(Duration::from_millis(made_after_ms))?;
        Some(Nonce { number, age: now.saturating_duration_since(made_at) })
    }
}
