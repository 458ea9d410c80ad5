// SPDX-License-Identifier: EUPL-1.2
//! Who is there, and by what name: renaming, removing, banning, sending to another meeting.

use std::sync::Arc;
use std::time::SystemTime;

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{StoreError, Tx};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::model::{Marks, MeetingRole, Session, SessionPerson};
use super::super::rights::{self, Found};
use super::super::{live, removal, table};
use super::{act, caller_facts, change, check_is_there, noted, room};
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::{BanId, MeetingSessionId};
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::joining::admission;
use crate::joining::caller::marks_to_ban;
use crate::joining::person::Person;
use crate::lobby;
use crate::phone::known_callers;
use crate::records::audit::Event;
use crate::rooms::details::DetailsChange;
use crate::rooms::input::{Control, Destination};

/// Meetings through which somebody was sent that are looked at when they are banned.
const MAX_MOVES: usize = 10;

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
    let written = async {
        let mut tx = context.write().await?;
        table::rename(&mut tx, id, &input.identity, name).await?;
        let event = Event::new("meeting_session.rename", id).with("identity", json!(input.identity));
        context.commit(tx, found.tenant(), &event, Answer::no_content()).await
    };
    let noted = noted(written.await)?;
    let change = DetailsChange { name: name.to_owned(), ..DetailsChange::default() };
    act(&room, Control::UpdateParticipant { identity: input.identity.into(), change, permissions: None }).await?;
    noted.answer()
}

/// Removes somebody
///
/// Their tokens are not honoured any more. Whoever is not banned may ask to come in again, and waits in the lobby if there
/// is one. Of whom nothing is known by which they could be told again, such as somebody who calls without a number, nobody can be
/// banned (409): remove them, and lock the meeting.
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
    }
    if input.ban && !person.as_ref().is_some_and(|person| is_known_again(&person.marks)) {
        return Err(Code::Conflict.into());
    }
    // A ban names them as the meeting wants them named now, whatever it wanted when they came.
    let caller = match &room {
        Some(room) if input.ban => caller_facts(room, &input.identity).await.ok().flatten(),
        _ => None,
    };
    let name = caller.map(|caller| live::caller_rule(&found.terms.rules).kept_name(&caller));
    let mut revocation = None;
    let written = async {
        let mut tx = change(&context, &found).await?;
        let event = write_removal(&mut tx, &found.session, &input, name).await?;
        revocation = Some(removal::revoke(&mut tx, &context.app, &found.session, &input.identity).await?);
        context.commit(tx, found.tenant(), &event, Answer::no_content()).await
    };
    let noted = noted(written.await)?;
    if let Some(revocation) = revocation {
        context.app.revocations.note(SystemTime::now(), &revocation);
    }
    // Who was let in again since the request came for the first time stays.
    let person = table::find_person(&mut context.read().await?, id, &input.identity).await?;
    if let Some(room) = room
        && !(noted.is_repeated() && person.is_some_and(|person| person.removed_at.is_none()))
    {
        act(&room, Control::RemoveParticipant(input.identity.into())).await?;
    }
    noted.answer()
}

/// Whether somebody who comes again is seen to be the same.
fn is_known_again(marks: &Marks) -> bool {
    let Marks { user_id, invitee_id, browser, caller } = marks;
    let by_number = caller.as_deref().is_some_and(|mark| !known_callers::is_of_call(mark));
    user_id.is_some() || invitee_id.is_some() || browser.is_some() || by_number
}

/// Writes down that somebody is removed, and banned under that name if it is another than they came with.
async fn write_removal(
    tx: &mut Tx,
    session: &Session,
    input: &RemoveRequest,
    name: Option<String>,
) -> Result<Event, StoreError> {
    let now = Utc::now();
    let person = table::find_person(tx, session.id, &input.identity).await?;
    table::remove(tx, session.id, &input.identity, now).await?;
    lobby::table::forget_person(tx, &session.venue_id(), &input.identity).await?;
    let event = Event::new("meeting_session.remove", session.id).with("identity", json!(input.identity));
    let Some(person) = person.filter(|_| input.ban) else { return Ok(event) };
    let name = name.unwrap_or_else(|| person.name.clone());
    let person = SessionPerson { name, marks: marks_to_ban(&person.identity, &person.marks), ..person };
    let ban = table::ban(tx, session, &person, now).await?;
    ban_where_they_came_from(tx, session, &person, now).await?;
    Ok(event.with("ban_id", json!(ban)))
}

/// Whoever was sent here from another meeting is known by what they were known by there, so a guest's browser is banned by
/// its mark there alone, and by the name that they had there: another meeting may show more of callers.
async fn ban_where_they_came_from(
    tx: &mut Tx,
    session: &Session,
    person: &SessionPerson,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (mut from, mut banned) = (person.moved_from, vec![session.venue_id()]);
    while let Some(id) = from.filter(|_| banned.len() < MAX_MOVES) {
        let Some(earlier) = table::find(tx, None, id).await? else { break };
        let there = table::find_person(tx, id, &person.identity).await?;
        if !banned.contains(&earlier.venue_id()) {
            let name = there.as_ref().unwrap_or(person).name.clone();
            table::ban(tx, &earlier, &SessionPerson { name, ..person.clone() }, now).await?;
        }
        banned.push(earlier.venue_id());
        from = there.and_then(|there| there.moved_from);
    }
    Ok(())
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
    // Callers are called what that meeting wants, as if they had called it.
    let caller = caller_facts(&room, &input.identity).await?;
    let name =
        caller.map_or_else(|| known.name.clone(), |caller| live::caller_rule(&to.terms.rules).kept_name(&caller));
    let moved = SessionPerson { name, role, admitted_at: Utc::now(), removed_at: None, moved_from: Some(id), ..known };
    let mut issued_at = None;
    let written = async {
        let mut tx = change(&context, &to).await?;
        // Both may have happened since it was looked.
        let known = table::find_person(&mut tx, id, &input.identity).await?.ok_or(Code::NotFound)?;
        if known.removed_at.is_some() || table::is_banned(&mut tx, &to.venue, &known.marks).await? {
            return Err(Code::Conflict.into());
        }
        table::admit(&mut tx, &to.session, &moved).await?;
        issued_at = Some(admission::issued_at(&context.app, &to.session, &input.identity));
        let event = Event::new("meeting_session.move", id)
            .with("identity", json!(input.identity))
            .with("to", json!(input.to_session_id));
        context.commit(tx, found.tenant(), &event, Answer::no_content()).await
    };
    let noted = noted(written.await)?;
    let destination = live::open(&context.app, &to.session, &to.terms.rules).await?.ok_or(Code::Conflict)?;
    act(&destination, Control::Expect(input.identity.as_str().into())).await?;
    let issued_at = issued_at.unwrap_or_else(|| admission::issued_at(&context.app, &to.session, &input.identity));
    let person =
        Person { identity: moved.identity, marks: moved.marks, name: moved.name, role, lobby_bypass: false, acr: None };
    let token = admission::mint(&context.app, &to.session, &to.terms.rules, &person, issued_at)?;
    act(&room, Control::Move { identity: input.identity.into(), to: Destination::Token(token) }).await?;
    noted.answer()
}

/// What somebody is in another meeting: a host only where they are one. Whose a telephone is may be a moderator's word alone, so
/// none becomes a host that was not let in as one.
async fn role_at(tx: &mut Tx, to: &Found, person: &SessionPerson) -> Result<MeetingRole, StoreError> {
    let has_shown = person.marks.caller.is_none() || person.role == MeetingRole::Host;
    let is_host = match person.marks.user_id.filter(|_| has_shown) {
        Some(user) => to.venue.is_moderated_by(tx, user).await?,
        None => false,
    };
    Ok(if is_host { MeetingRole::Host } else { person.role.without_hosting() })
}
