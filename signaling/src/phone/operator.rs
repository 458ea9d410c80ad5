// SPDX-License-Identifier: EUPL-1.2
//! Keeps what the operator's software does to trunks and numbers. It shows an API key, behind which stands neither a person nor a
//! tenant: in the audit log it is the system's, in the installation's chain.

use store::Tx;

use crate::api::problem::Problem;
use crate::records::audit::{self, Cause, Event};

/// Keeps what was done together with the events that say so.
pub(super) async fn keep(mut tx: Tx, events: &[Event]) -> Result<(), Problem> {
    for event in events {
        audit::append(&mut tx, Cause::system(None), event).await?;
    }
    Ok(tx.commit().await?)
}
