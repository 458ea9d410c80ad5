// SPDX-License-Identifier: EUPL-1.2
//! Which sources do not go where their hash says.

use std::collections::BTreeMap;

use sfu_media::ids::TransportId;

use super::hash::Source;
use super::program;

/// Addresses of one client that have rules. It uses one, and two or three while it changes networks; one that keeps
/// changing must not take the rules of all others.
const MAX_PER_TRANSPORT: usize = 4;

/// The rules by the keys that the program finds them by, at most as many as fit into it.
#[derive(Debug)]
pub(super) struct Rules {
    by_key: BTreeMap<u32, Rule>,
    sockets: u16,
    /// How many rules there have been, which tells the age of each.
    made: u64,
    is_changed: bool,
}

#[derive(Debug)]
struct Rule {
    source: Source,
    transport: TransportId,
    socket: u16,
    number: u64,
}

impl Rules {
    pub(super) const fn new(sockets: u16) -> Self {
        Self { by_key: BTreeMap::new(), sockets, made: 0, is_changed: false }
    }

    pub(super) fn socket_for(&self, hash: u32) -> u16 {
        self.by_key.get(&program::key(hash)).map_or_else(|| program::spread(hash, self.sockets), |rule| rule.socket)
    }

    /// Makes `source`, whose hash is given, go to `socket`. Whether that succeeded.
    pub(super) fn steer(&mut self, transport: TransportId, source: Source, hash: u32, socket: u16) -> bool {
        let key = program::key(hash);
        if let Some(rule) = self.by_key.get(&key) {
            if rule.source != source || (rule.transport == transport && rule.socket == socket) {
                return rule.socket == socket;
            }
            // Another client has got the address since, or its own is on another shard.
            self.remove(key);
        }
        if program::spread(hash, self.sockets) == socket {
            return true;
        }
        self.make_room_for(transport);
        if self.by_key.len() >= program::max_rules(self.sockets.into()) {
            return false;
        }
        self.by_key.insert(key, Rule { source, transport, socket, number: self.made });
        self.made += 1;
        self.is_changed = true;
        true
    }

    /// Drops the oldest rule of a client that has as many as it may have.
    fn make_room_for(&mut self, transport: TransportId) {
        let of_transport = || self.by_key.iter().filter(|(_, rule)| rule.transport == transport);
        if of_transport().count() < MAX_PER_TRANSPORT {
            return;
        }
        if let Some(oldest) = of_transport().min_by_key(|(_, rule)| rule.number).map(|(key, _)| *key) {
            self.remove(oldest);
        }
    }

    fn remove(&mut self, key: u32) {
        self.is_changed |= self.by_key.remove(&key).is_some();
    }

    /// Drops the rules of all transports but those that `stays` names.
    pub(super) fn retain(&mut self, mut stays: impl FnMut(TransportId) -> bool) {
        let before = self.by_key.len();
        self.by_key.retain(|_, rule| stays(rule.transport));
        self.is_changed |= self.by_key.len() != before;
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether the kernel lacks a change.
    pub(super) const fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// The kernel has them all.
    pub(super) const fn set_unchanged(&mut self) {
        self.is_changed = false;
    }

    /// Keys and sockets in the order of the keys.
    pub(super) fn sorted(&self) -> Vec<(u32, u16)> {
        self.by_key.iter().map(|(key, rule)| (*key, rule.socket)).collect()
    }
}
