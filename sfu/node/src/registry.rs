// SPDX-License-Identifier: EUPL-1.2
//! Who may come, and who owns whom: transports by the user name fragments that their STUN checks carry.
//!
//! An answered offer is registered before any shard has heard the client, with the shard that shall have it. When that
//! shard hears a valid check, it claims the transport and builds it there; every other shard that hears the client is
//! told the owner and passes the datagrams on. The lock is taken for offers and for the first datagrams from an address, not for media.
//!
//! Only a check with a valid MESSAGE-INTEGRITY (RFC 8489 §14.5) claims or learns anything. It is computed outside the
//! lock, so that checks with a known fragment and a wrong key slow down nobody but the shard that hears them.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sfu_media::ids::{ShardId, TransportId};
use sfu_media::session::{IceCredentials, Session, TransportSetup};
pub use sfu_media::shard::ClaimRequest;
use thiserror::Error;

/// Says whether a STUN request carries a valid MESSAGE-INTEGRITY made with the password.
pub type Verify = Box<dyn Fn(&[u8], &str) -> bool + Send + Sync>;

/// The answer to a [`ClaimRequest`].
#[derive(Debug)]
pub enum ClaimOutcome {
    /// Nobody may come under that name, or the check is not valid.
    Unknown,
    /// The transport is the claiming shard's now.
    Claimed(Box<TransportSetup>),
    /// The transport is another shard's or shall be, or has been the claiming shard's all along.
    OwnedBy(ShardId, TransportId),
}

/// Where a transport is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Not registered.
    Unknown,
    /// Nobody has heard the client yet.
    Pending,
    /// On this shard.
    OwnedBy(ShardId),
}

/// Why a transport was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// As many transports as the node can have are registered.
    #[error("the node has as many transports as it can hold")]
    Full,
    /// Another transport answers to the fragment.
    #[error("the user name fragment is in use")]
    FragmentInUse,
    /// The transport is registered already.
    #[error("the transport is registered already")]
    TransportInUse,
}

/// The table. Holds at most as many transports as it was made for, each with at most two fragments.
pub struct Registry {
    verify: Verify,
    max_transports: usize,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    fragments: HashMap<Arc<str>, TransportId>,
    transports: HashMap<TransportId, Entry>,
    pending: usize,
}

struct Entry {
    local: IceCredentials,
    /// What was valid before the last restart, and stays so until the next: the client sends with the old ones until it
    /// has heard the answer.
    previous: Option<IceCredentials>,
    state: State,
}

enum State {
    /// For this shard, or for the first that hears the client.
    Pending(Box<TransportSetup>, Option<ShardId>),
    Owned(ShardId),
}

impl Registry {
    /// An empty table for at most `max_transports`.
    #[must_use]
    pub fn new(max_transports: usize, verify: Verify) -> Self {
        Self { verify, max_transports, tables: Mutex::default() }
    }

    /// Expects a client, for `shard`, or for the first shard that hears it.
    ///
    /// # Errors
    ///
    /// Fails when the table is full, or the transport or its fragment is there already.
    pub fn register(&self, setup: Box<TransportSetup>, shard: Option<ShardId>) -> Result<(), RegistryError> {
        let mut tables = self.tables();
        if tables.transports.len() >= self.max_transports {
            return Err(RegistryError::Full);
        }
        if tables.transports.contains_key(&setup.id) {
            return Err(RegistryError::TransportInUse);
        }
        tables.add_fragment(&setup.local.ufrag, setup.id)?;
        let local = setup.local.clone();
        tables.transports.insert(setup.id, Entry { local, previous: None, state: State::Pending(setup, shard) });
        tables.pending += 1;
        Ok(())
    }

    /// Replaces the session of a transport that nobody has heard yet. The session of one that has an owner is the
    /// owner's: send it there.
    #[must_use]
    pub fn update_session(&self, transport: TransportId, session: &Session) -> Place {
        let mut tables = self.tables();
        let Some(entry) = tables.transports.get_mut(&transport) else { return Place::Unknown };
        if let State::Pending(setup, _) = &mut entry.state {
            setup.session = session.clone();
        }
        entry.place()
    }

    /// New credentials for a transport (RFC 8445 §2.4). One that nobody has heard yet gets them in its setup; the owner
    /// of another one must be told.
    ///
    /// # Errors
    ///
    /// Fails when another transport answers to the fragment.
    pub fn restart(
        &self,
        transport: TransportId,
        local: &IceCredentials,
        remote: &IceCredentials,
    ) -> Result<Place, RegistryError> {
        let mut tables = self.tables();
        if !tables.transports.contains_key(&transport) {
            return Ok(Place::Unknown);
        }
        tables.add_fragment(&local.ufrag, transport)?;
        let Some(entry) = tables.transports.get_mut(&transport) else { return Ok(Place::Unknown) };
        let replaced = std::mem::replace(&mut entry.local, local.clone());
        let forgotten = match &mut entry.state {
            State::Pending(setup, _) => {
                setup.local = local.clone();
                setup.remote = remote.clone();
                Some(replaced)
            }
            State::Owned(_) => entry.previous.replace(replaced),
        };
        let place = entry.place();
        if let Some(forgotten) = forgotten {
            tables.fragments.remove(&forgotten.ufrag);
        }
        Ok(place)
    }

    /// Where a transport is.
    #[must_use]
    pub fn place(&self, transport: TransportId) -> Place {
        self.tables().transports.get(&transport).map_or(Place::Unknown, Entry::place)
    }

    /// Forgets a transport, and says where it was.
    pub fn remove(&self, transport: TransportId) -> Place {
        let mut tables = self.tables();
        let Some(entry) = tables.transports.remove(&transport) else { return Place::Unknown };
        let place = entry.place();
        tables.pending -= usize::from(place == Place::Pending);
        tables.fragments.remove(&entry.local.ufrag);
        if let Some(previous) = entry.previous {
            tables.fragments.remove(&previous.ufrag);
        }
        place
    }

    /// Lets `shard` have the transport that the check names, where nobody has it yet, it is for no other shard, and the
    /// check is valid.
    #[must_use]
    pub fn claim(&self, shard: ShardId, request: &ClaimRequest) -> ClaimOutcome {
        let Some(password) = self.tables().password(&request.ufrag) else { return ClaimOutcome::Unknown };
        if !(self.verify)(&request.datagram, &password) {
            return ClaimOutcome::Unknown;
        }
        let mut tables = self.tables();
        // Meanwhile it may have been removed, restarted, or claimed by another shard.
        if tables.password(&request.ufrag).is_none_or(|current| current != password) {
            return ClaimOutcome::Unknown;
        }
        let Some(transport) = tables.fragments.get(request.ufrag.as_str()).copied() else {
            return ClaimOutcome::Unknown;
        };
        let Some(entry) = tables.transports.get_mut(&transport) else { return ClaimOutcome::Unknown };
        match entry.state {
            State::Owned(owner) => return ClaimOutcome::OwnedBy(owner, transport),
            State::Pending(_, Some(owner)) if owner != shard => return ClaimOutcome::OwnedBy(owner, transport),
            State::Pending(..) => {}
        }
        match std::mem::replace(&mut entry.state, State::Owned(shard)) {
            State::Pending(setup, _) => {
                tables.pending -= 1;
                ClaimOutcome::Claimed(setup)
            }
            State::Owned(owner) => ClaimOutcome::OwnedBy(owner, transport),
        }
    }

    /// Transports that nobody has heard yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.tables().pending
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Nothing below can panic between two changes that belong together.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn add_fragment(&mut self, ufrag: &Arc<str>, transport: TransportId) -> Result<(), RegistryError> {
        match self.fragments.entry(ufrag.clone()) {
            Slot::Occupied(_) => Err(RegistryError::FragmentInUse),
            Slot::Vacant(slot) => {
                slot.insert(transport);
                Ok(())
            }
        }
    }

    /// The password that checks for `ufrag` are made with.
    fn password(&self, ufrag: &str) -> Option<Arc<str>> {
        let entry = self.transports.get(self.fragments.get(ufrag)?)?;
        [Some(&entry.local), entry.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|credentials| *credentials.ufrag == *ufrag)
            .map(|credentials| credentials.password.clone())
    }
}

impl Entry {
    const fn place(&self) -> Place {
        match self.state {
            State::Pending(..) => Place::Pending,
            State::Owned(shard) => Place::OwnedBy(shard),
        }
    }
}

#[cfg(test)]
mod tests;
