// SPDX-License-Identifier: EUPL-1.2
//! The way of orders to one thread of sound. It never waits: an order that does not fit is given back, and its call is given
//! up. The end of a call is the exception. It is owed until it fits, since a thread would keep the call for ever.

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, TrySendError};

use crate::sound::{CallKey, SoundOrder};

pub(super) struct SoundOrders {
    thread: SyncSender<SoundOrder>,
    /// Ends that did not fit. At most one for each call.
    owed: VecDeque<CallKey>,
}

/// An order did not fit, or the thread is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotTaken;

impl SoundOrders {
    pub(super) const fn new(thread: SyncSender<SoundOrder>) -> Self {
        Self { thread, owed: VecDeque::new() }
    }

    /// The thread's own end, for another thread.
    pub(super) fn thread(&self) -> SyncSender<SoundOrder> {
        self.thread.clone()
    }

    pub(super) fn send(&mut self, order: SoundOrder) -> Result<(), NotTaken> {
        self.settle();
        if let SoundOrder::End { call } = order {
            self.owed.push_back(call);
            self.settle();
            return Ok(());
        }
        self.thread.try_send(order).map_err(|_| NotTaken)
    }

    /// Hands over what is owed, as far as it fits.
    pub(super) fn settle(&mut self) {
        while let Some(call) = self.owed.front().copied() {
            match self.thread.try_send(SoundOrder::End { call }) {
                // A thread that is gone has no calls.
                Ok(()) | Err(TrySendError::Disconnected(_)) => self.owed.pop_front(),
                Err(TrySendError::Full(_)) => return,
            };
        }
    }

    /// Whether it has to be tried again.
    pub(super) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn an_end_is_owed_until_it_fits_and_nothing_else_is() {
        let (thread, orders) = sync_channel(1);
        let mut sound = SoundOrders::new(thread);
        assert_eq!(sound.send(SoundOrder::Open { call: CallKey(1) }), Ok(()));
        assert_eq!(sound.send(SoundOrder::Open { call: CallKey(2) }), Err(NotTaken));
        assert_eq!(sound.send(SoundOrder::End { call: CallKey(1) }), Ok(()));
        assert!(sound.owes());
        assert!(matches!(orders.recv(), Ok(SoundOrder::Open { call: CallKey(1) })));
        // What is owed goes first.
        assert_eq!(sound.send(SoundOrder::Open { call: CallKey(3) }), Err(NotTaken));
        assert!(!sound.owes());
        assert!(matches!(orders.recv(), Ok(SoundOrder::End { call: CallKey(1) })));
        assert!(orders.try_recv().is_err());
    }

    #[test]
    fn a_thread_that_is_gone_is_owed_nothing() {
        let (thread, orders) = sync_channel(1);
        let mut sound = SoundOrders::new(thread);
        drop(orders);
        assert_eq!(sound.send(SoundOrder::Open { call: CallKey(1) }), Err(NotTaken));
        assert_eq!(sound.send(SoundOrder::End { call: CallKey(1) }), Ok(()));
        assert!(!sound.owes());
    }
}
