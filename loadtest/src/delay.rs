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
}
