// SPDX-License-Identifier: EUPL-1.2
//! Which SFU node a room's media lives on: the one with the fewest rooms of ours.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bus::{Bus, NodeId};

/// Counts the rooms on each node.
#[derive(Clone)]
pub(crate) struct Placement {
    bus: Bus,
    rooms: Arc<Mutex<HashMap<NodeId, usize>>>,
}

impl Placement {
    pub(crate) fn new(bus: Bus) -> Self {
        Self { bus, rooms: Arc::default() }
    }

    /// Whether any node serves.
    pub(crate) fn is_possible(&self) -> bool {
        !self.bus.sfu_nodes().is_empty()
    }

    /// Chooses a node, if one serves. The room counts as living there until the place is dropped.
    pub(crate) fn place(&self) -> Option<Place> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let load = |node: &NodeId| rooms.get(node).copied().unwrap_or_default();
        let node = self.bus.sfu_nodes().into_iter().min_by_key(load)?;
        *rooms.entry(node.clone()).or_default() += 1;
        Some(Place { node, rooms: self.rooms.clone() })
    }
}

/// A room's place on a node.
pub(crate) struct Place {
    node: NodeId,
    rooms: Arc<Mutex<HashMap<NodeId, usize>>>,
}

impl Place {
    pub(crate) fn node(&self) -> &NodeId {
        &self.node
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = rooms.get_mut(&self.node) {
            *count -= 1;
            if *count == 0 {
                rooms.remove(&self.node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_spread_over_the_nodes() {
        let bus = Bus::local();
        let placement = Placement::new(bus.clone());
        assert!(placement.place().is_none() && !placement.is_possible());
        let _nodes = [bus.serve_sfu("a".into()), bus.serve_sfu("b".into())];
        let places: Vec<_> = (0..4).filter_map(|_| placement.place()).collect();
        let names: Vec<_> = places.iter().map(|place| place.node().as_str().to_owned()).collect();
        assert_eq!(names, ["a", "b", "a", "b"]);
        drop(places);
        assert!(placement.rooms.lock().expect("unpoisoned").is_empty());
    }
}
