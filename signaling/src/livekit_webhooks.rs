// SPDX-License-Identifier: EUPL-1.2
//! LiveKit's webhooks: what happens in every room, told to the addresses in the settings as LiveKit's server tells it, so that
//! software made for that works unchanged. They live in memory only; what must not be lost is told by [`crate::webhooks`].

mod event;
mod queue;
mod sign;

use std::io;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::auth::secret::ApiKey;
use crate::config::LivekitWebhooks;
use crate::metrics::Metrics;
use crate::outgoing::reach::Reach;
use crate::rooms::info::RoomInfo;
use crate::rooms::output::{Follower, Milestone};

use self::queue::Receiver;
use self::sign::Signer;

/// Tells the addresses in the settings what happens in rooms.
pub(crate) struct Notifier {
    receivers: Vec<Arc<Receiver>>,
}

impl Notifier {
    /// None when there is nobody to be told.
    ///
    /// # Errors
    ///
    /// Fails when an address cannot be used, or there is no such key.
    pub(crate) fn new(
        config: &LivekitWebhooks,
        keys: &[ApiKey],
        reach: &Reach,
        metrics: &Metrics,
    ) -> io::Result<Option<Arc<Self>>> {
        if config.urls.is_empty() {
            return Ok(None);
        }
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let key = keys.iter().find(|key| key.key == config.api_key);
        let key =
            key.ok_or_else(|| wrong("livekit_webhooks.api_key: there is no such key in [api_keys]".to_owned()))?;
        let (signer, client) = (Arc::new(Signer::new(key)), reach.client()?);
        let receivers = config.urls.iter().map(|url| {
            let url = reach.parse(url).map_err(|error| wrong(format!("livekit_webhooks.urls: {url}: {error}")))?;
            Ok(Arc::new(Receiver::new(url, client.clone(), signer.clone(), metrics.clone())))
        });
        Ok(Some(Arc::new(Self { receivers: receivers.collect::<io::Result<_>>()? })))
    }

    /// Waits until all is told, or nobody listens.
    pub(crate) async fn shut_down(&self) {
        for receiver in &self.receivers {
            receiver.finish();
        }
        join_all(self.receivers.iter().map(|receiver| receiver.finished())).await;
    }
}

impl Follower for Notifier {
    fn happened(&self, room: &RoomInfo, milestone: &Milestone) {
        let event = event::describe(room, milestone);
        for receiver in &self.receivers {
            receiver.tell(&room.sid, event.clone());
        }
    }
}
