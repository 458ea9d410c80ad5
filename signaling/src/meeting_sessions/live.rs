// SPDX-License-Identifier: EUPL-1.2
//! The live room of a run: it is opened with what the policy says, also again after a restart, and what happens in it is
//! written down.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use store::StoreError;
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::model::{EndReason, Session, room_name, session_of_room};
use super::{happenings, table};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::joining::venue::Venue;
use crate::meetings::policies::rules::{AllowChat, AllowUnmute, CallerDisplay, Rules};
use crate::records::audit::{self, Cause, Event};
use crate::rooms::directory::RoomHandle;
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::RoomChange;
use crate::rooms::output::Report;
use crate::rooms::policy::{CallerRule, ChatRule, RoomPolicy, UnmuteRule};
use crate::webhooks::WebhookEvent;

/// How long a room waits for the first who was let in: as long as their token is valid.
const EMPTY_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Reports that may wait to be written down. When there are more, those that follow are missed and counted.
const REPORTS: usize = 1_024;

/// How often it is looked whether runs have lost their rooms.
const TIDY_INTERVAL: Duration = Duration::from_secs(60);

/// How long a run may be without a room before it has ended: people come back after a restart.
const WITHOUT_ROOM: chrono::Duration = chrono::Duration::minutes(5);

/// When a run that began then ends at the latest.
pub(crate) fn end_of(started_at: DateTime<Utc>, rules: &Rules) -> Option<DateTime<Utc>> {
    rules.max_duration_minutes.map(|minutes| started_at + chrono::Duration::minutes(minutes.into()))
}

/// What a room allows by these rules.
pub(super) fn policy(session: &Session, rules: &Rules) -> RoomPolicy {
    RoomPolicy {
        mute_upon_entry: rules.mute_upon_entry,
        unmute: match rules.allow_unmute {
            AllowUnmute::Always => UnmuteRule::Always,
            AllowUnmute::OnPermission => UnmuteRule::OnPermission,
        },
        allow_camera: rules.allow_camera && !rules.audio_only,
        allow_screen_share: rules.allow_screen_share && !rules.audio_only,
        chat: match rules.allow_chat {
            AllowChat::Off => ChatRule::Off,
            AllowChat::Public => ChatRule::Public,
            AllowChat::PublicPrivate => ChatRule::PublicPrivate,
        },
        has_chat_history: rules.allow_chat != AllowChat::Off,
        keeps_chat: rules.keep_chat,
        is_locked: session.is_locked,
        is_audio_only: rules.audio_only,
        caller: match rules.caller_display {
            CallerDisplay::Name => CallerRule::Name,
            CallerDisplay::Masked => CallerRule::Masked,
            CallerDisplay::Hidden => CallerRule::Hidden,
        },
        ends_at: session.ends_at.and_then(|end| u64::try_from(end.timestamp_millis()).ok()).map(Duration::from_millis),
    }
}

/// The live room of a run, opened if need be.
pub(crate) fn open(app: &Arc<App>, session: &Session, rules: &Rules) -> Result<RoomHandle, Problem> {
    if let Some(room) = app.directory.get(&session.room_name()) {
        return Ok(room);
    }
    let room = session.room_name();
    let (reports, received) = mpsc::channel(REPORTS);
    let change = RoomChange {
        empty_timeout: Some(EMPTY_TIMEOUT),
        max_participants: rules.max_participants,
        ..RoomChange::default()
    };
    let meeting = Some((policy(session, rules), reports));
    let (handle, is_new) = app.directory.get_or_open(&room, &change, meeting).ok_or(Code::Unavailable)?;
    if is_new {
        let watch = Watch { app: app.clone(), session: session.clone(), participants: 0 };
        let ended = app.watches.enter();
        tokio::spawn(async move {
            watch.run(received).await;
            drop(ended);
        });
    }
    Ok(handle)
}

/// Opens the room of a run again that somebody with a token comes to, if the run still goes on. Returns whether it does.
/// Only a room that has to be opened needs the database.
pub(crate) async fn revive(app: &Arc<App>, room: &str) -> Result<bool, Problem> {
    let Some(id) = session_of_room(room) else { return Ok(false) };
    let mut tx = app.store.read().await?;
    let session = table::find(&mut tx, None, id).await?.filter(|session| session.ended_at.is_none());
    let Some(session) = session else { return Ok(false) };
    let Some(venue) = Venue::of_session(&mut tx, &session).await? else { return Ok(false) };
    let terms = venue.terms(&mut tx, Utc::now()).await?;
    drop(tx);
    open(app, &session, &terms.rules).map(|_| true)
}

/// Writes down what happens in a room.
struct Watch {
    app: Arc<App>,
    session: Session,
    participants: i64,
}

impl Watch {
    async fn run(mut self, mut reports: mpsc::Receiver<Report>) {
        while let Some(report) = reports.recv().await {
            let outcome = match report {
                Report::Joined { identity, is_moderator } => self.joined(&identity, is_moderator).await,
                Report::Left { identity } => self.left(&identity).await,
                Report::Chat(message) => self.keep(&message).await,
                Report::Closed(reason) => return self.closed(reason).await,
            };
            if let Err(error) = outcome {
                warn!(%error, session = %self.session.id, "what happened in a meeting was not written down");
            }
        }
    }

    async fn joined(&mut self, identity: &str, is_moderator: bool) -> Result<(), StoreError> {
        self.participants += 1;
        if is_moderator {
            // Those who wait for a host come in now.
            self.app.lobby.wake(&self.session.venue_id());
        }
        let mut tx = self.app.store.write().await?;
        table::note_peak(&mut tx, self.session.id, self.participants).await?;
        happenings::moved(&mut tx, &self.session, WebhookEvent::ParticipantJoined, identity, Utc::now()).await?;
        tx.commit().await?;
        self.app.webhooks.nudge();
        Ok(())
    }

    async fn left(&mut self, identity: &str) -> Result<(), StoreError> {
        self.participants -= 1;
        // There may be room for another one now.
        self.app.lobby.wake(&self.session.venue_id());
        let mut tx = self.app.store.write().await?;
        happenings::moved(&mut tx, &self.session, WebhookEvent::ParticipantLeft, identity, Utc::now()).await?;
        tx.commit().await?;
        self.app.webhooks.nudge();
        Ok(())
    }

    async fn keep(&self, message: &crate::rooms::chat::ChatMessage) -> Result<(), StoreError> {
        let mut tx = self.app.store.write().await?;
        table::keep_message(&mut tx, self.session.id, message).await?;
        tx.commit().await
    }

    async fn closed(&self, reason: DisconnectReason) {
        let now = Utc::now();
        let reason = match reason {
            // Everybody comes back after a restart, to the same run.
            DisconnectReason::ServerShutdown => return,
            DisconnectReason::RoomDeleted => EndReason::Moderator,
            DisconnectReason::TimeLimit => EndReason::TimeLimit,
            _ => EndReason::Idle,
        };
        if let Err(error) = end(&self.app, &self.session, reason, now).await {
            // `tidy` ends it when the database is there again.
            warn!(%error, session = %self.session.id, "the end of a meeting was not written down");
        }
    }
}

/// Writes down that a run is over. It may have been ended before.
pub(super) async fn end(app: &App, session: &Session, reason: EndReason, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    let keeps_attendance = table::keeps_attendance(&mut tx, session.tenant_id).await?;
    if table::end(&mut tx, session, reason, keeps_attendance, now).await? {
        happenings::ended(&mut tx, session, reason, now).await?;
        let event = Event::new("meeting_session.end", session.id).with("reason", reason.as_str().into());
        audit::append(&mut tx, Cause::system(Some(session.tenant_id)), &event).await?;
        tx.commit().await?;
    }
    app.lobby.wake(&session.venue_id());
    Ok(())
}

/// Ends runs whose rooms are gone: the server went away, and nobody came back.
pub(crate) async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), StoreError> {
    let running = table::all_running(&mut app.store.read().await?).await?;
    for session in running {
        let is_gone = app.directory.get(&room_name(session.id)).is_none();
        if is_gone && now - session.started_at >= WITHOUT_ROOM {
            end(app, &session, EndReason::Lost, now).await?;
        }
    }
    Ok(())
}

/// Looks after runs that have lost their rooms, as long as the server runs. Not at once: after a restart people need a
/// moment to come back.
pub(crate) async fn look_after(app: Arc<App>) {
    tokio::time::sleep(WITHOUT_ROOM.to_std().unwrap_or(TIDY_INTERVAL)).await;
    let mut interval = tokio::time::interval(TIDY_INTERVAL);
    loop {
        interval.tick().await;
        match tidy(&app, Utc::now()).await {
            Ok(()) => {}
            Err(StoreError::Unavailable) => warn!("the database is away"),
            Err(error) => error!(%error, "meetings that are over cannot be ended"),
        }
    }
}
