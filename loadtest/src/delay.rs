// SPDX-License-Identifier: EUPL-1.2
//! How long media takes from one client through the server to another: from the publisher's sending to the arrival at
//! the subscriber's kernel, both on this machine's clock.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longer than this counts as this.
const MAX_MICROS: u64 = 60_000_000;

/// A distribution of delays.
#[derive(Clone, Debug)]
pub(crate) struct Delays(Histogram<u64>);

/// What reports say of a distribution, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct DelaySummary {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

impl Delays {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, MAX_MICROS, 3);
        // The bounds are constants that make sense.
        Self(histogram.unwrap_or_else(|error| unreachable!("bounds of a histogram: {error}")))
    }

    pub(crate) fn record(&mut self, nanos: u64) {
        self.0.saturating_record((nanos / 1_000).max(1));
    }

    pub(crate) fn add(&mut self, other: &Self) {
        // Both have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// What came to this since it was `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let mut rest = self.0.clone();
        // Both have the same bounds. Only after a reset `before` is not a part of this, and then all of this is new.
        if rest.subtract(&before.0).is_err() {
            rest.clone_from(&self.0);
        }
        Self(rest)
    }

    /// The same in little memory, to keep many of: to two digits instead of three, and no longer than the longest delay.
    pub(crate) fn compact(&self) -> Self {
        let histogram = Histogram::new(2);
        let mut compact = histogram.unwrap_or_else(|error| unreachable!("digits of a histogram: {error}"));
        // It grows to what is added.
        let _ = compact.add(&self.0);
        Self(compact)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    pub(crate) fn summary(&self) -> DelaySummary {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        DelaySummary { p50_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999), max_ms: self.0.max() as f64 / 1_000.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_in_milliseconds() {
        let mut delays = Delays::new();
        for micros in 1..=1_000 {
            delays.record(micros * 1_000);
        }
        let summary = delays.summary();
        assert!((summary.p50_ms - 0.5).abs() < 0.01, "{summary:?}");
        assert!((summary.p99_ms - 0.99).abs() < 0.01, "{summary:?}");
        delays.clear();
        assert_eq!(delays.summary(), DelaySummary::default());
    }

    #[test]
    fn what_came_since_is_told_from_what_was_there() {
        let mut delays = Delays::new();
        delays.record(50_000_000);
        let before = delays.clone();
        assert!(delays.since(&before).is_empty());
        delays.record(2_000_000);
        let summary = delays.since(&before).summary();
        assert!((summary.max_ms - 2.0).abs() < 0.01, "{summary:?}");
        delays.clear();
        delays.record(3_000_000);
        let summary = delays.since(&before).summary();
        assert!((summary.max_ms - 3.0).abs() < 0.01, "after a reset: {summary:?}");
    }

    #[test]
    fn little_memory_is_enough_for_two_digits() {
        let mut delays = Delays::new();
        for micros in 1..=1_000 {
            delays.record(micros * 17_000);
        }
        let compact = delays.compact();
        let (exact, rough) = (delays.summary(), compact.summary());
        for (exact, rough) in [(exact.p50_ms, rough.p50_ms), (exact.p99_ms, rough.p99_ms), (exact.max_ms, rough.max_ms)]
        {
            assert!((rough / exact - 1.0).abs() < 0.01, "{exact} {rough}");
        }
        assert!(compact.0.distinct_values() * 8 < delays.0.distinct_values());
        let mut slow = Delays::new();
        slow.record(u64::MAX);
        let mut sum = compact;
        sum.add(&slow.compact());
        assert!((sum.summary().max_ms / 60_000.0 - 1.0).abs() < 0.01, "it grows");
    }
}
