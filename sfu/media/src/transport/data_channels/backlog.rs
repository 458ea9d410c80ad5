// SPDX-License-Identifier: EUPL-1.2
//! How much data waits on either side of a data channel, in bytes and in messages. Counting bytes alone would let
//! messages of one byte take a hundred times their size in bookkeeping.

use std::collections::VecDeque;

/// Lengths of messages in the order they came.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    lengths: VecDeque<usize>,
    bytes: usize,
}

impl Backlog {
    pub(super) fn push(&mut self, bytes: usize) {
        self.lengths.push_back(bytes);
        self.bytes += bytes;
    }

    /// How much waits.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes off bytes from the oldest messages.
    pub(super) fn take(&mut self, bytes: usize) {
        self.settle(self.bytes.saturating_sub(bytes));
    }

    /// Takes off the oldest messages until no more than `bytes` are left, in part if need be.
    pub(super) fn settle(&mut self, bytes: usize) {
        while let Some(oldest) = self.lengths.front_mut() {
            let surplus = self.bytes.saturating_sub(bytes);
            if surplus < *oldest {
                *oldest -= surplus;
                self.bytes -= surplus;
                break;
            }
            self.bytes -= *oldest;
            self.lengths.pop_front();
        }
    }

    /// Whether a message of that length may be added.
    pub(super) fn has_room(&self, bytes: usize, max_bytes: usize, max_messages: usize) -> bool {
        self.bytes + bytes <= max_bytes && self.lengths.len() < max_messages
    }

    /// Whether one of the bounds is reached.
    pub(super) fn is_full(&self, max_bytes: usize, max_messages: usize) -> bool {
        self.bytes >= max_bytes || self.lengths.len() >= max_messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_leave_when_all_their_bytes_are_taken() {
        let mut backlog = Backlog::default();
        backlog.push(10);
        backlog.push(5);
        backlog.take(9);
        assert!(backlog.is_full(6, 9) && !backlog.is_full(7, 3) && backlog.is_full(7, 2));
        backlog.take(1);
        assert!(backlog.is_full(5, 9) && !backlog.is_full(6, 2));
        backlog.take(100);
        assert!(!backlog.is_full(1, 1));
    }

    #[test]
    fn room_is_bounded_in_bytes_and_in_messages() {
        let mut backlog = Backlog::default();
        assert!(backlog.has_room(10, 10, 1) && !backlog.has_room(11, 10, 1));
        backlog.push(1);
        assert!(!backlog.has_room(1, 10, 1) && backlog.has_room(9, 10, 2));
        backlog.settle(0);
        assert!(backlog.has_room(10, 10, 1));
    }
}
