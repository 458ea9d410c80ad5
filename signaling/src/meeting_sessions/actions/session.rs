// SPDX-License-Identifier: EUPL-1.2
//! The meeting as a whole: locking, opening, ending.

use std::sync::Arc;

use axum::response::Response;
use chrono::Utc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::model::{EndReason, Session};
use super::super::{happenings, live, rights, table};
use super::act;
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::ids::MeetingSessionId;
use crate::api::path::Path;
use crate::api::problem::Problem;
use crate::app::App;
use crate::records::audit::Event;
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::{Control, Input};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(lock)).routes(routes!(unlock)).routes(routes!(end))
}

/// Locks the meeting
///
/// Nobody else gets in but those who moderate, those whom a moderator admits from the lobby, and whoever has just lost the
/// connection.
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/lock", tag = "Running meetings",
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 204)))]
async fn lock(context: Context, Path(id): Path<MeetingSessionId>) -> Result<Response, Problem> {
    set_locked(&context, id, true, "meeting_session.lock").await
}

/// Unlocks the meeting
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/unlock", tag = "Running meetings",
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 204)))]
async fn unlock(context: Context, Path(id): Path<MeetingSessionId>) -> Result<Response, Problem> {
    set_locked(&context, id, false, "meeting_session.unlock").await
}

async fn set_locked(
    context: &Context,
    id: MeetingSessionId,
    is_locked: bool,
    action: &'static str,
) -> Result<Response, Problem> {
    let found = rights::find_running(context, &mut context.read().await?, id).await?;
    let mut tx = context.write().await?;
    table::set_locked(&mut tx, id, is_locked).await?;
    let response = context.commit(tx, found.tenant(), &Event::new(action, id), Answer::no_content()).await?;
    if let Some(room) = context.app.directory.get(&found.session.room_name()) {
        let session = Session { is_locked, ..found.session };
        act(&room, Control::SetPolicy(live::policy(&session, &found.terms.rules))).await?;
    }
    Ok(response)
}

/// Ends the meeting for everybody
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/end", tag = "Running meetings",
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 204)))]
async fn end(context: Context, Path(id): Path<MeetingSessionId>) -> Result<Response, Problem> {
    let found = rights::find_running(&context, &mut context.read().await?, id).await?;
    let (mut tx, now) = (context.write().await?, Utc::now());
    let keeps_attendance = table::keeps_attendance(&mut tx, found.session.tenant_id).await?;
    if table::end(&mut tx, &found.session, EndReason::Moderator, keeps_attendance, now).await? {
        happenings::ended(&mut tx, &found.session, EndReason::Moderator, now).await?;
    }
    let event = Event::new("meeting_session.end", id).with("reason", EndReason::Moderator.as_str().into());
    let response = context.commit(tx, found.tenant(), &event, Answer::no_content()).await?;
    if let Some(room) = context.app.directory.get(&found.session.room_name()) {
        room.send(Input::Close(DisconnectReason::RoomDeleted)).await;
        room.ended().await;
    }
    context.app.lobby.wake(&found.venue.id());
    Ok(response)
}
