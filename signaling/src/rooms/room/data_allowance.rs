// SPDX-License-Identifier: EUPL-1.2
//! How much data one participant may send. Everybody else has to receive it, beside the media and over the same link.
//!
//! A client that sends more waits: what it has sent reliably is given back to its allowance at the SFU only at this pace,
//! and beyond the allowance SCTP's window holds it up. Lossy data that comes too fast is dropped.

use std::time::{Duration, Instant};

/// For a long time: as much as the pictures of a camera. A file of 10 MB takes twenty seconds.
const BYTES_PER_SECOND: u64 = 512 * 1024;

/// At once: a picture in the chat, or a screenful of a whiteboard.
const BURST_BYTES: u64 = 1024 * 1024;

/// Short messages cost everybody more than their length.
const MIN_MESSAGE_BYTES: usize = 512;

/// What a participant has left to send.
#[derive(Debug, Default)]
pub(super) struct DataAllowance {
    /// When all that was sent would have been sent at the pace.
    paced_until: Option<Instant>,
    /// Reliable data whose sender waits for it to be given back, in bytes.
    held_bytes: usize,
}

impl DataAllowance {
    /// Whether nothing more may come at `now`, and until when.
    pub(super) fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.paced_until?.checked_sub(pace(BURST_BYTES)).filter(|at| *at > now)
    }

    /// Counts a message that has come.
    pub(super) fn count(&mut self, now: Instant, bytes: usize) {
        let bytes = bytes.max(MIN_MESSAGE_BYTES) as u64;
        self.paced_until = Some(self.paced_until.map_or(now, |until| until.max(now)) + pace(bytes));
    }

    /// Keeps back what was sent, to be given back later.
    pub(super) const fn hold(&mut self, bytes: usize) {
        self.held_bytes += bytes;
    }

    /// What was kept back so far.
    pub(super) const fn release(&mut self) -> usize {
        std::mem::replace(&mut self.held_bytes, 0)
    }
}

/// How long so many bytes take.
const fn pace(bytes: u64) -> Duration {
    Duration::from_micros(bytes * 1_000_000 / BYTES_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many messages of that length come through in ten seconds, one every millisecond.
    fn passed(bytes: usize) -> u64 {
        let start = Instant::now();
        let mut allowance = DataAllowance::default();
        let mut passed = 0;
        for now in (0..10_000).map(|millisecond| start + Duration::from_millis(millisecond)) {
            if allowance.rests_until(now).is_none() {
                allowance.count(now, bytes);
                passed += 1;
            }
        }
        passed
    }

    #[test]
    fn a_burst_passes_and_then_the_pace_counts() {
        let (bytes, all) = (16 * 1024, BURST_BYTES + 10 * BYTES_PER_SECOND);
        assert!((all / bytes..=all / bytes + 1).contains(&passed(bytes as usize)), "{}", passed(bytes as usize));
    }

    #[test]
    fn who_chats_never_waits() {
        assert_eq!(passed(100), 10_000);
    }

    #[test]
    fn after_a_rest_the_burst_is_there_again() {
        let mut allowance = DataAllowance::default();
        let start = Instant::now();
        allowance.count(start, 10 * BURST_BYTES as usize);
        let at = allowance.rests_until(start).expect("too much");
        assert_eq!(at, start + pace(9 * BURST_BYTES));
        assert_eq!(allowance.rests_until(at), None);
        let later = at + pace(BURST_BYTES);
        allowance.count(later, BURST_BYTES as usize);
        assert_eq!(allowance.rests_until(later), None);
    }
}
