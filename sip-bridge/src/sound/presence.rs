// SPDX-License-Identifier: EUPL-1.2
//! Whether a telephone is still there. One that sends neither sound nor reports for longer than a call may be silent is
//! gone; one that still reports leaves out silence.

use std::time::{Duration, Instant};

/// See the [module](self).
pub(super) struct Presence {
    timeout: Duration,
    /// When a report came last.
    reported: Option<Instant>,
    /// The session has said that sound stays out.
    is_silent: bool,
    is_told: bool,
}

impl Presence {
    pub(super) const fn new(timeout: Duration) -> Self {
        Self { timeout, reported: None, is_silent: false, is_told: false }
    }

    /// Sound has come.
    pub(super) const fn note_sound(&mut self) {
        (self.is_silent, self.is_told) = (false, false);
    }

    /// A report has come.
    pub(super) const fn note_report(&mut self, now: Instant) {
        self.reported = Some(now);
    }

    /// Sound stays out, though it should not.
    pub(super) const fn note_silence(&mut self) {
        self.is_silent = true;
    }

    /// Something else was agreed on. Who holds a call need not send, and who takes it back has the whole time again.
    pub(super) const fn restart(&mut self) {
        (self.is_silent, self.is_told) = (false, false);
    }

    /// Whether the telephone is to be called gone now, which is once.
    pub(super) fn is_lost(&mut self, now: Instant) -> bool {
        let reports = self.reported.is_some_and(|reported| now.saturating_duration_since(reported) < self.timeout);
        if self.is_told || !self.is_silent || reports {
            return false;
        }
        self.is_told = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(60);

    #[test]
    fn who_neither_speaks_nor_reports_is_lost_once() {
        let start = Instant::now();
        let mut presence = Presence::new(TIMEOUT);
        assert!(!presence.is_lost(start));
        presence.note_silence();
        assert!(presence.is_lost(start));
        assert!(!presence.is_lost(start + TIMEOUT));
    }

    #[test]
    fn who_reports_is_there_until_the_reports_stay_out_too() {
        let start = Instant::now();
        let mut presence = Presence::new(TIMEOUT);
        presence.note_report(start + TIMEOUT / 2);
        presence.note_silence();
        assert!(!presence.is_lost(start + TIMEOUT));
        presence.note_report(start + TIMEOUT);
        assert!(!presence.is_lost(start + TIMEOUT * 2 - Duration::from_secs(1)));
        assert!(presence.is_lost(start + TIMEOUT * 2));
    }

    #[test]
    fn sound_and_a_hold_take_it_back() {
        let start = Instant::now();
        let mut presence = Presence::new(TIMEOUT);
        presence.note_silence();
        presence.note_sound();
        assert!(!presence.is_lost(start));
        presence.note_silence();
        presence.restart();
        assert!(!presence.is_lost(start));
    }
}
