// SPDX-License-Identifier: EUPL-1.2
//! When to ask a publisher for a keyframe: requests for one layer are merged, spaced, and repeated while unanswered.

use std::time::{Duration, Instant};

/// Browsers ignore faster requests, and each keyframe costs several frames' worth of bitrate.
pub const KEYFRAME_REQUEST_INTERVAL: Duration = Duration::from_millis(500);

/// A publisher that has not answered for ten seconds is not sending. Whoever still wants a keyframe asks again.
const MAX_REPEATS: u8 = 20;

/// The requests for one layer.
#[derive(Debug, Default)]
pub(crate) struct KeyframeRequests {
    /// When to send the next one; `None` while nobody waits.
    due: Option<Instant>,
    last_sent: Option<Instant>,
    repeats: u8,
}

impl KeyframeRequests {
    /// Somebody needs a keyframe.
    pub(crate) fn request(&mut self, now: Instant) {
        self.repeats = 0;
        if self.due.is_none() {
            self.due = Some(self.last_sent.map_or(now, |sent| (sent + KEYFRAME_REQUEST_INTERVAL).max(now)));
        }
    }

    /// A keyframe came, for everyone who waits.
    pub(crate) const fn handle_keyframe(&mut self) {
        self.due = None;
    }

    /// When the next request goes out.
    pub(crate) const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Whether to send a request now. Saying yes counts as sending it.
    pub(crate) fn take_due(&mut self, now: Instant) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.last_sent = Some(now);
        self.repeats += 1;
        self.due = (self.repeats < MAX_REPEATS).then_some(now + KEYFRAME_REQUEST_INTERVAL);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ms, start};

    #[test]
    fn a_thousand_requests_a_second_become_two() {
        let start = start();
        let mut requests = KeyframeRequests::default();
        let mut sent = 0;
        for millisecond in 0..10_000 {
            requests.request(start + ms(millisecond));
            sent += u32::from(requests.take_due(start + ms(millisecond)));
        }
        assert_eq!(sent, 20);
    }

    #[test]
    fn a_request_is_repeated_until_a_keyframe_comes() {
        let start = start();
        let mut requests = KeyframeRequests::default();
        requests.request(start);
        assert!(requests.take_due(start));
        assert!(!requests.take_due(start + ms(499)));
        assert!(requests.take_due(start + ms(500)));
        requests.handle_keyframe();
        assert_eq!(requests.poll_timeout(), None);
        assert!(!requests.take_due(start + ms(2_000)));
    }

    #[test]
    fn a_request_soon_after_a_keyframe_waits_for_the_interval() {
        let start = start();
        let mut requests = KeyframeRequests::default();
        requests.request(start);
        assert!(requests.take_due(start));
        requests.handle_keyframe();
        requests.request(start + ms(100));
        assert_eq!(requests.poll_timeout(), Some(start + ms(500)));
    }

    #[test]
    fn a_silent_publisher_is_not_asked_for_ever() {
        let start = start();
        let mut requests = KeyframeRequests::default();
        requests.request(start);
        let sent = (0..1_000).filter(|round| requests.take_due(start + ms(round * 500))).count();
        assert_eq!(sent, usize::from(MAX_REPEATS));
        assert_eq!(requests.poll_timeout(), None);
    }
}
