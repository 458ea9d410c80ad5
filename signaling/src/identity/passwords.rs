// SPDX-License-Identifier: EUPL-1.2
//! Passwords of local accounts: which are good enough, and what is stored of them (Argon2id, RFC 9106).
//!
//! Hashing is meant to be slow. It runs beside the runtime, a few at a time, so that a flood of sign-ins takes neither the
//! CPU from running calls nor all the memory.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::api::problem::{Code, Problem};
use crate::identity::secret;

/// Characters of the shortest password (NIST SP 800-63B-4 §3.1.1.2 asks for 15 where a password is all there is, 8
/// beside something else; throttling and hashing stand between).
pub(crate) const MIN_CHARS: usize = 12;

/// Characters of the longest one.
pub(crate) const MAX_CHARS: usize = 256;

/// What OWASP's cheat sheet on password storage names first: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes at the same time. Each takes about 30 ms of a core.
const AT_ONCE: usize = 2;

/// Those that may wait for that. Whoever comes later is told to come back: it is a flood.
const MAX_WAITING: usize = 64;

/// When they are to come back.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Passwords of the required length that lists of stolen ones are full of.
const COMMONEST: [&str; 41] = [
    "000000000000",
    "111111111111",
    "112233445566",
    "123123123123",
    "1234567890123",
    "12345678901234567890",
    "1234567890ab",
    "1234567890qwerty",
    "123456789012",
    "123456789abc",
    "123456789qwe",
    "1q2w3e4r5t6y",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "987654321098",
    "aaaaaaaaaaaa",
    "abc123abc123",
    "abcd1234abcd",
    "abcdefghijkl",
    "abcdefghijklmnop",
    "administrator",
    "administrator1",
    "asdfasdfasdf",
    "asdfghjkl123",
    "changeme1234",
    "changemechangeme",
    "hallohallohallo",
    "iloveyou1234",
    "letmeinletmein",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "passwort1234",
    "passwort12345",
    "passwortpasswort",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertzuiop12",
];

/// Words that say too little about a place or a product to protect it.
const OBVIOUS: [&str; 4] = ["saal", "konferenz", "conference", "meeting"];

/// What makes a password too easy to guess: a code of `messages::field`. None when it will do. `email` is of the person.
pub(crate) fn weakness(password: &str, email: &str) -> Option<&'static str> {
    let chars = password.chars().count();
    if chars < MIN_CHARS {
        return Some("too-short");
    }
    if chars > MAX_CHARS {
        return Some("too-long");
    }
    let lower = password.to_lowercase();
    let name = email.split('@').next().unwrap_or_default();
    let is_of =
        |word: &str| word.len() >= 3 && lower.replace(word, "").chars().filter(|c| c.is_alphabetic()).count() < 4;
    let has_few_characters = {
        let mut characters: Vec<_> = lower.chars().collect();
        characters.sort_unstable();
        characters.dedup();
        characters.len() < 5
    };
    let is_weak = has_few_characters
        || COMMONEST.contains(&lower.as_str())
        || OBVIOUS.into_iter().any(is_of)
        || is_of(name)
        || lower == email;
    is_weak.then_some("too-weak")
}

/// Hashes and compares, a few at a time.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)), waiting: Arc::new(Semaphore::new(MAX_WAITING)) }
    }
}

impl Passwords {
    /// What is stored of `password`.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Problem> {
        self.run(move || hash(&password)).await?.ok_or_else(|| Code::Internal.into())
    }

    /// Whether `password` is the one that `hash` was made of. Without a hash it is not, after the same time.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        self.run(move || {
            let is_right = verify(&password, hash.as_deref().unwrap_or_else(|| nobodys()));
            is_right && hash.is_some()
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let busy = || Problem::new(Code::Unavailable).retry_after(RETRY_AFTER);
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| busy())?;
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| busy())?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work ends, also when whoever asked for it has gone.
            let _held = (waiting, permit);
            work()
        });
        done.await.map_err(|_| Code::Internal.into())
    }
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// What is stored of `password`. It takes its time.
pub(crate) fn hash(password: &str) -> Option<String> {
    argon2()?.hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

fn verify(password: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    argon2().is_some_and(|argon2| argon2.verify_password(password.as_bytes(), &hash).is_ok())
}

/// A hash of no password at all, for those who have no account: trying takes as long as with one.
fn nobodys() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let random: [u8; 32] = rand::random();
        hash(&secret::hex(&random)).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse battery".into()).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = |password: &str, hash: Option<&str>| passwords.verify(password.into(), hash.map(str::to_owned));
        assert_eq!(verify("correct horse battery", Some(&hash)).await, Ok(true));
        assert_eq!(verify("correct horse batter", Some(&hash)).await, Ok(false));
        assert_eq!(verify("", None).await, Ok(false));
        assert_eq!(verify("", Some("nonsense")).await, Ok(false));
    }

    #[tokio::test]
    async fn a_flood_is_turned_away() {
        let passwords = Arc::new(Passwords::default());
        let tries = (0..MAX_WAITING + 8).map(|_| passwords.verify("a password".into(), Some("nonsense".into())));
        let tries = futures_util::future::join_all(tries);
        // None of them is done before all have come.
        let busy = Arc::clone(&passwords.permits).acquire_many_owned(AT_ONCE as u32).await;
        let (answers, ()) = tokio::join!(tries, async { drop(busy) });
        let refused = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!(refused, 8, "those beyond the bound");
    }

    #[test]
    fn what_others_would_try_first_is_too_weak() {
        let check = |password| weakness(password, "anna.muster@example.org");
        assert_eq!(check("short"), Some("too-short"));
        let long = "x".repeat(257);
        assert_eq!(check(&long), Some("too-long"));
        for weak in ["Password1234", "ababababababab", "Anna.Muster2026!", "anna.muster@example.org", "Saal-2026-2026"]
        {
            assert_eq!(check(weak), Some("too-weak"), "{weak}");
        }
        for good in ["correct horse battery", "zwölf Zeichen!", "four green owls 7"] {
            assert_eq!(check(good), None, "{good}");
        }
    }
}
