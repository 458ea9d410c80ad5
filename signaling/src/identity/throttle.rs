// SPDX-License-Identifier: EUPL-1.2
//! How often somebody may try to sign in. Counted are tries that fail, for each address, for each account from each
//! address, and for each account from everywhere; the same for accounts that do not exist.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::api::client_address::network;
use crate::api::problem::{Code, Problem};
use crate::forgetting::forget_least;

/// Counts that are kept. When there are more, those are forgotten that block least.
const REMEMBERED: usize = 20_000;

/// So many tries at once, and one more each time `every` has passed.
#[derive(Clone, Copy, Debug)]
struct Limit {
    at_once: u32,
    every: Duration,
}

/// Several people may share an address.
const OF_ADDRESS: Limit = Limit { at_once: 30, every: Duration::from_secs(10) };

/// Whoever has forgotten which of their passwords it was.
const OF_ACCOUNT_FROM_ADDRESS: Limit = Limit { at_once: 5, every: Duration::from_secs(60) };

/// Guessing from many addresses. High, because whoever guesses keeps the account's owner out as well.
const OF_ACCOUNT: Limit = Limit { at_once: 50, every: Duration::from_secs(120) };

type Key = [u8; 32];

/// The tries of the last time.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Instant>>);

/// A try that is counted.
#[derive(Debug)]
pub(crate) struct Try([(Key, Limit); 3]);

impl Throttle {
    /// Counts a try before it is made, so that many at once are counted, too. Fails when there were too many.
    pub(crate) fn begin(&self, now: Instant, account: &str, address: Option<IpAddr>) -> Result<Try, Problem> {
        let address = address.map(network).map(|address| address.to_string()).unwrap_or_default();
        let keys = [
            (key(&["address", &address]), OF_ADDRESS),
            (key(&["account from address", account, &address]), OF_ACCOUNT_FROM_ADDRESS),
            (key(&["account", account]), OF_ACCOUNT),
        ];
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = keys.iter().filter_map(|(key, limit)| limit.wait(tries.get(key).copied(), now)).max();
        if let Some(wait) = wait {
            return Err(Problem::new(Code::RateLimited).retry_after(wait));
        }
        for (key, limit) in &keys {
            if tries.len() >= REMEMBERED && !tries.contains_key(key) {
                make_room(&mut tries, now);
            }
            let until = tries.entry(*key).or_insert(now);
            *until = (*until).max(now) + limit.every;
        }
        Ok(Try(keys))
    }

    /// It was the right password: it counts as no try.
    pub(crate) fn succeeded(&self, made: &Try) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, limit) in &made.0 {
            if let Some(until) = tries.get_mut(key) {
                *until = until.checked_sub(limit.every).unwrap_or(*until);
            }
        }
    }
}

impl Limit {
    /// How long to wait, where `until` is when all tries so far are forgotten (the generic cell rate algorithm).
    fn wait(self, until: Option<Instant>, now: Instant) -> Option<Duration> {
        let ahead = until?.saturating_duration_since(now);
        let allowed = self.every * (self.at_once - 1);
        (ahead > allowed).then(|| ahead - allowed)
    }
}

/// Forgets what is over, and if that is not enough, those that block least.
fn make_room(tries: &mut HashMap<Key, Instant>, now: Instant) {
    tries.retain(|_, until| *until > now);
    forget_least(tries, REMEMBERED, |until| *until);
}

/// Of one length, whatever somebody sends.
fn key(parts: &[&str]) -> Key {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn whoever_guesses_waits_and_others_do_not() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..OF_ACCOUNT_FROM_ADDRESS.at_once {
            assert!(throttle.begin(now, "ann", address(1)).is_ok());
        }
        assert!(throttle.begin(now, "ann", address(1)).is_err());
        assert!(throttle.begin(now, "ann", address(2)).is_ok(), "she herself, elsewhere");
        assert!(throttle.begin(now, "bob", address(1)).is_ok(), "her colleague");
        assert!(throttle.begin(now + OF_ACCOUNT_FROM_ADDRESS.every, "ann", address(1)).is_ok(), "later");
    }

    #[test]
    fn an_account_is_protected_from_many_addresses_and_an_address_from_many_accounts() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let from_everywhere = (0..=255).take_while(|last| throttle.begin(now, "ann", address(*last)).is_ok()).count();
        assert_eq!(from_everywhere, OF_ACCOUNT.at_once as usize);
        let (throttle, now) = (Throttle::default(), Instant::now());
        let accounts = (0..256).take_while(|name| throttle.begin(now, &name.to_string(), address(1)).is_ok()).count();
        assert_eq!(accounts, OF_ADDRESS.at_once as usize);
    }

    #[test]
    fn who_knows_the_password_is_never_stopped() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..1_000 {
            let made = throttle.begin(now, "ann", address(1)).expect("allowed");
            throttle.succeeded(&made);
        }
    }

    #[test]
    fn memory_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let owner = || throttle.begin(now, "ann", address(1));
        for _ in 0..OF_ACCOUNT_FROM_ADDRESS.at_once {
            assert!(owner().is_ok());
        }
        for number in 0..REMEMBERED as u32 {
            let address = IpAddr::from(number.to_be_bytes());
            drop(throttle.begin(now, &number.to_string(), Some(address)));
        }
        assert!(throttle.0.lock().expect("unpoisoned").len() <= REMEMBERED);
        assert!(owner().is_err(), "who blocks most is remembered");
    }
}
