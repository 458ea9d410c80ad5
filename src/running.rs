// SPDX-License-Identifier: EUPL-1.2

//! What runs until it is told to end: its runtime, who tells it, and how long saying goodbye may take.

use std::future::Future;
use std::io::{IsTerminal as _, stdin};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::config::Settings;
use crate::logging;

/// What ending may take, after calls had time to end by themselves (`sip.drain_seconds`). Service managers wait longer than both before
/// they kill.
const LONGEST_GOODBYE: Duration = Duration::from_secs(9);

/// A part of that: for how long callers may hear that we restart. Hanging up takes no time, unless a telephone does not answer.
pub(crate) const SPOKEN_GOODBYE: Duration = Duration::from_secs(4);

/// A part of that: what tasks get which are still busy when the roles have ended.
const LAST_TASKS: Duration = Duration::from_millis(500);

/// How far somebody has asked this process to end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    NotYet,
    /// When calls by telephone have ended, if they have time for that.
    Once,
    /// Without waiting for them.
    Twice,
}

/// Runs roles on a new runtime. They end by themselves some time after they were asked to, or are cut.
pub(crate) fn until_told(settings: &Settings, roles: impl AsyncFnOnce(Stop) -> Result<()>) -> Result<()> {
    logging::start(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let result = runtime.block_on(async {
        let stop = Stop::on_signals()?;
        let goodbye = {
            let (stop, drain) = (stop.clone(), settings.sip.drain_time());
            async move {
                stop.asked_for().await;
                stop.wait(drain).await;
                tokio::time::sleep(LONGEST_GOODBYE - LAST_TASKS).await;
            }
        };
        tokio::select! {
            result = roles(stop) => result,
            () = goodbye => {
                warn!("some calls did not end in time and were cut");
                Ok(())
            }
        }
    });
    runtime.shutdown_timeout(LAST_TASKS);
    result
}

/// What somebody asked this process for: to end, or to read files again. Clones share the answer.
#[derive(Clone)]
pub(crate) struct Stop {
    asked: watch::Receiver<Asked>,
    reloads: watch::Receiver<()>,
}

impl Stop {
    /// Watches for Ctrl-C, SIGTERM and SIGHUP from now on.
    fn on_signals() -> Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt()).context("watching for Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("watching for SIGTERM")?;
        let (sender, asked) = watch::channel(Asked::NotYet);
        tokio::spawn(async move {
            for step in [Asked::Once, Asked::Twice] {
                let by = tokio::select! {
                    _ = interrupt.recv() => "Ctrl-C",
                    _ = terminate.recv() => "SIGTERM",
                };
                match step {
                    Asked::Twice => info!("{by} again: stopping without waiting for calls"),
                    Asked::NotYet | Asked::Once => info!("{by}: stopping"),
                }
                sender.send_replace(step);
            }
        });
        let (reload, reloads) = watch::channel(());
        // Whoever closes a terminal ends what runs in it.
        if !stdin().is_terminal() {
            let mut hangup = signal(SignalKind::hangup()).context("watching for SIGHUP")?;
            tokio::spawn(async move {
                while hangup.recv().await.is_some() {
                    info!("SIGHUP: reading again what can be");
                    reload.send_replace(());
                }
            });
        }
        Ok(Self { asked, reloads })
    }

    /// When files are to be read again: changes with each SIGHUP, or with several that come at once.
    pub(crate) fn reloads(&self) -> watch::Receiver<()> {
        self.reloads.clone()
    }

    /// Ends when the process shall.
    pub(crate) fn asked_for(&self) -> impl Future<Output = ()> + Send + 'static {
        self.asked_at_least(Asked::Once)
    }

    /// Whether that is so.
    pub(crate) fn is_asked_for(&self) -> bool {
        *self.asked.borrow() >= Asked::Once
    }

    /// Waits for so long, but not after somebody has asked a second time. Whether nobody has.
    pub(crate) async fn wait(&self, longest: Duration) -> bool {
        tokio::time::timeout(longest, self.asked_at_least(Asked::Twice)).await.is_err()
    }

    fn asked_at_least(&self, step: Asked) -> impl Future<Output = ()> + Send + 'static {
        let mut asked = self.asked.clone();
        async move {
            // An error means that nobody watches any more; ending is then the only safe answer.
            let _ = asked.wait_for(|asked| *asked >= step).await;
        }
    }
}
