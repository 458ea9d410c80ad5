// SPDX-License-Identifier: EUPL-1.2
//! Calling telephones: people are called into the meeting, or moderators call their own.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx, sql};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::rights::{self, Found};
use super::super::table;
use super::room;
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::{MeetingSessionId, PhoneCallId};
use crate::api::language::Language;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::caller::Actor;
use crate::phone::Called;
use crate::phone::dial_out::place::{self, Wish};
use crate::phone::dial_out::records::{DialledCall, Purpose};
use crate::records::audit::Event;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_calls, call)).routes(routes!(show_call, end_call))
}

/// Whom to call.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DialledCallInput {
    /// The number, with a plus or as it is dialled where the trunk is. Blanks, brackets and hyphens do not matter.
    #[schema(min_length = 1, max_length = 64, example = "+49 89 1234567")]
    number: String,
    /// What the others read. Without it what the meeting's invitation calls whoever has that number, or the last digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    /// In which they are spoken to; the tenant's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<Language>,
    /// Whether it is the caller's own telephone: it comes under their name, and without the rights of a host, since anybody may
    /// answer it.
    #[serde(default)]
    #[schema(default = false)]
    is_for_me: bool,
}

/// Calls a telephone
///
/// Whoever answers hears that they are called into a meeting, and comes in by pressing 1. They do not wait in the lobby; a lock,
/// a ban and a meeting that takes no guests keep them out. Ten calls at a time for each meeting.
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/phone_calls", tag = "Running meetings",
    request_body = DialledCallInput, params(("session_id" = MeetingSessionId, Path)),
    security(("api_token" = ["sessions:moderate"]), ("room_token" = [])), responses((status = 202, body = DialledCall)))]
async fn call(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(input): Body<DialledCallInput>,
) -> Result<Response, Problem> {
    let mut tx = context.read().await?;
    let found = rights::find_running(&context, &mut tx, id).await?;
    place::calling_tenant(&mut tx, found.session.tenant_id).await?;
    let (own_name, called) = if input.is_for_me {
        let me = whoever_asks(&context, &mut tx, &found).await?;
        me.ok_or_else(|| Problem::field("/is_for_me", "forbidden-value"))?
    } else {
        (None, Called::default())
    };
    drop(tx);
    let name = input.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).or(own_name);
    let called = Called { is_named: name.is_some(), ..called };
    let room = room(&context.app, &found)?;
    place::check_may_come(&found.terms.rules, &found.session, &room, &called)?;
    let (number, language) = (input.number, input.language);
    let wish = Wish { session: &found.session, room, number, name, language, trunk: None, called };
    place::place(&context, wish).await
}

struct Named(String);

impl FromRow for Named {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(row.get("name")?))
    }
}

/// What whoever asks is called, and who they are. `None`: it is nobody with a telephone.
async fn whoever_asks(
    context: &Context,
    tx: &mut Tx,
    found: &Found,
) -> Result<Option<(Option<String>, Called)>, Problem> {
    if let Actor::Participant { identity, .. } = &context.caller.actor {
        let person = table::find_person(tx, found.session.id, identity).await?;
        return Ok(person.map(|person| {
            let called =
                Called { user_id: person.marks.user_id, invitee_id: person.marks.invitee_id, ..Called::default() };
            (Some(person.name), called)
        }));
    }
    let Some(person) = context.caller.person() else { return Ok(None) };
    let select = sql("SELECT name FROM users WHERE id = $1 AND tenant_id = $2 AND disabled_at IS NULL");
    let own: Option<Named> = tx.optional(select.bind(person).bind(found.session.tenant_id)).await?;
    // Whoever looks after the installation may belong to another tenant: there they are a guest like others.
    let user_id = own.as_ref().map(|_| person);
    Ok(Some((own.map(|Named(name)| name), Called { user_id, ..Called::default() })))
}

/// Calls that were made into a meeting.
#[derive(Debug, Serialize, ToSchema)]
struct DialledCalls {
    /// Whether the tenant's settings allow telephones to be called at all.
    allowed: bool,
    /// The calls on this page.
    items: Vec<DialledCall>,
    /// For the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Lists the calls that were made into a meeting
///
/// The oldest first: those that go on, and those that ended in the last hour. Each server knows those that it made.
#[utoipa::path(get, path = "/meeting_sessions/{session_id}/phone_calls", tag = "Running meetings",
    params(("session_id" = MeetingSessionId, Path), PageRequest),
    security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 200, body = DialledCalls)))]
async fn list_calls(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    page: Page<PhoneCallId>,
) -> Result<Response, Problem> {
    let mut tx = context.read().await?;
    let found = rights::find_moderated(&context, &mut tx, id).await?;
    let allowed = place::is_on(&mut tx, found.session.tenant_id).await?;
    drop(tx);
    let limit = usize::try_from(page.probe()).unwrap_or_default();
    let records = &context.app.phone.dial_out.records;
    let calls = records.list(&Purpose::Meeting(id), page.after, limit, Utc::now());
    let page = PageOf::new(calls, page.limit, |call: &DialledCall| call.id)?;
    let shown = DialledCalls { allowed, items: page.items.clone(), next_cursor: page.next_cursor.clone() };
    Ok(page.linked(Answer::ok(&shown)?, &context.uri))
}

/// Shows a call that was made into a meeting
#[utoipa::path(get, path = "/meeting_sessions/{session_id}/phone_calls/{call_id}", tag = "Running meetings",
    params(("session_id" = MeetingSessionId, Path), ("call_id" = PhoneCallId, Path)),
    security(("api_token" = ["sessions:moderate"]), ("room_token" = [])), responses((status = 200, body = DialledCall)))]
async fn show_call(
    context: Context,
    Path((id, call_id)): Path<(MeetingSessionId, PhoneCallId)>,
) -> Result<Response, Problem> {
    rights::find_moderated(&context, &mut context.read().await?, id).await?;
    let found = context.app.phone.dial_out.records.find(&Purpose::Meeting(id), call_id, Utc::now());
    Ok(Answer::ok(&found.ok_or(Code::NotFound)?)?.into_response())
}

/// Ends a call that was made into a meeting
///
/// It does not ring any more, or is hung up. What is over stays so.
#[utoipa::path(delete, path = "/meeting_sessions/{session_id}/phone_calls/{call_id}", tag = "Running meetings",
    params(("session_id" = MeetingSessionId, Path), ("call_id" = PhoneCallId, Path)),
    security(("api_token" = ["sessions:moderate"]), ("room_token" = [])), responses((status = 204)))]
async fn end_call(
    context: Context,
    Path((id, call_id)): Path<(MeetingSessionId, PhoneCallId)>,
) -> Result<Response, Problem> {
    let found = rights::find_moderated(&context, &mut context.read().await?, id).await?;
    let phone = &context.app.phone;
    phone.dial_out.records.find(&Purpose::Meeting(id), call_id, Utc::now()).ok_or(Code::NotFound)?;
    let tx = context.write().await?;
    let event = Event::new("phone_call.end", call_id).with("session_id", json!(id));
    let response = context.commit(tx, found.tenant(), &event, Answer::no_content()).await?;
    phone.hang_up(call_id);
    Ok(response)
}
