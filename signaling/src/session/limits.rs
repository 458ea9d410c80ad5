// SPDX-License-Identifier: EUPL-1.2
//! How much one websocket may ask for.

use std::time::{Duration, Instant};

/// Websockets at a time: as many as an SFU node has transports for. Each costs a file descriptor and some memory.
pub(super) const MAX_SESSIONS: usize = 20_000;

/// Longest frame. A client that resumed sends its last offer and the answer to it in one; the rest is for what else it
/// says. LiveKit allows 2 MiB.
pub(super) const MAX_FRAME_BYTES: usize = 2 * bus::MAX_SDP_BYTES + 64 * 1024;

/// Messages that may wait for a websocket to be read. When there are more it is closed, and its client resumes.
pub(super) const OUTGOING_MESSAGES: usize = 512;

/// Longest wait for a client that does not read.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for the room to let somebody in. Clients give up after five seconds.
pub(super) const ENTRY_TIMEOUT: Duration = Duration::from_secs(4);

/// Frames that are no message, after which a client is sent away.
pub(super) const MAX_MALFORMED_FRAMES: u32 = 20;

/// Messages a second, for a long time. A browser that publishes and resizes tiles sends fewer than ten.
const MESSAGES_PER_SECOND: f64 = 100.0;

/// Messages at once: somebody who comes into a large room asks for many tracks.
const MESSAGE_BURST: f64 = 500.0;

/// A long message counts as several.
const BYTES_PER_MESSAGE: usize = 16 * 1024;

/// Lets so many messages through as are fair.
pub(super) struct MessageBudget {
    messages: f64,
    filled_at: Instant,
}

impl MessageBudget {
    pub(super) fn new(now: Instant) -> Self {
        Self { messages: MESSAGE_BURST, filled_at: now }
    }

    /// Takes a message of this length from the budget. Returns whether there was enough.
    pub(super) fn take(&mut self, now: Instant, bytes: usize) -> bool {
        let refill = now.saturating_duration_since(self.filled_at).as_secs_f64() * MESSAGES_PER_SECOND;
        self.messages = MESSAGE_BURST.min(self.messages + refill);
        self.filled_at = now;
        // Less than 200, and so never more than there can be.
        let cost = 1.0 + (bytes / BYTES_PER_MESSAGE) as f64;
        let is_enough = self.messages >= cost;
        if is_enough {
            self.messages -= cost;
        }
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_fine_and_a_flood_is_not() {
        let start = Instant::now();
        let mut budget = MessageBudget::new(start);
        assert_eq!((0..1000).filter(|_| budget.take(start, 10)).count(), 500);
        assert!(!budget.take(start, 10));
        let later = start + Duration::from_secs(1);
        assert_eq!((0..1000).filter(|_| budget.take(later, 10)).count(), 100);
    }

    #[test]
    fn long_messages_count_more() {
        let start = Instant::now();
        let mut budget = MessageBudget::new(start);
        assert_eq!((0..1000).filter(|_| budget.take(start, MAX_FRAME_BYTES)).count(), 3);
    }

    #[test]
    fn a_normal_client_never_notices() {
        let start = Instant::now();
        let mut budget = MessageBudget::new(start);
        for message in 0..10_000u32 {
            assert!(budget.take(start + Duration::from_millis(20) * message, 200));
        }
    }
}
