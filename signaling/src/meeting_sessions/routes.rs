// SPDX-License-Identifier: EUPL-1.2
//! Listing and showing runs, and opening one.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::Textual as _;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{
    MediaSource, MeetingRole, MeetingSession, MeetingSessionDetails, PersonKind, RecordingConsent, Session,
    SessionParticipant, SessionPerson, SessionStatus, SessionTrack, session_of_room,
};
use super::rights::{self, Found};
use super::{live, table};
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::ids::{LobbyEntryId, MeetingId, MeetingSessionId, RoomId};
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::{Path, Query};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::auth::grants::TrackSource;
use crate::identity::caller::Actor;
use crate::identity::scopes::Scope;
use crate::joining::admission;
use crate::joining::decision::WaitsFor;
use crate::joining::person::kind_of;
use crate::joining::venue::Venue;
use crate::lobby;
use crate::records::audit::Event;
use crate::rooms::details::{HAND, RECORDING_CONSENT, ROLE};
use crate::rooms::info::{ParticipantInfo, ParticipantKind, ParticipantState};
use crate::rooms::input::Control;
use crate::rooms::output::{ControlReply, Overview};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(list_lobby))
        .routes(routes!(open_meeting))
        .routes(routes!(open_room))
}

/// Which runs are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SessionQuery {
    /// Those that go on, or those that are over; both when nothing is said.
    #[param(inline)]
    status: Option<SessionStatus>,
}

/// Lists runs of meetings
///
/// The oldest first. Whoever sees not the whole tenant sees those that they moderate.
#[utoipa::path(get, path = "/meeting_sessions", tag = "Running meetings", params(SessionQuery, PageRequest),
    security(("api_token" = ["sessions:read"]), ("room_token" = [])), responses((status = 200, body = PageOf<MeetingSession>)))]
async fn list(
    context: Context,
    Query(query): Query<SessionQuery>,
    page: Page<table::Key>,
) -> Result<Response, Problem> {
    context.require(Scope::SessionsRead)?;
    let mut tx = context.read().await?;
    let found = if let Actor::Participant { room, .. } = &context.caller.actor {
        let id = session_of_room(room).ok_or(Code::NotFound)?;
        vec![rights::find(&context, &mut tx, id).await?.session]
    } else {
        let whole = context.caller.sees_whole_tenant();
        let moderator = if whole { None } else { Some(context.caller.person().ok_or(Code::NotFound)?) };
        let is_running = query.status.map(|status| status == SessionStatus::Running);
        let filter = table::Filter { tenant: context.tenant_filter()?, moderator, is_running };
        table::page(&mut tx, filter, &page).await?
    };
    let shown: Vec<_> = found.iter().map(|session| describe(&context.app, session)).collect();
    let key = |session: &MeetingSession| (session.started_at.timestamp_millis(), session.id);
    PageOf::new(shown, page.limit, key)?.answer(&context.uri)
}

/// Shows a run and who is in it
///
/// Somebody in the meeting who does not moderate it sees neither who is banned nor how many wait.
#[utoipa::path(get, path = "/meeting_sessions/{session_id}", tag = "Running meetings",
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:read"]), ("room_token" = [])),
    responses((status = 200, body = MeetingSessionDetails)))]
async fn get(context: Context, Path(id): Path<MeetingSessionId>) -> Result<Response, Problem> {
    let mut tx = context.read().await?;
    let found = rights::find(&context, &mut tx, id).await?;
    let venue = found.venue.id();
    let moderates = found.moderates;
    let bans = if moderates { table::bans(&mut tx, &venue).await? } else { Vec::new() };
    let waiting = if moderates { lobby::table::count(&mut tx, &venue, Utc::now()).await? } else { 0 };
    let known = table::people(&mut tx, id).await?;
    // A room may be busy, and connections to the database are few.
    drop(tx);
    let participants = participants(&known, &overview(&context.app, &found).await);
    let details = MeetingSessionDetails {
        session: describe(&context.app, &found.session),
        title: found.venue.title().to_owned(),
        hands: hands(&participants),
        participants,
        waiting,
        bans,
    };
    Ok(Answer::ok(&details)?.into_response())
}

/// Somebody in the lobby.
#[derive(Debug, Serialize, ToSchema)]
struct LobbyEntry {
    /// What admitting and denying call them.
    id: LobbyEntryId,
    /// What they are called. Of a guest nobody has checked it.
    name: String,
    /// What kind of participant they would be.
    kind: PersonKind,
    /// What they would be in the meeting.
    role: MeetingRole,
    /// What they wait for.
    waits_for: WaitsFor,
    /// Since when.
    since: DateTime<Utc>,
}

/// Who waits.
#[derive(Debug, Serialize, ToSchema)]
struct LobbyQueue {
    /// The first one first; 500 at most.
    items: Vec<LobbyEntry>,
}

/// Lists who waits in the lobby
#[utoipa::path(get, path = "/meeting_sessions/{session_id}/lobby", tag = "Running meetings",
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 200, body = LobbyQueue)))]
async fn list_lobby(context: Context, Path(id): Path<MeetingSessionId>) -> Result<Response, Problem> {
    let mut tx = context.read().await?;
    let found = rights::find_running(&context, &mut tx, id).await?;
    let waiting = lobby::table::waiting(&mut tx, &found.venue.id(), Utc::now()).await?;
    let items = waiting.into_iter().map(|entry| LobbyEntry {
        id: entry.id,
        kind: entry.person.kind(),
        name: entry.person.name,
        role: entry.person.role,
        waits_for: entry.waits_for,
        since: entry.created_at,
    });
    Ok(Answer::ok(&LobbyQueue { items: items.collect() })?.into_response())
}

/// Opens a meeting
///
/// Whoever is let in without a host may come from now on. A meeting that goes on is left as it is.
#[utoipa::path(post, path = "/meetings/{meeting_id}/sessions", tag = "Running meetings",
    params(("meeting_id" = MeetingId, Path)), security(("api_token" = ["sessions:moderate"])),
    responses((status = 201, body = MeetingSession), (status = 200, body = MeetingSession)))]
async fn open_meeting(context: Context, Path(id): Path<MeetingId>) -> Result<Response, Problem> {
    open(&context, Some(id), None).await
}

/// Opens a permanent room
///
/// A room that is open is left as it is.
#[utoipa::path(post, path = "/rooms/{room_id}/sessions", tag = "Running meetings",
    params(("room_id" = RoomId, Path)), security(("api_token" = ["sessions:moderate"])),
    responses((status = 201, body = MeetingSession), (status = 200, body = MeetingSession)))]
async fn open_room(context: Context, Path(id): Path<RoomId>) -> Result<Response, Problem> {
    open(&context, None, Some(id)).await
}

async fn open(context: &Context, meeting: Option<MeetingId>, room: Option<RoomId>) -> Result<Response, Problem> {
    context.require(Scope::SessionsModerate)?;
    if matches!(context.caller.actor, Actor::Participant { .. }) {
        return Err(Code::NotFound.into());
    }
    let tenant = context.tenant_filter()?;
    let mut tx = context.write().await?;
    let venue = Venue::find(&mut tx, meeting, room).await?.filter(|venue| !venue.is_draft()).ok_or(Code::NotFound)?;
    if tenant.is_some_and(|tenant| tenant != venue.tenant_id()) {
        return Err(Code::NotFound.into());
    }
    rights::check(context, &mut tx, &venue).await?;
    let now = Utc::now();
    let running = table::running(&mut tx, &venue.id()).await?;
    let terms = venue.terms(&mut tx, now, running.as_ref()).await?;
    let (session, is_new) = admission::begin(&mut tx, &context.app, &venue, &terms, now).await?;
    let shown = describe(&context.app, &session);
    let response = if is_new {
        let location = format!("/api/v1/meeting_sessions/{}", session.id);
        let event = Event::new("meeting_session.start", session.id).with("venue", venue.id().into());
        context.commit(tx, Some(session.tenant_id), &event, Answer::created(location, &shown)?).await?
    } else {
        drop(tx);
        Answer::with_status(StatusCode::OK, &shown)?.into_response()
    };
    live::open(&context.app, &session, &terms.rules).await?.ok_or(Code::Conflict)?;
    Ok(response)
}

pub(super) fn describe(app: &App, session: &Session) -> MeetingSession {
    let room = app.directory.get(&session.room_name());
    MeetingSession {
        id: session.id,
        tenant_id: session.tenant_id,
        meeting_id: session.meeting_id,
        room_id: session.room_id,
        status: if session.ended_at.is_some() { SessionStatus::Ended } else { SessionStatus::Running },
        is_locked: session.is_locked,
        started_at: session.started_at,
        ends_at: session.ends_at,
        ended_at: session.ended_at,
        end_reason: session.end_reason,
        current_participants: room.map_or(0, |room| room.info().num_participants),
        peak_participants: session.peak_participants,
        total_participants: session.total_participants,
        guest_participants: session.guest_participants,
    }
}

/// Who is in the room now.
async fn overview(app: &App, found: &Found) -> Vec<Overview> {
    let Some(room) = app.directory.get(&found.session.room_name()) else { return Vec::new() };
    match room.control(Control::Overview).await {
        Ok(ControlReply::Overview(people)) => people,
        _ => Vec::new(),
    }
}

fn participants(known: &[SessionPerson], people: &[Overview]) -> Vec<SessionParticipant> {
    let kinds: HashMap<_, _> = known.iter().map(|person| (person.identity.as_str(), kind_of(&person.marks))).collect();
    let visible = people.iter().filter(|person| !person.info.profile.permissions.is_hidden);
    let mut shown: Vec<_> = visible.map(|person| participant(person, &kinds)).collect();
    shown.sort_by(|a, b| (a.joined_at, &a.identity).cmp(&(b.joined_at, &b.identity)));
    shown
}

fn participant(person: &Overview, kinds: &HashMap<&str, PersonKind>) -> SessionParticipant {
    let info: &ParticipantInfo = &person.info;
    let details = &info.profile.details;
    let kind = match info.profile.kind {
        ParticipantKind::Sip => PersonKind::Phone,
        ParticipantKind::Egress => PersonKind::Recorder,
        ParticipantKind::Standard => kinds.get(&*info.profile.identity).copied().unwrap_or(PersonKind::Guest),
        _ => PersonKind::Bot,
    };
    let role =
        details.attributes.get(ROLE).and_then(|role| MeetingRole::ALL.iter().find(|known| known.as_str() == role));
    let consent = details.attributes.get(RECORDING_CONSENT).and_then(|said| RecordingConsent::from_text(said));
    let hand = details.attributes.get(HAND).and_then(|hand| hand.parse().ok());
    SessionParticipant {
        identity: info.profile.identity.to_string(),
        name: details.name.clone(),
        kind,
        role: role.copied().unwrap_or(MeetingRole::Attendee),
        joined_at: time(info.joined_at),
        is_connected: info.state == ParticipantState::Active,
        hand_raised_at: hand.and_then(DateTime::from_timestamp_millis),
        may_unmute: person.may_unmute,
        recording_consent: consent,
        tracks: info
            .tracks
            .iter()
            .map(|track| SessionTrack {
                source: match (track.source, track.kind) {
                    (TrackSource::ScreenShare | TrackSource::ScreenShareAudio, _) => MediaSource::ScreenShare,
                    (_, bus::MediaKind::Video) => MediaSource::Camera,
                    (_, bus::MediaKind::Audio) => MediaSource::Microphone,
                },
                is_muted: track.is_muted,
            })
            .collect(),
    }
}

fn hands(participants: &[SessionParticipant]) -> Vec<String> {
    let raised = participants.iter().filter_map(|person| Some((person.hand_raised_at?, person.identity.clone())));
    let mut raised: Vec<_> = raised.collect();
    raised.sort();
    raised.into_iter().map(|(_, identity)| identity).collect()
}

pub(super) fn time(since_1970: std::time::Duration) -> DateTime<Utc> {
    let milliseconds = i64::try_from(since_1970.as_millis()).unwrap_or_default();
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}
