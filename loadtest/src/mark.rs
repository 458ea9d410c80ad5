// SPDX-License-Identifier: EUPL-1.2
//! Tells when a certain packet of a sound leaves a thread that carries media, for whoever measures how long its sound
//! is under way to an [ear](crate::ear).

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Sendings that wait to be looked at: more than an hour of one a second. What comes when it is full is dropped, and
/// nobody waits to hear it.
const SENDINGS: usize = 4_096;

/// A mark on one of the packets that are sent over and over.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    place: usize,
    sendings: SyncSender<u64>,
}

impl Mark {
    /// A mark on the packet at that place, and its sendings, in nanoseconds since the Unix epoch.
    pub(crate) fn new(place: usize) -> (Self, Receiver<u64>) {
        let (sender, sendings) = sync_channel(SENDINGS);
        (Self { place, sendings: sender }, sendings)
    }

    /// The packet at that place is sent now.
    pub(crate) fn note(&self, place: usize, wall_nanos: u64) {
        if place == self.place {
            // Full, or nobody wants to know any more.
            let _ = self.sendings.try_send(wall_nanos);
        }
    }
}
