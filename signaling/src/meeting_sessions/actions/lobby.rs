// SPDX-License-Identifier: EUPL-1.2
//! Letting people in who wait in the lobby, and turning them away.

use std::sync::Arc;

use axum::response::Response;
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::rights::{self, Found};
use super::noted;
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::{LobbyEntryId, MeetingSessionId};
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::lobby;
use crate::lobby::table::LobbyStatus;
use crate::records::audit::Event;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(admit)).routes(routes!(deny))
}

/// Somebody in the lobby, or everybody.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LobbyRequest {
    /// Their place in the lobby; everybody who waits when it is left out.
    entry_id: Option<LobbyEntryId>,
}

/// Lets somebody in, or everybody who waits
///
/// They have up to ten minutes to come. A lock does not keep them out.
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/admit", tag = "Running meetings",
    request_body = LobbyRequest, params(("session_id" = MeetingSessionId, Path)),
    security(("api_token" = ["sessions:moderate"]), ("room_token" = [])), responses((status = 204)))]
async fn admit(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(choice): Body<LobbyRequest>,
) -> Result<Response, Problem> {
    decide(&context, id, choice, LobbyStatus::Admitted, "lobby_entry.admit").await
}

/// Turns somebody away, or everybody who waits
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/deny", tag = "Running meetings",
    request_body = LobbyRequest, params(("session_id" = MeetingSessionId, Path)),
    security(("api_token" = ["sessions:moderate"]), ("room_token" = [])), responses((status = 204)))]
async fn deny(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(choice): Body<LobbyRequest>,
) -> Result<Response, Problem> {
    decide(&context, id, choice, LobbyStatus::Denied, "lobby_entry.deny").await
}

async fn decide(
    context: &Context,
    id: MeetingSessionId,
    choice: LobbyRequest,
    status: LobbyStatus,
    action: &'static str,
) -> Result<Response, Problem> {
    let found = rights::find_running(context, &mut context.read().await?, id).await?;
    let noted = noted(write(context, &found, &choice, status, action).await)?;
    lobby::changed(&context.app, &found.venue.id(), Some(id)).await?;
    noted.answer()
}

async fn write(
    context: &Context,
    found: &Found,
    choice: &LobbyRequest,
    status: LobbyStatus,
    action: &'static str,
) -> Result<Response, Problem> {
    let (id, venue, now) = (found.session.id, found.venue.id(), Utc::now());
    let mut tx = context.write().await?;
    let chosen = match choice.entry_id {
        Some(entry) => vec![entry],
        None => lobby::table::waiting(&mut tx, &venue, now).await?.into_iter().map(|entry| entry.id).collect(),
    };
    let mut events = Vec::new();
    for entry in chosen {
        if lobby::table::decide(&mut tx, &venue, entry, status, now).await? {
            events.push(Event::new(action, entry).with("session", json!(id)));
        } else if choice.entry_id.is_some() {
            return Err(Code::NotFound.into());
        }
    }
    context.commit_all(tx, found.tenant(), &events, Answer::no_content()).await
}
