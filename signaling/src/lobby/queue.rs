// SPDX-License-Identifier: EUPL-1.2
//! Into the queue and out of it again: what is common to all who wait, by whatever way they came.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use store::{StoreError, Tx};

use super::table::{self, Entry, LobbyStatus, MAX_WAITING};
use crate::api::ids::LobbyEntryId;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::caller::Actor;
use crate::joining::decision::WaitsFor;
use crate::joining::person::Person;
use crate::joining::venue::Venue;
use crate::meeting_sessions::happenings;
use crate::meeting_sessions::table::running;
use crate::records::audit::{self, Cause, Event};

/// Somebody who is to wait.
pub(crate) struct Newcomer<'a> {
    pub(crate) venue: &'a Venue,
    pub(crate) person: &'a Person,
    pub(crate) waits_for: WaitsFor,
    /// Of the secret by which they ask how it stands.
    pub(crate) ticket_hash: String,
    /// By which those from one place are counted.
    pub(crate) address_mark: &'a str,
    /// Most of these.
    pub(crate) most_from_there: i64,
    pub(crate) request_id: &'a str,
}

/// Puts somebody at the end of the queue, if there is room in it.
pub(crate) async fn enter(tx: &mut Tx, newcomer: Newcomer<'_>, now: DateTime<Utc>) -> Result<Entry, Problem> {
    let (venue, mark) = (newcomer.venue.id(), newcomer.address_mark);
    table::forget_silent(tx, newcomer.venue, now).await?;
    let is_full = table::count(tx, &venue, now).await? >= MAX_WAITING;
    if is_full || table::count_from(tx, &venue, mark, now).await? >= newcomer.most_from_there {
        return Err(Code::LobbyFull.into());
    }
    let entry = Entry {
        id: LobbyEntryId::new(),
        tenant_id: newcomer.venue.tenant_id(),
        meeting_id: newcomer.venue.meeting_id(),
        room_id: newcomer.venue.room_id(),
        venue_id: venue.clone(),
        ticket_hash: newcomer.ticket_hash,
        person: newcomer.person.clone(),
        waits_for: newcomer.waits_for,
        status: LobbyStatus::Waiting,
        created_at: now,
        last_seen_at: now,
        decided_at: None,
    };
    table::insert(tx, &entry, mark).await?;
    let event = Event::new("lobby_entry.create", entry.id).with("venue", venue.into());
    note(tx, &entry, newcomer.request_id, &event).await?;
    happenings::waiting(tx, newcomer.venue, entry.id, now).await?;
    Ok(entry)
}

/// Takes somebody out of the queue who does not want to wait any more, and tells the others.
pub(crate) async fn leave(app: &Arc<App>, entry: &Entry, request_id: &str) -> Result<(), StoreError> {
    let mut tx = app.store.write_with_others().await?;
    table::forget(&mut tx, entry.id).await?;
    let running = running(&mut tx, &entry.venue_id).await?;
    note(&mut tx, entry, request_id, &Event::new("lobby_entry.leave", entry.id)).await?;
    tx.commit().await?;
    super::changed(app, &entry.venue_id, running.map(|session| session.id)).await
}

/// Writes down that they did it.
async fn note(tx: &mut Tx, entry: &Entry, request_id: &str, event: &Event) -> Result<(), StoreError> {
    let actor = Actor::Participant { room: String::new(), identity: entry.person.identity.clone() };
    audit::append(tx, Cause { tenant: Some(entry.tenant_id), actor: &actor, request_id: Some(request_id) }, event).await
}
