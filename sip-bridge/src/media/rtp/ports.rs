// SPDX-License-Identifier: EUPL-1.2
//! Which UDP ports calls use. Not the sockets: those belong to whoever runs the calls.
//!
//! A call has an even port for RTP, and the odd one after it for RTCP (RFC 3550 §11). They are given out in random order, so
//! that nobody can guess where the next call listens, and they rest after a call, so that what the last telephone still
//! sends does not end up in somebody else's call.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;

/// How long telephones may go on to send after the end of a call.
const REST: Duration = Duration::from_secs(30);

/// All ports are in use or rest: a call is refused with 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no media port is free")]
pub struct NoPortFree;

/// The range has no even port with the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the range of media ports has no pair of an even port and the next")]
pub struct EmptyRange;

/// The ports of one address. Its memory is bounded by the range.
pub struct Ports {
    rng: StdRng,
    free: Vec<u16>,
    in_use: Vec<u16>,
    /// Until when each rests, in this order.
    resting: VecDeque<(Instant, u16)>,
}

impl Ports {
    /// All even ports of a range whose next port is in it as well; port 0 is none.
    ///
    /// # Errors
    ///
    /// When there is no such port.
    pub fn new(range: RangeInclusive<u16>, rng: StdRng) -> Result<Self, EmptyRange> {
        let last = *range.end();
        let free: Vec<u16> = range.filter(|port| port % 2 == 0 && *port != 0 && *port < last).collect();
        if free.is_empty() {
            return Err(EmptyRange);
        }
        Ok(Self { rng, free, in_use: Vec::new(), resting: VecDeque::new() })
    }

    /// A port for a new call. It may be that another process has it: then [`Self::give_back`] it and take another.
    ///
    /// # Errors
    ///
    /// When all are in use or rest.
    pub fn take(&mut self, now: Instant) -> Result<u16, NoPortFree> {
        self.wake(now);
        if self.free.is_empty() {
            return Err(NoPortFree);
        }
        let port = self.free.swap_remove(self.rng.random_range(0..self.free.len()));
        self.in_use.push(port);
        Ok(port)
    }

    /// A call has ended. A port that was not taken is ignored.
    pub fn give_back(&mut self, now: Instant, port: u16) {
        if let Some(at) = self.in_use.iter().position(|known| *known == port) {
            self.in_use.swap_remove(at);
            self.resting.push_back((now + REST, port));
        }
    }

    /// A call has ended of whose port nobody was told. It can be used at once.
    pub fn give_back_unused(&mut self, port: u16) {
        if let Some(at) = self.in_use.iter().position(|known| *known == port) {
            self.in_use.swap_remove(at);
            self.free.push(port);
        }
    }

    fn wake(&mut self, now: Instant) {
        while let Some((_, port)) = self.resting.pop_front_if(|(until, _)| *until <= now) {
            self.free.push(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng as _;

    use super::*;

    fn ports(range: RangeInclusive<u16>) -> Ports {
        Ports::new(range, StdRng::seed_from_u64(1)).unwrap()
    }

    #[test]
    fn every_even_port_is_given_out_once_and_then_none() {
        let now = Instant::now();
        let mut ports = ports(10_001..=10_041);
        let taken: Vec<u16> = (0..20).map(|_| ports.take(now).unwrap()).collect();
        assert_eq!(taken.iter().copied().collect::<BTreeSet<_>>(), (10_002..=10_040).step_by(2).collect());
        assert!(!taken.is_sorted(), "in random order");
        assert_eq!(ports.take(now), Err(NoPortFree));
        assert_eq!(ports.in_use.len(), 20);
    }

    #[test]
    fn a_port_rests_after_a_call() {
        let start = Instant::now();
        let mut ports = ports(10_000..=10_001);
        let port = ports.take(start).unwrap();
        ports.give_back(start, port);
        assert_eq!(ports.take(start + REST - Duration::from_millis(1)), Err(NoPortFree));
        assert_eq!(ports.take(start + REST), Ok(port));
    }

    #[test]
    fn a_port_of_which_nobody_was_told_does_not_rest() {
        let start = Instant::now();
        let mut ports = ports(10_000..=10_001);
        let port = ports.take(start).unwrap();
        ports.give_back_unused(port);
        ports.give_back_unused(port);
        assert_eq!((ports.free.len(), ports.in_use.len()), (1, 0));
        assert_eq!(ports.take(start), Ok(port));
    }

    #[test]
    fn what_was_not_taken_cannot_be_given_back() {
        let start = Instant::now();
        let mut ports = ports(10_000..=10_003);
        let port = ports.take(start).unwrap();
        ports.give_back(start, port);
        ports.give_back(start, port);
        ports.give_back(start, 9);
        ports.wake(start + REST);
        assert_eq!(ports.free.len(), 2);
    }

    #[test]
    fn a_range_without_a_pair_is_refused() {
        for range in [10_001..=10_002, 10_000..=10_000, 0..=1, 65_535..=65_535] {
            assert!(Ports::new(range, StdRng::seed_from_u64(1)).is_err());
        }
        assert_eq!(ports(65_534..=65_535).take(Instant::now()), Ok(65_534));
    }
}
