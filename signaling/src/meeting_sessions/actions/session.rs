// SPDX-License-Identifier: EUPL-1.2
//! The meeting as a whole: locking, opening, ending.

use std::sync::Arc;

use axum::response::Response;
use chrono::Utc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::model::EndReason;
use super::super::rights::Found;
use super::super::{happenings, live, rights, rules, table};
use super::{change, noted};
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::ids::MeetingSessionId;
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::records::audit::Event;
use crate::rooms::info::DisconnectReason;

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
    let written = async {
        let mut tx = change(context, &found).await?;
        table::set_locked(&mut tx, id, is_locked).await?;
        context.commit(tx, found.tenant(), &Event::new(action, id), Answer::no_content()).await
    };
    let noted = noted(written.await)?;
    // What is stored by now: somebody else may have changed it again.
    rules::show(&context.app, id).await?;
    noted.answer()
}

/// Ends the meeting for everybody
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/end", tag = "Running meetings",
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 204)))]
async fn end(context: Context, Path(id): Path<MeetingSessionId>) -> Result<Response, Problem> {
    let found = rights::find_moderated(&context, &mut context.read().await?, id).await?;
    let outcome = write_end(&context, &found).await;
    // Also when it had ended before: whoever ended it may not have got so far.
    if outcome.as_ref().map_or_else(|problem| problem.is_replay() || problem.code() == Code::MeetingEnded, |_| true) {
        live::close(&context.app, id, DisconnectReason::RoomDeleted).await;
        context.app.lobby.wake(&found.venue.id());
    }
    outcome
}

async fn write_end(context: &Context, found: &Found) -> Result<Response, Problem> {
    let (session, now) = (&found.session, Utc::now());
    let mut tx = change(context, found).await?;
    let keeps_attendance = table::keeps_attendance(&mut tx, session.tenant_id).await?;
    if !table::end(&mut tx, session, EndReason::Moderator, keeps_attendance, now).await? {
        return Err(Code::MeetingEnded.into());
    }
    happenings::ended(&mut tx, session, EndReason::Moderator, now).await?;
    let event = Event::new("meeting_session.end", session.id).with("reason", EndReason::Moderator.as_str().into());
    context.commit(tx, found.tenant(), &event, Answer::no_content()).await
}
