// SPDX-License-Identifier: EUPL-1.2
//! What the tests of several modules share.

use std::time::{Duration, Instant};

/// A moment to count from. Tests add to it; none reads the clock again.
#[allow(clippy::disallowed_methods, reason = "an Instant cannot be made otherwise")]
pub(crate) fn start() -> Instant {
    Instant::now()
}

/// So many milliseconds.
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
