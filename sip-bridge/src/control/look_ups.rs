// SPDX-License-Identifier: EUPL-1.2
//! Look-ups of trunks' destinations, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::trunks::{Dns, DnsError, Located, LookUp, LookUpKey, locate};

/// At once. The others wait; there is at most one for each destination.
const AT_ONCE: usize = 8;

/// For one, with all the records that follow from each other. Somebody who has not answered by then is asked again later.
const LOOK_UP_TIME: Duration = Duration::from_secs(10);

/// What became of one.
pub(crate) type Found = (LookUpKey, Result<Located, DnsError>);

/// Those that are under way. Dropping it ends them.
pub(crate) struct LookUps {
    dns: Arc<dyn Dns>,
    places: Arc<Semaphore>,
    tasks: JoinSet<Found>,
}

impl LookUps {
    pub(crate) fn new(dns: Arc<dyn Dns>) -> Self {
        Self { dns, places: Arc::new(Semaphore::new(AT_ONCE)), tasks: JoinSet::new() }
    }

    pub(crate) fn begin(&mut self, look_up: LookUp) {
        let LookUp { key, destination } = look_up;
        let (dns, places) = (self.dns.clone(), self.places.clone());
        self.tasks.spawn(async move {
            // It is never closed.
            let _place = places.acquire().await;
            let located = timeout(LOOK_UP_TIME, locate(&*dns, &destination)).await;
            (key, located.unwrap_or(Err(DnsError::Failed)))
        });
    }

    /// What became of the next one. Without any it is never ready. One that has panicked is asked for again after a while.
    pub(crate) async fn next(&mut self) -> Option<Found> {
        match self.tasks.join_next().await {
            Some(found) => found.ok(),
            None => std::future::pending().await,
        }
    }
}
