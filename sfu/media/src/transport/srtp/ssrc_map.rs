// SPDX-License-Identifier: EUPL-1.2
//! A small map by SSRC that never grows past its bound and is quick to ask.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// State per SSRC. When it is full, new SSRCs are refused: forgetting an old one would let its packets be replayed,
/// or its indices be sealed again.
pub(super) struct SsrcMap<T> {
    states: HashMap<u32, T, BuildHasherDefault<SsrcHasher>>,
    capacity: usize,
}

/// One multiplication (Fibonacci hashing). Our own SSRCs are random, and an authenticated client that picks
/// colliding ones slows down at most a map of bounded size.
#[derive(Default)]
pub(super) struct SsrcHasher(u64);

impl<T> SsrcMap<T> {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { states: HashMap::default(), capacity }
    }

    pub(super) fn get(&self, ssrc: u32) -> Option<&T> {
        self.states.get(&ssrc)
    }

    pub(super) fn get_mut(&mut self, ssrc: u32) -> Option<&mut T> {
        self.states.get_mut(&ssrc)
    }

    pub(super) fn is_full(&self) -> bool {
        self.states.len() >= self.capacity
    }

    /// Adds state for a new SSRC; the caller has asked [`Self::is_full`].
    pub(super) fn insert(&mut self, ssrc: u32, state: T) {
        debug_assert!(!self.is_full(), "the bound was not checked");
        self.states.insert(ssrc, state);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }
}

impl Hasher for SsrcHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u32(&mut self, ssrc: u32) {
        self.0 = u64::from(ssrc).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32((self.0 as u32) ^ u32::from(*byte));
        }
    }
}
