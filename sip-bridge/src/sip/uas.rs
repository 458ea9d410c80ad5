// SPDX-License-Identifier: EUPL-1.2
//! Calls that come in, until they are answered (RFC 3261 §13.3, RFC 3262 §3).

use std::time::{Duration, Instant};

use super::call::{Call, Leg, Phase};
use super::command::CommandError;
use super::config::ReliableUse;
use super::core::Core;
use super::dialog::Dialog;
use super::event::{CallId, Cause, Event};
use super::flow::Flow;
use super::message::{Request, Response};
use super::offer_answer::Negotiation;
use super::own_headers::{self, ALLOW, SUPPORTED, allows, describe, description, supports};
use super::owner::LegId;
use super::reliable_provisional::{Due, Receiver, Sender};
use super::session_timer::Agreed;
use super::transaction::TransactionId;

/// Proxies give up a call of which they hear nothing for three minutes; so it is told again each minute (§13.3.1.1).
const PROGRESS_INTERVAL: Duration = Duration::from_secs(60);

/// A call without a final answer.
pub(super) struct Called {
    pub(super) transaction: TransactionId,
    pub(super) invite: Request,
    agreed: Option<Agreed>,
    /// Whether the INVITE requires reliable provisional answers.
    must_be_reliable: bool,
    /// Whether our description has gone out reliably, so that the 2xx has none.
    has_described: bool,
    /// Rings while a reliable answer waits for its PRACK: only the last one counts.
    next_ring: Option<Option<Vec<u8>>>,
    /// An answer that waits for the same.
    next_answer: Option<Vec<u8>>,
    last_plain: Option<Response>,
    repeat_at: Option<Instant>,
}

impl Called {
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.repeat_at
    }
}

impl Call {
    /// Of an INVITE outside of dialogs. `None`: it was refused.
    pub(super) fn incoming(
        now: Instant,
        core: &mut Core,
        id: CallId,
        flow: Flow,
        transaction: TransactionId,
        invite: Request,
    ) -> Option<Self> {
        let (tag, cseq) = (core.tokens.tag(), core.tokens.first_number());
        let Some(dialog) = Dialog::of_incoming(&invite, &tag, flow, cseq, &core.config) else {
            core.refuse(now, transaction, &invite, 400, "Contact Or Record-Route Unusable");
            return None;
        };
        let must_be_reliable = invite.headers.has_token("Require", "100rel");
        let called = Called {
            transaction,
            invite: invite.clone(),
            agreed: None,
            must_be_reliable,
            has_described: false,
            next_ring: None,
            next_answer: None,
            last_plain: None,
            repeat_at: None,
        };
        let mut call = Self::new(id, false, Phase::Called(Box::new(called)), core, now);
        match call.timer.consider(&invite.headers) {
            Ok(agreed) => {
                if let Phase::Called(called) = &mut call.phase {
                    called.agreed = agreed;
                }
            }
            Err(minimum) => {
                let header = ("Min-SE", minimum.as_secs().to_string());
                core.refuse_with(now, transaction, &invite, (422, "Session Interval Too Small"), header);
                return None;
            }
        }
        let may_be_reliable = core.config.reliable_provisional == ReliableUse::IfSupported;
        if must_be_reliable || (may_be_reliable && supports(&invite.headers, "100rel")) {
            call.sender = Some(Sender::new(core.tokens.first_number(), invite.headers.cseq.number));
        }
        let sdp = description(&invite.headers, &invite.body);
        core.dialogs.insert(dialog.key(), id);
        call.legs.push(Leg {
            id: LegId(0),
            dialog,
            negotiation: if sdp.is_some() { Negotiation::OfferedByPeer } else { Negotiation::Idle },
            receiver: Receiver::default(),
            described: None,
            unanswered_rseq: None,
            allows_update: allows(&invite.headers, "UPDATE"),
        });
        core.transactions.set_call(transaction, id);
        core.respond(now, transaction, invite.response(100, "Trying"));
        core.events.push_back(Event::Incoming { call: id, request: Box::new(invite), flow, sdp });
        Some(call)
    }

    /// An answer to the first INVITE that makes or keeps the dialog (§12.1.1).
    fn answer_in_dialog(&self, core: &Core, status: u16, reason: &str) -> Option<(TransactionId, Response)> {
        let (Phase::Called(called), Some(leg)) = (&self.phase, self.legs.first()) else { return None };
        let mut response = called.invite.response(status, reason);
        own_headers::set_tag(&mut response, leg.dialog.local_tag());
        response.headers.record_route = called.invite.headers.record_route.clone();
        response.headers.contact = vec![leg.dialog.contact(&core.config)];
        response.headers.set("Allow", ALLOW);
        response.headers.set("Supported", SUPPORTED);
        Some((called.transaction, response))
    }

    /// The command: 180, or 183 with a description.
    pub(super) fn ring(&mut self, now: Instant, core: &mut Core, sdp: Option<Vec<u8>>) -> Result<(), CommandError> {
        let (status, reason) = if sdp.is_some() { (183, "Session Progress") } else { (180, "Ringing") };
        let (transaction, mut response) =
            self.answer_in_dialog(core, status, reason).ok_or(CommandError::WrongState)?;
        let (Phase::Called(called), Some(leg)) = (&mut self.phase, self.legs.first_mut()) else {
            return Err(CommandError::WrongState);
        };
        if called.next_answer.is_some() {
            return Err(CommandError::WrongState);
        }
        let had_offer = leg.negotiation == Negotiation::OfferedByPeer;
        let sdp = sdp.filter(|_| !called.has_described);
        // Without an offer in the INVITE the first reliable answer has to bring one (RFC 3262 §5).
        let lacks_offer = !had_offer && !called.has_described && sdp.is_none();
        if let Some(sender) = self.sender.as_mut().filter(|_| !lacks_offer) {
            if sender.is_waiting() {
                called.next_ring = Some(sdp);
                return Ok(());
            }
            if let Some(sdp) = sdp {
                called.has_described = true;
                leg.negotiation = if had_offer { Negotiation::Idle } else { Negotiation::OfferedByUs };
                self.local_sdp = Some(sdp.clone());
                describe(&mut response.headers, &mut response.body, sdp);
            }
            called.repeat_at = Some(now + PROGRESS_INTERVAL);
            let response = sender.send(now, response, &core.config.timers);
            core.respond(now, transaction, response);
            return Ok(());
        }
        if called.must_be_reliable {
            // Nothing that may be sent could be: it goes on with 100 alone.
            return Ok(());
        }
        // What an unreliable answer describes is only a preview of the 2xx, and never an offer (RFC 6337 §2.2).
        if let Some(sdp) = sdp.filter(|_| had_offer) {
            describe(&mut response.headers, &mut response.body, sdp);
        }
        called.last_plain = Some(response.clone());
        called.repeat_at = Some(now + PROGRESS_INTERVAL);
        core.respond(now, transaction, response);
        Ok(())
    }

    /// The command: 200.
    pub(super) fn answer(&mut self, now: Instant, core: &mut Core, sdp: Vec<u8>) -> Result<(), CommandError> {
        let holds_back = self.sender.as_ref().is_some_and(Sender::holds_back_answer) || self.theirs.is_some();
        let (transaction, mut response) = self.answer_in_dialog(core, 200, "OK").ok_or(CommandError::WrongState)?;
        let (Phase::Called(called), Some(leg)) = (&mut self.phase, self.legs.first_mut()) else {
            return Err(CommandError::WrongState);
        };
        if holds_back {
            called.next_answer = Some(sdp);
            return Ok(());
        }
        if !called.has_described {
            leg.negotiation = match leg.negotiation {
                Negotiation::OfferedByPeer => Negotiation::Idle,
                Negotiation::Idle | Negotiation::OfferedByUs => Negotiation::OfferedByUs,
            };
            self.local_sdp = Some(sdp.clone());
            describe(&mut response.headers, &mut response.body, sdp);
        }
        self.timer.agree(now, called.agreed, &mut response.headers);
        if let Some(sender) = &mut self.sender {
            sender.stop();
        }
        self.rings_until = None;
        self.phase = Phase::Up;
        self.accept(now, core, transaction, response, true);
        Ok(())
    }

    /// The command: no.
    pub(super) fn reject(
        &mut self,
        now: Instant,
        core: &mut Core,
        status: u16,
        reason: &str,
        headers: &[(String, String)],
    ) -> Result<(), CommandError> {
        let Phase::Called(called) = &self.phase else { return Err(CommandError::WrongState) };
        let status = if (300..700).contains(&status) { status } else { 603 };
        let mut response = own_headers::answer(&called.invite, status, reason, self.local_tag(), &core.config);
        for (name, value) in headers {
            response.headers.push(name, value.as_str());
        }
        core.respond(now, called.transaction, response);
        self.end(now, core, Cause::RefusedByUs { status });
        Ok(())
    }

    /// The same for our own reasons.
    pub(super) fn refuse_unanswered(&mut self, now: Instant, core: &mut Core, status: u16, reason: &str, cause: Cause) {
        let Phase::Called(called) = &self.phase else { return };
        let response = own_headers::answer(&called.invite, status, reason, self.local_tag(), &core.config);
        core.respond(now, called.transaction, response);
        self.end(now, core, cause);
    }

    /// Their CANCEL, which has been answered (§9.2). It comes too late for a call that was answered.
    pub(super) fn handle_cancel(&mut self, now: Instant, core: &mut Core, cancel: &Request) {
        if matches!(self.phase, Phase::Called(_)) {
            self.refuse_unanswered(now, core, 487, "Request Terminated", Cause::Cancelled);
        } else {
            self.withdraw_theirs(now, core, cancel.headers.cseq.number);
        }
    }

    /// Their PRACK (RFC 3262 §3).
    pub(super) fn handle_prack(&mut self, now: Instant, core: &mut Core, transaction: TransactionId, prack: Request) {
        if !self.sender.as_mut().is_some_and(|sender| sender.handle_prack(&prack.headers)) {
            core.refuse_unknown(now, transaction, &prack);
            return;
        }
        let Some(leg) = self.legs.first_mut() else { return };
        match (description(&prack.headers, &prack.body), leg.negotiation) {
            (Some(sdp), Negotiation::OfferedByUs) => {
                leg.negotiation.close();
                core.events.push_back(Event::ReinviteAnswered { call: self.id, sdp: Some(sdp) });
            }
            (Some(sdp), Negotiation::Idle) => {
                self.take_their_offer(now, core, transaction, prack, sdp);
                return;
            }
            (None, _) | (Some(_), Negotiation::OfferedByPeer) => {}
        }
        core.respond(now, transaction, prack.response(200, "OK"));
        self.go_on_after_prack(now, core);
    }

    /// What has waited for the PRACK.
    pub(super) fn go_on_after_prack(&mut self, now: Instant, core: &mut Core) {
        let Phase::Called(called) = &mut self.phase else { return };
        let (answer, ring) = (called.next_answer.take(), called.next_ring.take());
        // Both can only fail when the call is not in this phase.
        if let Some(sdp) = answer {
            let _ = self.answer(now, core, sdp);
        } else if let Some(sdp) = ring {
            let _ = self.ring(now, core, sdp);
        }
    }

    pub(super) fn handle_called_timeout(&mut self, now: Instant, core: &mut Core) {
        let Phase::Called(called) = &mut self.phase else { return };
        let transaction = called.transaction;
        if called.repeat_at.is_some_and(|at| at <= now) {
            called.repeat_at = Some(now + PROGRESS_INTERVAL);
            if let Some(response) = called.last_plain.clone() {
                core.respond(now, transaction, response);
            } else if called.next_answer.is_none() {
                // It can only fail when the call is in another phase.
                let _ = self.ring(now, core, None);
            }
        }
        match self.sender.as_mut().map_or(Due::Nothing, |sender| sender.handle_timeout(now)) {
            Due::Nothing => {}
            Due::Retransmit(response) => {
                core.respond(now, transaction, *response);
            }
            Due::GivenUp => self.refuse_unanswered(now, core, 500, "No PRACK", Cause::NoPrack),
        }
    }
}
