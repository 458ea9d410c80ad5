// SPDX-License-Identifier: EUPL-1.2
//! What moderators do. Each action is written down first and then done in the live room at once, where no client can get
//! round it.

mod calling;
mod lobby;
mod people;
mod session;
mod speaking;

use std::sync::Arc;

use axum::response::Response;
use serde::{Deserialize, Serialize};
use store::Tx;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::rights::Found;
use super::table;
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::records::audit::Event;
use crate::rooms::caller_rule::CallerFacts;
use crate::rooms::directory::RoomHandle;
use crate::rooms::input::Control;
use crate::rooms::output::{ControlError, ControlReply};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    let of_people = speaking::routes().merge(people::routes()).merge(calling::routes());
    of_people.merge(lobby::routes()).merge(session::routes())
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

/// What is known of somebody who is there, if they call.
pub(super) async fn caller_facts(room: &RoomHandle, identity: &str) -> Result<Option<CallerFacts>, Problem> {
    match room.control(Control::GetCaller(identity.into())).await.map_err(problem)? {
        ControlReply::Caller(caller) => Ok(caller),
        _ => Ok(None),
    }
}

/// What was written down, with the answer to whoever asked for it.
pub(super) struct Noted(Result<Response, Problem>);

impl Noted {
    /// Whether it was written down before, for the same request. That does not say that it was done: the answer may have been
    /// lost because the server ended in between. So it is done again; nothing here is more when it is done twice.
    pub(super) fn is_repeated(&self) -> bool {
        self.0.is_err()
    }

    /// The answer, when it is done.
    pub(super) fn answer(self) -> Result<Response, Problem> {
        self.0
    }
}

/// Takes what came of writing it down. It must not be done when that failed.
pub(super) fn noted(outcome: Result<Response, Problem>) -> Result<Noted, Problem> {
    match outcome {
        Err(problem) if !problem.is_replay() => Err(problem),
        outcome => Ok(Noted(outcome)),
    }
}

/// Writes down what is about to be done.
pub(super) async fn note(context: &Context, found: &Found, event: Event) -> Result<Noted, Problem> {
    let written = async {
        let tx = context.write().await?;
        context.commit(tx, found.tenant(), &event, Answer::no_content()).await
    };
    noted(written.await)
}

/// Begins to change what holds in a run: nobody else comes, goes or changes it before that is kept. Fails when it is over.
pub(super) async fn change(context: &Context, found: &Found) -> Result<Tx, Problem> {
    let mut tx = context.write().await?;
    tx.lock(&found.venue.id()).await?;
    let current = table::find(&mut tx, None, found.session.id).await?.ok_or(Code::NotFound)?;
    if current.ended_at.is_some() { Err(Code::MeetingEnded.into()) } else { Ok(tx) }
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
