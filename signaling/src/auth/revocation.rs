// SPDX-License-Identifier: EUPL-1.2
//! Tokens that are no longer honoured. A token cannot be taken back, so a removed participant could walk in again with
//! the one it holds: here stands since when its tokens must have been issued.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Removals that are remembered. When there are more, the oldest is forgotten.
const MAX_REVOCATIONS: usize = 10_000;

/// Removals that are remembered of one room. Whoever moderates it makes the server forget older ones of that room alone.
const MAX_OF_ROOM: usize = 1_000;

/// How long a removal is remembered: longer than any token should live. SDKs sign for six hours by default.
const MEMORY: Duration = Duration::from_secs(365 * 24 * 3600);

/// The removals of the last time.
#[derive(Default)]
pub(crate) struct Revocations(Mutex<HashMap<(String, String), Revocation>>);

#[derive(Clone, Copy)]
struct Revocation {
    /// Tokens issued up to this second, since 1970, are refused.
    issued_until: u64,
    forget_at: SystemTime,
}

impl Revocations {
    /// Refuses from now on the tokens of `identity` for `room` that were issued up to `issued_until` (seconds since
    /// 1970).
    pub(crate) fn revoke(&self, now: SystemTime, room: &str, identity: &str, issued_until: u64) {
        let mut revoked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if revoked.len() >= MAX_REVOCATIONS {
            revoked.retain(|_, revocation| revocation.forget_at > now);
        }
        if revoked.len() >= MAX_REVOCATIONS {
            let soonest = revoked.iter().min_by_key(|(_, revocation)| revocation.forget_at).map(|(key, _)| key.clone());
            soonest.map(|key| revoked.remove(&key));
        }
        let is_new = !revoked.contains_key(&(room.to_owned(), identity.to_owned()));
        if is_new && revoked.keys().filter(|(of, _)| of == room).count() >= MAX_OF_ROOM {
            let of_room = revoked.iter().filter(|((of, _), _)| of == room);
            let soonest = of_room.min_by_key(|(_, revocation)| revocation.forget_at).map(|(key, _)| key.clone());
            soonest.map(|key| revoked.remove(&key));
        }
        let forget_at = now + MEMORY;
        let entry = revoked.entry((room.to_owned(), identity.to_owned()));
        let revocation = entry.or_insert(Revocation { issued_until, forget_at });
        revocation.issued_until = revocation.issued_until.max(issued_until);
        revocation.forget_at = revocation.forget_at.max(forget_at);
    }

    /// The second from which on tokens of `identity` for `room` are honoured, if it is not any.
    pub(crate) fn honoured_from(&self, room: &str, identity: &str) -> Option<u64> {
        let revoked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let revocation = revoked.get(&(room.to_owned(), identity.to_owned()))?;
        Some(revocation.issued_until.saturating_add(1))
    }

    /// Whether a token of `identity` for `room`, issued at `issued_at` (seconds since 1970), is refused.
    pub(crate) fn is_revoked(&self, now: SystemTime, room: &str, identity: &str, issued_at: u64) -> bool {
        let revoked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        revoked
            .get(&(room.to_owned(), identity.to_owned()))
            .is_some_and(|revocation| revocation.forget_at > now && issued_at <= revocation.issued_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn tokens_issued_before_the_removal_are_refused() {
        let revocations = Revocations::default();
        revocations.revoke(at(1000), "room", "ann", 1000);
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
        let month = Duration::from_secs(30 * 24 * 3600);
        revocations.revoke(at(0), "room", "ann", 0);
        assert!(revocations.is_revoked(at(0) + month, "room", "ann", 0));
        assert!(!revocations.is_revoked(at(0) + MEMORY, "room", "ann", 0));
    }

    #[test]
    fn a_second_removal_never_weakens_the_first() {
        let revocations = Revocations::default();
        revocations.revoke(at(1000), "room", "ann", 1000);
        revocations.revoke(at(1001), "room", "ann", 500);
        assert!(revocations.is_revoked(at(1002), "room", "ann", 1000));
    }

    #[test]
    fn memory_is_bounded() {
        let revocations = Revocations::default();
        for number in 0..=MAX_REVOCATIONS as u64 {
            let room = if number < 2 { "room".to_owned() } else { format!("room {}", number / 500) };
            revocations.revoke(at(number), &room, &number.to_string(), number);
        }
        assert_eq!(revocations.0.lock().expect("unpoisoned").len(), MAX_REVOCATIONS);
        assert!(!revocations.is_revoked(at(MAX_REVOCATIONS as u64), "room", "0", 0));
        assert!(revocations.is_revoked(at(MAX_REVOCATIONS as u64), "room", "1", 1));
    }

    #[test]
    fn nobody_makes_it_forget_the_removals_of_other_rooms() {
        let revocations = Revocations::default();
        revocations.revoke(at(0), "another", "eve", 0);
        for number in 1..=MAX_REVOCATIONS as u64 {
            revocations.revoke(at(number), "room", &number.to_string(), number);
        }
        assert!(revocations.is_revoked(at(MAX_REVOCATIONS as u64), "another", "eve", 0));
        assert_eq!(revocations.0.lock().expect("unpoisoned").len(), MAX_OF_ROOM + 1);
        let last = MAX_REVOCATIONS as u64;
        assert!(revocations.is_revoked(at(last), "room", &last.to_string(), last));
    }
}
