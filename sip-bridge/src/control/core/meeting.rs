// SPDX-License-Identifier: EUPL-1.2
//! What signaling and the threads of sound say, told to a caller's way; and what that asks for, told to them.

use std::sync::Arc;
use std::time::Instant;

use bus::phone::{MeetingEvent, PhoneNotice, PhoneRequest};

use super::{ControlCore, Output};
use crate::caller::{EndReason, Input, Output as Wish};
use crate::sip::command::Reason;
use crate::sound::{CallKey, SoundEvent, SoundOrder};

/// Q.850's cause for a line that is out of order (§2.2.7.1.15).
const OUT_OF_ORDER: u8 = 27;

impl ControlCore {
    /// Signaling says something. `None`: it has closed the line.
    pub(crate) fn handle_notice(&mut self, now: Instant, call: CallKey, notice: Option<PhoneNotice>) {
        self.take_notice(now, call, notice);
        self.settle(now);
    }

    fn take_notice(&mut self, now: Instant, call: CallKey, notice: Option<PhoneNotice>) {
        let Some(known) = self.calls.get(&call) else { return };
        let is_answered = known.caller.is_some();
        // Nobody takes part yet, so whatever signaling has to say against it is that it does not want the call.
        let gives_up = known.outgoing.is_some()
            && match &notice {
                None | Some(PhoneNotice::Declined(_) | PhoneNotice::Failed) => true,
                Some(PhoneNotice::EndedByOperator) => !is_answered,
                Some(_) => false,
            };
        if gives_up || notice == Some(PhoneNotice::GiveUp) {
            return self.give_up(now, call);
        }
        let Some(notice) = notice else {
            return if is_answered { self.tell_caller(now, call, Input::Failed) } else { self.decline(now, call) };
        };
        if let Some(is_muted) = muted(&notice) {
            self.set_muted(call, is_muted);
        }
        match notice {
            PhoneNotice::Begun(terms) => self.handle_begun(now, call, &terms),
            PhoneNotice::Declined(_) if is_answered => self.tell_caller(now, call, Input::Failed),
            PhoneNotice::Declined(decline) => self.handle_declined(now, call, decline),
            PhoneNotice::Failed if is_answered => self.tell_caller(now, call, Input::Failed),
            PhoneNotice::Failed => self.decline(now, call),
            PhoneNotice::Verdict { check, verdict } => self.tell_caller(now, call, Input::Verdict { check, verdict }),
            PhoneNotice::RoomIsAt { bridge } => self.gather(now, call, bridge),
            PhoneNotice::Tenant(slug) => self.set_tenant(call, slug),
            PhoneNotice::Connected { leg } => self.connect(call, leg),
            PhoneNotice::Event(event) => self.tell_caller(now, call, Input::Event(event)),
            PhoneNotice::Count(count) => self.tell_caller(now, call, Input::Count(count)),
            PhoneNotice::Transfer { to } => self.transfer(now, call, &to),
            PhoneNotice::EndedByOperator if is_answered => self.tell_caller(now, call, Input::EndedByOperator),
            PhoneNotice::EndedByOperator => self.decline(now, call),
            // It has been seen to.
            PhoneNotice::GiveUp => {}
        }
    }

    /// Signaling is gone before it said anything.
    fn decline(&mut self, now: Instant, call: CallKey) {
        self.refuse(now, call, &super::incoming::UNAVAILABLE);
    }

    fn connect(&mut self, key: CallKey, leg: bus::TransportSid) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        // Somebody may have been moved out of the meeting, or be hearing a good-bye, since they asked for it.
        if !call.caller.as_ref().is_some_and(crate::caller::Caller::is_in_meeting) {
            return;
        }
        call.leg = Some(leg.clone());
        // Who is being connected elsewhere hears this room if nothing comes of that.
        if call.transfer.is_some() {
            return;
        }
        let (thread, is_muted) = (call.thread, call.is_muted);
        self.sound(key, thread, SoundOrder::Connect { call: key, leg });
        self.sound(key, thread, SoundOrder::Muted { call: key, is_muted });
    }

    /// What the caller hears from the next prompt on.
    fn set_tenant(&mut self, key: CallKey, slug: String) {
        if let Some(call) = self.calls.get_mut(&key) {
            call.tenant = Some(slug.into());
        }
    }

    fn set_muted(&mut self, key: CallKey, is_muted: bool) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let has_changed = std::mem::replace(&mut call.is_muted, is_muted) != is_muted;
        if has_changed && call.leg.is_some() && call.transfer.is_none() {
            let thread = call.thread;
            self.sound(key, thread, SoundOrder::Muted { call: key, is_muted });
        }
    }

    /// A thread of sound says something.
    pub(crate) fn handle_sound(&mut self, now: Instant, event: SoundEvent) {
        match event {
            SoundEvent::Digit { call, digit } => self.tell_caller(now, call, Input::Digit(digit)),
            SoundEvent::Played { call, token } => self.tell_caller(now, call, Input::Played(token)),
            SoundEvent::TalkingWhileMuted { call } => self.tell_caller(now, call, Input::TalkingWhileMuted),
            SoundEvent::BadLine { call } => self.tell_caller(now, call, Input::BadLine),
            // Nobody would hear a good-bye.
            SoundEvent::Lost { call } => {
                let reason = Reason::Q850(OUT_OF_ORDER, "no sound".to_owned());
                self.hang_up_for(now, call, "lost", &reason);
            }
            SoundEvent::Failed { call } => self.hang_up(now, call, EndReason::Technical),
            SoundEvent::Moved { call } => self.handle_move(now, call, true),
            SoundEvent::NotMoved { call } => self.handle_move(now, call, false),
            SoundEvent::Ended { call, summary } => {
                tracing::debug!(
                    call = call.0,
                    received = summary.received,
                    lost = summary.lost,
                    sent = summary.sent,
                    jitter_ms = summary.jitter_ms,
                    round_trip_ms = summary.round_trip_ms,
                    remote_lost_percent = summary.remote_lost_percent,
                    "the sound of a call has ended"
                );
            }
        }
        self.settle(now);
    }

    /// A thread has no room for an order, or is gone: the call has no sound, so there is no good-bye either.
    pub(crate) fn handle_sound_refused(&mut self, now: Instant, call: CallKey) {
        self.hang_up(now, call, EndReason::Technical);
        self.settle(now);
    }

    /// Signaling has no room for a request, or is gone.
    pub(crate) fn handle_request_refused(&mut self, now: Instant, call: CallKey) {
        self.tell_caller(now, call, Input::Failed);
        self.settle(now);
    }

    pub(super) fn tell_caller(&mut self, now: Instant, call: CallKey, input: Input) {
        if let Some(caller) = self.calls.get_mut(&call).and_then(|call| call.caller.as_mut()) {
            caller.handle(now, input);
            self.follow_caller(now, call);
        }
    }

    /// Does what a caller's way asks for.
    pub(super) fn follow_caller(&mut self, now: Instant, key: CallKey) {
        loop {
            let Some(call) = self.calls.get_mut(&key) else { return };
            let Some(caller) = call.caller.as_mut() else { return };
            let Some(wish) = caller.poll_output() else { break };
            let (thread, tenant) = (call.thread, call.tenant.clone());
            match order_or_request(key, tenant, wish) {
                Asked::Sound(order) => self.sound(key, thread, order),
                Asked::Signaling(request) if self.holds_request(key, &request) => {}
                Asked::Signaling(request) => {
                    // The first thing that somebody wants whom we call is to come in.
                    let begins = self.take_part(key);
                    self.outputs.push_back(Output::Request { call: key, request });
                    if begins {
                        self.tell_hold(key);
                    }
                }
                Asked::HangUp(reason) => return self.hang_up(now, key, reason),
            }
        }
        let Some(call) = self.calls.get_mut(&key) else { return };
        let Some(caller) = &call.caller else { return };
        self.deadlines.set(key, caller.poll_timeout());
        // In the lobby again, or on the way out: they hear the room no more.
        if call.leg.is_some() && !caller.is_in_meeting() {
            call.leg = None;
            let thread = call.thread;
            self.sound(key, thread, SoundOrder::Disconnect { call: key });
        }
    }
}

enum Asked {
    Sound(SoundOrder),
    Signaling(PhoneRequest),
    HangUp(EndReason),
}

/// Whom a wish is for. What is played is played as that tenant has it.
fn order_or_request(call: CallKey, tenant: Option<Arc<str>>, wish: Wish) -> Asked {
    match wish {
        Wish::Play { language, prompts, token } => {
            Asked::Sound(SoundOrder::Play { call, tenant, language, prompts, token })
        }
        Wish::StopPlaying => Asked::Sound(SoundOrder::StopPlaying { call }),
        Wish::Music(is_on) => Asked::Sound(SoundOrder::Music { call, is_on }),
        Wish::Chime(chime) => Asked::Sound(SoundOrder::Chime { call, chime }),
        Wish::Volume(step) => Asked::Sound(SoundOrder::Volume { call, step }),
        Wish::CheckRoom { check } => Asked::Signaling(PhoneRequest::CheckRoom { check }),
        Wish::CheckId { check, digits } => Asked::Signaling(PhoneRequest::CheckId { check, digits }),
        Wish::CheckPin { check, digits } => Asked::Signaling(PhoneRequest::CheckPin { check, digits }),
        Wish::Join => Asked::Signaling(PhoneRequest::Join),
        Wish::SetMuted(is_muted) => Asked::Signaling(PhoneRequest::SetMuted(is_muted)),
        Wish::SetHand(is_up) => Asked::Signaling(PhoneRequest::SetHand(is_up)),
        Wish::AskCount => Asked::Signaling(PhoneRequest::AskCount),
        Wish::Consent(agrees) => Asked::Signaling(PhoneRequest::Consent(agrees)),
        Wish::HangUp(reason) => Asked::HangUp(reason),
    }
}

/// What a notice says about the caller's microphone.
const fn muted(notice: &PhoneNotice) -> Option<bool> {
    match notice {
        PhoneNotice::Event(MeetingEvent::Arrived(status) | MeetingEvent::Moved(_, status)) => Some(status.is_muted),
        PhoneNotice::Event(MeetingEvent::MicrophoneOff(_)) => Some(true),
        PhoneNotice::Event(MeetingEvent::MicrophoneOn) => Some(false),
        _ => None,
    }
}
