// SPDX-License-Identifier: EUPL-1.2
//! Wakes those who wait, when something has changed at their meeting. It is a nudge: whoever misses one looks by itself
//! after a while, as those do who wait at another process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Who is to be woken, by meeting or room.
#[derive(Default)]
pub(crate) struct Lobby(Mutex<HashMap<String, watch::Sender<()>>>);

impl Lobby {
    /// From now on changes at that venue are seen.
    pub(crate) fn subscribe(&self, venue: &str) -> watch::Receiver<()> {
        let mut venues = self.lock();
        // Where nobody waits any more there is nothing to keep; each entry had somebody waiting once.
        venues.retain(|_, sender| sender.receiver_count() > 0);
        venues.entry(venue.to_owned()).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// Has those look again who wait there.
    pub(crate) fn wake(&self, venue: &str) {
        if let Some(sender) = self.lock().get(venue) {
            sender.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        // A panic elsewhere leaves the table whole: it is changed by single steps.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn only_those_are_woken_whose_meeting_it_is() {
        let lobby = Lobby::default();
        let (mut here, mut there) = (lobby.subscribe("here"), lobby.subscribe("there"));
        lobby.wake("here");
        assert!(here.changed().now_or_never().is_some());
        assert!(there.changed().now_or_never().is_none());
        drop((here, there));
        drop(lobby.subscribe("elsewhere"));
        drop(lobby.subscribe("elsewhere"));
        assert_eq!(lobby.lock().len(), 1, "nobody is remembered who is gone");
    }
}
