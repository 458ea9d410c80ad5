// SPDX-License-Identifier: EUPL-1.2
//! The trunks of providers and exchanges: who may send us calls, where we are registered, and how the destinations are. They
//! are administered elsewhere and may change at any time.
//!
//! `Operations` runs them, without I/O and clock, on SIP's endpoint; `Callers` finds out which trunk a call is from.
//! `Trunks` is what both let others see: the gate of the sockets reads it for each message.

mod callers;
mod destinations;
mod dns;
mod locals;
mod locate;
mod operation;
mod operations;
mod peers;
mod probing;
mod proven;
mod registering;
mod routing;
#[cfg(test)]
pub(crate) mod testing;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

pub(crate) use self::callers::{Callers, Identity};
pub use self::dns::{SystemDns, SystemDnsError};
pub(crate) use self::locals::{Locals, default_port};
pub use self::locate::{Dns, DnsAnswer, DnsError, DnsFuture, DnsService};
pub(crate) use self::locate::{Located, locate};
pub use self::operations::DEV_TRUNK;
pub(crate) use self::operations::{LookUp, LookUpKey, Operations};
pub(crate) use self::peers::Peers;
use self::proven::Proven;
pub(crate) use self::routing::{Tried, is_number, name_of, number_at};

/// The trunks as they are now, for whoever has to know whose an address is. Reading takes a lock for the time of a reference
/// count; what is read stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Trunks {
    peers: RwLock<Arc<Peers>>,
    proven: Mutex<Proven>,
}

impl Trunks {
    /// As they are now.
    pub(crate) fn current(&self) -> Arc<Peers> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// They are others from now on.
    pub(crate) fn replace(&self, peers: Peers) {
        let peers = Arc::new(peers);
        *self.peers.write().unwrap_or_else(PoisonError::into_inner) = peers;
    }

    /// Somebody there has proven a trunk's password.
    pub(crate) fn note_proven(&self, now: Instant, source: IpAddr) {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner).note(now, source.to_canonical());
    }

    /// Whether messages from there are those of a trunk: by their address, or because somebody there has proven it.
    pub(crate) fn admit(&self, now: Instant, source: IpAddr) -> bool {
        self.current().knows(source)
            || self.proven.lock().unwrap_or_else(PoisonError::into_inner).contains(now, source.to_canonical())
    }
}
