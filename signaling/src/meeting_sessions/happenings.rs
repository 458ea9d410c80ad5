// SPDX-License-Identifier: EUPL-1.2
//! What webhooks are told of runs of meetings: ids and roles, never names.

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use store::{StoreError, Tx};

use super::model::{EndReason, Session};
use super::table;
use crate::api::ids::{LobbyEntryId, MeetingId, RoomId, TenantId};
use crate::joining::person::kind_of;
use crate::joining::venue::Venue;
use crate::webhooks::{self, Happening, WebhookEvent};

/// A run begins.
pub(crate) async fn started(tx: &mut Tx, session: &Session, now: DateTime<Utc>) -> Result<(), StoreError> {
    tell(tx, session, WebhookEvent::SessionStarted, json!({}), now).await
}

/// A run is over.
pub(super) async fn ended(
    tx: &mut Tx,
    session: &Session,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tell(tx, session, WebhookEvent::SessionEnded, json!({ "reason": reason }), now).await
}

/// Somebody comes, or goes. Nothing is told of those whom nobody let in, such as a recorder.
pub(super) async fn moved(
    tx: &mut Tx,
    session: &Session,
    event: WebhookEvent,
    identity: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(person) = table::find_person(tx, session.id, identity).await? else { return Ok(()) };
    let about = json!({ "identity": identity, "kind": kind_of(&person.marks), "role": person.role });
    tell(tx, session, event, about, now).await
}

/// Somebody waits in the lobby.
pub(crate) async fn waiting(
    tx: &mut Tx,
    venue: &Venue,
    entry: LobbyEntryId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let session = table::running(tx, &venue.id()).await?.map(|session| session.id);
    let mut data = place(venue.meeting_id(), venue.room_id(), json!({ "entry_id": entry }));
    if let Some(session) = session {
        data["session_id"] = json!(session);
    }
    note(tx, venue.tenant_id(), WebhookEvent::LobbyWaiting, data, now).await
}

async fn tell(
    tx: &mut Tx,
    session: &Session,
    event: WebhookEvent,
    about: Json,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut data = place(session.meeting_id, session.room_id, about);
    data["session_id"] = json!(session.id);
    note(tx, session.tenant_id, event, data, now).await
}

/// Where it happens: one of the two.
fn place(meeting: Option<MeetingId>, room: Option<RoomId>, mut data: Json) -> Json {
    if let Some(meeting) = meeting {
        data["meeting_id"] = json!(meeting);
    }
    if let Some(room) = room {
        data["room_id"] = json!(room);
    }
    data
}

async fn note(
    tx: &mut Tx,
    tenant: TenantId,
    event: WebhookEvent,
    data: Json,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    webhooks::note(tx, tenant, &Happening { event, data }, now).await
}
