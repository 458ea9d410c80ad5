// SPDX-License-Identifier: EUPL-1.2
//! Mails on their way: `scribe` makes them of what became of meetings, `postman` hands them to the mail server. Both may
//! run in several processes at once, and end at any moment.

mod postman;
mod road;
mod scribe;
pub(crate) mod server;
mod table;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use store::{Store, StoreError};

use self::table::Written;
use crate::api::ids::MailId;
use crate::app::App;
use crate::meetings::model::Invitee;

pub(super) use self::table::{Mail, MailNews, MailProblem, of_invitees, told};

/// Works until somebody ends it. Without a mail server nothing is sent, and changes are not kept for later.
pub(crate) async fn run(app: Arc<App>) {
    tokio::join!(scribe::run(&app), postman::run(&app));
}

/// Most proposals of one person that wait for the mail server. There is no more to say than that.
const MAX_COUNTERS: i64 = 3;

/// A mail to the organizer that somebody who is invited proposes another time. False when too many of theirs wait.
pub(super) async fn add_counter(
    store: &Store,
    id: MailId,
    invitee: &Invitee,
    recipient: &str,
    message: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mail = Mail {
        id,
        tenant_id: invitee.tenant_id,
        meeting_id: invitee.meeting_id,
        invitee_id: invitee.id,
        news: MailNews::Counter,
        changes: Vec::new(),
        created_at: now,
        due_at: now,
        attempts: 0,
        leased_until: None,
        problem: None,
        given_up_at: None,
    };
    let mut tx = store.write().await?;
    tx.lock(&format!("proposals {}", invitee.id)).await?;
    if table::count_counters(&mut tx, invitee.meeting_id, invitee.id).await? >= MAX_COUNTERS {
        return Ok(false);
    }
    table::insert(&mut tx, &mail).await?;
    table::keep(&mut tx, id, &Written { recipient: recipient.to_owned(), message, sequence: 0, told: None }).await?;
    tx.commit().await?;
    Ok(true)
}
