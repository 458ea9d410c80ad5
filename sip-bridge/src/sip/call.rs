// SPDX-License-Identifier: EUPL-1.2
//! One call: its dialogs, how far it is, and how it ends. How it begins is in `uac.rs` and `uas.rs`, what changes it in
//! `reinvite.rs`, what else is said in it in `in_dialog.rs`.

use std::time::{Duration, Instant};

use super::command::{CommandError, Reason};
use super::config::Config;
use super::core::Core;
use super::dialog::Dialog;
use super::event::{CallId, Cause, Event};
use super::flow::{ConnectionId, Flow, Transmit};
use super::message::{Method, Request, Response};
use super::offer_answer::Negotiation;
use super::own_headers::description;
use super::owner::{Job, LegId, Owner};
use super::reinvite::{Ours, Theirs};
use super::reliable_provisional::{Receiver, Sender};
use super::session_timer::{self, SessionTimer};
use super::transaction::{Delivery, NoAnswer, OtherWay, TransactionId};
use super::uac::Calling;
use super::uas::Called;

/// One dialog of a call.
pub(super) struct Leg {
    pub(super) id: LegId,
    pub(super) dialog: Dialog,
    pub(super) negotiation: Negotiation,
    pub(super) receiver: Receiver,
    /// Their answer to our offer, as they described it last before the 2xx, which need not have it once more
    /// (RFC 6337 §3.1.1). Each phone that rings has its own.
    pub(super) described: Option<Vec<u8>>,
    /// The RSeq of an offer in a provisional answer, whose PRACK waits for our answer.
    pub(super) unanswered_rseq: Option<u32>,
    pub(super) allows_update: bool,
}

/// How far it is.
pub(super) enum Phase {
    /// We call, and there is no final answer.
    Calling(Box<Calling>),
    /// They call, and we gave no final answer.
    Called(Box<Called>),
    /// It was answered.
    Up,
    /// We said BYE, and wait for the answer.
    Ending(Cause),
    /// It is over, and [`Event::Ended`] has been told.
    Over,
}

/// A 2xx of ours that waits for its ACK (RFC 3261 §13.3.1.4).
pub(super) struct Unacknowledged {
    transaction: TransactionId,
    cseq: u32,
    transmit: Transmit,
    interval: Duration,
    retransmit_at: Instant,
    gives_up_at: Instant,
    /// Whether it answered the first INVITE: then there must be no BYE before the ACK (§15).
    is_first: bool,
}

/// An offer in a 2xx, whose ACK waits for our answer.
pub(super) struct HeldAck {
    pub(super) transaction: TransactionId,
    pub(super) invite: Request,
}

pub(super) struct Call {
    pub(super) id: CallId,
    /// Whether we made it, and with it the Call-ID.
    pub(super) is_caller: bool,
    pub(super) phase: Phase,
    /// One, except for a call that we make and that is not answered.
    pub(super) legs: Vec<Leg>,
    pub(super) timer: SessionTimer,
    /// What we described last, for a refresh.
    pub(super) local_sdp: Option<Vec<u8>>,
    pub(super) sender: Option<Sender>,
    pub(super) unacknowledged: Option<Unacknowledged>,
    pub(super) held_ack: Option<HeldAck>,
    pub(super) theirs: Option<Theirs>,
    pub(super) ours: Option<Ours>,
    /// To be done when the ACK is here.
    hang_up: Option<Option<String>>,
    pub(super) rings_until: Option<Instant>,
    /// The number of the REFER of ours that is under way, so that NOTIFY makes sense.
    pub(super) referring: Option<u32>,
}

impl Call {
    pub(super) fn new(id: CallId, is_caller: bool, phase: Phase, core: &Core, now: Instant) -> Self {
        Self {
            id,
            is_caller,
            phase,
            legs: Vec::new(),
            timer: SessionTimer::new(&core.config),
            local_sdp: None,
            sender: None,
            unacknowledged: None,
            held_ack: None,
            theirs: None,
            ours: None,
            hang_up: None,
            rings_until: Some(now + core.config.ring_timeout),
            referring: None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    pub(super) fn leg_by_tag(&mut self, tag: &str) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.dialog.remote_tag() == tag)
    }

    pub(super) fn leg_by_id(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.id == id)
    }

    /// Whether it is a call of ours to which nothing was answered at all.
    pub(super) fn is_unheard(&self) -> bool {
        matches!(&self.phase, Phase::Calling(calling) if !calling.was_heard())
    }

    /// The tag that is ours in all of the call's dialogs.
    pub(super) fn local_tag(&self) -> &str {
        self.legs.first().map_or("", |leg| leg.dialog.local_tag())
    }

    /// A connection is gone. What is still to be said goes by another.
    pub(super) fn handle_connection_lost(&mut self, connection: ConnectionId) {
        for leg in &mut self.legs {
            leg.dialog.handle_connection_lost(connection);
        }
    }

    /// How a request of ours goes on whose connection is gone. `None`: it is in none of the call's dialogs, and begins
    /// none that is wanted.
    pub(super) fn way_of(&self, request: &Request, config: &Config) -> Option<OtherWay> {
        let Some(tag) = request.headers.to.tag() else { return self.way_of_invite(&request.method) };
        let leg = self.legs.iter().find(|leg| leg.dialog.remote_tag() == tag)?;
        Some(OtherWay::Again(leg.dialog.next_flow(config)))
    }

    /// Sends a request in the call's dialog.
    pub(super) fn send(
        &mut self,
        now: Instant,
        core: &mut Core,
        job: Job,
        method: Method,
        fill: impl FnOnce(&mut Request),
    ) -> Result<TransactionId, CommandError> {
        let leg = self.legs.first_mut().ok_or(CommandError::WrongState)?;
        let (mut request, flow) = leg.dialog.request(method, &core.config);
        fill(&mut request);
        core.send(now, flow, request, Owner::Call(self.id, job)).map_err(|_| CommandError::Full)
    }

    /// Sends a 2xx to an INVITE, and again until its ACK is here.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        core: &mut Core,
        id: TransactionId,
        response: Response,
        is_first: bool,
    ) {
        let cseq = response.headers.cseq.number;
        let timers = core.config.timers;
        let Some(transmit) = core.respond(now, id, response) else { return };
        self.unacknowledged = Some(Unacknowledged {
            transaction: id,
            cseq,
            transmit,
            interval: timers.t1,
            retransmit_at: now + timers.t1,
            gives_up_at: now + timers.patience(),
            is_first,
        });
    }

    /// The ACK of a 2xx.
    pub(super) fn handle_ack(&mut self, now: Instant, core: &mut Core, flow: Flow, ack: &Request) {
        if self.unacknowledged.as_ref().is_none_or(|one| one.cseq != ack.headers.cseq.number) {
            return;
        }
        let tag = ack.headers.from.tag().unwrap_or_default();
        let Some(leg) = self.leg_by_tag(tag) else { return };
        leg.dialog.handle_heard(flow);
        let sdp = description(&ack.headers, &ack.body);
        self.settle_ack(now, core, sdp);
    }

    /// The other side has our 2xx.
    pub(super) fn settle_ack(&mut self, now: Instant, core: &mut Core, sdp: Option<Vec<u8>>) {
        self.unacknowledged = None;
        let Some(leg) = self.legs.first_mut() else { return };
        let is_answer = leg.negotiation == Negotiation::OfferedByUs;
        if is_answer {
            leg.negotiation.close();
        }
        if !matches!(self.phase, Phase::Up) {
            return;
        }
        let flow = leg.dialog.heard_on();
        core.events.push_back(Event::Acked { call: self.id, flow, sdp: sdp.filter(|_| is_answer) });
        if let Some(reason) = self.hang_up.take() {
            self.bye(now, core, reason, Cause::HungUp);
        }
    }

    /// The command: ends the call, whatever state it is in.
    pub(super) fn hang_up(&mut self, now: Instant, core: &mut Core, reason: &Reason) -> Result<(), CommandError> {
        match &self.phase {
            Phase::Calling(_) => self.cancel(now, core, Cause::Cancelled, reason.header()),
            Phase::Called(_) => return self.reject(now, core, 480, "Temporarily Unavailable", &[]),
            Phase::Up if self.unacknowledged.as_ref().is_some_and(|one| one.is_first) => {
                self.hang_up = Some(reason.header());
            }
            Phase::Up => self.bye(now, core, reason.header(), Cause::HungUp),
            Phase::Ending(_) | Phase::Over => return Err(CommandError::WrongState),
        }
        Ok(())
    }

    /// Says BYE (RFC 3261 §15.1.1), and waits for the answer to it.
    pub(super) fn bye(&mut self, now: Instant, core: &mut Core, reason: Option<String>, cause: Cause) {
        if matches!(self.phase, Phase::Ending(_) | Phase::Over) {
            return;
        }
        // An offer in a 2xx that nobody will answer any more: the ACK is owed all the same.
        if let (Some(held), Some(leg)) = (self.held_ack.take(), self.legs.first()) {
            core.acknowledge(held.transaction, &held.invite, &leg.dialog, None);
        }
        self.stop(now, core);
        let sent = self.send(now, core, Job::Bye, Method::Bye, |bye| {
            if let Some(reason) = reason {
                bye.headers.push("Reason", reason);
            }
        });
        match sent {
            Ok(_) => self.phase = Phase::Ending(cause),
            // The table is full. The other side finds out by its own means.
            Err(_) => self.end(now, core, cause),
        }
    }

    /// Nothing goes on in the call any more: what they want of it is refused, and nothing is repeated.
    fn stop(&mut self, now: Instant, core: &mut Core) {
        self.timer.stop();
        self.unacknowledged = None;
        self.ours = None;
        self.rings_until = None;
        self.sender = None;
        if let Some(theirs) = self.theirs.take() {
            core.refuse(now, theirs.transaction, &theirs.request, 487, "Request Terminated");
        }
    }

    /// The call is over, and forgotten.
    pub(super) fn end(&mut self, now: Instant, core: &mut Core, cause: Cause) {
        if self.is_over() {
            return;
        }
        self.stop(now, core);
        for leg in &self.legs {
            core.dialogs.remove(&leg.dialog.key());
        }
        self.phase = Phase::Over;
        core.events.push_back(Event::Ended { call: self.id, cause });
    }

    /// An answer to a request of the call.
    pub(super) fn handle_response(&mut self, now: Instant, core: &mut Core, flow: Flow, job: Job, delivery: Delivery) {
        match job {
            Job::Invite => self.handle_invite_response(now, core, flow, delivery),
            Job::Bye => self.handle_bye_response(now, core, delivery.response.status),
            Job::Reinvite => self.handle_reinvite_response(now, core, flow, &delivery),
            Job::Update => self.handle_update_response(now, core, &delivery.response),
            Job::Info => self.handle_info_response(now, core, delivery.response.status),
            Job::Refer => self.handle_refer_response(core, delivery.response.status),
            // The INVITE's own answer says what came of it.
            Job::Cancel | Job::Prack(_) | Job::Notify => {}
        }
    }

    fn handle_bye_response(&mut self, now: Instant, core: &mut Core, status: u16) {
        if let (Phase::Ending(cause), 200..) = (&self.phase, status) {
            let cause = cause.clone();
            self.end(now, core, cause);
        }
    }

    /// A request of the call has no answer.
    pub(super) fn handle_failure(&mut self, now: Instant, core: &mut Core, job: Job, why: NoAnswer) {
        let cause = match why {
            NoAnswer::TimedOut => Cause::Unreachable,
            NoAnswer::NotSent => Cause::TransportFailed,
            NoAnswer::ConnectionLost => Cause::ConnectionLost,
        };
        match job {
            Job::Invite => self.handle_invite_failure(now, core, cause),
            Job::Bye => self.handle_bye_response(now, core, 408),
            Job::Reinvite | Job::Update => self.handle_reoffer_failure(now, core, cause),
            Job::Info => self.handle_info_response(now, core, 408),
            Job::Refer => self.handle_refer_response(core, 408),
            Job::Cancel | Job::Prack(_) | Job::Notify => {}
        }
    }

    /// Their BYE, which has been answered.
    pub(super) fn handle_bye(&mut self, now: Instant, core: &mut Core, bye: &Request) {
        let reasons = bye.headers.all("Reason").map(str::to_owned).collect();
        if matches!(self.phase, Phase::Calling(_)) {
            return self.drop_leg(now, core, bye, Cause::HungUpByPeer { reasons });
        }
        if let Phase::Called(called) = &self.phase {
            let (transaction, invite, tag) = (called.transaction, called.invite.clone(), self.local_tag().to_owned());
            let answer = super::own_headers::answer(&invite, 487, "Request Terminated", &tag, &core.config);
            core.respond(now, transaction, answer);
        }
        let cause = match &self.phase {
            Phase::Ending(cause) => cause.clone(),
            _ => Cause::HungUpByPeer { reasons },
        };
        self.end(now, core, cause);
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let unacknowledged = self.unacknowledged.as_ref().map(|one| one.retransmit_at.min(one.gives_up_at));
        let phase = match &self.phase {
            Phase::Calling(calling) => calling.next_timeout(),
            Phase::Called(called) => called.next_timeout(),
            Phase::Up | Phase::Ending(_) | Phase::Over => None,
        };
        let sender = self.sender.as_ref().and_then(Sender::next_timeout);
        let theirs = self.theirs.as_ref().map(|theirs| theirs.until);
        let ours = self.ours.as_ref().and_then(|ours| ours.retry_at);
        let all = [self.rings_until, unacknowledged, phase, sender, theirs, ours, self.timer.next_timeout()];
        all.into_iter().flatten().min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, core: &mut Core) {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.rings_until) {
            self.rings_until = None;
            match self.phase {
                Phase::Calling(_) => self.cancel(now, core, Cause::RingTimeout, None),
                Phase::Called(_) => {
                    self.refuse_unanswered(now, core, 480, "Temporarily Unavailable", Cause::RingTimeout)
                }
                Phase::Up | Phase::Ending(_) | Phase::Over => {}
            }
        }
        self.handle_calling_timeout(now, core);
        self.handle_called_timeout(now, core);
        self.handle_unacknowledged_timeout(now, core);
        self.handle_reoffer_timeout(now, core);
        match self.timer.handle_timeout(now) {
            session_timer::Due::Nothing => {}
            session_timer::Due::Refresh => self.refresh(now, core),
            session_timer::Due::Expired => {
                let reason = Reason::Sip(408, "session expired".to_owned()).header();
                self.bye(now, core, reason, Cause::SessionExpired);
            }
        }
    }

    fn handle_unacknowledged_timeout(&mut self, now: Instant, core: &mut Core) {
        let Some(one) = &mut self.unacknowledged else { return };
        if one.gives_up_at <= now {
            self.unacknowledged = None;
            self.bye(now, core, None, Cause::NoAck);
        } else if one.retransmit_at <= now {
            one.interval = (one.interval * 2).min(core.config.timers.t2);
            one.retransmit_at = now + one.interval;
            // Their INVITE may have come by another connection since, or that of the first be gone.
            if let Some(flow) = core.transactions.reply_flow(one.transaction) {
                one.transmit.flow = flow;
            }
            core.transactions.send_once(one.transmit.flow, one.transmit.message.clone());
        }
    }
}
