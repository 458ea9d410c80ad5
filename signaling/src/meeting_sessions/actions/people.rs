// SPDX-License-Identifier: EUPL-1.2
//! Who is there, and by what name: renaming, removing, banning, sending to another meeting.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::response::Response;
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::model::{MeetingRole, SessionPerson};
use super::super::rights::{self, Found};
use super::super::{live, table};
use super::{act, check_is_there, room};
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::{BanId, MeetingSessionId};
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::auth::revocation::{self, Revocation};
use crate::joining::admission::{self, MEETING_TOKENS_LIVE};
use crate::joining::person::Person;
use crate::lobby;
use crate::records::audit::Event;
use crate::rooms::details::DetailsChange;
use crate::rooms::input::{Control, Destination};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(rename)).routes(routes!(remove)).routes(routes!(unban)).routes(routes!(move_to))
}

/// Another name for somebody.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameRequest {
    /// Their identity.
    #[schema(min_length = 1, max_length = 256)]
    identity: String,
    /// What the others read from now on.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
}

/// Whom to remove.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RemoveRequest {
    /// Their identity.
    #[schema(min_length = 1, max_length = 256)]
    identity: String,
    /// Whether they may not come to this meeting any more, under whatever name.
    #[serde(default)]
    ban: bool,
}

/// A ban.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UnbanRequest {
    /// Its id.
    ban_id: BanId,
}

/// Whom to send where.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveRequest {
    /// Their identity.
    #[schema(min_length = 1, max_length = 256)]
    identity: String,
    /// The run of the other meeting, which goes on, and which the caller moderates as well.
    to_session_id: MeetingSessionId,
}

/// Calls somebody otherwise
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/rename", tag = "Running meetings", request_body = RenameRequest,
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 204)))]
async fn rename(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(input): Body<RenameRequest>,
) -> Result<Response, Problem> {
    let found = rights::find_running(&context, &mut context.read().await?, id).await?;
    let name = input.name.trim();
    if name.is_empty() {
        return Err(Problem::field("/name", "required"));
    }
    let room = room(&context.app, &found)?;
    check_is_there(&room, &input.identity).await?;
    let mut tx = context.write().await?;
    table::rename(&mut tx, id, &input.identity, name).await?;
    let event = Event::new("meeting_session.rename", id).with("identity", json!(input.identity));
    let response = context.commit(tx, found.tenant(), &event, Answer::no_content()).await?;
    let change = DetailsChange { name: name.to_owned(), ..DetailsChange::default() };
    act(&room, Control::UpdateParticipant { identity: input.identity.into(), change, permissions: None }).await?;
    Ok(response)
}

/// Removes somebody
///
/// Their tokens are not honoured any more. Whoever is not banned may ask to come in again, and waits in the lobby if there
/// is one.
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/remove", tag = "Running meetings", request_body = RemoveRequest,
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 204)))]
async fn remove(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(input): Body<RemoveRequest>,
) -> Result<Response, Problem> {
    let mut tx = context.read().await?;
    let found = rights::find_running(&context, &mut tx, id).await?;
    let person = table::find_person(&mut tx, id, &input.identity).await?;
    drop(tx);
    let room = context.app.directory.get(&found.session.room_name());
    if person.is_none() {
        // Somebody with a token of the operator's own: they can be removed, but nothing is known by which to ban them.
        check_is_there(room.as_ref().ok_or(Code::NotFound)?, &input.identity).await?;
        if input.ban {
            return Err(Code::Conflict.into());
        }
    }
    let now = Utc::now();
    let mut tx = context.write().await?;
    table::remove(&mut tx, id, &input.identity, now).await?;
    lobby::table::forget_person(&mut tx, &found.venue.id(), &input.identity).await?;
    let mut event = Event::new("meeting_session.remove", id).with("identity", json!(input.identity));
    if let Some(person) = person.filter(|_| input.ban) {
        let ban = table::ban(&mut tx, &found.session, &person, now).await?;
        event = event.with("ban_id", json!(ban));
    }
    let now = SystemTime::now();
    let issued_until = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (room_name, identity) = (found.session.room_name(), input.identity.clone());
    // A token that was made this very second may say the next one.
    let honoured_from = context.app.revocations.honoured_from(&room_name, &identity);
    let revocation = Revocation {
        issued_until: honoured_from.map_or(issued_until, |from| from.max(issued_until)),
        room: room_name,
        identity,
        forget_at: now + MEETING_TOKENS_LIVE,
    };
    revocation::table::keep(&mut tx, &revocation, now).await?;
    let response = context.commit(tx, found.tenant(), &event, Answer::no_content()).await?;
    context.app.revocations.note(now, &revocation);
    if let Some(room) = room {
        act(&room, Control::RemoveParticipant(input.identity.into())).await?;
    }
    Ok(response)
}

/// Lets somebody come again who was banned
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/unban", tag = "Running meetings", request_body = UnbanRequest,
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 204)))]
async fn unban(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(input): Body<UnbanRequest>,
) -> Result<Response, Problem> {
    let found = rights::find_running(&context, &mut context.read().await?, id).await?;
    let mut tx = context.write().await?;
    if !table::unban(&mut tx, &found.venue.id(), input.ban_id).await? {
        return Err(Code::NotFound.into());
    }
    let event = Event::new("meeting_session.unban", id).with("ban_id", json!(input.ban_id));
    context.commit(tx, found.tenant(), &event, Answer::no_content()).await
}

/// Sends somebody to another meeting
///
/// Their client leaves the one and joins the other by itself.
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/move", tag = "Running meetings", request_body = MoveRequest,
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 204)))]
async fn move_to(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(input): Body<MoveRequest>,
) -> Result<Response, Problem> {
    let mut tx = context.read().await?;
    let found = rights::find_running(&context, &mut tx, id).await?;
    let unknown = |problem: Problem| match problem.code() {
        Code::NotFound => Problem::field("/to_session_id", "unknown-reference"),
        _ => problem,
    };
    let to = rights::find_running(&context, &mut tx, input.to_session_id).await.map_err(unknown)?;
    if to.session.id == id || to.session.tenant_id != found.session.tenant_id {
        return Err(Problem::field("/to_session_id", "unknown-reference"));
    }
    let known = table::find_person(&mut tx, id, &input.identity).await?.ok_or(Code::NotFound)?;
    if table::is_banned(&mut tx, &to.venue, &known.marks).await? {
        return Err(Code::Conflict.into());
    }
    let role = role_at(&mut tx, &to, &known).await?;
    drop(tx);
    let room = room(&context.app, &found)?;
    check_is_there(&room, &input.identity).await?;
    let mut tx = context.write().await?;
    let moved = SessionPerson { role, admitted_at: Utc::now(), removed_at: None, ..known };
    table::admit(&mut tx, &to.session, &moved).await?;
    let event = Event::new("meeting_session.move", id)
        .with("identity", json!(input.identity))
        .with("to", json!(input.to_session_id));
    let response = context.commit(tx, found.tenant(), &event, Answer::no_content()).await?;
    let destination = live::open(&context.app, &to.session, &to.terms.rules)?;
    act(&destination, Control::Expect(input.identity.as_str().into())).await?;
    let person =
        Person { identity: moved.identity, marks: moved.marks, name: moved.name, role, lobby_bypass: false, acr: None };
    let token = admission::mint(&context.app, &to.session, &to.terms.rules, &person)?;
    act(&room, Control::Move { identity: input.identity.into(), to: Destination::Token(token) }).await?;
    Ok(response)
}

/// What somebody is in another meeting: a host only where they are one.
async fn role_at(tx: &mut store::Tx, to: &Found, person: &SessionPerson) -> Result<MeetingRole, store::StoreError> {
    let is_host = match person.marks.user_id {
        Some(user) => to.venue.is_moderated_by(tx, user).await?,
        None => false,
    };
    Ok(match person.role {
        _ if is_host => MeetingRole::Host,
        MeetingRole::Host => MeetingRole::Attendee,
        role => role,
    })
}
