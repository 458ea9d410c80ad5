// SPDX-License-Identifier: EUPL-1.2
//! A call's sound goes to the thread that has the others of its room, before the caller comes in: there they hear each other
//! without a codec in between, and the room is decoded once. What the call is ordered meanwhile waits here, until the thread
//! says that it has it.

use std::time::{Duration, Instant};

use bus::phone::PhoneRequest;

use super::{ControlCore, Output};
use crate::caller::EndReason;
use crate::sound::{CallKey, SoundOrder};

/// Calls of a thread to which no others are moved: what one core bears with codecs that cost little. Whoever finds it full stays
/// where they are, and hears the room from there.
const FULL_THREAD: usize = 200;

/// Orders that wait for a call to have moved, which takes two ticks. A caller's way gives few in that time, so with more of
/// them the thread is stuck, and the call is given up.
const MAX_WAITING: usize = 64;

/// How long a call may be between two threads. Two ticks are usual; a thread that takes so much longer is stuck or gone, and the
/// caller has heard nothing since.
const MOVE_TIME: Duration = Duration::from_secs(2);

/// A call between two threads.
pub(super) struct Moving {
    from: usize,
    to: usize,
    waiting: Vec<SoundOrder>,
    has_overflowed: bool,
    /// The caller is to come into the room once the sound is there.
    joins: bool,
}

impl ControlCore {
    /// Signaling says where others of the room are that the caller is about to come into.
    pub(super) fn gather(&mut self, now: Instant, key: CallKey, bridge: u16) {
        let to = usize::from(bridge);
        let Some(call) = self.calls.get(&key).filter(|call| call.has_begun() && call.leg.is_none()) else { return };
        let from = call.thread;
        let Some(load) = self.loads.get_mut(to).filter(|load| **load < FULL_THREAD) else { return };
        if from == to || self.moving.contains_key(&key) {
            return;
        }
        // Until it is known where the call is, it counts for both.
        *load += 1;
        self.moving.insert(key, Moving { from, to, waiting: Vec::new(), has_overflowed: false, joins: false });
        self.moves_due.set(key, Some(now + MOVE_TIME));
        self.outputs.push_back(Output::MoveSound { call: key, from, to });
    }

    /// An order for a call that is not on its way is given back.
    pub(super) fn hold_order(&mut self, key: CallKey, order: SoundOrder) -> Option<SoundOrder> {
        let Some(moving) = self.moving.get_mut(&key) else { return Some(order) };
        // Of its end there is one, and it must not be lost.
        if moving.waiting.len() < MAX_WAITING || matches!(order, SoundOrder::End { .. }) {
            moving.waiting.push(order);
        } else {
            moving.has_overflowed = true;
        }
        None
    }

    /// Whether a request has to wait until the sound of the call is where it is to be.
    pub(super) fn holds_request(&mut self, key: CallKey, request: &PhoneRequest) -> bool {
        let Some(moving) = self.moving.get_mut(&key).filter(|_| matches!(request, PhoneRequest::Join)) else {
            return false;
        };
        moving.joins = true;
        true
    }

    /// No thread says that it has the call. Nobody can speak to the caller, so it ends without a word. Where its end has to be
    /// ordered is known only if a thread says so after all; until then it is kept.
    pub(super) fn handle_move_overdue(&mut self, now: Instant, key: CallKey) {
        let Some(moving) = self.moving.get_mut(&key) else { return };
        moving.waiting.retain(|order| matches!(order, SoundOrder::End { .. }));
        tracing::warn!(call = key.0, "a call has been lost between two threads of sound");
        self.hang_up(now, key, EndReason::Technical);
    }

    /// A thread says whether the call is at its new place.
    pub(super) fn handle_move(&mut self, now: Instant, key: CallKey, has_moved: bool) {
        self.moves_due.set(key, None);
        let Some(Moving { from, to, waiting, has_overflowed, joins }) = self.moving.remove(&key) else { return };
        let place = if has_moved { to } else { from };
        let Some(call) = self.calls.get_mut(&key) else {
            // It was hung up meanwhile, and counts for the old thread no more.
            self.unload(to);
            waiting.into_iter().for_each(|order| self.sound(key, place, order));
            return;
        };
        call.thread = place;
        self.unload(if has_moved { from } else { to });
        waiting.into_iter().for_each(|order| self.sound(key, place, order));
        if has_overflowed {
            return self.hang_up(now, key, EndReason::Technical);
        }
        if has_moved {
            let bridge = u16::try_from(to).unwrap_or(u16::MAX);
            self.outputs.push_back(Output::Request { call: key, request: PhoneRequest::SoundIsAt { bridge } });
        }
        if joins {
            self.outputs.push_back(Output::Request { call: key, request: PhoneRequest::Join });
        }
    }

    /// A thread has one call less.
    pub(super) fn unload(&mut self, thread: usize) {
        if let Some(load) = self.loads.get_mut(thread) {
            *load = load.saturating_sub(1);
        }
    }

    /// As if a thread had so many calls.
    #[cfg(test)]
    pub(in crate::control) fn load(&mut self, thread: usize, calls: usize) {
        self.loads[thread] = calls;
    }

    /// Calls of each thread.
    #[cfg(test)]
    pub(in crate::control) fn loads(&self) -> &[usize] {
        &self.loads
    }
}
