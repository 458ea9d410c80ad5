// SPDX-License-Identifier: EUPL-1.2
//! Numbers of RTP that wrap: sequence numbers of 16 bits and timestamps of 32 bits (RFC 3550 §5.1).
//!
//! Here they stay as they are on the wire, since a session must see where they jump. `mixing/rtp_counters.rs` has them without
//! wrapping, for streams that the SFU has checked already.

use std::time::Duration;

/// A sequence number. There is no `Ord`: which of two is newer depends on the wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeqNo(pub u16);

impl SeqNo {
    /// How many packets after `earlier`; negative when it comes before.
    #[must_use]
    pub const fn packets_since(self, earlier: Self) -> i16 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The one after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// An RTP timestamp, in ticks of the payload's clock. There is no `Ord`, for the same reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RtpTime(pub u32);

impl RtpTime {
    /// How far a media clock advances in a time, as it shows on a clock of 32 bits.
    #[must_use]
    pub const fn ticks_in(elapsed: Duration, clock_rate_hz: u32) -> u32 {
        (elapsed.as_micros() * clock_rate_hz as u128 / 1_000_000) as u32
    }

    /// Ticks after `earlier`; negative when it lies before.
    #[must_use]
    pub const fn ticks_since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The time so many ticks later.
    #[must_use]
    pub const fn plus_ticks(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }
}
