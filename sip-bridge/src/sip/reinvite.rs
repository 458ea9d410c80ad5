// SPDX-License-Identifier: EUPL-1.2
//! Changes and refreshes of a session that goes on: re-INVITE (RFC 3261 §14) and UPDATE (RFC 3311), theirs and ours, and what
//! happens when both want one at once.

use std::time::{Duration, Instant};

use super::call::{Call, Phase};
use super::command::{CommandError, Reason};
use super::core::Core;
use super::event::{Cause, Event};
use super::flow::Flow;
use super::message::{Method, Request, Response};
use super::offer_answer::{Negotiation, Refused};
use super::own_headers::{ALLOW, SUPPORTED, allows, describe, description};
use super::owner::{Job, LegId, Owner};
use super::session_timer::Agreed;
use super::transaction::{Delivery, TransactionId};
use super::uac::retry_after;

/// How often a change of ours is tried that is put off by 491 or 500, or asks for longer session timers.
const MAX_TRIES: u8 = 6;
/// The longest that we let ourselves be put off.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10);

/// Theirs, which the layer above has to answer.
pub(super) struct Theirs {
    pub(super) transaction: TransactionId,
    pub(super) request: Request,
    leg: LegId,
    agreed: Option<Agreed>,
    /// When it is refused for lack of an answer.
    pub(super) until: Instant,
}

/// Ours.
pub(super) struct Ours {
    leg: LegId,
    sdp: Option<Vec<u8>>,
    /// By UPDATE; else by re-INVITE.
    is_update: bool,
    tries: u8,
    /// When it is tried again. `None` while it is under way.
    pub(super) retry_at: Option<Instant>,
}

impl Call {
    /// Their re-INVITE, whose number is in order.
    pub(super) fn handle_reinvite(&mut self, now: Instant, core: &mut Core, id: TransactionId, request: Request) {
        core.transactions.set_call(id, self.id);
        match self.phase {
            Phase::Up => {}
            Phase::Called(_) => return self.put_off(now, core, id, &request),
            Phase::Calling(_) => return core.refuse(now, id, &request, 491, "Request Pending"),
            Phase::Ending(_) | Phase::Over => {
                return core.refuse_unknown(now, id, &request);
            }
        }
        if self.theirs.is_some() {
            return self.put_off(now, core, id, &request);
        }
        let is_under_way = self.ours.as_ref().is_some_and(|ours| ours.retry_at.is_none());
        let is_open = self.legs.first().is_some_and(|leg| !leg.negotiation.is_idle());
        if is_under_way || is_open {
            return core.refuse(now, id, &request, 491, "Request Pending");
        }
        if self.unacknowledged.is_some() {
            // Whoever goes on has our answer: the ACK was lost or is late (RFC 5407 §3.1.5).
            self.settle_ack(now, core, None);
            if !matches!(self.phase, Phase::Up) {
                return core.refuse_unknown(now, id, &request);
            }
        }
        self.take_theirs(now, core, id, request);
    }

    /// Their UPDATE (RFC 3311 §5.2), whose number is in order.
    pub(super) fn handle_update(&mut self, now: Instant, core: &mut Core, id: TransactionId, request: Request) {
        if matches!(self.phase, Phase::Ending(_) | Phase::Over) {
            return core.refuse_unknown(now, id, &request);
        }
        if description(&request.headers, &request.body).is_some() {
            if self.theirs.is_some() {
                return self.put_off(now, core, id, &request);
            }
            let tag = request.headers.from.tag().unwrap_or_default().to_owned();
            let Some(leg) = self.leg_by_tag(&tag) else { return };
            match leg.negotiation {
                Negotiation::Idle => return self.take_theirs(now, core, id, request),
                Negotiation::OfferedByUs => return core.refuse(now, id, &request, 491, "Request Pending"),
                Negotiation::OfferedByPeer => return self.put_off(now, core, id, &request),
            }
        }
        // A refresh, which needs nobody's word.
        let Some(agreed) = self.consider_timer(now, core, id, &request) else { return };
        let tag = request.headers.from.tag().unwrap_or_default().to_owned();
        let Some(leg) = self.leg_by_tag(&tag) else { return };
        leg.dialog.refresh_target(&request.headers.contact);
        let mut response = request.response(200, "OK");
        response.headers.contact = vec![leg.dialog.contact(&core.config)];
        response.headers.set("Allow", ALLOW);
        response.headers.set("Supported", SUPPORTED);
        if matches!(self.phase, Phase::Up) {
            self.timer.agree(now, agreed, &mut response.headers);
        }
        core.respond(now, id, response);
    }

    /// 422 when they want too short a session timer.
    fn consider_timer(
        &mut self,
        now: Instant,
        core: &mut Core,
        id: TransactionId,
        request: &Request,
    ) -> Option<Option<Agreed>> {
        match self.timer.consider(&request.headers) {
            Ok(agreed) => Some(agreed),
            Err(minimum) => {
                let header = ("Min-SE", minimum.as_secs().to_string());
                core.refuse_with(now, id, request, (422, "Session Interval Too Small"), header);
                None
            }
        }
    }

    fn take_theirs(&mut self, now: Instant, core: &mut Core, id: TransactionId, request: Request) {
        let Some(agreed) = self.consider_timer(now, core, id, &request) else { return };
        let tag = request.headers.from.tag().unwrap_or_default().to_owned();
        let Some(leg) = self.leg_by_tag(&tag) else { return };
        let sdp = description(&request.headers, &request.body);
        if sdp.is_some() {
            match leg.negotiation.offered_by_peer() {
                Ok(()) => {}
                Err(Refused::Glare) => return core.refuse(now, id, &request, 491, "Request Pending"),
                Err(Refused::SecondOffer) => return self.put_off(now, core, id, &request),
            }
        }
        leg.dialog.refresh_target(&request.headers.contact);
        leg.allows_update |= allows(&request.headers, "UPDATE");
        let (leg, flow) = (leg.id, leg.dialog.heard_on());
        if request.method == Method::Invite {
            core.respond(now, id, request.response(100, "Trying"));
        }
        let until = now + core.config.offer_timeout;
        self.theirs = Some(Theirs { transaction: id, request, leg, agreed, until });
        core.events.push_back(Event::Reinvite { call: self.id, flow, sdp });
    }

    /// An offer in a PRACK, which was matched.
    pub(super) fn take_their_offer(
        &mut self,
        now: Instant,
        core: &mut Core,
        id: TransactionId,
        prack: Request,
        sdp: Vec<u8>,
    ) {
        let tag = prack.headers.from.tag().unwrap_or_default().to_owned();
        let Some(leg) = self.leg_by_tag(&tag) else { return };
        if leg.negotiation.offered_by_peer().is_err() {
            return core.refuse(now, id, &prack, 488, "Not Acceptable Here");
        }
        let (leg, flow) = (leg.id, leg.dialog.heard_on());
        let until = now + core.config.offer_timeout;
        self.theirs = Some(Theirs { transaction: id, request: prack, leg, agreed: None, until });
        core.events.push_back(Event::Reinvite { call: self.id, flow, sdp: Some(sdp) });
    }

    /// 500 with a Retry-After of 0 to 10 s (RFC 3261 §14.2, RFC 3311 §5.2).
    fn put_off(&mut self, now: Instant, core: &mut Core, id: TransactionId, request: &Request) {
        let seconds = core.tokens.between(Duration::ZERO, MAX_RETRY_AFTER).as_secs();
        core.refuse_with(now, id, request, (500, "Another Offer Is Open"), ("Retry-After", seconds.to_string()));
    }

    /// The command: agrees to theirs.
    pub(super) fn answer_reinvite(&mut self, now: Instant, core: &mut Core, sdp: Vec<u8>) -> Result<(), CommandError> {
        let theirs = self.theirs.take().ok_or(CommandError::WrongState)?;
        let leg = self.leg_by_id(theirs.leg).ok_or(CommandError::WrongState)?;
        let method = theirs.request.method.clone();
        let had_offer = leg.negotiation == Negotiation::OfferedByPeer;
        leg.negotiation = if had_offer { Negotiation::Idle } else { Negotiation::OfferedByUs };
        if had_offer {
            // What they answered before holds no more.
            leg.described = None;
        }
        let mut response = theirs.request.response(200, "OK");
        if method != Method::Prack {
            response.headers.contact = vec![leg.dialog.contact(&core.config)];
            response.headers.set("Allow", ALLOW);
            response.headers.set("Supported", SUPPORTED);
            if matches!(self.phase, Phase::Up) {
                self.timer.agree(now, theirs.agreed, &mut response.headers);
            }
        }
        self.local_sdp = Some(sdp.clone());
        describe(&mut response.headers, &mut response.body, sdp);
        if method == Method::Invite {
            self.accept(now, core, theirs.transaction, response, false);
        } else {
            core.respond(now, theirs.transaction, response);
        }
        self.go_on_after_prack(now, core);
        Ok(())
    }

    /// The command: does not agree. The session goes on as it was.
    pub(super) fn reject_reinvite(
        &mut self,
        now: Instant,
        core: &mut Core,
        status: u16,
        reason: &str,
    ) -> Result<(), CommandError> {
        let theirs = self.theirs.take().ok_or(CommandError::WrongState)?;
        if let Some(leg) = self.leg_by_id(theirs.leg) {
            leg.negotiation.close();
        }
        let status = if (300..700).contains(&status) { status } else { 488 };
        core.refuse(now, theirs.transaction, &theirs.request, status, reason);
        self.go_on_after_prack(now, core);
        Ok(())
    }

    /// They cancel their re-INVITE.
    pub(super) fn withdraw_theirs(&mut self, now: Instant, core: &mut Core, cseq: u32) {
        let is_meant = self.theirs.as_ref().is_some_and(|theirs| {
            theirs.request.method == Method::Invite && theirs.request.headers.cseq.number == cseq
        });
        if is_meant {
            // It is there: that was just looked up.
            let _ = self.reject_reinvite(now, core, 487, "Request Terminated");
        }
    }

    /// The command: offers another session.
    pub(super) fn reinvite(&mut self, now: Instant, core: &mut Core, sdp: Vec<u8>) -> Result<(), CommandError> {
        let is_update = match self.phase {
            Phase::Up => false,
            Phase::Calling(_) | Phase::Called(_) => true,
            Phase::Ending(_) | Phase::Over => return Err(CommandError::WrongState),
        };
        if matches!(&self.phase, Phase::Calling(calling) if calling.is_cancelled()) {
            return Err(CommandError::WrongState);
        }
        if self.ours.is_some() || self.theirs.is_some() || self.unacknowledged.is_some() || self.held_ack.is_some() {
            return Err(CommandError::OfferPending);
        }
        let leg = self.legs.last().ok_or(CommandError::WrongState)?;
        if !leg.negotiation.is_idle() {
            return Err(CommandError::OfferPending);
        }
        if is_update && !leg.allows_update {
            return Err(CommandError::Unsupported);
        }
        // Before there is an answer UPDATE is for who has a session already (RFC 3311 §5.1).
        if is_update && self.local_sdp.is_none() {
            return Err(CommandError::WrongState);
        }
        let leg = leg.id;
        self.send_ours(now, core, Ours { leg, sdp: Some(sdp), is_update, tries: 0, retry_at: None })
    }

    /// Refreshes the session (RFC 4028 §7.4): by an UPDATE that describes nothing, where the other side has it, else by a
    /// re-INVITE that describes what there is.
    pub(super) fn refresh(&mut self, now: Instant, core: &mut Core) {
        let later = now + core.config.timers.t2;
        let Some(leg) = self.legs.first().filter(|_| matches!(self.phase, Phase::Up)) else { return };
        if self.ours.is_some() || self.theirs.is_some() || self.unacknowledged.is_some() || !leg.negotiation.is_idle() {
            return self.timer.refresh_later(later);
        }
        let (leg, is_update) = (leg.id, leg.allows_update);
        let sdp = if is_update { None } else { self.local_sdp.clone() };
        if !is_update && sdp.is_none() {
            return;
        }
        if self.send_ours(now, core, Ours { leg, sdp, is_update, tries: 0, retry_at: None }).is_err() {
            self.timer.refresh_later(later);
        }
    }

    fn send_ours(&mut self, now: Instant, core: &mut Core, mut ours: Ours) -> Result<(), CommandError> {
        let id = self.id;
        let leg = self.legs.iter_mut().find(|leg| leg.id == ours.leg).ok_or(CommandError::WrongState)?;
        let (method, job) =
            if ours.is_update { (Method::Update, Job::Update) } else { (Method::Invite, Job::Reinvite) };
        let (mut request, flow) = leg.dialog.request(method, &core.config);
        request.headers.contact = vec![leg.dialog.contact(&core.config)];
        request.headers.set("Allow", ALLOW);
        request.headers.set("Supported", SUPPORTED);
        self.timer.ask(&mut request.headers);
        if let Some(sdp) = &ours.sdp {
            describe(&mut request.headers, &mut request.body, sdp.clone());
        }
        core.send(now, flow, request, Owner::Call(id, job)).map_err(|_| CommandError::Full)?;
        if ours.sdp.is_some() {
            leg.negotiation = Negotiation::OfferedByUs;
        }
        ours.tries += 1;
        ours.retry_at = None;
        self.ours = Some(ours);
        Ok(())
    }

    pub(super) fn handle_reinvite_response(&mut self, now: Instant, core: &mut Core, flow: Flow, delivery: &Delivery) {
        let response = &delivery.response;
        if (200..300).contains(&response.status) {
            let tag = response.headers.to.tag().unwrap_or_default().to_owned();
            let Some(leg) = self.leg_by_tag(&tag) else { return core.refuse_fork(now, flow, delivery, false) };
            leg.dialog.refresh_target(&response.headers.contact);
            core.acknowledge(delivery.id, &delivery.request, &leg.dialog, None);
        }
        self.handle_reoffer_response(now, core, response);
    }

    pub(super) fn handle_update_response(&mut self, now: Instant, core: &mut Core, response: &Response) {
        if (200..300).contains(&response.status)
            && let Some(tag) = response.headers.to.tag()
            && let Some(leg) = self.leg_by_tag(tag)
        {
            leg.dialog.refresh_target(&response.headers.contact);
        }
        self.handle_reoffer_response(now, core, response);
    }

    fn handle_reoffer_response(&mut self, now: Instant, core: &mut Core, response: &Response) {
        if response.status < 200 {
            return;
        }
        let Some(mut ours) = self.ours.take() else { return };
        if let Some(leg) = self.leg_by_id(ours.leg)
            && ours.sdp.is_some()
        {
            leg.negotiation.close();
        }
        let retry_in = match response.status {
            200..300 => {
                if let (Some(sdp), true) =
                    (ours.sdp, matches!(self.phase, Phase::Up | Phase::Calling(_) | Phase::Called(_)))
                {
                    self.local_sdp = Some(sdp);
                }
                if matches!(self.phase, Phase::Up) {
                    self.timer.handle_answer(now, &response.headers);
                }
                let sdp = description(&response.headers, &response.body);
                if let (Phase::Calling(_), Some(leg)) =
                    (&self.phase, self.legs.iter_mut().find(|leg| leg.id == ours.leg))
                {
                    leg.described.clone_from(&sdp);
                }
                core.events.push_back(Event::ReinviteAnswered { call: self.id, sdp });
                return;
            }
            // Who made the Call-ID waits longer, so that the two do not meet again (RFC 3261 §14.1).
            491 if self.is_caller => Some(core.tokens.between(Duration::from_millis(2100), Duration::from_secs(4))),
            491 => Some(core.tokens.between(Duration::ZERO, Duration::from_secs(2))),
            500 => retry_after(response).map(|wait| wait.min(MAX_RETRY_AFTER)),
            422 if self.timer.handle_too_small(&response.headers) => Some(Duration::ZERO),
            481 | 408 if matches!(self.phase, Phase::Up) => {
                self.bye(now, core, None, Cause::Forgotten);
                return;
            }
            _ => None,
        };
        match retry_in.filter(|_| ours.tries < MAX_TRIES) {
            Some(wait) => {
                ours.retry_at = Some(now + wait);
                self.ours = Some(ours);
            }
            None => self.reoffer_failed(now, core, &ours, Some(response.status)),
        }
    }

    fn reoffer_failed(&mut self, now: Instant, core: &mut Core, ours: &Ours, status: Option<u16>) {
        if ours.sdp.is_none() {
            // Not even a refresh: whoever does not know UPDATE after all gets a re-INVITE.
            if let Some(leg) = self.leg_by_id(ours.leg) {
                leg.allows_update = false;
            }
        }
        self.timer.refresh_later(now + MAX_RETRY_AFTER);
        core.events.push_back(Event::ReinviteFailed { call: self.id, status });
    }

    /// No answer at all counts as 408, which ends the call (RFC 3261 §12.2.1.2). Of one that is not answered the INVITE decides.
    pub(super) fn handle_reoffer_failure(&mut self, now: Instant, core: &mut Core, cause: Cause) {
        let Some(ours) = self.ours.take() else { return };
        if let Some(leg) = self.leg_by_id(ours.leg)
            && ours.sdp.is_some()
        {
            leg.negotiation.close();
        }
        if matches!(self.phase, Phase::Up) {
            let reason = Reason::Sip(408, "no answer".to_owned()).header();
            self.bye(now, core, reason, cause);
        } else {
            self.reoffer_failed(now, core, &ours, None);
        }
    }

    pub(super) fn handle_reoffer_timeout(&mut self, now: Instant, core: &mut Core) {
        if self.theirs.as_ref().is_some_and(|theirs| theirs.until <= now) {
            // It is there: that was just looked up.
            let _ = self.reject_reinvite(now, core, 500, "No Decision");
        }
        if self.ours.as_ref().is_none_or(|ours| ours.retry_at.is_none_or(|at| at > now)) {
            return;
        }
        let Some(mut ours) = self.ours.take() else { return };
        let is_free = self.theirs.is_none() && self.unacknowledged.is_none();
        let is_idle = self.leg_by_id(ours.leg).is_some_and(|leg| leg.negotiation.is_idle());
        if is_free && is_idle {
            let sdp = ours.sdp.clone();
            let again = Ours { leg: ours.leg, sdp, is_update: ours.is_update, tries: ours.tries, retry_at: None };
            if self.send_ours(now, core, again).is_err() {
                self.reoffer_failed(now, core, &ours, None);
            }
        } else if ours.tries < MAX_TRIES {
            ours.tries += 1;
            ours.retry_at = Some(now + core.tokens.between(Duration::from_secs(1), Duration::from_secs(3)));
            self.ours = Some(ours);
        } else {
            self.reoffer_failed(now, core, &ours, None);
        }
    }
}
