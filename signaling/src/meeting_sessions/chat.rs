// SPDX-License-Identifier: EUPL-1.2
//! What was written in a meeting, for those who come later.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use store::{FromRow, Row, StoreError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::routes::time;
use super::{rights, table};
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::ids::MeetingSessionId;
use crate::api::path::Path;
use crate::api::problem::Problem;
use crate::app::App;
use crate::rooms::input::Control;
use crate::rooms::output::ControlReply;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(read))
}

/// A message to everybody.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct SessionMessage {
    /// Its id, which its sender's client chose.
    id: String,
    /// Who wrote it.
    sender: String,
    /// What they were called then.
    sender_name: String,
    /// What they wrote.
    text: String,
    /// When it came.
    sent_at: DateTime<Utc>,
}

impl FromRow for SessionMessage {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("message_id")?,
            sender: row.get("sender")?,
            sender_name: row.get("sender_name")?,
            text: row.get("content")?,
            sent_at: row.get("sent_at")?,
        })
    }
}

/// What was written.
#[derive(Debug, Serialize, ToSchema)]
struct SessionChat {
    /// The oldest first: the last 500, or fewer when they are long.
    items: Vec<SessionMessage>,
}

/// Shows what was written to everybody
///
/// While the meeting goes on, and afterwards where its policy keeps it.
#[utoipa::path(get, path = "/meeting_sessions/{session_id}/chat", tag = "Running meetings",
    params(("session_id" = MeetingSessionId, Path)), security(("api_token" = ["sessions:read"]), ("room_token" = [])),
    responses((status = 200, body = SessionChat)))]
async fn read(context: Context, Path(id): Path<MeetingSessionId>) -> Result<Response, Problem> {
    let mut tx = context.read().await?;
    let found = rights::find(&context, &mut tx, id).await?;
    let mut items: Vec<SessionMessage> = table::messages(&mut tx, id).await?;
    drop(tx);
    if let Some(room) = context.app.directory.get(&found.session.room_name())
        && let Ok(ControlReply::Chat(messages)) = room.control(Control::Chat).await
    {
        let live: Vec<_> = messages
            .into_iter()
            .map(|message| SessionMessage {
                id: message.id,
                sender: message.sender.to_string(),
                sender_name: message.sender_name,
                text: message.text,
                sent_at: time(message.at),
            })
            .collect();
        // What is stored may be older: of a room that was closed by a restart.
        items.retain(|stored| live.iter().all(|message| message.id != stored.id));
        items.extend(live);
    }
    Ok(Answer::ok(&SessionChat { items })?.into_response())
}
