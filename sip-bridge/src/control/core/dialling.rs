// SPDX-License-Identifier: EUPL-1.2
//! From an order of signaling's to somebody who takes part: where the call is tried, and what becomes of it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::phone::{DialProgress, NotReached, NotReachedReason, OutgoingCall, PhoneRequest};

use super::{ControlCore, Output};
use crate::caller::{Caller, Input};
use crate::control::call::{Call, Outgoing, settings_of_called};
use crate::control::outcome::{label, may_go_elsewhere, not_reached, of_cause, shown};
use crate::sdp::{self, Capabilities, Encryption, SessionDescription};
use crate::sip::command::{CommandError, Invite, Reason};
use crate::sip::event::{CallId, Cause};
use crate::sip::message::Transport;
use crate::sound::{CallKey, SoundOrder};
use crate::trunks::{Tried, is_number, name_of};

/// How long nothing at all may be answered before the next address is tried, if there is one: by datagrams, four INVITEs have
/// been sent by then (RFC 3261 §17.1.1.2). Whoever is there says so at once (§17.2.1), and 32 s would be too long for who waits.
const SILENCE: Duration = Duration::from_secs(4);

/// The longest that anybody lets it ring.
const LONGEST_RING: Duration = Duration::from_secs(600);

impl ControlCore {
    /// Signaling orders a call. What becomes of it is told on the line that belongs to the key.
    pub(crate) fn dial(&mut self, now: Instant, order: OutgoingCall) -> CallKey {
        let key = CallKey(self.endpoint.reserve());
        match self.prepare_to_dial(now, key, order) {
            Ok(call) => {
                self.take_up(key, call);
                self.try_next(now, key, not_reached(NotReachedReason::TrunkFailed));
            }
            Err(reason) => {
                self.tell_outcome(key, DialProgress::NotReached(not_reached(reason)));
                self.outputs.push_back(Output::CloseLine { call: key });
            }
        }
        self.settle(now);
        key
    }

    fn prepare_to_dial(&mut self, now: Instant, key: CallKey, order: OutgoingCall) -> Result<Call, NotReachedReason> {
        if self.endpoint.is_declining() {
            return Err(NotReachedReason::GivenUp);
        }
        if !is_number(&order.to) {
            return Err(NotReachedReason::UnknownNumber);
        }
        let config = self.operations.config_of(&order.trunk).ok_or(NotReachedReason::TrunkFailed)?;
        self.check_room(&config).map_err(|_| NotReachedReason::Full)?;
        let (port, sockets) = self.sockets(now).map_err(|_| NotReachedReason::Full)?;
        // Where it is tried is known when it is tried, and with it what is told there.
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let capabilities = Capabilities::new(unknown, port);
        let outgoing = Outgoing {
            rings_until: now + order.ring_time.min(LONGEST_RING),
            order,
            tried: Vec::new(),
            has_tried_again: false,
            has_rung: false,
            outcome: DialProgress::NotReached(not_reached(NotReachedReason::TrunkFailed)),
        };
        let mut call =
            Call::new(CallId(key.0), (config.id.clone(), unknown), self.least_loaded(), sockets, capabilities);
        call.tenant = outgoing.order.tenant.as_deref().map(Arc::from);
        call.outgoing = Some(Box::new(outgoing));
        Ok(call)
    }

    /// Tries the call at the next of the trunk's addresses. Where there is none, `last` is what is told.
    fn try_next(&mut self, now: Instant, key: CallKey, last: NotReached) {
        if let Err(outcome) = self.try_route(now, key, last) {
            self.note_outcome(key, DialProgress::NotReached(outcome));
            self.remove(now, key);
        }
    }

    fn try_route(&mut self, now: Instant, key: CallKey, last: NotReached) -> Result<(), NotReached> {
        let call = self.calls.get_mut(&key).ok_or(last)?;
        let outgoing = call.outgoing.as_mut().ok_or(last)?;
        let route = self.operations.route(now, &call.trunk, &outgoing.tried).ok_or(last)?;
        let ring_time = outgoing.rings_until.saturating_duration_since(now);
        if ring_time.is_zero() {
            return Err(not_reached(NotReachedReason::NotAnswered));
        }
        outgoing.tried.push(route.flow);
        let Some(address) = self.settings.media_address(&route.flow) else {
            return self.try_route(now, key, not_reached(NotReachedReason::TrunkFailed));
        };
        call.capabilities.address = address;
        let is_encrypted = route.flow.transport == Transport::Tls;
        call.capabilities.is_signaling_encrypted = is_encrypted;
        call.capabilities.encryption = if is_encrypted { Encryption::Required } else { Encryption::Preferred };
        let offer = sdp::offer(&call.capabilities, None, &mut self.rng)
            .map_err(|_| not_reached(NotReachedReason::NoCommonSound))?;
        let from = route.caller(outgoing.order.from.as_deref());
        let asserted = outgoing.order.from.as_ref().map(|_| ("P-Asserted-Identity".to_owned(), from.to_string()));
        let target = route.callee(&outgoing.order.to);
        let invite = Invite {
            flow: route.flow,
            from,
            to: name_of(target.clone()),
            target,
            sdp: Some(offer.to_text().into_bytes()),
            headers: asserted.into_iter().collect(),
            route: Vec::new(),
            registration: route.registration,
            ring_time: Some(ring_time),
        };
        let sip = self.endpoint.invite(now, invite).map_err(|error| {
            not_reached(match error {
                CommandError::Full => NotReachedReason::Full,
                CommandError::Draining => NotReachedReason::GivenUp,
                _ => NotReachedReason::TrunkFailed,
            })
        })?;
        (call.sip, call.peer, call.offered) = (sip, route.flow.remote.ip().to_canonical(), Some(offer));
        call.is_port_told = true;
        self.dialled.insert(sip, key);
        self.due.set(key, Some(now + SILENCE));
        Ok(())
    }

    /// Nothing has been heard for a while.
    pub(super) fn handle_silence(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get(&key) else { return };
        let Some(outgoing) = &call.outgoing else { return };
        // With nowhere else to go it is waited for, as long as it takes.
        let has_other = self.operations.route(now, &call.trunk, &outgoing.tried).is_some();
        if !self.endpoint.is_unheard(call.sip) || !has_other {
            return;
        }
        let (sip, trunk) = (call.sip, call.trunk.clone());
        if let Some(flow) = outgoing.tried.last() {
            self.operations.handle_tried(now, &trunk, *flow, Tried::Unheard);
        }
        self.dialled.remove(&sip);
        self.end_sip(now, sip, trunk, &Reason::Normal);
        self.try_next(now, key, not_reached(NotReachedReason::TrunkFailed));
    }

    /// It rings somewhere, perhaps with sound, which is not listened to.
    pub(super) fn handle_ringing(&mut self, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key).filter(|call| call.is_dialling()) else { return };
        let Some(outgoing) = &mut call.outgoing else { return };
        if !std::mem::replace(&mut outgoing.has_rung, true) {
            self.tell_progress(key, DialProgress::Ringing);
        }
    }

    /// Somebody has answered. The ACK is on its way.
    pub(super) fn handle_answered(&mut self, now: Instant, key: CallKey, answer: Option<Vec<u8>>) {
        let Some(call) = self.calls.get_mut(&key).filter(|call| call.is_dialling()) else { return };
        let Some(outgoing) = &mut call.outgoing else { return };
        if let Some(flow) = outgoing.tried.last() {
            self.operations.handle_tried(now, &call.trunk, *flow, Tried::Heard);
        }
        let answer = answer.and_then(|answer| SessionDescription::parse(&answer).ok());
        let agreed = call.offered.take().zip(answer).and_then(|(offer, answer)| {
            let agreed = sdp::accept_answer(&offer, &answer, &call.capabilities);
            agreed.ok()
        });
        let Some(agreed) = agreed else {
            outgoing.outcome = DialProgress::NotReached(not_reached(NotReachedReason::NoCommonSound));
            let reason = Reason::Sip(488, "Not Acceptable Here".to_owned());
            return self.hang_up_for(now, key, "no agreement", &reason);
        };
        call.caller = Some(Caller::new(now, settings_of_called(&outgoing.order)));
        call.agree(agreed);
        call.is_acknowledged = true;
        let thread = call.thread;
        self.due.set(key, None);
        self.metrics.answered_calls.inc();
        self.begin_sound(key);
        self.sound(key, thread, SoundOrder::Open { call: key });
        self.tell_progress(key, DialProgress::Answered { bridge: u16::try_from(thread).unwrap_or(u16::MAX) });
        self.tell_caller(now, key, Input::Acknowledged);
    }

    /// A call that nobody has answered is over, where it was tried.
    pub(super) fn handle_not_answered(&mut self, now: Instant, key: CallKey, cause: &Cause) {
        let Some(call) = self.calls.get(&key) else { return };
        let Some(outgoing) = &call.outgoing else { return };
        if let (Some(flow), Some(tried)) = (outgoing.tried.last(), shown(cause)) {
            self.operations.handle_tried(now, &call.trunk, *flow, tried);
        }
        let outcome = of_cause(cause);
        // Where it has rung, it would ring again.
        if may_go_elsewhere(cause) && !outgoing.has_rung {
            if *cause == Cause::ConnectionLost {
                self.allow_again(now, key);
            }
            return self.try_next(now, key, outcome);
        }
        self.note_outcome(key, DialProgress::NotReached(outcome));
        self.remove(now, key);
    }

    /// An exchange that has begun anew does not know the connections from before. Where no other address is left, the
    /// last one is tried once more.
    fn allow_again(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let Some(outgoing) = &mut call.outgoing else { return };
        if !outgoing.has_tried_again && self.operations.route(now, &call.trunk, &outgoing.tried).is_none() {
            outgoing.has_tried_again = true;
            outgoing.tried.pop();
        }
    }

    /// Nobody wants a call of ours any more.
    pub(super) fn give_up(&mut self, now: Instant, key: CallKey) {
        self.note_outcome(key, DialProgress::NotReached(not_reached(NotReachedReason::GivenUp)));
        self.hang_up_for(now, key, "given up", &Reason::Normal);
    }

    /// From now on the call is like that of a caller, if it was not before. Whether that is new.
    pub(super) fn take_part(&mut self, key: CallKey) -> bool {
        let begins = self.calls.get_mut(&key).is_some_and(|call| call.outgoing.take().is_some());
        if begins {
            self.metrics.outgoing_calls.with_label_values(&["took_part"]).inc();
        }
        begins
    }

    /// Keeps what is told when the call is over, if nobody takes part in anything by then.
    pub(super) fn note_outcome(&mut self, key: CallKey, outcome: DialProgress) {
        if let Some(outgoing) = self.calls.get_mut(&key).and_then(|call| call.outgoing.as_mut()) {
            outgoing.outcome = outcome;
        }
    }

    /// Tells it.
    pub(super) fn tell_outcome(&mut self, key: CallKey, outcome: DialProgress) {
        self.metrics.outgoing_calls.with_label_values(&[label(outcome)]).inc();
        self.tell_progress(key, outcome);
    }

    fn tell_progress(&mut self, key: CallKey, progress: DialProgress) {
        self.outputs.push_back(Output::Request { call: key, request: PhoneRequest::Progress(progress) });
    }
}
