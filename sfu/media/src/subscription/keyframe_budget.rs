// SPDX-License-Identifier: EUPL-1.2
//! How often one receiver may make the publisher send a keyframe. Everybody who receives the track pays for each one
//! with bitrate, so that a receiver on a bad link, or one that means harm, must not ask as often as it likes.

use std::time::{Duration, Instant};

/// Keyframes that may be asked for in a row: loss comes in bursts.
const BURST: u32 = 4;

/// One more for so much time. A link that needs them more often shows no moving picture anyway.
const REFILL: Duration = Duration::from_secs(2);

/// The keyframes that a receiver may still ask for.
#[derive(Debug)]
pub(crate) struct KeyframeBudget {
    left: u32,
    /// Since when the next one is earned.
    earning_since: Instant,
}

impl KeyframeBudget {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { left: BURST, earning_since: now }
    }

    /// Whether one may be asked for now. Saying yes counts as asking.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        while self.left < BURST && now.saturating_duration_since(self.earning_since) >= REFILL {
            self.left += 1;
            self.earning_since += REFILL;
        }
        if self.left == BURST {
            self.earning_since = now;
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ms, start};

    #[test]
    fn a_burst_passes_and_then_one_every_two_seconds() {
        let start = start();
        let mut budget = KeyframeBudget::new(start);
        let taken = (0..100_000).step_by(100).filter(|at| budget.take(start + ms(*at))).count();
        assert_eq!(taken, 4 + 49);
        let later = start + ms(1_000_000);
        assert_eq!((0..10).filter(|_| budget.take(later)).count(), 4, "no more is saved up");
        assert!(!budget.take(later + ms(1_999)) && budget.take(later + ms(2_000)));
    }
}
