// SPDX-License-Identifier: EUPL-1.2
//! A small map by SSRC that never grows past its bound and is quick to ask.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::prefetch::prefetch;

/// State per SSRC. When it is full, new SSRCs are refused: forgetting an old one would let its packets be replayed,
/// or its indices be sealed again.
pub(super) struct SsrcMap<T> {
    /// By [`StreamPlace`].
    states: Vec<(u32, T)>,
    places: HashMap<u32, StreamPlace, BuildHasherDefault<SsrcHasher>>,
    capacity: usize,
}

/// Where the state of an SSRC is. One that is wrong costs a search and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamPlace(u32);

/// One multiplication (Fibonacci hashing). Our own SSRCs are random, and an authenticated client that picks
/// colliding ones slows down at most a map of bounded size.
#[derive(Default)]
pub(super) struct SsrcHasher(u64);

impl<T> SsrcMap<T> {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { states: Vec::new(), places: HashMap::default(), capacity }
    }

    pub(super) fn get_mut(&mut self, ssrc: u32) -> Option<&mut T> {
        self.get_mut_at(&mut StreamPlace::default(), ssrc)
    }

    /// The same, by the place that the SSRC had last time, which is corrected.
    pub(super) fn get_mut_at(&mut self, place: &mut StreamPlace, ssrc: u32) -> Option<&mut T> {
        if self.states.get(place.0 as usize).is_none_or(|(known, _)| *known != ssrc) {
            *place = *self.places.get(&ssrc)?;
        }
        self.states.get_mut(place.0 as usize).map(|(_, state)| state)
    }

    /// Calls for the state at a place.
    pub(super) fn prefetch(&self, place: StreamPlace) {
        if let Some(state) = self.states.get(place.0 as usize) {
            prefetch(state);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.states.len() >= self.capacity
    }

    /// Adds state for a new SSRC; the caller has asked [`Self::is_full`].
    pub(super) fn insert(&mut self, ssrc: u32, state: T) {
        debug_assert!(!self.is_full(), "the bound was not checked");
        // Capacities are far below `u32::MAX`.
        self.places.insert(ssrc, StreamPlace(self.states.len() as u32));
        self.states.push((ssrc, state));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_learnt_and_a_wrong_one_corrected() {
        let mut map = SsrcMap::with_capacity(3);
        for ssrc in [10, 20, 30] {
            map.insert(ssrc, ssrc * 2);
        }
        assert!(map.is_full());
        let mut place = StreamPlace::default();
        assert_eq!(map.get_mut_at(&mut place, 30), Some(&mut 60));
        assert_eq!(place, StreamPlace(2));
        assert_eq!(map.get_mut_at(&mut place, 30), Some(&mut 60));
        assert_eq!(map.get_mut_at(&mut place, 20), Some(&mut 40));
        assert_eq!(map.get_mut_at(&mut place, 40), None);
        assert_eq!(map.get_mut_at(&mut StreamPlace(7), 10), Some(&mut 20));
        map.prefetch(StreamPlace(9));
    }
}
