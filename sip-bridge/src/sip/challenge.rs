// SPDX-License-Identifier: EUPL-1.2
//! Requests of ours that were answered with 401 or 407 and wait for credentials (RFC 3261 §22), which the layer above makes.

use std::collections::BTreeMap;
use std::time::Instant;

use super::event::ChallengeId;
use super::flow::Flow;
use super::message::{Request, Response};
use super::owner::Owner;
use super::transaction::TransactionId;

/// How often one request is sent with credentials: one server and two proxies, and each with a nonce that went stale.
const MAX_ATTEMPTS: usize = 6;
/// Requests that wait. When full, a challenge counts as a refusal.
const MAX_HELD: usize = 4_096;

/// With which nonces a request was sent already.
#[derive(Clone, Default)]
pub(super) struct Attempts(Vec<Attempt>);

#[derive(Clone)]
struct Attempt {
    is_proxy: bool,
    realm: String,
    nonce: String,
}

/// One that waits.
pub(super) struct Held {
    pub(super) request: Request,
    pub(super) flow: Flow,
    pub(super) owner: Owner,
    pub(super) attempts: Attempts,
    /// The transaction that was challenged, which is how its owner knows the request.
    pub(super) transaction: TransactionId,
    /// What was answered, if there are no credentials.
    pub(super) response: Response,
    until: Instant,
}

/// A challenge, read.
pub(super) struct Challenge {
    pub(super) is_proxy: bool,
    pub(super) values: Vec<String>,
}

impl Challenge {
    /// The challenge in an answer; `None` if it is none.
    pub(super) fn of(response: &Response) -> Option<Self> {
        let (is_proxy, name) = match response.status {
            401 => (false, "WWW-Authenticate"),
            407 => (true, "Proxy-Authenticate"),
            _ => return None,
        };
        let values: Vec<String> = response.headers.all(name).map(str::to_owned).collect();
        (!values.is_empty()).then_some(Self { is_proxy, values })
    }
}

impl Attempts {
    /// Whether credentials may help, and notes that they are tried. With a nonce they are tried once. Another nonce from whom
    /// we gave credentials to helps only where it says that the old one was stale; else they were wrong (RFC 7616 §3.3).
    fn try_again(&mut self, challenge: &Challenge) -> bool {
        let mut helps = false;
        for value in &challenge.values {
            let realm = parameter(value, "realm").unwrap_or_default();
            let nonce = parameter(value, "nonce").unwrap_or_default();
            let is_stale = parameter(value, "stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"));
            let same = |known: &&Attempt| known.is_proxy == challenge.is_proxy && known.realm == realm;
            let mut tried = self.0.iter().filter(same).peekable();
            let is_first = tried.peek().is_none();
            let is_new_nonce = tried.all(|known| known.nonce != nonce);
            helps |= is_first || (is_stale && is_new_nonce);
        }
        if self.0.len() + challenge.values.len() > MAX_ATTEMPTS.max(challenge.values.len()) {
            return false;
        }
        for value in challenge.values.iter().take(MAX_ATTEMPTS) {
            self.0.push(Attempt {
                is_proxy: challenge.is_proxy,
                realm: parameter(value, "realm").unwrap_or_default().to_owned(),
                nonce: parameter(value, "nonce").unwrap_or_default().to_owned(),
            });
        }
        helps
    }
}

/// A parameter of a challenge. Good enough to tell nonces apart; the digest itself is reckoned elsewhere.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let (_, mut rest) = value.trim_start().split_once(' ')?;
    loop {
        rest = rest.trim_start_matches([' ', ',', '\t']);
        let (found, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let (text, next) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => behind.split_once(',').unwrap_or((behind, "")),
        };
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(text.trim());
        }
        rest = next;
    }
}

/// Whose credentials a challenge wants, or are given.
pub(super) fn realm(value: &str) -> Option<&str> {
    parameter(value, "realm")
}

/// All that wait.
pub(super) struct Challenges {
    next_id: u64,
    held: BTreeMap<ChallengeId, Held>,
}

impl Challenges {
    pub(super) fn new() -> Self {
        Self { next_id: 0, held: BTreeMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Keeps a request until there are credentials. `Err` gives it back: they would not help.
    pub(super) fn hold(
        &mut self,
        mut held: Held,
        challenge: &Challenge,
        until: Instant,
    ) -> Result<ChallengeId, Box<Held>> {
        if self.held.len() >= MAX_HELD || !held.attempts.try_again(challenge) {
            return Err(Box::new(held));
        }
        self.next_id += 1;
        let id = ChallengeId(self.next_id);
        held.until = until;
        self.held.insert(id, held);
        Ok(id)
    }

    pub(super) fn take(&mut self, id: ChallengeId) -> Option<Held> {
        self.held.remove(&id)
    }

    /// Whether nobody else waits longer: they all wait equally long, so the oldest is the first.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.held.first_key_value().map(|(_, held)| held.until)
    }

    /// Takes out one that has waited too long.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Held> {
        let entry = self.held.first_entry()?;
        (entry.get().until <= now).then(|| entry.remove())
    }

    /// Those of somebody who is gone.
    pub(super) fn drop_of(&mut self, is_gone: impl Fn(Owner) -> bool) {
        self.held.retain(|_, held| !is_gone(held.owner));
    }
}

impl Held {
    pub(super) fn new(
        now: Instant,
        request: Request,
        flow: Flow,
        owner: Owner,
        attempts: Attempts,
        transaction: TransactionId,
        response: Response,
    ) -> Self {
        Self { request, flow, owner, attempts, transaction, response, until: now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(value: &str) -> Challenge {
        Challenge { is_proxy: false, values: vec![value.to_owned()] }
    }

    #[test]
    fn a_nonce_is_tried_once_and_a_stale_one_is_followed() {
        let mut attempts = Attempts::default();
        assert!(attempts.try_again(&challenge(r#"Digest realm="a, b=c", nonce="1""#)));
        assert!(!attempts.clone().try_again(&challenge(r#"Digest realm="a, b=c", nonce="1", stale=true"#)));
        assert!(!attempts.clone().try_again(&challenge(r#"Digest realm="a, b=c", nonce="2""#)));
        assert!(attempts.try_again(&challenge(r#"Digest stale=TRUE, nonce="2", realm="a, b=c""#)));
        assert!(attempts.try_again(&challenge(r#"Digest realm="other", nonce="3""#)));
    }

    #[test]
    fn a_server_that_is_never_content_is_given_up() {
        let mut attempts = Attempts::default();
        let tries = (0..50).filter(|n| attempts.try_again(&challenge(&format!(r#"Digest realm="{n}", nonce="n""#))));
        assert_eq!(tries.count(), MAX_ATTEMPTS);
    }
}
