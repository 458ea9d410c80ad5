// SPDX-License-Identifier: EUPL-1.2
//! What is done without anybody asking: deleting what is old, sending mails, telling webhooks, keeping series going, taking
//! up calls, telling bridges which trunks there are.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bus::phone::{CallEnd, TrunkList};
use chrono::Utc;
use rand::Rng as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::app::App;
use crate::invitations::outbox;
use crate::meeting_sessions::{live, rules};
use crate::meetings::expansion;
use crate::phone::{desk, trunks};
use crate::records::{privacy, retention};

/// How long after the start it is looked for the first time for what is old: not while everybody comes back.
const FIRST_RETENTION: Duration = Duration::from_secs(60);

/// How often it is looked for exports that somebody asked for.
const EXPORTS_POLL: Duration = Duration::from_secs(2);

/// How often it is looked for series whose occurrences are not written down far enough.
const SERIES_POLL: Duration = Duration::from_secs(3600);

/// Processes that were started at the same time shall not all ask at the same time.
const JITTER: Duration = Duration::from_secs(60);

/// The tasks, which end when this is dropped. What they do they do in transactions, so they can end at any moment.
pub(crate) struct Background {
    tasks: JoinSet<()>,
}

impl Background {
    /// Waits until one of them has panicked. The service then ends, and whoever started it starts it again: without mails, or
    /// without deleting what is old, it would seem to be well.
    pub(crate) async fn failed(&mut self) -> io::Error {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                return io::Error::other(format!("something that is done without anybody asking failed: {error}"));
            }
        }
        std::future::pending().await
    }
}

/// Starts them.
pub(crate) fn start(
    app: &Arc<App>,
    calls: mpsc::Receiver<CallEnd>,
    bridge: Option<watch::Sender<TrunkList>>,
) -> Background {
    let mut tasks = JoinSet::new();
    tasks.spawn(delete_old(app.clone()));
    tasks.spawn(app.webhooks.clone().run());
    tasks.spawn(put_exports_together(app.clone()));
    tasks.spawn(outbox::run(app.clone()));
    tasks.spawn(live::look_after(app.clone()));
    tasks.spawn(follow_revocations(app.clone()));
    tasks.spawn(rules::follow(app.clone()));
    tasks.spawn(keep_series_going(app.clone()));
    tasks.spawn(desk::run(app.clone(), calls));
    if let Some(list) = bridge {
        tasks.spawn(trunks::follow(app.clone(), list));
    }
    Background { tasks }
}

async fn follow_revocations(app: Arc<App>) {
    app.revocations.follow(&app.store).await;
}

async fn put_exports_together(app: Arc<App>) {
    loop {
        tokio::time::sleep(EXPORTS_POLL).await;
        match privacy::exports::run_pending(&app.store, Utc::now()).await {
            Ok(()) => {}
            Err(error) => debug!(%error, "exports wait for the database"),
        }
    }
}

/// A recurring meeting's occurrences are written down some time ahead.
async fn keep_series_going(app: Arc<App>) {
    loop {
        let jitter = rand::rng().random_range(Duration::ZERO..JITTER);
        tokio::time::sleep(SERIES_POLL + jitter).await;
        match expansion::extend_due(&app.store, Utc::now()).await {
            Ok(0) => {}
            Ok(series) => info!(series, "wrote down further occurrences"),
            Err(error) => warn!(%error, "series cannot be extended now"),
        }
    }
}

async fn delete_old(app: Arc<App>) {
    let holder = Uuid::now_v7().to_string();
    let mut wait = FIRST_RETENTION;
    loop {
        let jitter = rand::rng().random_range(Duration::ZERO..JITTER);
        tokio::time::sleep(wait + jitter).await;
        wait = retention::EVERY.to_std().unwrap_or(FIRST_RETENTION);
        match retention::run(&app.store, &holder, Utc::now()).await {
            Ok(0) => {}
            Ok(rows) => info!(rows, "deleted what is old"),
            Err(error) => warn!(%error, "what is old cannot be deleted now"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_noticed_and_one_that_has_nothing_to_do_is_not() {
        let mut tasks = JoinSet::new();
        tasks.spawn(async {});
        let mut background = Background { tasks };
        let nothing = tokio::time::timeout(Duration::from_millis(1), background.failed()).await;
        assert!(nothing.is_err(), "it waits");
        background.tasks.spawn(async { panic!("as a parser might") });
        let error = background.failed().await.to_string();
        assert!(error.contains("as a parser might"), "{error}");
    }
}
