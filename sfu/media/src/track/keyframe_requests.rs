// SPDX-License-Identifier: EUPL-1.2
//! When to ask for a keyframe of one layer: requests are merged, spaced, and repeated while unanswered. A track asks its
//! publisher by it, a feed asks its track.

use std::time::{Duration, Instant};

/// Browsers ignore faster requests, and each keyframe costs several frames' worth of bitrate.
pub const KEYFRAME_REQUEST_INTERVAL: Duration = Duration::from_millis(500);

/// One request may be lost, three in a row rarely. Whoever still waits then asks again, with each packet that it cannot
/// use and each time that its shard looks after it.
pub(crate) const MAX_TRIES: u8 = 4;

/// The requests for one layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyframeRequests {
    max_tries: u8,
    tries: u8,
    /// When to send the next one; `None` while nobody waits.
    due: Option<Instant>,
    last_sent: Option<Instant>,
}

impl KeyframeRequests {
    /// Each request is sent so many times at most, unless it is made again.
    pub(crate) const fn new(max_tries: u8) -> Self {
        Self { max_tries, tries: 0, due: None, last_sent: None }
    }

    /// Somebody needs a keyframe.
    pub(crate) fn request(&mut self, now: Instant) {
        self.tries = 0;
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
        self.tries += 1;
        self.due = (self.tries < self.max_tries).then_some(now + KEYFRAME_REQUEST_INTERVAL);
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
        let mut requests = KeyframeRequests::new(MAX_TRIES);
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
        let mut requests = KeyframeRequests::new(MAX_TRIES);
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
        let mut requests = KeyframeRequests::new(MAX_TRIES);
        requests.request(start);
        assert!(requests.take_due(start));
        requests.handle_keyframe();
        requests.request(start + ms(100));
        assert_eq!(requests.poll_timeout(), Some(start + ms(500)));
    }

    #[test]
    fn a_silent_publisher_is_not_asked_for_ever() {
        let start = start();
        let mut requests = KeyframeRequests::new(MAX_TRIES);
        requests.request(start);
        let sent = (0..1_000).filter(|round| requests.take_due(start + ms(round * 500))).count();
        assert_eq!(sent, usize::from(MAX_TRIES));
        assert_eq!(requests.poll_timeout(), None);
    }
}
