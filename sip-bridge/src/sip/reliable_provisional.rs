// SPDX-License-Identifier: EUPL-1.2
//! Provisional answers that are acknowledged (RFC 3262). Both roles: what of ours waits for its PRACK, and whether one of
//! theirs is the next in order.

use std::time::{Duration, Instant};

use super::config::Timers;
use super::message::{Headers, Method, Response};
use super::own_headers::description;

/// The one that waits for its PRACK. There is one at a time (§3).
struct Unacknowledged {
    rseq: u32,
    response: Response,
    interval: Duration,
    retransmit_at: Instant,
    gives_up_at: Instant,
    /// After the final answer it is not sent again, but a PRACK for it is still right (§3).
    is_quiet: bool,
}

/// What is due.
pub(super) enum Due {
    Nothing,
    /// To be sent again.
    Retransmit(Box<Response>),
    /// No PRACK in all the time: the INVITE is refused (§3).
    GivenUp,
}

/// Ours, for one INVITE.
pub(super) struct Sender {
    next_rseq: u32,
    invite_cseq: u32,
    waiting: Option<Unacknowledged>,
}

impl Sender {
    pub(super) fn new(first_rseq: u32, invite_cseq: u32) -> Self {
        Self { next_rseq: first_rseq, invite_cseq, waiting: None }
    }

    /// Whether one waits for its PRACK.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether the one that waits has a session description: then there must be no 2xx before (§3).
    pub(super) fn holds_back_answer(&self) -> bool {
        self.waiting.as_ref().is_some_and(|one| description(&one.response.headers, &one.response.body).is_some())
    }

    /// Makes an answer a reliable one, which the caller then sends.
    pub(super) fn send(&mut self, now: Instant, mut response: Response, timers: &Timers) -> Response {
        let rseq = self.next_rseq;
        self.next_rseq = rseq.saturating_add(1);
        response.headers.push("Require", "100rel");
        response.headers.set("RSeq", rseq.to_string());
        self.waiting = Some(Unacknowledged {
            rseq,
            response: response.clone(),
            interval: timers.t1,
            retransmit_at: now + timers.t1,
            gives_up_at: now + timers.patience(),
            is_quiet: false,
        });
        response
    }

    /// A PRACK: whether it is for the one that waits.
    pub(super) fn handle_prack(&mut self, headers: &Headers) -> bool {
        let matches = self
            .waiting
            .as_ref()
            .is_some_and(|one| parse_rack(headers) == Some((one.rseq, self.invite_cseq, Method::Invite)));
        if matches {
            self.waiting = None;
        }
        matches
    }

    /// The INVITE has its final answer.
    pub(super) fn stop(&mut self) {
        if let Some(one) = &mut self.waiting {
            one.is_quiet = true;
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let waiting = self.waiting.as_ref().filter(|one| !one.is_quiet);
        waiting.map(|one| one.retransmit_at.min(one.gives_up_at))
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Due {
        let Some(one) = self.waiting.as_mut().filter(|one| !one.is_quiet) else { return Due::Nothing };
        if one.gives_up_at <= now {
            self.waiting = None;
            return Due::GivenUp;
        }
        if one.retransmit_at <= now {
            one.interval *= 2;
            one.retransmit_at = now + one.interval;
            return Due::Retransmit(Box::new(one.response.clone()));
        }
        Due::Nothing
    }
}

/// `RAck: 776656 1 INVITE`
fn parse_rack(headers: &Headers) -> Option<(u32, u32, Method)> {
    let mut parts = headers.get("RAck")?.split_ascii_whitespace();
    let rseq = parts.next()?.parse().ok()?;
    let cseq = parts.next()?.parse().ok()?;
    let method = Method::from_name(parts.next()?);
    parts.next().is_none().then_some((rseq, cseq, method))
}

/// Theirs, in one dialog (§4).
#[derive(Clone, Default)]
pub(super) struct Receiver {
    last_rseq: Option<u32>,
}

/// What an answer of theirs is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is not a reliable one.
    Plain,
    /// It is, the next in order, and wants a PRACK.
    Next(u32),
    /// It is, and a repetition or out of order: nothing is done about it.
    OutOfOrder,
}

impl Receiver {
    /// Whether there was none.
    pub(super) fn is_fresh(&self) -> bool {
        self.last_rseq.is_none()
    }

    pub(super) fn handle(&mut self, headers: &Headers) -> Kind {
        let rseq = headers.get("RSeq").and_then(|value| value.trim().parse::<u32>().ok());
        let (true, Some(rseq)) = (headers.has_token("Require", "100rel"), rseq) else { return Kind::Plain };
        if self.last_rseq.is_some_and(|last| last.checked_add(1) != Some(rseq)) {
            return Kind::OutOfOrder;
        }
        self.last_rseq = Some(rseq);
        Kind::Next(rseq)
    }
}
