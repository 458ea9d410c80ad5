// SPDX-License-Identifier: EUPL-1.2
//! Events on their way to call control. A tick does not wait for it: what control's queue has no room for stays here and is
//! tried again with the next.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::SoundEvent;

/// Events that wait before those are dropped whose loss a call bears. The others are few for each call: it ends once, and
/// is told once that a prompt was played before the next is ordered.
const MAX_WAITING: usize = 1_024;

/// See the [module](self).
pub(super) struct Outbox {
    events: mpsc::Sender<SoundEvent>,
    waiting: VecDeque<SoundEvent>,
}

impl Outbox {
    pub(super) const fn new(events: mpsc::Sender<SoundEvent>) -> Self {
        Self { events, waiting: VecDeque::new() }
    }

    /// Adds one. `false` if it was dropped because control has not fetched any for so long.
    pub(super) fn push(&mut self, event: SoundEvent) -> bool {
        // A caller presses a key again that did nothing.
        let may_drop = matches!(
            event,
            SoundEvent::Digit { .. } | SoundEvent::TalkingWhileMuted { .. } | SoundEvent::BadLine { .. }
        );
        if may_drop && self.waiting.len() >= MAX_WAITING {
            return false;
        }
        self.waiting.push_back(event);
        true
    }

    /// Gives control what it has room for. `false` if control is gone.
    pub(super) fn flush(&mut self) -> bool {
        while let Some(event) = self.waiting.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                // Waits here.
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    return true;
                }
                Err(TrySendError::Closed(_)) => return false,
            }
        }
        !self.events.is_closed()
    }

    /// Whether something waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digit::Digit;
    use crate::sound::CallKey;

    #[test]
    fn what_finds_no_room_comes_later_and_in_order() {
        let (sender, mut receiver) = mpsc::channel(2);
        let mut outbox = Outbox::new(sender);
        for call in (0..5).map(CallKey) {
            assert!(outbox.push(SoundEvent::Lost { call }));
        }
        let mut heard = Vec::new();
        while heard.len() < 5 {
            assert!(outbox.flush());
            assert_eq!(outbox.is_empty(), heard.len() >= 3);
            while let Ok(SoundEvent::Lost { call }) = receiver.try_recv() {
                heard.push(call.0);
            }
        }
        assert_eq!(heard, [0, 1, 2, 3, 4]);
        drop(receiver);
        assert!(!outbox.flush());
    }

    #[test]
    fn keys_are_dropped_when_nobody_fetches_them_and_ends_are_not() {
        let (sender, _receiver) = mpsc::channel(1);
        let mut outbox = Outbox::new(sender);
        let call = CallKey(1);
        let taken = (0..2_000).filter(|_| outbox.push(SoundEvent::Digit { call, digit: Digit::HASH })).count();
        assert_eq!(taken, MAX_WAITING);
        assert!(outbox.push(SoundEvent::Failed { call }));
    }
}
