// SPDX-License-Identifier: EUPL-1.2
//! The transaction of any other request that we get: RFC 3261 §17.2.2.

use std::time::Instant;

use super::Expiry;
use crate::sip::config::Timers;

enum State {
    Trying,
    Completed,
}

pub(super) struct ServerRequest {
    state: State,
    is_reliable: bool,
    /// Timer J. Before the answer it is a guard: who asked has given up by then.
    ends_at: Instant,
}

impl ServerRequest {
    pub(super) fn new(now: Instant, timers: &Timers, is_reliable: bool) -> Self {
        Self { state: State::Trying, is_reliable, ends_at: now + timers.patience() }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        Some(self.ends_at)
    }

    /// Whether an answer may be sent now; notes that it is.
    pub(super) fn handle_answer(&mut self, now: Instant, status: u16, timers: &Timers) -> bool {
        if matches!(self.state, State::Completed) {
            return false;
        }
        if status >= 200 {
            self.state = State::Completed;
            self.ends_at = if self.is_reliable { now } else { now + timers.patience() };
        }
        true
    }

    pub(super) fn handle_timeout(&self, now: Instant) -> Expiry {
        if self.ends_at <= now { Expiry::Finished } else { Expiry::Nothing }
    }
}
