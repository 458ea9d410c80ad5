// SPDX-License-Identifier: EUPL-1.2
//! PINs of one meeting that are as long are looked up one after another. Each is charged until it turns out to be right, so many
//! right ones at once would use up what may be tried there, and the last of them would be taken for guesses.
//!
//! Nobody waits for a turn who has one, or who is in a transaction, so turns always end. One takes a few reads, each of which
//! the database ends after a while. No more wait than there are calls.

use std::time::Duration;

use store::StoreError;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use super::attempts::{Key, PinLength};

/// Meetings are spread over so many queues for each length of PINs. Those that share one only wait for each other.
const QUEUES: usize = 64;

/// How long somebody waits: as long as for a statement. Where the database is stuck, those behind give up together, and not one
/// after another.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whose turn it is to have a PIN looked up.
pub(super) struct Turns {
    short: Box<[Mutex<()>]>,
    long: Box<[Mutex<()>]>,
}

/// It lasts until it is dropped.
pub(super) type Turn<'a> = MutexGuard<'a, ()>;

impl Default for Turns {
    fn default() -> Self {
        let queues = || -> Box<[Mutex<()>]> { std::iter::repeat_with(Mutex::default).take(QUEUES).collect() };
        Self { short: queues(), long: queues() }
    }
}

impl Turns {
    /// Waits until it is that meeting's turn, for PINs of that length.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Busy`] when that takes too long.
    pub(super) async fn take(&self, place: &Key, length: PinLength) -> Result<Turn<'_>, StoreError> {
        let queues = match length {
            PinLength::Place => &self.short,
            PinLength::Person => &self.long,
        };
        // A hash under the installation's secret, so nobody chooses whom they share one with.
        let queue = &queues[usize::from(place[0]) % QUEUES];
        timeout(PATIENCE, queue.lock()).await.map_err(|_| StoreError::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test(start_paused = true)]
    async fn a_meeting_has_one_turn_at_a_time_and_nobody_waits_for_it_for_ever() {
        let turns = Turns::default();
        let (meeting, other) = ([1; 32], [2; 32]);
        let turn = turns.take(&meeting, PinLength::Person).await.expect("nobody has it");
        assert!(turns.take(&meeting, PinLength::Place).now_or_never().is_some(), "other PINs of the same meeting");
        assert!(turns.take(&other, PinLength::Person).now_or_never().is_some(), "another meeting");
        assert_eq!(turns.take(&meeting, PinLength::Person).await.err(), Some(StoreError::Busy));
        drop(turn);
        assert!(turns.take(&meeting, PinLength::Person).now_or_never().is_some_and(|turn| turn.is_ok()));
    }
}
