// SPDX-License-Identifier: EUPL-1.2
//! Calls that go from one thread to another: all that there is of them, in one order. What SRTP has counted, which address
//! was latched on, and what waits to be played goes with them, so a telephone notices nothing but that a packet comes up to a
//! tick later.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Instant;

use super::{Call, SoundThread};
use crate::sound::{CallKey, SoundEvent, SoundOrder};

/// A call on its way from one thread to another, with its sockets.
pub struct HandedOver(Call);

impl fmt::Debug for HandedOver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HandedOver")
    }
}

impl SoundThread {
    /// Gives a call to another thread, which then reports it. What cannot be given stays here, and that is reported, too.
    pub(super) fn hand_over_call(&mut self, now: Instant, key: CallKey, to: &SyncSender<SoundOrder>) {
        if let Some(mut call) = self.calls.remove(&key) {
            // The tick that begins now is the first that the other thread owes it.
            call.due = Some(now);
            let order = SoundOrder::TakeOver { call: key, handed: Box::new(HandedOver(call)) };
            match to.try_send(order) {
                Ok(()) => {
                    self.rooms.disconnect(key);
                    self.count_calls();
                    return;
                }
                Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) => self.take_back(order),
            }
        }
        self.outbox.push(SoundEvent::NotMoved { call: key });
    }

    /// It has another thread's call from now on.
    pub(super) fn take_over_call(&mut self, key: CallKey, handed: HandedOver) {
        self.calls.insert(key, handed.0);
        self.count_calls();
        self.outbox.push(SoundEvent::Moved { call: key });
    }

    fn take_back(&mut self, order: SoundOrder) {
        if let SoundOrder::TakeOver { call, handed } = order {
            self.calls.insert(call, handed.0);
        }
    }
}
