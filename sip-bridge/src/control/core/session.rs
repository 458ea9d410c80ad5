// SPDX-License-Identifier: EUPL-1.2
//! What is agreed on, after the answer: the ACK, changes by the other side such as hold, refreshes, and keys by INFO.

use std::time::Instant;

use bus::phone::PhoneRequest;

use super::{ControlCore, Output};
use crate::caller::Input;
use crate::control::info_digits;
use crate::sdp::{self, SessionDescription};
use crate::sip::command::Reason;
use crate::sip::event::CallId;
use crate::sip::flow::Flow;
use crate::sip::own_headers::NO_SUCH_CALL;
use crate::sound::{CallKey, SoundOrder};

impl ControlCore {
    /// An ACK, of our answer or of a change.
    pub(super) fn handle_acked(&mut self, now: Instant, key: CallKey, flow: Flow, answer: Option<Vec<u8>>) {
        if let Some(answer) = answer {
            self.handle_answer(key, Some(flow), &answer);
        }
        let Some(call) = self.calls.get_mut(&key) else { return };
        if call.agreed.is_none() {
            // They were offered something, and nothing came of it (RFC 3261 §13.2.2.4).
            let reason = Reason::Sip(488, "Not Acceptable Here".to_owned());
            return self.hang_up_for(now, key, "no agreement", &reason);
        }
        if !std::mem::replace(&mut call.is_acknowledged, true) {
            let thread = call.thread;
            self.sound(key, thread, SoundOrder::Open { call: key });
            self.tell_caller(now, key, Input::Acknowledged);
        }
    }

    /// Their answer to an offer of ours: to that of a call that came without one, or to a refresh. One that cannot be used
    /// changes nothing. `flow` is by which way it came, unless by that of a request of ours.
    pub(super) fn handle_answer(&mut self, key: CallKey, flow: Option<Flow>, answer: &[u8]) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let offered = call.offered.take();
        let offer = offered.as_ref().or_else(|| call.agreed.as_ref().map(|agreed| agreed.local()));
        let Some(offer) = offer else { return };
        let Ok(answer) = SessionDescription::parse(answer) else { return };
        let capabilities = flow.map_or_else(|| call.capabilities.clone(), |flow| call.capabilities_by(&flow));
        let Ok(agreed) = sdp::accept_answer(offer, &answer, &capabilities) else { return };
        if call.has_begun() {
            self.change(key, agreed);
        } else {
            call.agree(agreed);
            self.begin_sound(key);
        }
    }

    /// They want something else, or want to know what we would like.
    pub(super) fn handle_reinvite(&mut self, now: Instant, id: CallId, flow: Flow, offer: Option<Vec<u8>>) {
        let key = self.key_of(id);
        let Some(call) = self.calls.get_mut(&key) else {
            // Ours is ending, and so is this.
            let _ = self.endpoint.reject_reinvite(now, id, 481, NO_SUCH_CALL);
            return;
        };
        if call.is_dialling() {
            // What was offered holds until somebody answers; then they can change it.
            let _ = self.endpoint.reject_reinvite(now, id, 488, "Not Acceptable Here");
            return;
        }
        let capabilities = call.capabilities_by(&flow);
        // What the endpoint says to these commands, it says because the call or the change is gone; that comes as an event.
        let Some(offer) = offer else {
            match sdp::offer(&capabilities, call.agreed.as_deref(), &mut self.rng) {
                Ok(ours) => {
                    if self.endpoint.answer_reinvite(now, id, ours.to_text().into_bytes()).is_ok() {
                        call.offered = Some(ours);
                    }
                }
                Err(refusal) => {
                    let _ = self.endpoint.reject_reinvite(now, id, refusal.status(), "Not Acceptable Here");
                }
            }
            return;
        };
        let Ok(offer) = SessionDescription::parse(&offer) else {
            let _ = self.endpoint.reject_reinvite(now, id, 400, "Bad Request (session description)");
            return;
        };
        match sdp::answer(&offer, &capabilities, call.agreed.as_deref(), &mut self.rng) {
            Ok((ours, agreed)) => {
                if self.endpoint.answer_reinvite(now, id, ours.to_text().into_bytes()).is_ok() {
                    self.change(key, agreed);
                }
            }
            Err(refusal) => {
                let _ = self.endpoint.reject_reinvite(now, id, refusal.status(), "Not Acceptable Here");
            }
        }
    }

    fn change(&mut self, key: CallKey, agreed: sdp::Negotiated) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let was_on_hold = call.agreed.as_ref().is_some_and(|before| before.is_on_hold);
        let is_on_hold = agreed.is_on_hold;
        call.agree(agreed.clone());
        // Of somebody whom we call the first thing that signaling hears is that they take part.
        let is_known = call.caller.is_some() && call.outgoing.is_none();
        if call.has_begun() {
            let thread = call.thread;
            self.sound(key, thread, SoundOrder::Change { call: key, agreed: Box::new(agreed) });
        }
        if is_known && is_on_hold != was_on_hold {
            self.outputs.push_back(Output::Request { call: key, request: PhoneRequest::SetHold(is_on_hold) });
        }
    }

    /// Tells signaling of a call that begins with being held. What changes later is told by itself.
    pub(super) fn tell_hold(&mut self, key: CallKey) {
        let agreed = self.calls.get(&key).and_then(|call| call.agreed.as_ref());
        if agreed.is_some_and(|agreed| agreed.is_on_hold) {
            self.outputs.push_back(Output::Request { call: key, request: PhoneRequest::SetHold(true) });
        }
    }

    /// A key by INFO. The thread hears the same press perhaps as sound, and reports it once.
    pub(super) fn handle_info(&mut self, key: CallKey, content_type: &str, body: &[u8]) {
        let Some(call) = self.calls.get(&key).filter(|call| call.is_acknowledged) else { return };
        if let Some(digit) = info_digits::digit(content_type, body) {
            let thread = call.thread;
            self.sound(key, thread, SoundOrder::Digit { call: key, digit });
        }
    }
}
