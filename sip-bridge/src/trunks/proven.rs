// SPDX-License-Identifier: EUPL-1.2
//! Addresses from where somebody has proven a trunk's password. Until then who is only in such a trunk's network, which may be
//! everybody, is one of many strangers to the sockets.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// For how long that holds: longer than a call lasts, whose messages come without a password.
const GOOD_FOR: Duration = Duration::from_secs(24 * 3_600);

/// Addresses that are remembered, some 50 kB. When it is full, the one that has proven it the longest ago is forgotten.
const MAX_ADDRESSES: usize = 1_024;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Proven {
    until: HashMap<IpAddr, Instant>,
}

impl Proven {
    /// Somebody there has just proven it.
    pub(super) fn note(&mut self, now: Instant, source: IpAddr) {
        if self.until.len() >= MAX_ADDRESSES
            && !self.until.contains_key(&source)
            && let Some(oldest) = self.until.iter().min_by_key(|(_, until)| **until).map(|(source, _)| *source)
        {
            self.until.remove(&oldest);
        }
        self.until.insert(source, now + GOOD_FOR);
    }

    /// Whether somebody there has.
    pub(super) fn contains(&self, now: Instant, source: IpAddr) -> bool {
        self.until.get(&source).is_some_and(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_for_a_day_and_the_oldest_is_forgotten_first() {
        let (now, mut proven) = (Instant::now(), Proven::default());
        let source = |at: u32| IpAddr::from(std::net::Ipv4Addr::from(0x0a00_0000 + at));
        for at in 0..1_025 {
            proven.note(now + Duration::from_secs(at.into()), source(at));
        }
        assert_eq!(proven.until.len(), MAX_ADDRESSES);
        assert!(!proven.contains(now, source(0)) && proven.contains(now, source(1)));
        assert!(!proven.contains(now + GOOD_FOR + Duration::from_secs(1), source(1)));
        proven.note(now + GOOD_FOR, source(1));
        assert!(proven.contains(now + GOOD_FOR + Duration::from_secs(1), source(1)));
    }
}
