// SPDX-License-Identifier: EUPL-1.2
//! The keys that the provider signs with (RFC 7517). It changes them when it likes: a token that names one we do not know
//! makes us ask again, but not more often than every thirty seconds.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;
use tracing::{info, warn};

use super::page::Refusal;
use crate::outgoing;

/// Signatures that are accepted. Not among them: none, and those with a shared secret.
pub(super) const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

/// How often we ask again at most because of a key that is not known.
const ASK_AGAIN_EVERY: Duration = Duration::from_secs(30);

/// How often at most as long as it has told us none: whoever needs one waits for that, or comes again.
const PAUSE: Duration = Duration::from_secs(2);

/// For how long they hold: a key that the provider has withdrawn is not believed for longer.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// Most keys that are kept.
const MAX_KEYS: usize = 100;

/// What stands at `jwks_uri`. Keys that we cannot read are no reason not to use the others.
#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// The keys, as the provider said last. Nobody holds the lock while the provider is asked.
#[derive(Default)]
pub(super) struct Keys(Mutex<Known>);

#[derive(Default)]
struct Known {
    keys: Vec<Jwk>,
    asked_at: Option<Instant>,
    /// When we asked last, with or without an answer.
    asked_again_at: Option<Instant>,
    /// Ends when somebody who asks at the moment is done.
    asking: Option<watch::Receiver<()>>,
}

impl Known {
    /// Whether to ask now, for a token whose key is known or not.
    fn is_to_ask(&mut self, is_known: bool, now: Instant) -> bool {
        let is_old = self.asked_at.is_none_or(|asked| now.saturating_duration_since(asked) >= LIFETIME);
        let pause = if self.asked_at.is_some() { ASK_AGAIN_EVERY } else { PAUSE };
        let was_just_asked = self.asked_again_at.is_some_and(|asked| now.saturating_duration_since(asked) < pause);
        let is_to_ask = (is_old || !is_known) && !was_just_asked;
        if is_to_ask {
            self.asked_again_at = Some(now);
        }
        is_to_ask
    }

    /// What becomes of a token whose key is not known.
    fn refusal(&self) -> Refusal {
        if self.asked_at.is_some() { Refusal::BadToken } else { Refusal::ProviderAway }
    }

    fn find(&self, header: &Header) -> Option<DecodingKey> {
        let mut fitting = self.keys.iter().filter(|key| fits(key, header));
        let first = fitting.next()?;
        // Without a name it must be clear which one is meant (OpenID Connect Core 1.0 §10.1).
        if header.kid.is_none() && fitting.next().is_some() {
            return None;
        }
        DecodingKey::from_jwk(first).ok()
    }
}

/// What somebody does who needs a key.
enum Step {
    /// Asks the provider, and tells the others when that is done.
    Ask(watch::Sender<()>),
    /// Waits for whoever asks.
    Wait(watch::Receiver<()>),
}

impl Keys {
    /// The key that a token with that header must be signed with.
    pub(super) async fn find(
        &self,
        client: &reqwest::Client,
        jwks_uri: &str,
        header: &Header,
    ) -> Result<DecodingKey, Refusal> {
        let (found, step) = {
            let mut known = self.known();
            let found = known.find(header);
            let step = match known.asking.clone().filter(|asking| asking.has_changed().is_ok()) {
                // What is known is good enough until then.
                Some(asking) if found.is_none() => Step::Wait(asking),
                None if known.is_to_ask(found.is_some(), Instant::now()) => {
                    let (done, asking) = watch::channel(());
                    known.asking = Some(asking);
                    Step::Ask(done)
                }
                _ => return found.ok_or_else(|| known.refusal()),
            };
            (found, step)
        };
        match step {
            // All who wait go on at once: none of them asks again.
            Step::Wait(mut asking) => drop(asking.changed().await),
            Step::Ask(done) => {
                let answer = outgoing::json::<Document>(client.get(jwks_uri)).await;
                let mut known = self.known();
                match answer {
                    Ok(Document { keys }) => {
                        let keys = keys.into_iter().take(MAX_KEYS);
                        known.keys = keys.filter_map(|key| serde_json::from_value(key).ok()).collect();
                        if known.asked_at.replace(Instant::now()).is_none() {
                            // It may change them a moment later.
                            known.asked_again_at = None;
                        }
                        info!(keys = known.keys.len(), "read the identity provider's keys");
                    }
                    Err(error) => {
                        warn!(%error, "the identity provider does not tell its keys");
                        // What was known is better than nothing for a while.
                        return found.ok_or(Refusal::ProviderAway);
                    }
                }
                drop(known);
                drop(done);
            }
        }
        let known = self.known();
        known.find(header).ok_or_else(|| known.refusal())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fits(key: &Jwk, header: &Header) -> bool {
    let is_named = header.kid.is_none() || key.common.key_id == header.kid;
    let is_for_signing = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let is_of_family = match &key.algorithm {
        AlgorithmParameters::RSA(_) => matches!(header.alg, Algorithm::RS256 | Algorithm::PS256),
        AlgorithmParameters::EllipticCurve(_) => matches!(header.alg, Algorithm::ES256 | Algorithm::ES384),
        AlgorithmParameters::OctetKeyPair(_) => header.alg == Algorithm::EdDSA,
        _ => false,
    };
    let is_of_algorithm = key.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{:?}", header.alg));
    is_named && is_for_signing && is_of_family && is_of_algorithm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_makes_us_ask_every_thirty_seconds_at_most() {
        let now = Instant::now();
        let mut known = Known { asked_at: Some(now), ..Known::default() };
        let later = |seconds| now + Duration::from_secs(seconds);
        assert!(!known.is_to_ask(true, later(1)));
        assert!(known.is_to_ask(false, later(1)), "at once, since it may be new");
        assert!(!known.is_to_ask(false, later(2)));
        assert!(!known.is_to_ask(false, later(30)));
        assert!(known.is_to_ask(false, later(31)));
        assert!(known.is_to_ask(true, later(3_600)), "a withdrawn key must not be believed for ever");
    }

    #[test]
    fn keys_that_were_never_read_are_not_asked_for_by_everybody() {
        let now = Instant::now();
        let mut known = Known::default();
        assert!(known.is_to_ask(false, now));
        assert!(!known.is_to_ask(false, now + Duration::from_secs(1)), "somebody has just tried");
        assert!(known.is_to_ask(false, now + PAUSE));
        assert_eq!(known.refusal(), Refusal::ProviderAway, "the token may be good");
    }

    /// A provider that takes its time, and counts how often it is asked.
    #[tokio::test]
    async fn a_hundred_who_need_a_key_ask_once_and_wait_together() {
        use axum::extract::State;
        use std::sync::Arc;
        use std::sync::atomic::{AtomicU32, Ordering};
        use tokio::sync::Semaphore;

        let (asked, gate) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
        type Provider = (Arc<AtomicU32>, Arc<Semaphore>);
        let answer = |State((asked, gate)): State<Provider>| async move {
            asked.fetch_add(1, Ordering::SeqCst);
            drop(gate.acquire().await);
            axum::Json(serde_json::json!({ "keys": [{ "kty": "RSA", "kid": "a", "n": "AQ", "e": "AQAB" }] }))
        };
        let router = axum::Router::new().route("/keys", axum::routing::get(answer));
        let router = router.with_state((asked.clone(), gate.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
        tokio::spawn(async { axum::serve(listener, router).await });
        let (keys, client) = (Keys::default(), outgoing::client().expect("a client"));
        let header = Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::RS256) };
        let all = (0..100).map(|_| keys.find(&client, &url, &header));
        let opened = async {
            while asked.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            // All of them have come by now: they were begun together.
            gate.add_permits(100);
        };
        let (found, ()) = tokio::join!(futures_util::future::join_all(all), opened);
        assert!(found.iter().all(Result::is_ok));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_key_is_used_for_what_it_is_made_for_alone() {
        let key = |json: Value| serde_json::from_value::<Jwk>(json).expect("a key");
        let rsa = key(serde_json::json!({ "kty": "RSA", "kid": "a", "alg": "RS256", "n": "AQ", "e": "AQAB" }));
        let secret = key(serde_json::json!({ "kty": "oct", "kid": "a", "k": "AQ" }));
        let encryption = key(serde_json::json!({ "kty": "RSA", "kid": "a", "use": "enc", "n": "AQ", "e": "AQAB" }));
        let header = |algorithm, kid: &str| Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
        assert!(fits(&rsa, &header(Algorithm::RS256, "a")));
        assert!(!fits(&rsa, &header(Algorithm::PS256, "a")) && !fits(&rsa, &header(Algorithm::RS256, "b")));
        assert!(!fits(&rsa, &header(Algorithm::HS256, "a")) && !fits(&secret, &header(Algorithm::HS256, "a")));
        assert!(!fits(&encryption, &header(Algorithm::RS256, "a")));
    }
}
