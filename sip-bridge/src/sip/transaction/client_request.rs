// SPDX-License-Identifier: EUPL-1.2
//! The transaction of any other request that we send: RFC 3261 §17.1.2.

use std::time::{Duration, Instant};

use super::{ClientVerdict, Expiry};
use crate::sip::config::Timers;

enum State {
    Trying,
    Proceeding,
    Completed,
}

pub(super) struct ClientRequest {
    state: State,
    is_reliable: bool,
    interval: Duration,
    /// Timer E.
    retransmit_at: Option<Instant>,
    /// Timer F or K.
    ends_at: Instant,
}

impl ClientRequest {
    pub(super) fn new(now: Instant, timers: &Timers, is_reliable: bool) -> Self {
        Self {
            state: State::Trying,
            is_reliable,
            interval: timers.t1,
            retransmit_at: (!is_reliable).then(|| now + timers.t1),
            ends_at: now + timers.patience(),
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        Some(self.retransmit_at.map_or(self.ends_at, |at| at.min(self.ends_at)))
    }

    pub(super) fn handle_response(&mut self, now: Instant, status: u16, timers: &Timers) -> ClientVerdict {
        match (&self.state, status) {
            (State::Completed, _) => ClientVerdict::Drop,
            (_, ..200) => {
                self.state = State::Proceeding;
                ClientVerdict::Deliver
            }
            _ => {
                self.state = State::Completed;
                self.retransmit_at = None;
                self.ends_at = if self.is_reliable { now } else { now + timers.t4 };
                ClientVerdict::Deliver
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, timers: &Timers) -> Expiry {
        if self.ends_at <= now {
            return if matches!(self.state, State::Completed) { Expiry::Finished } else { Expiry::TimedOut };
        }
        if self.retransmit_at.is_some_and(|at| at <= now) {
            self.interval = match self.state {
                State::Trying => (self.interval * 2).min(timers.t2),
                _ => timers.t2,
            };
            self.retransmit_at = Some(now + self.interval);
            return Expiry::Retransmit;
        }
        Expiry::Nothing
    }

    /// Whether there was no final answer yet.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Completed)
    }
}
