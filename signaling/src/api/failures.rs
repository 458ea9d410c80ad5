// SPDX-License-Identifier: EUPL-1.2
//! Proofs of who asks that fail: wrong tokens, cookies that are over. Each costs a look into the database, so whoever shows many
//! is turned away before that. Others behind the same address are not: whoever's proof was good a moment ago is let through.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client_address::network;
use super::problem::{Code, Problem};
use super::rate_limit::{STRANGER_BURST, STRANGER_PER_SECOND};

/// Addresses, and good proofs, that are remembered. When there are more, those that are over go; others are not remembered.
const REMEMBERED: usize = 50_000;

/// How long a proof counts as good without another look.
const GOOD_FOR: Duration = Duration::from_secs(10 * 60);

/// What is remembered of a proof: SHA-256.
pub(crate) type Proof = [u8; 32];

/// Who failed how often.
#[derive(Default)]
pub(super) struct Failures(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    /// When all failures so far are forgotten (the generic cell rate algorithm).
    until: HashMap<IpAddr, Instant>,
    /// Since when a proof is good.
    good: HashMap<Proof, Instant>,
}

impl Failures {
    /// Fails for an address from which too many failed, unless this proof was good. Counts nothing.
    pub(super) fn check(&self, now: Instant, address: IpAddr, proof: Option<&Proof>) -> Result<(), Problem> {
        let remembered = self.remembered();
        let is_good = |since: &Instant| now.saturating_duration_since(*since) < GOOD_FOR;
        if proof.and_then(|proof| remembered.good.get(proof)).is_some_and(is_good) {
            return Ok(());
        }
        let until = remembered.until.get(&network(address));
        let ahead = until.map(|until| until.saturating_duration_since(now)).unwrap_or_default();
        let allowed = EVERY * (STRANGER_BURST - 1);
        if ahead > allowed { Err(Problem::new(Code::RateLimited).retry_after(ahead - allowed)) } else { Ok(()) }
    }

    /// Counts one that failed.
    pub(super) fn note_failure(&self, now: Instant, address: IpAddr) {
        let mut remembered = self.remembered();
        let (address, until) = (network(address), &mut remembered.until);
        if until.len() >= REMEMBERED && !until.contains_key(&address) {
            until.retain(|_, until| *until > now);
            if until.len() >= REMEMBERED {
                return;
            }
        }
        let until = until.entry(address).or_insert(now);
        *until = (*until).max(now) + EVERY;
    }

    /// Remembers one that was good.
    pub(super) fn note_success(&self, now: Instant, proof: Proof) {
        let good = &mut self.remembered().good;
        if good.len() >= REMEMBERED && !good.contains_key(&proof) {
            good.retain(|_, since| now.saturating_duration_since(*since) < GOOD_FOR);
            if good.len() >= REMEMBERED {
                return;
            }
        }
        good.insert(proof, now);
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often one may fail for ever.
const EVERY: Duration = Duration::from_millis(1_000 / STRANGER_PER_SECOND as u64);

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn whoever_fails_often_is_turned_away_and_their_neighbours_are_not() {
        let (failures, now) = (Failures::default(), Instant::now());
        failures.note_success(now, [1; 32]);
        let tries = (0..1_000).take_while(|_| {
            failures.note_failure(now, address(1));
            failures.check(now, address(1), Some(&[2; 32])).is_ok()
        });
        assert_eq!(tries.count() + 1, STRANGER_BURST as usize);
        assert!(failures.check(now, address(1), None).is_err());
        assert!(failures.check(now, address(1), Some(&[1; 32])).is_ok(), "a colleague who is signed in");
        assert!(failures.check(now, address(2), Some(&[2; 32])).is_ok(), "from elsewhere");
        assert!(failures.check(now + EVERY, address(1), Some(&[2; 32])).is_ok(), "later");
        assert!(failures.check(now + GOOD_FOR, address(1), Some(&[1; 32])).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let (failures, now) = (Failures::default(), Instant::now());
        for number in 0..REMEMBERED as u32 + 10 {
            failures.note_failure(now, IpAddr::from(number.to_be_bytes()));
            let mut proof = [0; 32];
            proof[..4].copy_from_slice(&number.to_be_bytes());
            failures.note_success(now, proof);
        }
        let remembered = failures.remembered();
        assert_eq!((remembered.until.len(), remembered.good.len()), (REMEMBERED, REMEMBERED));
    }
}
