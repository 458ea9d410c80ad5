// SPDX-License-Identifier: EUPL-1.2
//! Answering one's own invitation over the API, as a page or a calendar does for whoever is signed in.

use std::sync::Arc;

use axum::response::Response;
use chrono::Utc;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Way, keep};
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::MeetingId;
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::invitations::rights;
use crate::meetings::model::{MeetingStatus, ResponseStatus};
use crate::meetings::words::words;
use crate::records::audit::Event;

pub(in crate::invitations) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(put))
}

words! {
    /// What somebody can answer.
    GivenResponse {
        /// They come.
        Accepted = "accepted",
        /// Perhaps.
        Tentative = "tentative",
        /// They do not.
        Declined = "declined",
    }
}

/// An answer to an invitation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnResponse {
    /// What it is.
    response_status: GivenResponse,
}

/// Answers one's own invitation
///
/// For those who are invited, by account or by address. It holds for the whole series.
#[utoipa::path(put, path = "/meetings/{meeting_id}/response", tag = "Invitations", request_body = OwnResponse,
    params(("meeting_id" = MeetingId, Path)), security(("browser" = []), ("api_token" = ["meetings:read"])),
    responses((status = 200, body = OwnResponse)))]
async fn put(context: Context, Path(id): Path<MeetingId>, Body(given): Body<OwnResponse>) -> Result<Response, Problem> {
    context.require(Scope::MeetingsRead)?;
    let person = context.caller.person().ok_or(Code::NotFound)?;
    let response = match given.response_status {
        GivenResponse::Accepted => ResponseStatus::Accepted,
        GivenResponse::Tentative => ResponseStatus::Tentative,
        GivenResponse::Declined => ResponseStatus::Declined,
    };
    let mut tx = context.write().await?;
    let seen = rights::see(&context, &mut tx, id).await?;
    let meeting = seen.meeting;
    if meeting.status != MeetingStatus::Scheduled {
        return Err(Code::Conflict.into());
    }
    // Administrators see the meeting without being invited.
    let own = rights::invitations_of(&mut tx, meeting.tenant_id, person, Some(id)).await?;
    let first = own.first().ok_or(Code::NotFound)?.id;
    let now = Utc::now();
    for invitee in &own {
        keep(&mut tx, invitee, response, meeting.sequence, now).await?;
    }
    let event = Event::new("invitee.respond", first)
        .with("response", response.as_str().into())
        .with("way", Way::Api.as_str().into());
    context.commit(tx, Some(meeting.tenant_id), &event, Answer::ok(&given)?).await
}
