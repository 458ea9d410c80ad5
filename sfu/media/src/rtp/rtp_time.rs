// SPDX-License-Identifier: EUPL-1.2
//! RTP timestamps (RFC 3550 §5.1): 32 bits of a media clock that wrap.

use std::fmt;
use std::time::Duration;

/// An RTP timestamp. There is no `Ord`: which of two is later depends on the wrap.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RtpTime(pub u32);

impl RtpTime {
    /// Ticks after `earlier`; negative when it lies before.
    #[must_use]
    pub const fn ticks_since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Whether it is later than `other`, if the two are less than half the clock's range apart.
    #[must_use]
    pub const fn is_newer_than(self, other: Self) -> bool {
        self.ticks_since(other) > 0
    }

    /// The time so many ticks later.
    #[must_use]
    pub const fn plus_ticks(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    /// The time so many ticks earlier.
    #[must_use]
    pub const fn minus_ticks(self, ticks: u32) -> Self {
        Self(self.0.wrapping_sub(ticks))
    }

    /// How far a media clock advances in `elapsed`, as it shows on a clock of 32 bits.
    #[must_use]
    pub const fn ticks_in(elapsed: Duration, clock_rate_hz: u32) -> u32 {
        let whole = elapsed.as_secs().wrapping_mul(clock_rate_hz as u64);
        let rest = elapsed.subsec_nanos() as u64 * clock_rate_hz as u64 / 1_000_000_000;
        (whole.wrapping_add(rest) & 0xffff_ffff) as u32
    }
}

impl fmt::Debug for RtpTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_over_the_wrap() {
        assert!(RtpTime(5).is_newer_than(RtpTime(u32::MAX - 5)));
        assert_eq!(RtpTime(5).ticks_since(RtpTime(u32::MAX - 4)), 10);
        assert_eq!(RtpTime(u32::MAX).plus_ticks(3).minus_ticks(3), RtpTime(u32::MAX));
    }

    #[test]
    fn durations_become_ticks_of_the_media_clock() {
        assert_eq!(RtpTime::ticks_in(Duration::from_millis(20), 48_000), 960);
        assert_eq!(RtpTime::ticks_in(Duration::from_micros(33_333), 90_000), 2_999);
        // A pause of fifteen hours is longer than the clock's range at 90 kHz.
        let long = RtpTime::ticks_in(Duration::from_secs(54_000), 90_000);
        assert_eq!(u64::from(long), (54_000 * 90_000) & 0xffff_ffff);
    }
}
