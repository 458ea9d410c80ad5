// SPDX-License-Identifier: EUPL-1.2
//! How often somebody may ask: strangers by their address, others by who they are.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::client_address::network;
use super::problem::{Code, Problem};

/// Requests a second of somebody who is not known yet.
pub(super) const STRANGER_PER_SECOND: u32 = 10;

/// How many at once, as when a page is loaded. Several people may share an address.
pub(super) const STRANGER_BURST: u32 = 100;

/// Visits a minute by one link that is its own proof: somebody who answers, a calendar that looks every few minutes.
const LINK_PER_MINUTE: u32 = 6;

/// How many at once: a mail's filters, its reader, and somebody who changes their mind.
const LINK_BURST: u32 = 30;

/// How many seconds' worth of requests somebody who is known may send at once.
const BURST_SECONDS: u32 = 4;

/// Callers that are remembered before those are forgotten who have been silent.
const REMEMBERED: usize = 50_000;

/// Who asked how often.
pub(super) struct RateLimits {
    strangers: Limit<IpAddr>,
    callers: Limit<String>,
    links: Limit<String>,
}

impl RateLimits {
    /// `per_second` is for those who are known.
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            strangers: Limit::new(Quota::per_second(at_least_one(STRANGER_PER_SECOND)), STRANGER_BURST),
            callers: Limit::new(Quota::per_second(at_least_one(per_second)), per_second.saturating_mul(BURST_SECONDS)),
            links: Limit::new(Quota::per_minute(at_least_one(LINK_PER_MINUTE)), LINK_BURST),
        }
    }

    /// Counts a request of somebody who is not known.
    pub(super) fn check_stranger(&self, address: IpAddr) -> Result<(), Problem> {
        self.strangers.check(&network(address))
    }

    /// Counts a request of somebody who is.
    pub(super) fn check_caller(&self, caller: &str) -> Result<(), Problem> {
        self.callers.check(&caller.to_owned())
    }

    /// Counts a visit by a link. Only links that are proven are counted, so no made-up ones are remembered.
    pub(super) fn check_link(&self, link: &str) -> Result<(), Problem> {
        self.links.check(&link.to_owned())
    }
}

struct Limit<K: Hash + Eq + Clone>(DefaultKeyedRateLimiter<K>);

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(quota: Quota, burst: u32) -> Self {
        Self(RateLimiter::keyed(quota.allow_burst(at_least_one(burst))))
    }

    fn check(&self, key: &K) -> Result<(), Problem> {
        // Now and then: it looks at all of them.
        let known = self.0.len();
        if known >= REMEMBERED && known.is_multiple_of(1_024) {
            self.0.retain_recent();
        }
        self.0.check_key(key).map_err(|until| {
            Problem::new(Code::RateLimited).retry_after(until.wait_time_from(DefaultClock::default().now()))
        })
    }
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_too_often_is_told_when_to_come_back() {
        let limits = RateLimits::new(1);
        for _ in 0..BURST_SECONDS {
            assert!(limits.check_caller("a").is_ok());
        }
        assert_eq!(limits.check_caller("a").map_err(|problem| problem.code()), Err(Code::RateLimited));
        assert!(limits.check_caller("b").is_ok(), "others are not concerned");
    }

    #[test]
    fn a_link_is_opened_so_often_and_no_more() {
        let limits = RateLimits::new(1);
        for _ in 0..LINK_BURST {
            assert!(limits.check_link("a").is_ok());
        }
        let wait = limits.check_link("a").map_err(|problem| problem.wait().is_some_and(|wait| wait.as_secs() <= 10));
        assert_eq!(wait, Err(true), "it is said when there is another visit");
        assert!(limits.check_link("b").is_ok());
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let limits = RateLimits::new(1);
        let address = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        for last in 0..100 {
            assert!(limits.check_stranger(address(last)).is_ok());
        }
        assert!(limits.check_stranger(address(100)).is_err());
        assert!(limits.check_stranger(IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1])).is_ok());
    }
}
