// SPDX-License-Identifier: EUPL-1.2
//! Which source address belongs to which client.
//!
//! An address gets here only by a STUN request with valid MESSAGE-INTEGRITY. What comes from any other address is
//! never looked at beyond STUN: this is what keeps a stranger's packet away from DTLS and SRTP.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;

use crate::ids::ShardId;

/// Where datagrams from an address go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// To the client in this slot.
    Client(usize),
    /// To the shard that owns the client: it moved, and the kernel now hands its datagrams to us.
    Shard(ShardId),
}

/// Addresses that datagrams are handed on for. A client that moves leaves its old ones behind; when the table is
/// full they all go, and those still in use are learnt again with the client's next check (within 3 s).
const MAX_FORWARDS: usize = 10_000;

/// The verified addresses that a shard hears.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    routes: HashMap<SocketAddr, Route>,
    forwards: usize,
}

impl Addresses {
    pub(super) fn route(&self, source: SocketAddr) -> Option<Route> {
        self.routes.get(&source).copied()
    }

    /// `source` proved to be the client in `slot`.
    pub(super) fn learn_client(&mut self, source: SocketAddr, slot: usize) {
        if let Some(Route::Shard(_)) = self.routes.insert(source, Route::Client(slot)) {
            self.forwards -= 1;
        }
    }

    /// `source` proved to be a client of another shard.
    pub(super) fn learn_forward(&mut self, source: SocketAddr, owner: ShardId) {
        if self.forwards >= MAX_FORWARDS {
            self.routes.retain(|_, route| matches!(route, Route::Client(_)));
            self.forwards = 0;
        }
        match self.routes.entry(source) {
            Entry::Occupied(mut entry) => {
                if let Route::Client(_) = entry.insert(Route::Shard(owner)) {
                    self.forwards += 1;
                }
            }
            Entry::Vacant(entry) => {
                entry.insert(Route::Shard(owner));
                self.forwards += 1;
            }
        }
    }

    /// Forgets one address of a client.
    pub(super) fn forget(&mut self, source: SocketAddr, slot: usize) {
        if self.routes.get(&source) == Some(&Route::Client(slot)) {
            self.routes.remove(&source);
        }
    }

    /// Forgets all addresses of the client in `slot`.
    pub(super) fn forget_client(&mut self, slot: usize) {
        self.routes.retain(|_, route| *route != Route::Client(slot));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    #[test]
    fn an_address_belongs_to_who_proved_it_last() {
        let mut addresses = Addresses::default();
        addresses.learn_forward(address(1), ShardId(2));
        assert_eq!(addresses.route(address(1)), Some(Route::Shard(ShardId(2))));
        addresses.learn_client(address(1), 7);
        assert_eq!(addresses.route(address(1)), Some(Route::Client(7)));
        addresses.forget(address(1), 8);
        assert_eq!(addresses.route(address(1)), Some(Route::Client(7)));
        addresses.forget_client(7);
        assert_eq!(addresses.route(address(1)), None);
    }

    #[test]
    fn forwards_stay_bounded_and_never_cost_a_client() {
        let mut addresses = Addresses::default();
        addresses.learn_client(address(1), 0);
        for n in 0..MAX_FORWARDS * 2 + 10 {
            let source = SocketAddr::from(([198, 51, (n >> 8) as u8, n as u8], 9));
            addresses.learn_forward(source, ShardId(1));
        }
        assert!(addresses.routes.len() <= MAX_FORWARDS + 1);
        assert_eq!(addresses.route(address(1)), Some(Route::Client(0)));
    }
}
