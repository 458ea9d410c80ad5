// SPDX-License-Identifier: EUPL-1.2
//! Values that keep their place while others come and go. What tells whether a place is taken stands first in it, and a
//! place can be called for from memory before it is looked at, which a common slab cannot: whoever goes through hundreds of
//! clients would wait for each.

use std::ops::{Index, IndexMut};

use crate::prefetch::prefetch_line;

/// Values by their place.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    places: Vec<Place<T>>,
    /// The place that is taken next, when it is one of those left.
    next_free: usize,
    len: usize,
}

#[derive(Debug)]
#[repr(u8)]
enum Place<T> {
    /// Nothing; the next free one is there.
    Free(usize),
    /// A value.
    Taken(T),
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { places: Vec::new(), next_free: 0, len: 0 }
    }

    /// How many values there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Gives a value a place: the one that was left last, or a new one.
    pub(crate) fn insert(&mut self, value: T) -> usize {
        let index = self.next_free;
        match self.places.get_mut(index) {
            Some(place) => {
                if let Place::Free(next) = std::mem::replace(place, Place::Taken(value)) {
                    self.next_free = next;
                }
            }
            None => {
                self.places.push(Place::Taken(value));
                self.next_free = self.places.len();
            }
        }
        self.len += 1;
        index
    }

    /// Takes a value from its place.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub(crate) fn remove(&mut self, index: usize) -> T {
        match std::mem::replace(&mut self.places[index], Place::Free(self.next_free)) {
            Place::Taken(value) => {
                self.next_free = index;
                self.len -= 1;
                value
            }
            Place::Free(_) => panic!("the place {index} is free"),
        }
    }

    /// The value at a place.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        match self.places.get_mut(index) {
            Some(Place::Taken(value)) => Some(value),
            _ => None,
        }
    }

    /// All values with their places.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        self.places.iter_mut().enumerate().filter_map(|(index, place)| match place {
            Place::Taken(value) => Some((index, value)),
            Place::Free(_) => None,
        })
    }

    /// Calls for the beginning of a place without looking at it, so that nobody has to wait here.
    #[inline]
    pub(crate) fn prefetch(&self, index: usize) {
        prefetch_line(self.places.as_ptr().wrapping_add(index).cast());
    }
}

impl<T> Index<usize> for Slots<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        match &self.places[index] {
            Place::Taken(value) => value,
            Place::Free(_) => panic!("the place {index} is free"),
        }
    }
}

impl<T> IndexMut<usize> for Slots<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        match &mut self.places[index] {
            Place::Taken(value) => value,
            Place::Free(_) => panic!("the place {index} is free"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_place_and_the_place_left_last_is_taken_first() {
        let mut slots = Slots::new();
        let places: Vec<_> = ["a", "b", "c", "d"].map(|value| slots.insert(value)).into();
        assert_eq!(places, [0, 1, 2, 3]);
        assert_eq!((slots.remove(1), slots.remove(3)), ("b", "d"));
        assert_eq!((slots.len(), slots[0], slots[2]), (2, "a", "c"));
        assert!(slots.get_mut(1).is_none() && slots.get_mut(9).is_none());
        assert_eq!((slots.insert("e"), slots.insert("f"), slots.insert("g")), (3, 1, 4));
        let all: Vec<_> = slots.iter_mut().map(|(index, value)| (index, *value)).collect();
        assert_eq!(all, [(0, "a"), (1, "f"), (2, "c"), (3, "e"), (4, "g")]);
    }

    #[test]
    fn any_place_can_be_called_for() {
        let mut slots = Slots::new();
        slots.prefetch(0);
        slots.insert([7_u8; 100]);
        for place in [0, 1, usize::MAX] {
            slots.prefetch(place);
        }
        assert_eq!(slots[0], [7; 100]);
    }

    #[test]
    #[should_panic(expected = "the place 0 is free")]
    fn what_is_gone_cannot_be_taken_again() {
        let mut slots = Slots::new();
        let place = slots.insert(());
        slots.remove(place);
        slots.remove(place);
    }
}
