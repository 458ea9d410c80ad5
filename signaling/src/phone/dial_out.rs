// SPDX-License-Identifier: EUPL-1.2
//! Calls that we make: moderators call people into meetings, and whoever looks after the installation tries out trunks.
//!
//! Who may be called is decided in [`number`] and by the tenant's settings, for how long in [`minutes`], how often in
//! [`attempts`]. A call is ordered at the bridge ([`place`]) and followed until somebody comes in ([`ringing`]); from then on it
//! is like any caller's. How each goes on is in [`records`].

pub(in crate::phone) mod allowance;
pub(crate) mod attempts;
pub(crate) mod countries;
pub(in crate::phone) mod meter;
pub(in crate::phone) mod minutes;
pub(in crate::phone) mod number;
pub(crate) mod place;
pub(crate) mod records;
mod ringing;
pub(crate) mod test_calls;

use std::sync::OnceLock;
use std::time::Duration;

use bus::phone::{DialOrder, Dialer};
use tokio::sync::mpsc::Permit;
use tokio::sync::mpsc::error::TrySendError;

use self::records::Records;
use crate::api::problem::{Code, Problem};

/// For how long it rings at most: until most mailboxes have answered, and no longer than anybody listens to it.
const RING_TIME: Duration = Duration::from_secs(45);

/// After what time it is worth trying again when the bridge has too many orders.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What all calls that we make share.
#[derive(Default)]
pub(crate) struct DialOut {
    /// Where they are ordered. Empty: this process has no bridge.
    dialer: OnceLock<Dialer>,
    pub(crate) records: Records,
}

impl DialOut {
    /// Calls are ordered there. The first one counts; a process has one.
    pub(crate) fn by(&self, dialer: Dialer) {
        let _ = self.dialer.set(dialer);
    }

    /// A place for an order, so that one that is written down is made. When there is none, whoever asked is told to try again.
    fn order(&self) -> Result<Permit<'_, DialOrder>, Problem> {
        let dialer = self.dialer.get().ok_or(Code::NoTrunk)?;
        dialer.try_reserve().map_err(|error| match error {
            TrySendError::Full(()) => Problem::new(Code::Unavailable).retry_after(RETRY_AFTER),
            TrySendError::Closed(()) => Code::NoTrunk.into(),
        })
    }
}
