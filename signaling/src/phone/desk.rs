// SPDX-License-Identifier: EUPL-1.2
//! Takes up the calls that bridges hand in: a task for each.

use std::sync::Arc;

use bus::phone::{CallEnd, Decline, MAX_CALLS, PhoneNotice};
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

use super::gathering::Gatherings;
use super::in_progress::InProgress;
use super::incoming;
use crate::app::App;
use crate::tasks::{TaskGuard, Tasks};

/// Calls that are over for their bridge, while what became of them is still written down.
const ENDING: usize = 500;

/// Calls that are looked after at a time: all that bridges may have, and those that end. A bridge that hands in more is told that
/// they cannot be answered.
const LOOKED_AFTER: usize = MAX_CALLS + ENDING;

/// The calls that go on, and the word that they are to end.
pub(crate) struct Calls {
    tasks: Tasks,
    is_over: watch::Sender<bool>,
    /// How far each is.
    pub(super) in_progress: InProgress,
    /// Where those of a room have their sound.
    pub(super) gatherings: Gatherings,
}

impl Default for Calls {
    fn default() -> Self {
        let (in_progress, gatherings) = (InProgress::default(), Gatherings::default());
        Self { tasks: Tasks::default(), is_over: watch::Sender::new(false), in_progress, gatherings }
    }
}

impl Calls {
    /// Ends all of them, and waits until they are. No other is taken up.
    pub(crate) async fn shut_down(&self) {
        self.is_over.send_replace(true);
        self.tasks.all_ended().await;
    }

    /// Another one, until the guard is dropped, and the word that it is to end. `None`: there may be no more of them.
    pub(super) fn begin(&self) -> Option<(TaskGuard, watch::Receiver<bool>)> {
        let may_begin = !*self.is_over.borrow() && self.tasks.count() < LOOKED_AFTER;
        may_begin.then(|| (self.tasks.enter(), self.is_over.subscribe()))
    }
}

/// Takes up calls as long as there are bridges.
pub(crate) async fn run(app: Arc<App>, mut calls: mpsc::Receiver<CallEnd>) {
    while let Some(call) = calls.recv().await {
        take_up(&app, call);
    }
}

/// Takes up one.
pub(super) fn take_up(app: &Arc<App>, call: CallEnd) {
    let Some((guard, is_over)) = app.phone.calls.begin() else {
        warn!("a call is declined: there are too many, or this process ends");
        // It is the first notice of the call, so there is room for it; who has hung up need not know.
        if call.notices.try_send(PhoneNotice::Declined(Decline::Unavailable)).is_err() {
            debug!("a call was over before it was declined");
        }
        return;
    };
    let app = app.clone();
    tokio::spawn(async move {
        incoming::attend(app, call, is_over).await;
        drop(guard);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_calls_as_settings_allow_are_looked_after_while_others_end() {
        let calls = Calls::default();
        let ending: Vec<_> = (0..ENDING).filter_map(|_| calls.begin()).collect();
        let going_on: Vec<_> = (0..MAX_CALLS).filter_map(|_| calls.begin()).collect();
        assert_eq!((ending.len(), going_on.len()), (ENDING, MAX_CALLS));
        assert!(calls.begin().is_none(), "there is an end to it");
        drop(ending);
        assert!(calls.begin().is_some());
    }
}
