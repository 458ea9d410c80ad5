// SPDX-License-Identifier: EUPL-1.2
//! Makes messages of what became of meetings. That is noted where it happens, in an outbox; here each change is taken out
//! and its messages are stored, in one transaction.

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{Store, StoreError};

use super::{Happening, WebhookEvent, note};
use crate::meetings::changes::{self, ChangeKind, MeetingChange, Reader};

/// Changes that one transaction takes out.
const BATCH: i64 = 100;

/// Makes messages of all that waits in the outbox. Returns of how many changes.
///
/// # Errors
///
/// Fails when the database does. Nothing is lost then.
pub(super) async fn publish(store: &Store, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut total = 0;
    // Mostly there is nothing, and looking does not make writers wait.
    while !changes::pending(&mut store.read().await?, Reader::Webhooks, 1).await?.is_empty() {
        let mut tx = store.write().await?;
        tx.lock("webhooks of meetings").await?;
        let found = changes::pending(&mut tx, Reader::Webhooks, BATCH).await?;
        for noted in &found {
            if let Some(change) = &noted.change {
                note(&mut tx, change.tenant_id, &happening(change), noted.created_at).await?;
            }
        }
        let ids: Vec<_> = found.into_iter().map(|noted| noted.id).collect();
        changes::done(&mut tx, Reader::Webhooks, &ids, now).await?;
        tx.commit().await?;
        total += ids.len();
    }
    Ok(total)
}

/// What changes of somebody who answers their invitation.
const ANSWERED: [&str; 1] = ["response_status"];

fn happening(change: &MeetingChange) -> Happening {
    let mut data = json!({ "meeting_id": change.meeting_id });
    let event = match &change.kind {
        ChangeKind::Created => WebhookEvent::MeetingCreated,
        ChangeKind::Updated { fields } => {
            data["fields"] = json!(fields);
            WebhookEvent::MeetingUpdated
        }
        ChangeKind::Cancelled => WebhookEvent::MeetingCancelled,
        ChangeKind::OccurrenceChanged { recurrence_id, fields } => {
            data["recurrence_id"] = json!(recurrence_id);
            data["fields"] = json!(fields);
            WebhookEvent::MeetingUpdated
        }
        ChangeKind::InviteeAdded { invitee_id } => {
            data["invitee_id"] = json!(invitee_id);
            WebhookEvent::InviteeChanged
        }
        ChangeKind::InviteeChanged { invitee_id, fields } if fields.as_slice() == ANSWERED => {
            data["invitee_id"] = json!(invitee_id);
            WebhookEvent::InviteeResponded
        }
        ChangeKind::InviteeChanged { invitee_id, fields } => {
            data["invitee_id"] = json!(invitee_id);
            data["fields"] = json!(fields);
            WebhookEvent::InviteeChanged
        }
        ChangeKind::InviteeRemoved { invitee_id } => {
            data["invitee_id"] = json!(invitee_id);
            WebhookEvent::InviteeRemoved
        }
    };
    Happening { event, data }
}
