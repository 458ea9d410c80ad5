// SPDX-License-Identifier: EUPL-1.2
//! Which of the node's bridges the callers of a room gather on. Whoever is let in first decides it, and it holds until the
//! last of them is gone, or that bridge is full: then the first who stays elsewhere decides it for those who come later. On
//! one bridge callers hear each other without a codec in between, and what the room says is decoded once for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The rooms with callers, by name: as many as there are calls at most.
#[derive(Clone, Default)]
pub(super) struct Gatherings(Arc<Mutex<HashMap<String, Gathering>>>);

struct Gathering {
    bridge: u16,
    callers: usize,
}

/// That a caller is one of a room's, until this is dropped.
pub(super) struct Gathered {
    all: Gatherings,
    room: String,
    bridge: u16,
}

impl Gatherings {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Gathering>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A caller whose sound is with that bridge comes into a room.
    pub(super) fn come(&self, room: String, bridge: u16) -> Gathered {
        let mut rooms = self.lock();
        let gathering = rooms.entry(room.clone()).or_insert(Gathering { bridge, callers: 0 });
        gathering.callers += 1;
        Gathered { all: self.clone(), room, bridge: gathering.bridge }
    }
}

impl Gathered {
    /// Where the callers of the room gather.
    pub(super) const fn bridge(&self) -> u16 {
        self.bridge
    }

    /// The caller comes in with their sound at that bridge. Where that is not where they were sent, it had no place for them, and
    /// those who come later gather here; unless they do so somewhere else by now.
    pub(super) fn comes_in_at(&self, bridge: u16) {
        if let Some(gathering) = self.all.lock().get_mut(&self.room)
            && gathering.bridge == self.bridge
        {
            gathering.bridge = bridge;
        }
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        let mut rooms = self.all.lock();
        if let Some(gathering) = rooms.get_mut(&self.room) {
            gathering.callers -= 1;
            if gathering.callers == 0 {
                rooms.remove(&self.room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_who_find_a_bridge_full_gather_on_another() {
        let all = Gatherings::default();
        let come = |bridge| all.come("a".to_owned(), bridge);
        let (first, second, third) = (come(0), come(1), come(2));
        first.comes_in_at(0);
        assert_eq!(come(3).bridge(), 0);
        second.comes_in_at(1);
        third.comes_in_at(2);
        let later = come(3);
        assert_eq!(later.bridge(), 1, "the first who stays decides it");
        later.comes_in_at(1);
        assert_eq!(come(3).bridge(), 1);
    }

    #[test]
    fn a_rooms_callers_gather_where_the_first_is_until_the_last_is_gone() {
        let all = Gatherings::default();
        let come = |room: &str, bridge| all.come(room.to_owned(), bridge);
        let (first, second, elsewhere) = (come("a", 1), come("a", 0), come("b", 0));
        assert_eq!([first.bridge(), second.bridge(), elsewhere.bridge()], [1, 1, 0]);
        drop(first);
        let third = come("a", 2);
        assert_eq!(third.bridge(), 1);
        drop((second, third));
        assert_eq!(come("a", 2).bridge(), 2);
        drop(elsewhere);
        assert!(all.lock().is_empty());
    }
}
