// SPDX-License-Identifier: EUPL-1.2
//! The live room of a run: it is opened with what the policy says, also again after a restart, and what happens in it is
//! written down.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use store::{StoreError, Tx};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, timeout};
use tracing::{debug, error, warn};

use super::model::{EndReason, RecordingConsent, Session, room_name, session_of_room};
use super::{happenings, removal, rules, table};
use crate::api::ids::MeetingSessionId;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::caller::Actor;
use crate::joining::admission::ROOM_PATIENCE;
use crate::joining::venue::Venue;
use crate::meetings::policies::rules::{AllowChat, AllowUnmute, AnnounceJoinLeave, CallerDisplay, Rules};
use crate::records::audit::{self, Cause, Event};
use crate::rooms::caller_rule::CallerRule;
use crate::rooms::chat::ChatChange;
use crate::rooms::directory::RoomHandle;
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::{Input, RoomChange};
use crate::rooms::output::Report;
use crate::rooms::policy::{AnnounceRule, Announced, ChatRule, RoomPolicy, UnmuteRule};
use crate::webhooks::{self, WebhookEvent};

/// How long a room waits for the first who was let in: as long as their token is valid.
const EMPTY_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Reports that may wait to be written down. When there are more, those that follow are missed and counted.
const REPORTS: usize = 1_024;

/// How long a process holds a run without saying so again. When it dies, people can come back to another one after that:
/// clients try for about 40 s.
pub(crate) const HOLD: chrono::Duration = chrono::Duration::seconds(20);

/// How often it says so.
const BEAT: Duration = Duration::from_secs(5);

/// After how many beats it is looked whether runs have lost their rooms: once a minute.
const TIDY_BEATS: u32 = 12;

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
        caller: caller_rule(rules),
        announce: AnnounceRule {
            of: match rules.announce_join_leave {
                AnnounceJoinLeave::Off => Announced::Nobody,
                AnnounceJoinLeave::Phone => Announced::Callers,
                AnnounceJoinLeave::All => Announced::Everybody,
            },
            up_to: rules.announce_up_to,
        },
        ends_at: session.ends_at.and_then(|end| u64::try_from(end.timestamp_millis()).ok()).map(Duration::from_millis),
    }
}

/// How callers are shown.
pub(crate) const fn caller_rule(rules: &Rules) -> CallerRule {
    match rules.caller_display {
        CallerDisplay::Number => CallerRule::Number,
        CallerDisplay::Name => CallerRule::Name,
        CallerDisplay::Masked => CallerRule::Masked,
        CallerDisplay::Hidden => CallerRule::Hidden,
    }
}

/// The live room of a run, opened if need be. `None`: the run is over by now.
///
/// A room is opened for a run that goes on and that no other process holds. Whoever ends the run looks for a room after
/// that is kept, and here the run is looked at again after the room is there: so no room is left over.
pub(crate) async fn open(app: &Arc<App>, session: &Session, rules: &Rules) -> Result<Option<RoomHandle>, Problem> {
    let room = session.room_name();
    if let Some(room) = app.directory.get(&room) {
        return Ok(Some(room));
    }
    if !hold(app, session.id).await? {
        return Ok(None);
    }
    let (reports, received) = mpsc::channel(REPORTS);
    let change = RoomChange {
        empty_timeout: Some(EMPTY_TIMEOUT),
        max_participants: rules.max_participants,
        ..RoomChange::default()
    };
    let meeting = Some((policy(session, rules), reports));
    let (handle, is_new) = app.directory.get_or_open(&room, &change, meeting).ok_or(Code::Unavailable)?;
    if is_new {
        let watch =
            Watch { app: app.clone(), session: session.clone(), room: handle.clone(), participants: 0, noted_peak: 0 };
        let ended = app.watches.enter();
        tokio::spawn(async move {
            watch.run(received).await;
            drop(ended);
        });
        let goes_on = hold(app, session.id).await;
        if !matches!(goes_on, Ok(true)) {
            handle.send(Input::Close(DisconnectReason::ServerShutdown)).await;
            return goes_on.map(|_| None);
        }
        // The rules may have changed since they were read: whoever changes them tells those rooms only that are there.
        rules::show(app, session.id).await?;
    }
    Ok(Some(handle))
}

/// Holds a run for this process. Returns whether it goes on.
async fn hold(app: &App, id: MeetingSessionId) -> Result<bool, Problem> {
    let now = Utc::now();
    let session = table::find(&mut app.store.read().await?, None, id).await?;
    let Some(session) = session.filter(|session| session.ended_at.is_none()) else { return Ok(false) };
    if session.holder == app.process && session.held_until > now {
        return Ok(true);
    }
    let mut tx = app.store.write_with_others().await?;
    if !table::hold(&mut tx, id, &app.process, now, now + HOLD).await? {
        // It is another's, or has ended just now; whoever asks again hears which.
        return Err(Code::Unavailable.into());
    }
    tx.commit().await?;
    Ok(true)
}

/// Ends the live room of a run, if it has one.
pub(crate) async fn close(app: &App, id: MeetingSessionId, reason: DisconnectReason) {
    if let Some(room) = app.directory.get(&room_name(id)) {
        room.send(Input::Close(reason)).await;
        room.ended().await;
    }
}

/// Opens the room of a run again that somebody with a token comes to, if the run still goes on. Returns whether it does.
/// Only a room that has to be opened needs the database.
pub(crate) async fn revive(app: &Arc<App>, room: &str) -> Result<bool, Problem> {
    let Some(id) = session_of_room(room) else { return Ok(false) };
    let mut tx = app.store.read().await?;
    let session = table::find(&mut tx, None, id).await?.filter(|session| session.ended_at.is_none());
    let Some(session) = session else { return Ok(false) };
    let Some(venue) = Venue::of_session(&mut tx, &session).await? else { return Ok(false) };
    let terms = venue.terms(&mut tx, Utc::now(), Some(&session)).await?;
    drop(tx);
    open(app, &session, &terms.rules).await.map(|room| room.is_some())
}

/// Writes down what happens in a room.
struct Watch {
    app: Arc<App>,
    session: Session,
    room: RoomHandle,
    participants: i64,
    /// The most that were there at a time and are written down.
    noted_peak: i64,
}

impl Watch {
    async fn run(mut self, mut reports: mpsc::Receiver<Report>) {
        while let Some(report) = reports.recv().await {
            let outcome = match report {
                Report::Joined { identity, is_moderator } => self.joined(&identity, is_moderator).await,
                Report::Left { identity } => self.left(&identity).await,
                Report::Consent { identity, is_given } => self.consents(&identity, is_given).await,
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
        self.note_move(WebhookEvent::ParticipantJoined, identity).await
    }

    async fn left(&mut self, identity: &str) -> Result<(), StoreError> {
        self.participants -= 1;
        // There may be room for another one now.
        self.app.lobby.wake(&self.session.venue_id());
        self.note_move(WebhookEvent::ParticipantLeft, identity).await
    }

    /// Writes down that somebody has come or gone, where anybody wants to know. Most who come and go change nothing.
    async fn note_move(&mut self, event: WebhookEvent, identity: &str) -> Result<(), StoreError> {
        let (is_peak, tenant) = (self.participants > self.noted_peak, self.session.tenant_id);
        if !is_peak && !webhooks::is_wanted(&mut self.app.store.read().await?, tenant, event).await? {
            return Ok(());
        }
        let mut tx = self.app.store.write_with_others().await?;
        if is_peak {
            table::note_peak(&mut tx, self.session.id, self.participants).await?;
        }
        happenings::moved(&mut tx, &self.session, event, identity, Utc::now()).await?;
        tx.commit().await?;
        self.noted_peak = self.noted_peak.max(self.participants);
        self.app.webhooks.nudge();
        Ok(())
    }

    /// Writes down what a caller says to being recorded: who it was in this run, and when.
    async fn consents(&self, identity: &str, is_given: bool) -> Result<(), StoreError> {
        let session = &self.session;
        let consent = if is_given { RecordingConsent::Given } else { RecordingConsent::Withdrawn };
        let actor = Actor::Participant { room: session.room_name(), identity: identity.to_owned() };
        let cause = Cause { tenant: Some(session.tenant_id), actor: &actor, request_id: None };
        let event = Event::new("meeting_session.recording_consent", session.id)
            .with("identity", identity.into())
            .with("consent", consent.as_str().into());
        let mut tx = self.app.store.write_with_others().await?;
        audit::append(&mut tx, cause, &event).await?;
        tx.commit().await
    }

    async fn keep(&self, change: &ChatChange) -> Result<(), StoreError> {
        let (mut tx, id) = (self.app.store.write_with_others().await?, self.session.id);
        match change {
            ChatChange::Added(message) => table::keep_message(&mut tx, id, message).await?,
            ChatChange::Edited(message) => table::edit_message(&mut tx, id, message).await?,
            ChatChange::Deleted { id: message, sender } => table::delete_message(&mut tx, id, message, sender).await?,
        }
        tx.commit().await
    }

    async fn closed(&self, reason: DisconnectReason) {
        // Only then it is not found any more.
        self.room.ended().await;
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

/// Writes down that a run is over, and ends its room. It may have been ended before. A run that ended because nobody was
/// there goes on when somebody has come back by now.
pub(super) async fn end(app: &App, session: &Session, reason: EndReason, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    tx.lock(&session.venue_id()).await?;
    if matches!(reason, EndReason::Idle | EndReason::Lost) {
        let current = table::find(&mut tx, None, session.id).await?;
        let is_back = app.directory.get(&session.room_name()).is_some();
        if is_back || current.is_none_or(|current| current.is_held_by_another(&app.process, now)) {
            return Ok(());
        }
    }
    if write_end(&mut tx, session, reason, now).await? {
        tx.commit().await?;
        close(app, session.id, DisconnectReason::RoomDeleted).await;
    }
    app.lobby.wake(&session.venue_id());
    Ok(())
}

async fn write_end(tx: &mut Tx, session: &Session, reason: EndReason, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let keeps_attendance = table::keeps_attendance(tx, session.tenant_id).await?;
    if !table::end(tx, session, reason, keeps_attendance, now).await? {
        return Ok(false);
    }
    happenings::ended(tx, session, reason, now).await?;
    let event = Event::new("meeting_session.end", session.id).with("reason", reason.as_str().into());
    audit::append(tx, Cause::system(Some(session.tenant_id)), &event).await?;
    Ok(true)
}

/// Ends what goes on at a venue, in the transaction that removes it. The room of the run that it returns is to be closed when
/// that is kept.
pub(crate) async fn end_within(
    tx: &mut Tx,
    venue: &str,
    now: DateTime<Utc>,
) -> Result<Option<MeetingSessionId>, StoreError> {
    let Some(session) = table::running(tx, venue).await? else { return Ok(None) };
    let has_ended = write_end(tx, &session, EndReason::Moderator, now).await?;
    Ok(has_ended.then_some(session.id))
}

/// Ends runs whose rooms are gone: the server went away, and nobody came back. Those of other processes are theirs as long
/// as these live.
pub(crate) async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), StoreError> {
    let running = table::all_running(&mut app.store.read().await?).await?;
    for session in running {
        let is_lost = if session.holder == app.process {
            let is_gone = app.directory.get(&room_name(session.id)).is_none();
            is_gone && now - session.started_at >= WITHOUT_ROOM
        } else {
            now - session.held_until >= WITHOUT_ROOM
        };
        if is_lost {
            end(app, &session, EndReason::Lost, now).await?;
        }
    }
    Ok(())
}

/// Holds on the runs whose rooms this process keeps, and ends the rooms whose run has ended without them, was deleted, or
/// is another's by now.
pub(crate) async fn hold_on(app: &App, now: DateTime<Utc>) -> Result<(), StoreError> {
    // Before the database is asked: a room is opened only for a run that is stored.
    let rooms = app.directory.list(&[]);
    let kept: Vec<_> = rooms.iter().filter_map(|room| session_of_room(&room.name)).collect();
    if kept.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.write_with_others().await?;
    let held = table::hold_on(&mut tx, &kept, &app.process, now + HOLD).await?;
    tx.commit().await?;
    let held: HashSet<_> = held.into_iter().collect();
    for id in kept.into_iter().filter(|id| !held.contains(id)) {
        let session = table::find(&mut app.store.read().await?, None, id).await?;
        let goes_on = session.is_some_and(|session| session.ended_at.is_none());
        // Whose run goes on elsewhere can come back to it.
        let reason = if goes_on { DisconnectReason::ServerShutdown } else { DisconnectReason::RoomDeleted };
        // One that is busy is ended a little later; the others must be held on.
        drop(timeout(ROOM_PATIENCE, close(app, id, reason)).await);
    }
    Ok(())
}

/// Lets other processes have what this one holds: it ends.
pub(crate) async fn let_go(app: &App) {
    let let_go = async {
        let mut tx = app.store.write().await?;
        table::let_go(&mut tx, Some(&app.process), Utc::now()).await?;
        tx.commit().await
    };
    if let Err(error) = let_go.await {
        debug!(%error, "other processes wait until they may go on with meetings");
    }
}

/// Lets go what any process holds.
pub(crate) async fn let_all_go(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), StoreError> {
    table::let_go(tx, None, now).await
}

/// Looks after runs and their rooms, as long as the server runs.
pub(crate) async fn look_after(app: Arc<App>) {
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 1_u32.. {
        beat.tick().await;
        let outcome = async {
            hold_on(&app, Utc::now()).await?;
            if number.is_multiple_of(TIDY_BEATS) {
                removal::send_away_unwelcome(&app, Utc::now()).await?;
                tidy(&app, Utc::now()).await?;
            }
            Ok::<_, StoreError>(())
        };
        match outcome.await {
            Ok(()) => {}
            Err(error) if error.may_pass() => warn!(%error, "meetings are looked after later"),
            Err(error) => error!(%error, "meetings that are over cannot be ended"),
        }
    }
}

#[cfg(test)]
mod tests;
