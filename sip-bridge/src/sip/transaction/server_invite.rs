// SPDX-License-Identifier: EUPL-1.2
//! The transaction of an INVITE that we get: RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §7.1. A 2xx is repeated
//! by the call, not here.

use std::time::{Duration, Instant};

use super::Expiry;
use crate::sip::config::Timers;

enum State {
    Proceeding,
    Completed,
    Confirmed,
    Accepted,
}

pub(super) struct ServerInvite {
    state: State,
    is_reliable: bool,
    interval: Duration,
    /// Timer G.
    retransmit_at: Option<Instant>,
    /// Timer H, I or L.
    ends_at: Option<Instant>,
}

impl ServerInvite {
    pub(super) fn new(timers: &Timers, is_reliable: bool) -> Self {
        Self { state: State::Proceeding, is_reliable, interval: timers.t1, retransmit_at: None, ends_at: None }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.retransmit_at.into_iter().chain(self.ends_at).min()
    }

    /// Whether an answer may be sent now; notes that it is. 2xx may be repeated.
    pub(super) fn handle_answer(&mut self, now: Instant, status: u16, timers: &Timers) -> bool {
        match (&self.state, status) {
            (State::Proceeding, ..200) => true,
            (State::Proceeding, 200..300) => {
                self.state = State::Accepted;
                self.ends_at = Some(now + timers.patience());
                true
            }
            (State::Proceeding, _) => {
                self.state = State::Completed;
                self.retransmit_at = (!self.is_reliable).then(|| now + timers.t1);
                self.ends_at = Some(now + timers.patience());
                true
            }
            _ => false,
        }
    }

    /// Whether the answer was a 2xx.
    pub(super) const fn is_accepted(&self) -> bool {
        matches!(self.state, State::Accepted)
    }

    /// Whether a repeated INVITE gets the last answer again.
    pub(super) fn handle_repetition(&self) -> bool {
        matches!(self.state, State::Proceeding | State::Completed)
    }

    /// An ACK with the INVITE's branch: that of an answer of 300 and above.
    pub(super) fn handle_ack(&mut self, now: Instant, timers: &Timers) {
        if matches!(self.state, State::Completed) {
            self.state = State::Confirmed;
            self.retransmit_at = None;
            self.ends_at = Some(if self.is_reliable { now } else { now + timers.t4 });
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> Expiry {
        if self.ends_at.is_some_and(|at| at <= now) {
            return Expiry::Finished;
        }
        if self.retransmit_at.is_some_and(|at| at <= now) {
            self.interval = (self.interval * 2).min(timers.t2);
            self.retransmit_at = Some(now + self.interval);
            return Expiry::Retransmit;
        }
        Expiry::Nothing
    }
}
