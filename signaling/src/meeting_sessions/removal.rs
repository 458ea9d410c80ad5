// SPDX-License-Identifier: EUPL-1.2
//! Who may not stay in a run: their tokens are not honoured any more, and they have to go.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx, sql};
use tokio::time::timeout;

use super::model::{Session, room_name};
use super::table;
use crate::api::ids::MeetingSessionId;
use crate::app::App;
use crate::auth::revocation::{self, Revocation};
use crate::joining::admission::{MEETING_TOKENS_LIVE, ROOM_PATIENCE};
use crate::lobby;
use crate::records::audit::{self, Cause, Event};
use crate::rooms::input::Control;

/// Most people who are sent away at a time.
const MAX_AT_ONCE: i64 = 500;

/// Refuses the tokens that somebody has for a run, when the transaction is kept; this process has to note it then.
pub(super) async fn revoke(
    tx: &mut Tx,
    app: &App,
    session: &Session,
    identity: &str,
) -> Result<Revocation, StoreError> {
    let (now, room) = (SystemTime::now(), session.room_name());
    let issued_until = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // A token that was made this very second may say the next one.
    let honoured_from = app.revocations.honoured_from(&room, identity);
    let revocation = Revocation {
        issued_until: honoured_from.map_or(issued_until, |from| from.max(issued_until)),
        room,
        identity: identity.to_owned(),
        forget_at: now + MEETING_TOKENS_LIVE,
    };
    revocation::table::keep(tx, &revocation, now).await?;
    Ok(revocation)
}

struct Unwelcome {
    session: MeetingSessionId,
    identity: String,
}

impl FromRow for Unwelcome {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { session: row.get("session_id")?, identity: row.get("identity")? })
    }
}

/// Sends those away from this process's rooms whose account was disabled or removed since they were let in, or whose invitation
/// was withdrawn.
pub(crate) async fn send_away_unwelcome(app: &App, now: DateTime<Utc>) -> Result<(), StoreError> {
    let select =
        sql("SELECT p.session_id, p.identity FROM meeting_sessions s JOIN session_people p ON p.session_id = s.id
         WHERE s.running_id IS NOT NULL AND s.holder = $1 AND p.removed_at IS NULL AND (
             (p.user_id IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM users u WHERE u.id = p.user_id AND u.disabled_at IS NULL))
             OR (p.invitee_id IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM invitees i WHERE i.id = p.invitee_id AND i.revoked_at IS NULL)))
         LIMIT $2");
    let select = select.bind(&app.process).bind(MAX_AT_ONCE);
    let unwelcome: Vec<Unwelcome> = app.store.read().await?.all(select).await?;
    for Unwelcome { session, identity } in unwelcome {
        send_away(app, session, &identity, "withdrawn", now).await?;
    }
    Ok(())
}

/// Removes somebody for the operator, whom no scope binds. Returns whether such a person is known in that run.
pub(crate) async fn by_operator(app: &App, id: MeetingSessionId, identity: &str) -> Result<bool, StoreError> {
    let known = table::find_person(&mut app.store.read().await?, id, identity).await?;
    let is_there = match app.directory.get(&room_name(id)) {
        Some(room) => room.control(Control::GetParticipant(identity.into())).await.is_ok(),
        None => false,
    };
    if known.is_none() && !is_there {
        return Ok(false);
    }
    send_away(app, id, identity, "operator", Utc::now()).await?;
    Ok(true)
}

async fn send_away(
    app: &App,
    id: MeetingSessionId,
    identity: &str,
    reason: &'static str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    let Some(session) = table::find(&mut tx, None, id).await? else { return Ok(()) };
    tx.lock(&session.venue_id()).await?;
    table::remove(&mut tx, id, identity, now).await?;
    lobby::table::forget_person(&mut tx, &session.venue_id(), identity).await?;
    let revocation = revoke(&mut tx, app, &session, identity).await?;
    let event =
        Event::new("meeting_session.remove", id).with("identity", json!(identity)).with("reason", reason.into());
    audit::append(&mut tx, Cause::system(Some(session.tenant_id)), &event).await?;
    tx.commit().await?;
    app.revocations.note(SystemTime::now(), &revocation);
    if let Some(room) = app.directory.get(&session.room_name()) {
        // Who has gone needs not be sent away.
        drop(timeout(ROOM_PATIENCE, room.control(Control::RemoveParticipant(identity.into()))).await);
    }
    Ok(())
}
