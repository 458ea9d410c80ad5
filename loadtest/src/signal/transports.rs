// SPDX-License-Identifier: EUPL-1.2
//! The transports of a client that sends over one and receives over another, seen as one.

use anyhow::{Context, Result, anyhow};
use futures_util::future::select_all;

use crate::driver::ClientTransport;
use crate::peer::Progress;

/// One or two transports of the same client.
#[derive(Default)]
pub(super) struct Transports(Vec<ClientTransport>);

impl Transports {
    pub(super) fn add(&mut self, transport: ClientTransport) {
        self.0.push(transport);
    }

    /// Waits until what all of them have reached together `is_reached`, or one has failed.
    pub(super) async fn wait_for(&mut self, is_reached: impl Fn(&Progress) -> bool) -> Result<Progress> {
        loop {
            // Marked as seen before it is looked at, so that no change goes unnoticed.
            self.0.iter_mut().for_each(|transport| transport.progress.mark_unchanged());
            let progress = self.progress().context("a client without a transport")?;
            if let Some(reason) = &progress.failed {
                return Err(anyhow!("{reason}"));
            }
            if is_reached(&progress) {
                return Ok(progress);
            }
            let changes = self.0.iter_mut().map(|transport| Box::pin(transport.progress.changed()));
            select_all(changes).await.0.context("the driver has stopped")?;
        }
    }

    /// What all of them have reached together; `None` without any.
    pub(super) fn progress(&self) -> Option<Progress> {
        sum(self.0.iter().map(|transport| transport.progress.borrow().clone()))
    }
}

/// What several transports have reached together: the client is connected when the last of them is.
fn sum(all: impl Iterator<Item = Progress>) -> Option<Progress> {
    all.reduce(|a, b| Progress {
        started: a.started.min(b.started),
        is_answered: a.is_answered && b.is_answered,
        connected: a.connected.zip(b.connected).map(|(a, b)| a.max(b)),
        first_audio: earlier(a.first_audio, b.first_audio),
        first_video: earlier(a.first_video, b.first_video),
        announced: a.announced + b.announced,
        arriving: a.arriving + b.arriving,
        streams: a.streams + b.streams,
        has_undecryptable: a.has_undecryptable || b.has_undecryptable,
        has_stray: a.has_stray || b.has_stray,
        failed: a.failed.or(b.failed),
    })
}

fn earlier<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    [a, b].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_client_is_connected_when_all_its_transports_are() {
        let start = Instant::now();
        let at = |seconds| Some(start + Duration::from_secs(seconds));
        let sending = Progress { connected: at(1), ..Progress::default() };
        let receiving = Progress { first_video: at(3), streams: 2, ..Progress::default() };
        let both = sum([sending.clone(), receiving.clone()].into_iter()).unwrap();
        assert_eq!((both.connected, both.streams, both.first_video), (None, 2, at(3)));
        let receiving = Progress { connected: at(2), failed: Some("x".to_owned()), ..receiving };
        let both = sum([sending, receiving].into_iter()).unwrap();
        assert_eq!((both.connected, both.failed.as_deref()), (at(2), Some("x")));
    }
}
