// SPDX-License-Identifier: EUPL-1.2
//! Who may send us anything at all. It is asked before a byte is parsed, so that a flood costs one look-up a datagram.
//!
//! Trunks are looked up first and are never limited here. All others, scanners above all, share a small budget: one for each
//! network, and one for all of them together. Beyond it they hear nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What one network of strangers may send: two messages a second, and ten at once. A telephone that was misconfigured
/// sends less and learns by our 403 what is wrong.
const PER_NETWORK: Rate = Rate { interval: Duration::from_millis(500), burst: 10 };

/// What all strangers together may send: 40 messages a second. Each makes a transaction at most, which lives for 32 s, so
/// that these stay a small part of what the endpoint holds, and answering them costs below a hundredth of a core.
const ALL_STRANGERS: Rate = Rate { interval: Duration::from_millis(25), burst: 80 };

/// Networks whose budget is known, about 200 kB. Beyond them new networks hear nothing, until old ones have been quiet.
const MAX_NETWORKS: usize = 4_096;

/// How often the quiet ones are forgotten when the table is full. Each time the whole table is gone through.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How often something may happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// On average.
    pub(crate) interval: Duration,
    /// At once after a pause.
    pub(crate) burst: u32,
}

/// A token bucket, kept as the time at which it will be full again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) const fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Whether there is one.
    pub(crate) fn has_token(&self, now: Instant, rate: Rate) -> bool {
        let next = self.full_at.max(now) + rate.interval;
        next.saturating_duration_since(now) <= rate.interval * rate.burst
    }

    /// Whether nothing was taken for so long that it is as one that was never there.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, now: Instant, rate: Rate) -> bool {
        let has_token = self.has_token(now, rate);
        if has_token {
            self.full_at = self.full_at.max(now) + rate.interval;
        }
        has_token
    }
}

/// A stranger's network: what one customer usually has. Single addresses would be a budget for each of the 2^64 that an
/// attacker has in IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    /// A /24.
    V4([u8; 3]),
    /// A /48.
    V6([u8; 6]),
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, ..] = address.octets();
                Self::V6([a, b, c, d, e, f])
            }
        }
    }
}

/// The budget of all who are no trunk.
pub(crate) struct Strangers {
    all: Bucket,
    networks: HashMap<Network, Bucket>,
    swept_at: Instant,
}

impl Strangers {
    pub(crate) fn new(now: Instant) -> Self {
        Self { all: Bucket::new(now), networks: HashMap::new(), swept_at: now }
    }

    /// Whether a stranger's message is looked at.
    pub(crate) fn admit(&mut self, now: Instant, source: IpAddr) -> bool {
        if !self.all.has_token(now, ALL_STRANGERS) {
            return false;
        }
        let network = Network::of(source);
        if !self.networks.contains_key(&network) && !self.has_room(now) {
            return false;
        }
        let bucket = self.networks.entry(network).or_insert_with(|| Bucket::new(now));
        // A network that is beyond its own budget takes nothing from the others'.
        bucket.take(now, PER_NETWORK) && self.all.take(now, ALL_STRANGERS)
    }

    fn has_room(&mut self, now: Instant) -> bool {
        if self.networks.len() < MAX_NETWORKS {
            return true;
        }
        if now < self.swept_at + SWEEP_INTERVAL {
            return false;
        }
        self.swept_at = now;
        self.networks.retain(|_, bucket| !bucket.is_full(now));
        self.networks.len() < MAX_NETWORKS
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn v4(last: u32) -> IpAddr {
        Ipv4Addr::from(0xc633_6400 + last).into()
    }

    /// How many of so many messages, sent within a second, are looked at.
    fn admitted(strangers: &mut Strangers, start: Instant, count: u32, source: impl Fn(u32) -> IpAddr) -> u32 {
        let step = Duration::from_secs(1) / count;
        (0..count).map(|at| u32::from(strangers.admit(start + step * at, source(at)))).sum()
    }

    #[test]
    fn a_flood_from_one_network_is_cut_to_its_budget() {
        let start = Instant::now();
        let mut strangers = Strangers::new(start);
        let seen = admitted(&mut strangers, start, 5_000, |at| v4(at % 256));
        assert!((10..=12).contains(&seen), "{seen}");
        // Others still have theirs.
        assert!(strangers.admit(start + Duration::from_secs(1), v4(256)));
    }

    #[test]
    fn a_flood_from_everywhere_is_cut_to_the_budget_of_all() {
        let start = Instant::now();
        let mut strangers = Strangers::new(start);
        let seen = admitted(&mut strangers, start, 5_000, |at| v4(at * 256));
        assert!((110..=121).contains(&seen), "{seen}");
        assert!(strangers.networks.len() <= 121, "who is not heard is not remembered");
    }

    #[test]
    fn an_ipv6_network_has_one_budget() {
        let start = Instant::now();
        let mut strangers = Strangers::new(start);
        let seen = admitted(&mut strangers, start, 1_000, |at| {
            Ipv6Addr::from((0x2001_0db8_0001_u128 << 80) + (u128::from(at) << 64)).into()
        });
        assert!((10..=12).contains(&seen), "{seen}");
    }

    #[test]
    fn the_table_is_bounded_and_forgets_who_is_quiet() {
        let start = Instant::now();
        let mut strangers = Strangers::new(start);
        let filled = start + Duration::from_secs(60);
        for at in 0..4_096 {
            strangers.networks.insert(Network::of(v4(at * 256)), Bucket { full_at: filled + Duration::from_secs(60) });
        }
        assert!(!strangers.admit(filled, v4(5_000 * 256)), "full of networks that still count");
        let later = filled + Duration::from_secs(61);
        assert!(strangers.admit(later, v4(5_000 * 256)));
        assert_eq!(strangers.networks.len(), 1);
    }

    #[test]
    fn a_budget_comes_back_with_time() {
        let start = Instant::now();
        let mut strangers = Strangers::new(start);
        assert_eq!((0..20).filter(|_| strangers.admit(start, v4(1))).count(), 10);
        assert!(!strangers.admit(start + Duration::from_millis(499), v4(1)));
        assert!(strangers.admit(start + Duration::from_millis(500), v4(1)));
        let later = start + Duration::from_secs(60);
        assert_eq!((0..20).filter(|_| strangers.admit(later, v4(1))).count(), 10);
    }
}
