// SPDX-License-Identifier: EUPL-1.2
//! Connecting a caller elsewhere (RFC 3515): the trunk is asked to by REFER, tells by NOTIFY how it goes, and the call is hung up
//! once it has worked. Until then the caller hears music, and is in the meeting for everybody else.

use std::time::{Duration, Instant};

use bus::phone::PhoneRequest;

use super::{ControlCore, Output};
use crate::caller::{Caller, Input};
use crate::control::call::Transfer;
use crate::sip::command::Reason;
use crate::sip::message::Host;
use crate::sound::{CallKey, SoundOrder};
use crate::trunks::{is_number, number_at};

/// As long as a trunk lets it ring elsewhere, which is three minutes at most (RFC 3261 §16.6). After that it has forgotten to say
/// what came of it.
const TRANSFER_TIME: Duration = Duration::from_secs(190);

/// Q.850's cause for a call that has ended as it should (§2.2.7.1.16).
const NORMAL: u8 = 16;

impl ControlCore {
    /// A caller is to be connected with that number. A second time while that is going on is not heard: the end of the first is
    /// told, and there is one.
    pub(super) fn transfer(&mut self, now: Instant, key: CallKey, to: &str) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        if call.transfer.is_some() {
            return;
        }
        let is_in_meeting = call.caller.as_ref().is_some_and(Caller::is_in_meeting);
        // Of a trunk that only calls us nothing else is known.
        let domain = self.operations.domain_of(&call.trunk).unwrap_or(Host::Address(call.peer));
        let target = number_at(to, domain, None).to_string();
        let may = is_in_meeting && is_number(to);
        if !may || self.endpoint.refer(now, call.sip, &target).is_err() {
            return self.tell_transfer_ended(key, Err(None));
        }
        call.transfer = Some(Transfer::Asked);
        let thread = call.thread;
        self.due.set(key, Some(now + TRANSFER_TIME));
        self.sound(key, thread, SoundOrder::Disconnect { call: key });
        self.tell_caller(now, key, Input::Transferring);
    }

    /// How it goes. Below 200 it goes on.
    pub(super) fn handle_refer_progress(&mut self, now: Instant, key: CallKey, status: u16) {
        let Some(call) = self.calls.get_mut(&key).filter(|call| call.transfer.is_some()) else { return };
        match status {
            ..200 => call.transfer = Some(Transfer::Accepted),
            200..300 => {
                call.transfer = None;
                self.tell_transfer_ended(key, Ok(()));
                self.hang_up_for(now, key, "transferred", &Reason::Q850(NORMAL, "transferred".to_owned()));
            }
            _ => self.end_transfer(now, key, Some(status)),
        }
    }

    /// It has come to nothing: the caller is in the meeting as before.
    pub(super) fn end_transfer(&mut self, now: Instant, key: CallKey, status: Option<u16>) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        if call.transfer.take().is_none() {
            return;
        }
        let (thread, leg, is_muted) = (call.thread, call.leg.clone(), call.is_muted);
        // It fails when the call is over.
        let _ = self.endpoint.forget_refer(call.sip);
        self.due.set(key, None);
        self.tell_transfer_ended(key, Err(status));
        self.tell_caller(now, key, Input::NotTransferred);
        if let Some(leg) = leg {
            self.sound(key, thread, SoundOrder::Connect { call: key, leg });
            self.sound(key, thread, SoundOrder::Muted { call: key, is_muted });
        }
    }

    pub(super) fn tell_transfer_ended(&mut self, key: CallKey, result: Result<(), Option<u16>>) {
        let label = if result.is_ok() { "done" } else { "failed" };
        self.metrics.transfers.with_label_values(&[label]).inc();
        self.outputs.push_back(Output::Request { call: key, request: PhoneRequest::TransferEnded(result) });
    }
}
