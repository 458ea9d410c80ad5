// SPDX-License-Identifier: EUPL-1.2
//! Keys that the other side presses, as events (RFC 4733 §2.5.2): exactly one for each press, whichever packets of it
//! are lost, doubled or late.
//!
//! The timestamp of an event is when it began, and names it. It ends with a packet that says so, with one of a newer
//! event, or when updates stop.

use std::time::{Duration, Instant};

use super::numbers::RtpTime;
use crate::digit::Digit;

/// How long updates may stay out: two that are lost of those that come every 50 ms (RFC 4733 §2.5.1.2), more of those
/// that come every 20 ms.
const UPDATE_TIME: Duration = Duration::from_millis(100);

/// How long an event is remembered after its last packet, so that late ones of it are not taken for new.
const MEMORY: Duration = Duration::from_secs(2);

/// Softer tones are noise of a gateway's detector (RFC 4733 §2.3.3): a receiver must not take them, in dBm0 below zero.
const SOFTEST: u8 = 55;

/// From this duration on an event can be the first part of one that is too long for its counter (RFC 4733 §2.5.1.3).
const LONG_RTP_TICKS: u16 = 0xf000;

/// A press of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Press {
    pub(super) digit: Digit,
    /// As long as the other side said, as far as its packets came.
    pub(super) duration: Duration,
}

/// An event that has not ended.
struct Current {
    digit: Digit,
    start: RtpTime,
    /// Of the part that began at `start`.
    duration_rtp_ticks: u16,
    /// Of parts before.
    earlier_rtp_ticks: u32,
    /// Updates stayed out, and the press was reported. It is kept because what still comes of it is no other press.
    is_reported: bool,
}

/// What arrives of keys in one call.
pub(super) struct ReceivedDigits {
    clock_rate_hz: u32,
    max_per_second: u32,
    current: Option<Current>,
    /// The start of the newest event, and when its last packet came.
    newest: Option<(RtpTime, Instant)>,
    /// When the last presses ended; at most `max_per_second` of them.
    recent: Vec<Instant>,
    dropped: u64,
}

impl ReceivedDigits {
    pub(super) const fn new(clock_rate_hz: u32, max_per_second: u32) -> Self {
        Self { clock_rate_hz, max_per_second, current: None, newest: None, recent: Vec::new(), dropped: 0 }
    }

    pub(super) const fn set_clock(&mut self, clock_rate_hz: u32) {
        self.clock_rate_hz = clock_rate_hz;
    }

    /// Presses that were too many in a second.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes the payload of an event. What it ends comes out, and it can both end one press and be all of another.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        rtp_timestamp: RtpTime,
        marker: bool,
        payload: &[u8],
    ) -> [Option<Press>; 2] {
        // More behind it would be other events of the same time, which keys never are.
        let Some([event, flags, high, low]) = payload.first_chunk::<4>() else { return [None, None] };
        let Some(digit) = Digit::from_event(*event).filter(|_| flags & 0x3f <= SOFTEST) else { return [None, None] };
        let (is_end, duration) = (flags & 0x80 != 0, u16::from_be_bytes([*high, *low]));

        let ended_by_time = self.handle_timeout(now);
        let known = self.newest.filter(|(_, heard)| now.saturating_duration_since(*heard) < MEMORY);
        let step = known.map_or(1, |(newest, _)| rtp_timestamp.ticks_since(newest));
        if step < 0 {
            // A late packet of an event before.
            return [ended_by_time, None];
        }
        self.newest = Some((rtp_timestamp, now));
        let mut ended_by_newer = None;
        if step > 0 {
            let longer = self.current.as_mut().filter(|current| !marker && current.continues(digit, step));
            if let Some(current) = longer {
                current.earlier_rtp_ticks = current.earlier_rtp_ticks.saturating_add(step.unsigned_abs());
                (current.start, current.duration_rtp_ticks) = (rtp_timestamp, 0);
            } else {
                ended_by_newer = self.end(now);
                self.current = Some(Current {
                    digit,
                    start: rtp_timestamp,
                    duration_rtp_ticks: 0,
                    earlier_rtp_ticks: 0,
                    is_reported: false,
                });
            }
        }
        let mut ended = None;
        // One whose end was said is not kept; what still comes of it says nothing new.
        if let Some(current) = self.current.as_mut().filter(|current| current.start == rtp_timestamp) {
            current.duration_rtp_ticks = current.duration_rtp_ticks.max(duration);
            if is_end {
                ended = self.end(now);
            }
        }
        [ended_by_time.or(ended_by_newer), ended]
    }

    /// Ends a press whose updates stay out.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Press> {
        self.poll_timeout().filter(|at| *at <= now)?;
        let mut current = self.current.take()?;
        let press = self.report(now, &current);
        current.is_reported = true;
        self.current = Some(current);
        press
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let is_open = self.current.as_ref().is_some_and(|current| !current.is_reported);
        self.newest.filter(|_| is_open).map(|(_, heard)| heard + UPDATE_TIME)
    }

    /// Another sender: its timestamps have nothing to do with those before.
    pub(super) fn restart(&mut self, now: Instant) -> Option<Press> {
        self.newest = None;
        self.end(now)
    }

    fn end(&mut self, now: Instant) -> Option<Press> {
        let current = self.current.take().filter(|current| !current.is_reported)?;
        self.report(now, &current)
    }

    fn report(&mut self, now: Instant, current: &Current) -> Option<Press> {
        self.recent.retain(|at| now.saturating_duration_since(*at) < Duration::from_secs(1));
        // Nobody types as fast; what is more is dropped and counted.
        if self.recent.len() >= self.max_per_second as usize {
            self.dropped += 1;
            return None;
        }
        self.recent.push(now);
        let ticks = u64::from(current.earlier_rtp_ticks) + u64::from(current.duration_rtp_ticks);
        let micros = ticks.saturating_mul(1_000_000) / u64::from(self.clock_rate_hz.max(1));
        Some(Press { digit: current.digit, duration: Duration::from_micros(micros) })
    }
}

#[cfg(test)]
mod tests;

impl Current {
    /// Whether a newer event is this one going on: the same key without a pause.
    const fn continues(&self, digit: Digit, step: i32) -> bool {
        self.digit.event() == digit.event()
            && self.duration_rtp_ticks >= LONG_RTP_TICKS
            && step.unsigned_abs() >= self.duration_rtp_ticks as u32
            && step.unsigned_abs() <= 0xffff
    }
}
