// SPDX-License-Identifier: EUPL-1.2
//! The transaction of an INVITE that we send: RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §7.2. It keeps time and
//! says what to do; who asks it holds the messages.

use std::time::{Duration, Instant};

use super::{ClientVerdict, Expiry};
use crate::sip::config::Timers;

enum State {
    Calling,
    Proceeding,
    Completed,
    Accepted,
}

pub(super) struct ClientInvite {
    state: State,
    is_reliable: bool,
    interval: Duration,
    /// Timer A.
    retransmit_at: Option<Instant>,
    /// Timer B, D or M.
    ends_at: Option<Instant>,
}

impl ClientInvite {
    pub(super) fn new(now: Instant, timers: &Timers, is_reliable: bool) -> Self {
        Self {
            state: State::Calling,
            is_reliable,
            interval: timers.t1,
            retransmit_at: (!is_reliable).then(|| now + timers.t1),
            ends_at: Some(now + timers.patience()),
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.retransmit_at.into_iter().chain(self.ends_at).min()
    }

    pub(super) fn handle_response(&mut self, now: Instant, status: u16, timers: &Timers) -> ClientVerdict {
        match (&self.state, status) {
            (State::Calling | State::Proceeding, ..200) => {
                self.state = State::Proceeding;
                self.retransmit_at = None;
                self.ends_at = None;
                ClientVerdict::Deliver
            }
            (State::Calling | State::Proceeding | State::Accepted, 200..300) => {
                if !matches!(self.state, State::Accepted) {
                    self.state = State::Accepted;
                    self.retransmit_at = None;
                    self.ends_at = Some(now + timers.patience());
                }
                ClientVerdict::Deliver
            }
            (State::Calling | State::Proceeding, _) => {
                self.state = State::Completed;
                self.retransmit_at = None;
                self.ends_at = Some(if self.is_reliable { now } else { now + timers.d });
                ClientVerdict::AckAndDeliver
            }
            (State::Completed, 300..) => ClientVerdict::Ack,
            (State::Completed | State::Accepted, _) => ClientVerdict::Drop,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Expiry {
        if self.ends_at.is_some_and(|at| at <= now) {
            return if matches!(self.state, State::Calling) { Expiry::TimedOut } else { Expiry::Finished };
        }
        if self.retransmit_at.is_some_and(|at| at <= now) {
            self.interval *= 2;
            self.retransmit_at = Some(now + self.interval);
            return Expiry::Retransmit;
        }
        Expiry::Nothing
    }

    /// Whether there was no final answer yet.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding)
    }
}
