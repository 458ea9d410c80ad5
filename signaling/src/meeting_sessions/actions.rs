// SPDX-License-Identifier: EUPL-1.2
//! What moderators do. Each action is written down first and then done in the live room at once, where no client can get
//! round it.

mod lobby;
mod people;
mod session;
mod speaking;

use std::sync::Arc;

use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::rights::Found;
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::records::audit::Event;
use crate::rooms::directory::RoomHandle;
use crate::rooms::input::Control;
use crate::rooms::output::ControlError;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    speaking::routes().merge(people::routes()).merge(lobby::routes()).merge(session::routes())
}

/// Somebody in the meeting.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonRequest {
    /// Their identity.
    #[schema(min_length = 1, max_length = 256)]
    pub(super) identity: String,
}

/// Somebody in the meeting, or everybody.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PeopleRequest {
    /// Their identity; everybody who does not moderate when it is left out.
    #[schema(min_length = 1, max_length = 256)]
    pub(super) identity: Option<String>,
}

/// The live room of a run.
pub(super) fn room(app: &App, found: &Found) -> Result<RoomHandle, Problem> {
    app.directory.get(&found.session.room_name()).ok_or(Code::Conflict.into())
}

/// Fails unless somebody of that identity is there.
pub(super) async fn check_is_there(room: &RoomHandle, identity: &str) -> Result<(), Problem> {
    let outcome = room.control(Control::GetParticipant(identity.into())).await;
    outcome.map(|_| ()).map_err(problem)
}

/// Writes down what is about to be done.
pub(super) async fn note(context: &Context, found: &Found, event: Event) -> Result<Response, Problem> {
    let tx = context.write().await?;
    context.commit(tx, found.tenant(), &event, Answer::no_content()).await
}

/// Does it. Whoever has gone meanwhile needs no more of it.
pub(super) async fn act(room: &RoomHandle, control: Control) -> Result<(), Problem> {
    match room.control(control).await {
        Ok(_) | Err(ControlError::NoSuchParticipant | ControlError::RoomClosed) => Ok(()),
        Err(error) => Err(problem(error)),
    }
}

fn problem(error: ControlError) -> Problem {
    match error {
        ControlError::NoSuchParticipant | ControlError::NoSuchTrack => Code::NotFound.into(),
        ControlError::TooLong(_) => Problem::field("/name", "too-long"),
        ControlError::RemoteUnmute | ControlError::RoomClosed => Code::Conflict.into(),
    }
}
