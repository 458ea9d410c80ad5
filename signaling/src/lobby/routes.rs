// SPDX-License-Identifier: EUPL-1.2
//! What a browser in the lobby asks: how it stands, again and again; and to be forgotten.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use store::Tx;
use tokio::time::{Instant, timeout_at};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::queue;
use super::table::{self, Entry, LobbyStatus};
use crate::api::answer::Answer;
use crate::api::context::Anyone;
use crate::api::ids::LobbyEntryId;
use crate::api::path::{Path, Query};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::secret;
use crate::joining::admission::{self, Presence};
use crate::joining::decision::{Decision, decide, decide_for_admitted};
use crate::joining::person;
use crate::joining::venue::{Terms, Timing, Venue};
use crate::joining::{LobbyAdmitted, LobbyWaiting, answer_admitted};
use crate::meeting_sessions::model::Session;
use crate::meeting_sessions::table::running;

/// What a browser knows already.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PollQuery {
    /// `state` of the answer before: there is an answer when it is another, or after 25 seconds. Without it at once.
    #[param(max_length = 40)]
    known: Option<String>,
}

/// How long an answer waits for news. Proxies give up after 30 s or 60 s.
const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// How often it is looked without a nudge: time passes, and other processes change the database.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How exactly it is noted that somebody still waits: more often would be a write for each look.
pub(crate) const SEEN_NOTED_EVERY: chrono::Duration = chrono::Duration::seconds(15);

/// The API's functions for those who wait.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(poll, leave))
}

/// Where somebody stands after a look.
enum Standing {
    /// It is decided.
    Answered(Response),
    /// They wait as before.
    Waiting(LobbyWaiting),
}

/// Tells how somebody stands in the lobby
///
/// Answers within 25 seconds: as soon as it is otherwise than the browser knows. Whoever does not ask for 45 seconds is gone.
#[utoipa::path(get, path = "/lobby/{entry_id}", tag = "Joining", security(("lobby_ticket" = [])),
    params(PollQuery, ("entry_id" = LobbyEntryId, Path)),
    responses((status = 200, body = LobbyAdmitted), (status = 202, body = LobbyWaiting)))]
async fn poll(
    anyone: Anyone,
    Path(id): Path<LobbyEntryId>,
    Query(query): Query<PollQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let app = &anyone.app;
    let entry = authenticated(app, id, &headers).await?;
    let mut changes = app.lobby.subscribe(&entry.venue_id);
    let deadline = Instant::now() + LONGEST_WAIT;
    loop {
        changes.mark_unchanged();
        let waiting = match look(&anyone, id).await? {
            Standing::Answered(response) => return Ok(response),
            Standing::Waiting(waiting) => waiting,
        };
        if Instant::now() >= deadline || query.known.as_ref() != Some(&waiting.state) {
            return Ok(Answer::with_status(StatusCode::ACCEPTED, &waiting)?.into_response());
        }
        let next_look = deadline.min(Instant::now() + LOOK_INTERVAL);
        // Whether somebody has nudged or time has passed: one looks again.
        drop(timeout_at(next_look, changes.changed()).await);
    }
}

/// Leaves the lobby
#[utoipa::path(delete, path = "/lobby/{entry_id}", tag = "Joining", security(("lobby_ticket" = [])), params(("entry_id" = LobbyEntryId, Path)),
    responses((status = 204)))]
async fn leave(anyone: Anyone, Path(id): Path<LobbyEntryId>, headers: HeaderMap) -> Result<Response, Problem> {
    let app = &anyone.app;
    let entry = authenticated(app, id, &headers).await?;
    queue::leave(app, &entry, &anyone.request_id).await?;
    Ok(Answer::no_content().into_response())
}

/// The entry, for whoever has its ticket. Who has not learns nothing of it.
async fn authenticated(app: &App, id: LobbyEntryId, headers: &HeaderMap) -> Result<Entry, Problem> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, secret) = value.split_once(' ').ok_or(Code::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Code::Unauthenticated.into());
    }
    let entry = table::find(&mut app.store.read().await?, id).await?;
    let hash = secret::hash(secret.trim());
    let entry = entry.filter(|entry| {
        aws_lc_rs::constant_time::verify_slices_are_equal(entry.ticket_hash.as_bytes(), hash.as_bytes()).is_ok()
    });
    entry.ok_or(Code::NotFound.into())
}

/// Looks how somebody stands now, and notes that they still wait. What was decided when they came is decided anew: a host
/// may be there by now, or the policy another.
async fn look(anyone: &Anyone, id: LobbyEntryId) -> Result<Standing, Problem> {
    let (app, now) = (&anyone.app, Utc::now());
    let mut tx = app.store.read().await?;
    let found = examine(&mut tx, app, id, Presence::UNKNOWN, now).await?;
    let is_known = found.decision == Decision::Wait(found.entry.waits_for);
    if is_known && now - found.entry.last_seen_at < SEEN_NOTED_EVERY {
        return found.waiting(&mut tx, now).await.map(Standing::Waiting);
    }
    drop(tx);
    // Before others have to wait: a room may be busy.
    let presence = match &found.session {
        session @ Some(_) if found.was_admitted => {
            Presence::of(app, session.as_ref(), &found.entry.person.identity).await
        }
        _ => Presence::UNKNOWN,
    };
    if let Decision::Refuse(code) = found.decision
        && !presence.is_inside()
    {
        return Err(code.into());
    }
    // Anew, since only now nobody else writes, and nobody is removed, and nothing is locked or ended.
    let mut tx = app.store.write_with_others().await?;
    tx.lock(&found.venue.id()).await?;
    let found = examine(&mut tx, app, id, presence, now).await?;
    match found.decision {
        // A run that ended at that very moment is looked at again when the browser asks again.
        Decision::Admit => found.admit(tx, anyone, now).await?.map(Standing::Answered).ok_or(Code::Unavailable.into()),
        Decision::Wait(waits_for) => {
            table::note_seen(&mut tx, id, waits_for, now).await?;
            let waiting = found.waiting(&mut tx, now).await?;
            tx.commit().await?;
            Ok(Standing::Waiting(waiting))
        }
        Decision::Refuse(code) => Err(code.into()),
    }
}

/// Somebody in the lobby, and what becomes of them.
struct Found {
    entry: Entry,
    venue: Venue,
    terms: Terms,
    session: Option<Session>,
    was_admitted: bool,
    decision: Decision,
}

async fn examine(
    tx: &mut Tx,
    app: &App,
    id: LobbyEntryId,
    presence: Presence,
    now: DateTime<Utc>,
) -> Result<Found, Problem> {
    let entry = table::find(tx, id).await?.ok_or(Code::NotFound)?;
    let venue = Venue::find(tx, entry.meeting_id, entry.room_id).await?.ok_or(Code::MeetingEnded)?;
    let entry = Entry { person: person::again(tx, &venue, &entry.person).await?, ..entry };
    let session = running(tx, &venue.id()).await?;
    let terms = venue.terms(tx, now, session.as_ref()).await?;
    let at = admission::circumstances(tx, app, (&venue, &terms), session.as_ref(), &entry.person, presence).await?;
    let decision = match entry.status {
        LobbyStatus::Denied | LobbyStatus::Left => Decision::Refuse(Code::NotAdmitted),
        LobbyStatus::Admitted => decide_for_admitted(&entry.person, &terms, at, now),
        LobbyStatus::Waiting => decide(&entry.person, &terms, at, now),
    };
    Ok(Found { entry, venue, terms, session, was_admitted: at.was_admitted, decision })
}

impl Found {
    async fn admit(self, mut tx: Tx, anyone: &Anyone, now: DateTime<Utc>) -> Result<Option<Response>, Problem> {
        let (app, entry) = (&anyone.app, self.entry);
        let (role, was_waiting) = (entry.person.role, entry.status == LobbyStatus::Waiting);
        table::decide(&mut tx, &entry.venue_id, entry.id, LobbyStatus::Admitted, now).await?;
        let request_id = &anyone.request_id;
        let admission = admission::admit(&mut tx, app, &self.venue, &self.terms, entry.person, request_id).await?;
        tx.commit().await?;
        if was_waiting {
            super::changed(app, &entry.venue_id, Some(admission.session.id)).await?;
        }
        answer_admitted(app, &admission, self.venue.title(), role).await
    }

    async fn waiting(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<LobbyWaiting, Problem> {
        let entry = &self.entry;
        let starts_at = if let Timing::From(starts_at) = self.terms.timing { Some(starts_at) } else { None };
        let waits_for = if let Decision::Wait(waits_for) = self.decision { waits_for } else { entry.waits_for };
        let position = table::position(tx, entry, now).await?;
        Ok(LobbyWaiting::new(entry, None, waits_for, position, starts_at))
    }
}
