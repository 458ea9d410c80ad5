// SPDX-License-Identifier: EUPL-1.2
//! A call of ours as those see it who made it and who pay for it: its record, and its minutes from the answer to the end.

use std::time::Instant;

use store::StoreError;
use tracing::warn;

use super::allowance::{Allowance, Due};
use super::minutes::Reservation;
use super::records::OwnRecord;
use crate::app::App;

/// A call of ours that goes on. Whoever looks after it calls [`Self::settle`] at its end; else what it had reserved counts as
/// used.
pub(in crate::phone) struct Metered {
    pub(in crate::phone) record: OwnRecord,
    reservation: Reservation,
    /// Once somebody has answered: until then it costs nothing.
    allowance: Option<Allowance>,
}

/// The time, which tests can move on.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl Metered {
    pub(super) const fn new(record: OwnRecord, reservation: Reservation) -> Self {
        Self { record, reservation, allowance: None }
    }

    /// Somebody or something has answered: from now on it costs.
    pub(super) fn is_answered(&mut self) {
        let (minutes, may_grow) = (self.reservation.minutes, self.reservation.may_grow());
        self.allowance.get_or_insert_with(|| Allowance::new(now(), minutes, may_grow));
    }

    /// Waits until something is due. Whoever stops waiting misses nothing.
    pub(in crate::phone) async fn waits(&self) {
        match self.allowance.as_ref().and_then(Allowance::poll_timeout) {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    }

    /// What is due now; further minutes are reserved before that, where there are any.
    pub(in crate::phone) async fn poll(&mut self, app: &App) -> Option<Due> {
        let due = self.allowance.as_mut()?.poll(now())?;
        if due != Due::Grow {
            return Some(due);
        }
        let more = self.grow(app).await.unwrap_or_else(|error| {
            warn!(%error, "a call cannot reserve further minutes, and ends with those that it has");
            0
        });
        self.reservation.minutes += more;
        let may_grow = self.reservation.may_grow();
        self.allowance.as_mut()?.grown(more, may_grow);
        None
    }

    async fn grow(&mut self, app: &App) -> Result<u32, StoreError> {
        let mut tx = app.store.write().await?;
        let more = self.reservation.grow(&mut tx).await?;
        tx.commit().await?;
        Ok(more)
    }

    /// Writes down how long the call was.
    pub(in crate::phone) async fn settle(self, app: &App) {
        let minutes = self.allowance.as_ref().map_or(0, |allowance| allowance.used(now()));
        self.reservation.close(&app.store, minutes).await;
    }
}
