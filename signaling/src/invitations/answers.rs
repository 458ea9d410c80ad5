// SPDX-License-Identifier: EUPL-1.2
//! What invited people answer: on a `page` that their mail leads to, or with their calendar by `mail`.

pub(crate) mod mail;
pub(super) mod own;
pub(super) mod page;

use chrono::{DateTime, Utc};
use store::{Store, StoreError, Tx, sql};

use super::token;
use crate::api::ids::{InviteeId, TenantId};
use crate::identity::keys::{Keys, Purpose};
use crate::meetings::changes::{self, ChangeKind, MeetingChange};
use crate::meetings::model::{Invitee, ResponseStatus};
use crate::meetings::words::words;
use crate::records::audit::{self, Cause, Event};

words! {
    /// How an answer came.
    Way {
        /// By the page.
        Page = "page",
        /// By mail.
        Mail = "mail",
        /// By the API, by whoever is signed in.
        Api = "api",
    }
}

/// What proves that an answer is an invited person's. It changes with their personal link.
pub(super) fn token(keys: &Keys, invitee: &Invitee) -> String {
    token::make(keys, Purpose::AnswerLink, &invitee.id.to_string(), invitee.link_generation)
}

/// Whose token it is. Their invitation may have been withdrawn.
async fn by_token(tx: &mut Tx, keys: &Keys, given: &str) -> Result<Option<Invitee>, StoreError> {
    let Some(id) = token::claimed_id(given).and_then(|id| InviteeId::parse(&id)) else { return Ok(None) };
    let found: Option<Invitee> = tx.optional(sql("SELECT * FROM invitees WHERE id = $1").bind(id)).await?;
    let is_theirs = |invitee: &Invitee| {
        token::is_proven(keys, Purpose::AnswerLink, &invitee.id.to_string(), invitee.link_generation, given)
    };
    Ok(found.filter(is_theirs))
}

/// Keeps an answer to the meeting as it is with that SEQUENCE.
async fn record(
    store: &Store,
    invitee: &Invitee,
    response: ResponseStatus,
    sequence: i64,
    way: Way,
) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    if !keep(&mut tx, invitee, response, sequence, Utc::now()).await? {
        return Ok(());
    }
    let event = Event::new("invitee.respond", invitee.id)
        .with("response", response.as_str().into())
        .with("way", way.as_str().into());
    audit::append(&mut tx, Cause::system(Some(invitee.tenant_id)), &event).await?;
    tx.commit().await
}

/// Writes an answer down. False when that changes nothing.
async fn keep(
    tx: &mut Tx,
    invitee: &Invitee,
    response: ResponseStatus,
    sequence: i64,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    if invitee.response_status == response && invitee.response_sequence == sequence {
        return Ok(false);
    }
    let tenant: TenantId = invitee.tenant_id;
    let update = sql("UPDATE invitees SET response_status = $1, response_sequence = $2, revision = revision + 1,
             updated_at = $3
         WHERE id = $4 AND revoked_at IS NULL AND response_sequence <= $2");
    let update = update.bind(response).bind(sequence).bind(now).bind(invitee.id);
    if tx.execute(update).await? == 0 {
        // Meanwhile they answered a newer invitation, or are not invited any more.
        return Ok(false);
    }
    let fields = vec!["response_status".to_owned()];
    let kind = ChangeKind::InviteeChanged { invitee_id: invitee.id, fields };
    changes::note(tx, MeetingChange { tenant_id: tenant, meeting_id: invitee.meeting_id, kind }).await?;
    Ok(true)
}
