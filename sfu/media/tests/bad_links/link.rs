// SPDX-License-Identifier: EUPL-1.2
//! A link that loses, delays, reorders and repeats packets.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng, rngs::StdRng};

/// One direction of a path.
pub(crate) struct Link {
    rng: StdRng,
    loss: f64,
    delay_ms: std::ops::Range<u64>,
    in_flight: BTreeMap<(Instant, u64), Vec<u8>>,
    count: u64,
}

impl Link {
    pub(crate) fn new(seed: u64, loss: f64, delay_ms: std::ops::Range<u64>) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), loss, delay_ms, in_flight: BTreeMap::new(), count: 0 }
    }

    pub(crate) fn send(&mut self, now: Instant, datagram: &[u8]) {
        let copies = if self.rng.random_ratio(1, 100) { 2 } else { 1 };
        for _ in 0..copies {
            self.count += 1;
            if !self.rng.random_bool(self.loss) {
                let at = now + Duration::from_millis(self.rng.random_range(self.delay_ms.clone()));
                self.in_flight.insert((at, self.count), datagram.to_vec());
            }
        }
    }

    pub(crate) fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        let entry = self.in_flight.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}
