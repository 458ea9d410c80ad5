// SPDX-License-Identifier: EUPL-1.2
//! The datagrams that a shard wants sent, in one arena that is written in place and reused.
//!
//! Packets are sealed where they will be sent from: nothing is allocated per packet once the arena has grown to the
//! size of a busy turn.

use std::net::SocketAddr;
use std::ops::Range;

/// One datagram in a [`SendBatch`].
#[derive(Clone, Copy, Debug)]
pub struct Datagram {
    /// Where it goes.
    pub destination: SocketAddr,
    start: usize,
    len: usize,
}

/// Datagrams waiting to be sent, oldest first.
#[derive(Debug, Default)]
pub struct SendBatch {
    arena: Vec<u8>,
    used: usize,
    datagrams: Vec<Datagram>,
}

impl SendBatch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// How many datagrams wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// The waiting datagrams with their bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (SocketAddr, &[u8])> {
        self.datagrams.iter().map(|d| (d.destination, &self.arena[d.start..d.start + d.len]))
    }

    /// The datagram at `index`, in the order they were written.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<(SocketAddr, &[u8])> {
        self.datagrams.get(index).map(|d| (d.destination, &self.arena[d.start..d.start + d.len]))
    }

    /// The bytes of all datagrams, one after the other.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.arena[..self.used]
    }

    /// Where in [`Self::bytes`] the datagram at `index` lies.
    #[must_use]
    pub fn place(&self, index: usize) -> Option<Range<usize>> {
        self.datagrams.get(index).map(|d| d.start..d.start + d.len)
    }

    /// Forgets the datagrams and keeps the memory.
    pub fn clear(&mut self) {
        self.used = 0;
        self.datagrams.clear();
    }

    /// Lets `write` fill up to `capacity` bytes for `destination` and keeps as many as it says, which is what it gives;
    /// `None` keeps nothing.
    pub fn push_with(
        &mut self,
        destination: SocketAddr,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let start = self.used;
        let end = start + capacity;
        if self.arena.len() < end {
            self.arena.resize(end, 0);
        }
        let len = write(&mut self.arena[start..end])?;
        debug_assert!(len <= capacity, "a datagram was written past its space");
        self.used = start + len;
        self.datagrams.push(Datagram { destination, start, len });
        Some(len)
    }

    /// Adds a datagram that exists already.
    pub fn push(&mut self, destination: SocketAddr, datagram: &[u8]) {
        let _ = self.push_with(destination, datagram.len(), |space| {
            space.copy_from_slice(datagram);
            Some(datagram.len())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_forgets_what_was_not_written() {
        let to: SocketAddr = ([127, 0, 0, 1], 9).into();
        let mut batch = SendBatch::new();
        batch.push(to, b"first");
        assert_eq!(batch.push_with(to, 100, |_| None), None);
        let kept = batch.push_with(to, 100, |space| {
            space[..6].copy_from_slice(b"second");
            Some(6)
        });
        assert_eq!(kept, Some(6));
        let sent: Vec<_> = batch.iter().map(|(_, bytes)| bytes.to_vec()).collect();
        assert_eq!(sent, [b"first".to_vec(), b"second".to_vec()]);
        assert_eq!((batch.bytes(), batch.place(1)), (&b"firstsecond"[..], Some(5..11)));
        batch.clear();
        assert!(batch.is_empty() && batch.bytes().is_empty());
    }
}
