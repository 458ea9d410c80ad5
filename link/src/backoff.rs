// SPDX-License-Identifier: EUPL-1.2
//! How long a bridge waits until it tries to attach itself again.

use std::time::Duration;

/// After the first failure: a node that starts anew needs about as long.
const SHORTEST: Duration = Duration::from_millis(250);

/// However often it failed. Callers hear meanwhile that telephones do not work.
const LONGEST: Duration = Duration::from_secs(8);

/// However often the secrets differed: that takes somebody to mend it, and each time is logged as an error.
const LONGEST_BETWEEN_STRANGERS: Duration = Duration::from_secs(60);

/// A link that lasted for so long was a good one.
const GOOD_LINK: Duration = Duration::from_secs(10);

/// Doubles from one failure to the next.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// A link has ended after so long.
    pub(crate) fn note_link(&mut self, lasted: Duration) {
        if lasted >= GOOD_LINK {
            self.failures = 0;
        }
    }

    /// How long to wait now. `random`, from 0 to 1, keeps several bridges from coming at the same time.
    pub(crate) fn next(&mut self, random: f64) -> Duration {
        self.wait(random, LONGEST)
    }

    /// The same after somebody has answered who does not know the secret.
    pub(crate) fn next_after_stranger(&mut self, random: f64) -> Duration {
        self.wait(random, LONGEST_BETWEEN_STRANGERS)
    }

    fn wait(&mut self, random: f64, longest: Duration) -> Duration {
        let longest = SHORTEST.saturating_mul(1 << self.failures.min(16)).min(longest);
        self.failures = self.failures.saturating_add(1);
        longest.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_longer_each_time_up_to_a_limit() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..8).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
        assert_eq!(backoff.next(0.0), LONGEST / 2);
        assert_eq!(backoff.next_after_stranger(1.0), Duration::from_secs(60));
        assert_eq!(backoff.next(1.0), LONGEST, "a node that is there again is not waited for as long");
    }

    #[test]
    fn only_a_link_that_lasted_begins_it_anew() {
        let mut backoff = Backoff::default();
        backoff.next(1.0);
        backoff.note_link(Duration::from_secs(1));
        assert_eq!(backoff.next(1.0), Duration::from_millis(500));
        backoff.note_link(Duration::from_secs(60));
        assert_eq!(backoff.next(1.0), SHORTEST);
    }
}
