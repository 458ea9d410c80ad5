// SPDX-License-Identifier: EUPL-1.2
//! Calls that we make, until they are answered: forking (RFC 3261 §13.2.2), CANCEL (§9.1), reliable provisional answers
//! (RFC 3262 §4).

use std::time::{Duration, Instant};

use super::call::{Call, HeldAck, Leg, Phase};
use super::command::{CommandError, Invite};
use super::core::Core;
use super::dialog::Dialog;
use super::event::{CallId, Cause, Event};
use super::flow::Flow;
use super::message::{CSeq, Method, Request, Response};
use super::offer_answer::Negotiation;
use super::own_headers::{self, ALLOW, SUPPORTED, allows, describe, description};
use super::owner::{Job, LegId, Owner};
use super::reliable_provisional::{Kind, Receiver};
use super::transaction::{Delivery, OtherWay, TransactionId};

/// Phones that one call rings at the same time. Those beyond ring on unheard; if one of them answers, it is the call.
const MAX_LEGS: usize = 16;
/// How often a 422 is followed.
const MAX_TOO_SMALL: u8 = 3;

/// That it shall not be a call any more.
struct Cancel {
    cause: Cause,
    reason: Option<String>,
    is_sent: bool,
}

/// A call without a final answer.
pub(super) struct Calling {
    /// `None` while it waits for credentials.
    pub(super) transaction: Option<TransactionId>,
    pub(super) request: Request,
    flow: Flow,
    has_provisional: bool,
    /// Anything at all was answered, by whatever number the INVITE had.
    was_heard: bool,
    cancel: Option<Cancel>,
    /// When a cancelled INVITE without an answer is forgotten.
    forget_at: Option<Instant>,
    too_small: u8,
    next_leg: u32,
    contact_user: String,
}

impl Calling {
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.forget_at
    }

    /// Whether we still want the call.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_some()
    }

    /// Whether the other side has said anything.
    pub(super) fn was_heard(&self) -> bool {
        self.was_heard
    }
}

/// The retry time that a refusal names.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers.get("Retry-After")?.split([';', '(']).next()?;
    value.trim().parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()))
}

impl Call {
    /// How the INVITE or its CANCEL goes on by another connection, if they have the INVITE. `None` where nothing was
    /// heard, so that somebody else may be asked at once. Of a call that is given up the CANCEL alone is sent once more,
    /// since it would ring on; an INVITE that came after that would ring anew.
    pub(super) fn way_of_invite(&self, method: &Method) -> Option<OtherWay> {
        let Phase::Calling(calling) = &self.phase else { return None };
        let flow = Flow { connection: None, ..calling.flow };
        match &calling.cancel {
            None if calling.was_heard() => Some(OtherWay::Again(flow)),
            Some(cancel) if cancel.is_sent && *method == Method::Cancel => Some(OtherWay::Again(flow)),
            Some(cancel) if cancel.is_sent => Some(OtherWay::Waiting(flow)),
            None | Some(_) => None,
        }
    }

    /// Sends the INVITE.
    pub(super) fn outgoing(
        now: Instant,
        core: &mut Core,
        id: CallId,
        invite: Invite,
        contact_user: Option<String>,
        service_route: &[String],
    ) -> Result<Self, CommandError> {
        let (mut from, mut to) = (invite.from, invite.to);
        from.params.set("tag", Some(core.tokens.tag()));
        to.params.remove("tag");
        let cseq = CSeq { number: core.tokens.first_number(), method: Method::Invite };
        let call_id = core.tokens.call_id();
        let mut headers = own_headers::request_headers(from, to, call_id, cseq, &core.config);
        let contact_user = contact_user.unwrap_or_else(|| core.config.contact_user.clone());
        headers.contact = vec![own_headers::contact(&invite.flow, &core.config, &contact_user)];
        headers.route = invite.route;
        for route in service_route {
            headers.push("Route", route.as_str());
        }
        headers.set("Allow", ALLOW);
        headers.set("Supported", SUPPORTED);
        for (name, value) in invite.headers {
            headers.push(&name, value);
        }
        let mut request = Request { method: Method::Invite, uri: invite.target, headers, body: Vec::new() };
        if let Some(sdp) = &invite.sdp {
            describe(&mut request.headers, &mut request.body, sdp.clone());
        }
        let calling = Calling {
            transaction: None,
            request,
            flow: invite.flow,
            has_provisional: false,
            was_heard: false,
            cancel: None,
            forget_at: None,
            too_small: 0,
            next_leg: 0,
            contact_user,
        };
        let mut call = Self::new(id, true, Phase::Calling(Box::new(calling)), core, now);
        call.local_sdp = invite.sdp;
        if let Some(time) = invite.ring_time {
            call.rings_until = Some(now + time);
        }
        if let Phase::Calling(calling) = &mut call.phase {
            call.timer.ask(&mut calling.request.headers);
            let (flow, request) = (calling.flow, calling.request.clone());
            let sent = core.send(now, flow, request, Owner::Call(id, Job::Invite)).map_err(|_| CommandError::Full)?;
            calling.transaction = Some(sent);
        }
        Ok(call)
    }

    /// An answer to the INVITE.
    pub(super) fn handle_invite_response(&mut self, now: Instant, core: &mut Core, flow: Flow, delivery: Delivery) {
        let is_ours = matches!(&self.phase, Phase::Calling(calling) if calling.transaction == Some(delivery.id));
        match delivery.response.status {
            ..200 if is_ours => self.handle_provisional(now, core, flow, &delivery),
            200..300 if is_ours => self.handle_success(now, core, flow, delivery),
            200..300 if self.holds_ack_of(&delivery) => {}
            // Another phone was picked up at the same time, or this one after all was over.
            200..300 => core.refuse_fork(now, flow, &delivery, true),
            300.. if is_ours => self.handle_refusal(now, core, &delivery.response),
            _ => {}
        }
    }

    /// Whether a 2xx is one whose offer we have not answered yet.
    fn holds_ack_of(&mut self, delivery: &Delivery) -> bool {
        let is_held = self.held_ack.as_ref().is_some_and(|held| held.transaction == delivery.id);
        is_held && delivery.response.headers.to.tag().is_some_and(|tag| self.leg_by_tag(tag).is_some())
    }

    fn handle_provisional(&mut self, now: Instant, core: &mut Core, flow: Flow, delivery: &Delivery) {
        let Phase::Calling(calling) = &mut self.phase else { return };
        (calling.has_provisional, calling.was_heard) = (true, true);
        if calling.is_cancelled() {
            self.send_cancel(now, core);
            return;
        }
        let response = &delivery.response;
        if response.status == 100 {
            return;
        }
        let Some(leg) = self.take_leg(core, flow, delivery) else {
            // Without a tag it makes no dialog, but it rings.
            core.events.push_back(Event::Ringing { call: self.id, status: response.status });
            return;
        };
        let had_offer = leg.negotiation == Negotiation::OfferedByUs;
        let sdp = description(&response.headers, &response.body);
        let kind = leg.receiver.handle(&response.headers);
        let mut is_offer = false;
        if kind != Kind::OutOfOrder && had_offer && sdp.is_some() {
            leg.described.clone_from(&sdp);
        }
        match kind {
            Kind::OutOfOrder => return,
            Kind::Plain => {}
            Kind::Next(rseq) => {
                if sdp.is_some() && had_offer {
                    leg.negotiation.close();
                } else if sdp.is_some() && delivery.request.body.is_empty() && leg.negotiation.is_idle() {
                    is_offer = true;
                    leg.negotiation = Negotiation::OfferedByPeer;
                    leg.unanswered_rseq = Some(rseq);
                }
                if !is_offer {
                    let leg = leg.id;
                    self.send_prack(now, core, leg, rseq, None);
                }
            }
        }
        core.events.push_back(match sdp.filter(|_| had_offer || is_offer) {
            Some(sdp) => Event::Progress { call: self.id, status: response.status, sdp, is_offer },
            None => Event::Ringing { call: self.id, status: response.status },
        });
    }

    /// The leg of an answer, which may be new.
    fn take_leg(&mut self, core: &mut Core, flow: Flow, delivery: &Delivery) -> Option<&mut Leg> {
        let Phase::Calling(calling) = &mut self.phase else { return None };
        let response = &delivery.response;
        let tag = response.headers.to.tag()?;
        let is_new = self.legs.iter().all(|leg| leg.dialog.remote_tag() != tag);
        let is_final = response.status >= 200;
        if is_new {
            if self.legs.len() >= MAX_LEGS && !is_final {
                return None;
            }
            let dialog = Dialog::of_answer(&delivery.request, response, flow, &calling.contact_user)?;
            let has_offer = !delivery.request.body.is_empty();
            core.dialogs.insert(dialog.key(), self.id);
            calling.next_leg += 1;
            self.legs.push(Leg {
                id: LegId(calling.next_leg),
                dialog,
                negotiation: if has_offer { Negotiation::OfferedByUs } else { Negotiation::Idle },
                receiver: Receiver::default(),
                described: None,
                unanswered_rseq: None,
                allows_update: false,
            });
        }
        let leg = self.leg_by_tag(tag)?;
        leg.dialog.handle_heard(flow);
        leg.allows_update |= allows(&response.headers, "UPDATE");
        Some(leg)
    }

    fn send_prack(&mut self, now: Instant, core: &mut Core, leg: LegId, rseq: u32, sdp: Option<Vec<u8>>) {
        let Phase::Calling(calling) = &self.phase else { return };
        let cseq = calling.request.headers.cseq.number;
        let id = self.id;
        let Some(leg) = self.leg_by_id(leg) else { return };
        let (mut prack, flow) = leg.dialog.request(Method::Prack, &core.config);
        prack.headers.push("RAck", format!("{rseq} {cseq} INVITE"));
        if let Some(sdp) = sdp {
            describe(&mut prack.headers, &mut prack.body, sdp);
        }
        // Without room for it the other side gives up by itself.
        let _ = core.send(now, flow, prack, Owner::Call(id, Job::Prack(leg.id)));
    }

    /// The command: answers the offer in a reliable provisional answer or in a 2xx.
    pub(super) fn answer_offer(&mut self, now: Instant, core: &mut Core, sdp: Vec<u8>) -> Result<(), CommandError> {
        if let Some(held) = self.held_ack.take() {
            let leg = self.legs.first_mut().ok_or(CommandError::WrongState)?;
            leg.negotiation.close();
            core.acknowledge(held.transaction, &held.invite, &leg.dialog, Some(sdp.clone()));
            self.local_sdp = Some(sdp);
            return Ok(());
        }
        let waiting = self.legs.iter_mut().find_map(|leg| leg.unanswered_rseq.take().map(|rseq| (leg, rseq)));
        let (leg, rseq) = waiting.ok_or(CommandError::WrongState)?;
        leg.negotiation.close();
        let leg = leg.id;
        self.local_sdp = Some(sdp.clone());
        self.send_prack(now, core, leg, rseq, Some(sdp));
        Ok(())
    }

    fn handle_success(&mut self, now: Instant, core: &mut Core, flow: Flow, delivery: Delivery) {
        let Some(leg) = self.take_leg(core, flow, &delivery) else {
            // No tag: nothing can be said to whoever answered, not even BYE.
            self.end(now, core, Cause::Unreachable);
            return;
        };
        leg.dialog.handle_final_answer(&delivery.response, flow);
        let winner = leg.id;
        let had_answer = leg.negotiation.is_idle() && !delivery.request.body.is_empty();
        let waits_for_answer = leg.negotiation == Negotiation::OfferedByUs;
        let offers_in_answer = leg.negotiation.is_idle() && delivery.request.body.is_empty() && leg.receiver.is_fresh();
        let sdp = description(&delivery.response.headers, &delivery.response.body);
        let sdp = match (had_answer, waits_for_answer) {
            // What was told reliably is agreed on, whatever the 2xx repeats.
            (true, _) => leg.described.take(),
            (false, true) => sdp.or_else(|| leg.described.take()),
            (false, false) => sdp,
        };
        for leg in self.legs.iter().filter(|leg| leg.id != winner) {
            core.dialogs.remove(&leg.dialog.key());
        }
        self.legs.retain(|leg| leg.id == winner);
        let Phase::Calling(calling) = std::mem::replace(&mut self.phase, Phase::Up) else { return };
        self.rings_until = None;
        let Some(leg) = self.legs.first_mut() else { return };
        if waits_for_answer {
            leg.negotiation.close();
        }
        if let Some(cancel) = calling.cancel {
            // It was answered while we gave up (§9.1).
            core.acknowledge(delivery.id, &delivery.request, &leg.dialog, None);
            self.bye(now, core, cancel.reason, cancel.cause);
            return;
        }
        self.timer.handle_answer(now, &delivery.response.headers);
        if offers_in_answer && sdp.is_some() {
            leg.negotiation = Negotiation::OfferedByPeer;
            self.held_ack = Some(HeldAck { transaction: delivery.id, invite: delivery.request });
            core.events.push_back(Event::Answered { call: self.id, sdp, is_offer: true });
            return;
        }
        core.acknowledge(delivery.id, &delivery.request, &leg.dialog, None);
        if sdp.is_none() && (waits_for_answer || offers_in_answer) {
            self.bye(now, core, None, Cause::NoDescription);
            return;
        }
        core.events.push_back(Event::Answered { call: self.id, sdp, is_offer: false });
    }

    fn handle_refusal(&mut self, now: Instant, core: &mut Core, response: &Response) {
        let Phase::Calling(calling) = &mut self.phase else { return };
        if let Some(cancel) = calling.cancel.take() {
            self.end(now, core, cancel.cause);
            return;
        }
        if response.status == 422 && calling.too_small < MAX_TOO_SMALL && self.timer.handle_too_small(&response.headers)
        {
            calling.too_small += 1;
            calling.request.headers.cseq.number += 1;
            self.timer.ask(&mut calling.request.headers);
            self.invite_again(now, core);
            return;
        }
        let (status, reason) = (response.status, response.reason.clone());
        self.end(now, core, Cause::Refused { status, reason, retry_after: retry_after(response) });
    }

    fn invite_again(&mut self, now: Instant, core: &mut Core) {
        self.drop_legs(core);
        let Phase::Calling(calling) = &mut self.phase else { return };
        calling.has_provisional = false;
        let (flow, request) = (calling.flow, calling.request.clone());
        match core.send(now, flow, request, Owner::Call(self.id, Job::Invite)) {
            Ok(transaction) => calling.transaction = Some(transaction),
            Err(_) => self.end(now, core, Cause::Full),
        }
    }

    /// One of the phones that rings has said BYE, which it should not (RFC 3261 §15). The others may still be picked up. When there
    /// is none, the INVITE is taken back, and its answer waited for.
    pub(super) fn drop_leg(&mut self, now: Instant, core: &mut Core, bye: &Request, cause: Cause) {
        let tag = bye.headers.from.tag().unwrap_or_default();
        self.legs.retain(|leg| {
            let stays = leg.dialog.remote_tag() != tag;
            if !stays {
                core.dialogs.remove(&leg.dialog.key());
            }
            stays
        });
        if self.legs.is_empty() {
            self.cancel(now, core, cause, None);
        }
    }

    fn drop_legs(&mut self, core: &mut Core) {
        for leg in self.legs.drain(..) {
            core.dialogs.remove(&leg.dialog.key());
        }
    }

    /// The INVITE was challenged and waits. `false`: the call is not wanted any more.
    pub(super) fn handle_challenged(&mut self, core: &mut Core, transaction: TransactionId) -> bool {
        let Phase::Calling(calling) = &mut self.phase else { return false };
        if calling.is_cancelled() || calling.transaction != Some(transaction) {
            return false;
        }
        calling.transaction = None;
        (calling.has_provisional, calling.was_heard) = (false, true);
        self.drop_legs(core);
        true
    }

    /// There are no credentials: the answer to that INVITE counts after all.
    pub(super) fn handle_given_up(&mut self, transaction: TransactionId) {
        if let Phase::Calling(calling) = &mut self.phase {
            calling.transaction = Some(transaction);
        }
    }

    /// The number for sending a challenged request again.
    pub(super) fn renumber(&mut self, job: Job, request: &Request) -> Option<u32> {
        if job == Job::Invite {
            let Phase::Calling(calling) = &mut self.phase else { return None };
            calling.request.headers.cseq.number += 1;
            return Some(calling.request.headers.cseq.number);
        }
        self.leg_by_tag(request.headers.to.tag()?).map(|leg| leg.dialog.next_cseq())
    }

    /// The INVITE was sent with credentials.
    pub(super) fn handle_authorized(&mut self, transaction: TransactionId, request: Request) {
        if let Phase::Calling(calling) = &mut self.phase {
            calling.transaction = Some(transaction);
            calling.request = request;
        }
    }

    pub(super) fn handle_invite_failure(&mut self, now: Instant, core: &mut Core, cause: Cause) {
        let Phase::Calling(calling) = &mut self.phase else { return };
        let cause = calling.cancel.take().map_or(cause, |cancel| cancel.cause);
        self.end(now, core, cause);
    }

    /// Gives the call up. Before anything was heard of the other side there must be no CANCEL (§9.1), so that waits.
    pub(super) fn cancel(&mut self, now: Instant, core: &mut Core, cause: Cause, reason: Option<String>) {
        self.rings_until = None;
        let Phase::Calling(calling) = &mut self.phase else { return };
        if calling.cancel.is_some() {
            return;
        }
        if calling.transaction.is_none() {
            self.end(now, core, cause);
            return;
        }
        calling.cancel = Some(Cancel { cause, reason, is_sent: false });
        if calling.has_provisional {
            self.send_cancel(now, core);
        }
    }

    fn send_cancel(&mut self, now: Instant, core: &mut Core) {
        let Phase::Calling(calling) = &mut self.phase else { return };
        let (Some(cancel), Some(invite)) = (&mut calling.cancel, calling.transaction) else { return };
        if cancel.is_sent {
            return;
        }
        cancel.is_sent = true;
        calling.forget_at = Some(now + core.config.timers.patience());
        let reason = cancel.reason.clone();
        core.transactions.send_cancel(now, invite, Owner::Call(self.id, Job::Cancel), reason);
    }

    pub(super) fn handle_calling_timeout(&mut self, now: Instant, core: &mut Core) {
        let Phase::Calling(calling) = &mut self.phase else { return };
        if calling.forget_at.is_none_or(|at| at > now) {
            return;
        }
        if let Some(transaction) = calling.transaction {
            core.transactions.forget(transaction);
        }
        let cause = calling.cancel.take().map_or(Cause::Cancelled, |cancel| cancel.cause);
        self.end(now, core, cause);
    }
}
