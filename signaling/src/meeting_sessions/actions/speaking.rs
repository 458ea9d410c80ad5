// SPDX-License-Identifier: EUPL-1.2
//! Who is heard: muting, asking to speak, permitting and forbidding it, hands.

use std::sync::Arc;

use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::model::MediaSource;
use super::super::rights;
use super::{PeopleRequest, PersonRequest, act, check_is_there, note, room};
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::MeetingSessionId;
use crate::api::path::Path;
use crate::api::problem::Problem;
use crate::app::App;
use crate::auth::grants::TrackSource;
use crate::records::audit::Event;
use crate::rooms::input::{Control, NoticeAudience};
use crate::rooms::room::meeting::NOTICE_TOPIC;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(mute))
        .routes(routes!(ask_to_unmute))
        .routes(routes!(permit))
        .routes(routes!(lower_hand))
}

/// Whom to mute, and what of them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MuteRequest {
    /// Their identity; everybody who does not moderate when it is left out.
    #[schema(min_length = 1, max_length = 256)]
    identity: Option<String>,
    /// What; the microphone when nothing is said.
    #[serde(default)]
    #[schema(max_items = 3)]
    sources: Vec<MediaSource>,
}

/// Whether somebody may speak.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PermitRequest {
    /// Their identity.
    #[schema(min_length = 1, max_length = 256)]
    identity: String,
    /// Whether they may open the microphone. Whoever may not is muted at once.
    is_permitted: bool,
}

/// Mutes somebody, or everybody
///
/// At the server: nobody receives what is muted. They may open it again themselves, unless it takes a permission.
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/mute", tag = "Running meetings", request_body = MuteRequest,
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:moderate"]), ("room_token" = [])),
    responses((status = 204)))]
async fn mute(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(input): Body<MuteRequest>,
) -> Result<Response, Problem> {
    let found = rights::find_running(&context, &mut context.read().await?, id).await?;
    let room = room(&context.app, &found)?;
    if let Some(identity) = &input.identity {
        check_is_there(&room, identity).await?;
    }
    let named = if input.sources.is_empty() { vec![MediaSource::Microphone] } else { input.sources };
    let event =
        Event::new("meeting_session.mute", id).with("identity", json!(input.identity)).with("sources", json!(named));
    let noted = note(&context, &found, event).await?;
    let sources = named.into_iter().flat_map(sources).collect();
    act(&room, Control::MuteSources { identity: input.identity.map(Into::into), sources }).await?;
    noted.answer()
}

fn sources(named: MediaSource) -> Vec<TrackSource> {
    match named {
        MediaSource::Microphone => vec![TrackSource::Microphone],
        MediaSource::Camera => vec![TrackSource::Camera],
        MediaSource::ScreenShare => vec![TrackSource::ScreenShare, TrackSource::ScreenShareAudio],
    }
}

/// Asks somebody to open the microphone
///
/// Nobody opens it but themselves.
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/unmute_request", tag = "Running meetings",
    request_body = PersonRequest, params(("session_id" = MeetingSessionId, Path)),
    security(("api_token" = ["sessions:moderate"]), ("room_token" = [])), responses((status = 204)))]
async fn ask_to_unmute(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(input): Body<PersonRequest>,
) -> Result<Response, Problem> {
    let found = rights::find_running(&context, &mut context.read().await?, id).await?;
    let room = room(&context.app, &found)?;
    check_is_there(&room, &input.identity).await?;
    let event = Event::new("meeting_session.unmute_request", id).with("identity", json!(input.identity));
    let noted = note(&context, &found, event).await?;
    let payload = json!({ "kind": "unmute_request" }).to_string();
    let audience = NoticeAudience::Only(input.identity.into());
    act(&room, Control::Tell { audience, topic: NOTICE_TOPIC, payload }).await?;
    noted.answer()
}

/// Permits somebody to speak, or forbids it
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/permit", tag = "Running meetings",
    request_body = PermitRequest, params(("session_id" = MeetingSessionId, Path)),
    security(("api_token" = ["sessions:moderate"]), ("room_token" = [])), responses((status = 204)))]
async fn permit(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(input): Body<PermitRequest>,
) -> Result<Response, Problem> {
    let found = rights::find_running(&context, &mut context.read().await?, id).await?;
    let room = room(&context.app, &found)?;
    check_is_there(&room, &input.identity).await?;
    let event = Event::new("meeting_session.permit", id)
        .with("identity", json!(input.identity))
        .with("is_permitted", json!(input.is_permitted));
    let noted = note(&context, &found, event).await?;
    let (identity, is_permitted) = (input.identity.into(), input.is_permitted);
    act(&room, Control::PermitUnmute { identity, is_permitted }).await?;
    noted.answer()
}

/// Lowers a hand, or all of them
#[utoipa::path(post, path = "/meeting_sessions/{session_id}/lower_hand", tag = "Running meetings",
    request_body = PeopleRequest, params(("session_id" = MeetingSessionId, Path)),
    security(("api_token" = ["sessions:moderate"]), ("room_token" = [])), responses((status = 204)))]
async fn lower_hand(
    context: Context,
    Path(id): Path<MeetingSessionId>,
    Body(input): Body<PeopleRequest>,
) -> Result<Response, Problem> {
    let found = rights::find_running(&context, &mut context.read().await?, id).await?;
    let room = room(&context.app, &found)?;
    if let Some(identity) = &input.identity {
        check_is_there(&room, identity).await?;
    }
    let event = Event::new("meeting_session.lower_hand", id).with("identity", json!(input.identity));
    let noted = note(&context, &found, event).await?;
    act(&room, Control::LowerHand(input.identity.map(Into::into))).await?;
    noted.answer()
}
