// SPDX-License-Identifier: EUPL-1.2
//! Who left a short while ago. A client whose connection died has not read all that was said to it, so whoever resumes is
//! told again; otherwise it would show people who are gone for as long as it stays.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::rooms::details::Details;
use crate::rooms::info::{Identity, ParticipantInfo};

/// How long a departure is remembered. A dead connection is noticed after 45 s at most, and its client may come back for
/// another 30 s.
const MEMORY: Duration = Duration::from_secs(90);

/// Departures that are remembered. When there are more, the oldest is forgotten.
const MAX_DEPARTURES: usize = 2000;

/// The departures of the last time, oldest first.
#[derive(Default)]
pub(super) struct Departures(VecDeque<(Instant, Arc<ParticipantInfo>)>);

impl Departures {
    /// Remembers the last that the others hear of somebody, without what only those need who are there.
    pub(super) fn remember(&mut self, now: Instant, farewell: &ParticipantInfo) {
        while self.0.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > MEMORY) {
            self.0.pop_front();
        }
        if self.0.len() >= MAX_DEPARTURES {
            self.0.pop_front();
        }
        let mut brief = farewell.clone();
        brief.profile.details = Details::default();
        self.0.push_back((now, brief.into()));
    }

    /// Those who left and of whom `is_back` is not true. Clients know people by identity: whoever is back under the same
    /// one must not be seen to leave.
    pub(super) fn still_gone(&self, is_back: impl Fn(&Identity) -> bool) -> Vec<Arc<ParticipantInfo>> {
        let departed = self.0.iter().map(|(_, farewell)| farewell);
        departed.filter(|farewell| !is_back(&farewell.profile.identity)).cloned().collect()
    }
}
