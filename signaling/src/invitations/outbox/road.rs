// SPDX-License-Identifier: EUPL-1.2
//! Whether the way to the mail server is open. While it is not, one mail at a time finds out whether it is again, with
//! growing pauses: thousands of mails need not all fail, and go out soon after it is back.

use chrono::{DateTime, Duration, Utc};

/// The pause after the first mail that found it closed; it doubles each time.
const FIRST_PAUSE: Duration = Duration::seconds(1);

/// The longest pause.
const LAST_PAUSE: Duration = Duration::minutes(1);

/// What is known of the way.
#[derive(Debug, Default)]
pub(super) struct Road {
    failures: u32,
    closed_until: Option<DateTime<Utc>>,
}

impl Road {
    /// How many mails may set out, when so many are on their way and there is room for that many.
    pub(super) fn free(&self, under_way: usize, room: usize, now: DateTime<Utc>) -> usize {
        match self.closed_until {
            None => room.saturating_sub(under_way),
            Some(until) => usize::from(under_way == 0 && until <= now),
        }
    }

    /// A mail found it open, or closed.
    pub(super) fn note(&mut self, is_open: bool, now: DateTime<Utc>) {
        if is_open {
            *self = Self::default();
            return;
        }
        let pause = FIRST_PAUSE * 2_i32.pow(self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        self.closed_until = Some(now + pause.min(LAST_PAUSE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mail_at_a_time_looks_whether_the_way_is_open_again() {
        let mut road = Road::default();
        let now = Utc::now();
        assert_eq!((road.free(0, 4, now), road.free(3, 4, now), road.free(4, 4, now)), (4, 1, 0));
        road.note(false, now);
        assert_eq!(road.free(0, 4, now), 0, "there is a pause");
        assert_eq!(road.free(0, 4, now + FIRST_PAUSE), 1);
        assert_eq!(road.free(1, 4, now + FIRST_PAUSE), 0, "the others wait for what it finds");
        for _ in 0..100 {
            road.note(false, now);
        }
        assert_eq!(road.free(0, 4, now + LAST_PAUSE - Duration::seconds(1)), 0);
        assert_eq!(road.free(0, 4, now + LAST_PAUSE), 1);
        road.note(true, now);
        assert_eq!(road.free(0, 4, now), 4);
    }
}
