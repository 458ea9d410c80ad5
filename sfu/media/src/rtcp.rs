// SPDX-License-Identifier: EUPL-1.2
//! RTCP as the core uses it (RFC 3550 §6, RFC 4585, RFC 5104).

use std::time::Instant;

/// How RTP time maps to the sender's wall clock, as its last sender report says (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderClock {
    /// NTP time, 32 bits of seconds and 32 of fraction.
    pub ntp: u64,
    /// The RTP timestamp of the same instant.
    pub rtp_timestamp: u32,
    /// When the report arrived.
    pub received: Instant,
}
