// SPDX-License-Identifier: EUPL-1.2
//! Tokens that are no longer honoured. A token cannot be taken back, so a removed participant could walk in again with
//! the one it holds: here stands since when its tokens must have been issued.

pub(crate) mod table;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use store::{Store, StoreError};
use tracing::{debug, warn};

/// Removals that are remembered. When there are more, the oldest is forgotten.
const MAX_REVOCATIONS: usize = 10_000;

/// Removals that are remembered of one room. Whoever moderates it makes the server forget older ones of that room alone.
const MAX_OF_ROOM: usize = 1_000;

/// How long a removal is remembered where others sign tokens: longer than any should live. SDKs sign for six hours by
/// default.
pub(crate) const ANY_TOKEN: Duration = Duration::from_secs(365 * 24 * 3600);

/// How often it is looked for what other processes have revoked.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// How far back each look goes: clocks differ, and transactions take a while.
const OVERLAP: Duration = Duration::from_secs(10);

/// Somebody's tokens for a room that are not honoured any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) room: String,
    pub(crate) identity: String,
    /// Those issued up to this second, since 1970.
    pub(crate) issued_until: u64,
    /// None of them lives longer.
    pub(crate) forget_at: SystemTime,
}

/// The removals of the last time: those in the database, and those that could not be stored.
#[derive(Default)]
pub(crate) struct Revocations(Mutex<HashMap<(String, String), Until>>);

#[derive(Clone, Copy)]
struct Until {
    issued_until: u64,
    forget_at: SystemTime,
}

impl Revocations {
    /// Refuses these tokens from now on.
    pub(crate) fn note(&self, now: SystemTime, revocation: &Revocation) {
        let mut revoked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if revoked.len() >= MAX_REVOCATIONS {
            revoked.retain(|_, until| until.forget_at > now);
        }
        let key = (revocation.room.clone(), revocation.identity.clone());
        if !revoked.contains_key(&key) {
            let is_of_room = |(room, _): &(String, String)| *room == key.0;
            let of_room = revoked.iter().filter(|(key, _)| is_of_room(key));
            let full = if of_room.clone().count() >= MAX_OF_ROOM {
                of_room.min_by_key(|(_, until)| until.forget_at)
            } else if revoked.len() >= MAX_REVOCATIONS {
                revoked.iter().min_by_key(|(_, until)| until.forget_at)
            } else {
                None
            };
            if let Some(soonest) = full.map(|(key, _)| key.clone()) {
                revoked.remove(&soonest);
            }
        }
        let Revocation { issued_until, forget_at, .. } = *revocation;
        let until = revoked.entry(key).or_insert(Until { issued_until, forget_at });
        until.issued_until = until.issued_until.max(issued_until);
        until.forget_at = until.forget_at.max(forget_at);
    }

    /// Has a removal outlive this process, and other processes know it. When the database is away it holds here, until the
    /// restart.
    pub(crate) async fn keep(&self, store: &Store, revocation: &Revocation) {
        let now = SystemTime::now();
        let stored = async {
            let mut tx = store.write().await?;
            table::keep(&mut tx, revocation, now).await?;
            tx.commit().await
        };
        if let Err(error) = stored.await {
            warn!(%error, "a removal is forgotten at the next restart");
        }
    }

    /// Reads what was revoked before this process began.
    pub(crate) async fn load(&self, store: &Store) -> Result<(), StoreError> {
        self.read(store, SystemTime::UNIX_EPOCH).await
    }

    async fn read(&self, store: &Store, changed_since: SystemTime) -> Result<(), StoreError> {
        let now = SystemTime::now();
        let found = table::changed_since(&mut store.read().await?, changed_since, now).await?;
        found.iter().for_each(|revocation| self.note(now, revocation));
        Ok(())
    }

    /// Follows what other processes revoke, as long as this one runs.
    pub(crate) async fn follow(&self, store: &Store) {
        let mut since = SystemTime::now();
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let now = SystemTime::now();
            match self.read(store, since.checked_sub(OVERLAP).unwrap_or(SystemTime::UNIX_EPOCH)).await {
                Ok(()) => since = now,
                Err(error) => debug!(%error, "what others revoke waits for the database"),
            }
        }
    }

    /// The second from which on tokens of `identity` for `room` are honoured, if it is not any.
    pub(crate) fn honoured_from(&self, room: &str, identity: &str) -> Option<u64> {
        let revoked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = revoked.get(&(room.to_owned(), identity.to_owned()))?;
        Some(until.issued_until.saturating_add(1))
    }

    /// Whether a token of `identity` for `room`, issued at `issued_at` (seconds since 1970), is refused.
    pub(crate) fn is_revoked(&self, now: SystemTime, room: &str, identity: &str, issued_at: u64) -> bool {
        let revoked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        revoked
            .get(&(room.to_owned(), identity.to_owned()))
            .is_some_and(|until| until.forget_at > now && issued_at <= until.issued_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;
    use store::testing::TestStore;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn removal(identity: &str, issued_until: u64, forget_at: SystemTime) -> Revocation {
        removal_from("room", identity, issued_until, forget_at)
    }

    fn removal_from(room: &str, identity: &str, issued_until: u64, forget_at: SystemTime) -> Revocation {
        Revocation { room: room.into(), identity: identity.into(), issued_until, forget_at }
    }

    #[test]
    fn tokens_issued_before_the_removal_are_refused() {
        let revocations = Revocations::default();
        revocations.note(at(1000), &removal("ann", 1000, at(2000)));
        assert!(revocations.is_revoked(at(1001), "room", "ann", 999));
        assert!(revocations.is_revoked(at(1001), "room", "ann", 1000));
        assert!(revocations.is_revoked(at(1001), "room", "ann", 0), "a token that does not say when is not trusted");
        assert!(!revocations.is_revoked(at(1001), "room", "ann", 1001));
        assert!(!revocations.is_revoked(at(1001), "room", "bob", 999));
        assert!(!revocations.is_revoked(at(1001), "elsewhere", "ann", 999));
    }

    #[test]
    fn a_removal_is_remembered_while_a_token_may_live() {
        let revocations = Revocations::default();
        revocations.note(at(0), &removal("ann", 0, at(600)));
        assert!(revocations.is_revoked(at(599), "room", "ann", 0));
        assert!(!revocations.is_revoked(at(600), "room", "ann", 0));
    }

    #[test]
    fn a_second_removal_never_weakens_the_first() {
        let revocations = Revocations::default();
        revocations.note(at(1000), &removal("ann", 1000, at(3000)));
        revocations.note(at(1001), &removal("ann", 500, at(2000)));
        assert!(revocations.is_revoked(at(2999), "room", "ann", 1000));
    }

    #[test]
    fn memory_is_bounded() {
        let revocations = Revocations::default();
        for number in 0..=MAX_REVOCATIONS as u64 {
            let room = if number < 2 { "room".to_owned() } else { format!("room {}", number / 500) };
            revocations.note(at(number), &removal_from(&room, &number.to_string(), number, at(number) + ANY_TOKEN));
        }
        assert_eq!(revocations.0.lock().expect("unpoisoned").len(), MAX_REVOCATIONS);
        assert!(!revocations.is_revoked(at(MAX_REVOCATIONS as u64), "room", "0", 0));
        assert!(revocations.is_revoked(at(MAX_REVOCATIONS as u64), "room", "1", 1));
    }

    #[tokio::test]
    async fn a_removal_outlives_the_process_and_is_known_to_others() {
        for database in TestStore::both().await {
            let (store, now) = (&database.store, SystemTime::now());
            let (first, other) = (Revocations::default(), Revocations::default());
            first.keep(store, &removal("ann", 1000, now + ANY_TOKEN)).await;
            first.keep(store, &removal("ann", 500, now)).await;
            first.keep(store, &removal("gone", 1000, now)).await;
            other.load(store).await.expect("read");
            assert!(other.is_revoked(now, "room", "ann", 1000), "and the second did not weaken it");
            assert_eq!(other.0.lock().expect("unpoisoned").len(), 1, "what is over is not even read");
            first.keep(store, &removal("bob", 7, now + ANY_TOKEN)).await;
            other.read(store, now - OVERLAP).await.expect("read");
            assert!(other.is_revoked(now, "room", "bob", 7));
        }
    }

    #[tokio::test]
    async fn the_table_is_bounded() {
        for database in TestStore::both().await {
            let now = SystemTime::now();
            let mut tx = database.store.write().await.expect("a transaction");
            for number in 0..20_u64 {
                let forget_at = now + ANY_TOKEN + Duration::from_secs(number);
                table::keep_of(&mut tx, &removal(&number.to_string(), number, forget_at), now, 5).await.expect("kept");
            }
            let kept = table::changed_since(&mut tx, SystemTime::UNIX_EPOCH, now).await.expect("read");
            let mut kept: Vec<_> = kept.iter().map(|kept| kept.issued_until).collect();
            kept.sort_unstable();
            assert_eq!(kept, [15, 16, 17, 18, 19], "those that end soonest went");
        }
    }

    #[test]
    fn nobody_makes_it_forget_the_removals_of_other_rooms() {
        let revocations = Revocations::default();
        revocations.note(at(0), &removal_from("another", "eve", 0, at(0) + ANY_TOKEN));
        for number in 1..=MAX_REVOCATIONS as u64 {
            revocations.note(at(number), &removal(&number.to_string(), number, at(number) + ANY_TOKEN));
        }
        assert!(revocations.is_revoked(at(MAX_REVOCATIONS as u64), "another", "eve", 0));
        assert_eq!(revocations.0.lock().expect("unpoisoned").len(), MAX_OF_ROOM + 1);
        let last = MAX_REVOCATIONS as u64;
        assert!(revocations.is_revoked(at(last), "room", &last.to_string(), last));
    }
}
