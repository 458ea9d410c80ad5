// SPDX-License-Identifier: EUPL-1.2
//! Which method is called, and whether the caller's token is genuine. What it grants, each method looks at itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http_body_util::LengthLimitError;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::Format;
use super::error::{Code, TwirpError};
use super::{data, participants, rooms};
use crate::app::App;
use crate::auth::room_token::RoomToken;
use crate::meeting_sessions::model::session_of_room;
use crate::rooms::directory::RoomHandle;

/// Longest body. LiveKit's figure.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// Longest wait for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn routes() -> Router<Arc<App>> {
    let no_route = || async { TwirpError::new(Code::BadRoute, "no handler for path") };
    Router::new()
        .route("/twirp/livekit.RoomService/{method}", post(serve).fallback(no_route))
        .route("/twirp/{*path}", axum::routing::any(no_route))
}

/// Who calls, with a genuine token.
pub(super) struct Caller {
    pub(super) app: Arc<App>,
    pub(super) token: RoomToken,
}

impl Caller {
    /// The room of that name, for its administrator.
    pub(super) fn administered_room(&self, name: &str) -> Result<RoomHandle, TwirpError> {
        // Looked up in any case, so that a refusal takes the same time whether it exists or not.
        let room = self.app.directory.get(name);
        self.check_administers(name)?;
        room.ok_or_else(TwirpError::no_such_room)
    }

    /// The same, to change something in it.
    pub(super) fn changed_room(&self, name: &str) -> Result<RoomHandle, TwirpError> {
        let room = self.administered_room(name)?;
        self.check_changes(name)?;
        Ok(room)
    }

    /// Whoever is in a meeting moderates it through the API, which looks whether they still may, and writes down what they do.
    pub(super) fn check_changes(&self, room: &str) -> Result<(), TwirpError> {
        self.check_administers(room)?;
        let is_in_it = self.token.grants.room_join;
        if is_in_it && session_of_room(room).is_some() { Err(TwirpError::denied()) } else { Ok(()) }
    }

    fn check_administers(&self, room: &str) -> Result<(), TwirpError> {
        let grants = &self.token.grants;
        if grants.room_admin && grants.room == room && !room.is_empty() { Ok(()) } else { Err(TwirpError::denied()) }
    }
}

async fn serve(State(app): State<Arc<App>>, Path(method): Path<String>, headers: HeaderMap, body: Body) -> Response {
    let (requests, guard) = (app.metrics.room_service_requests.clone(), app.changes.enter());
    // Carried out to its end also when the caller hangs up meanwhile.
    let called = tokio::spawn(async move {
        let outcome = call(app, &method, &headers, body).await;
        drop(guard);
        outcome
    });
    let failed = |_| ("unknown", Err(TwirpError::new(Code::Internal, "the call ended badly")));
    let (method, outcome) = called.await.unwrap_or_else(failed);
    let code = outcome.as_ref().err().map_or("ok", |error| error.code.as_str());
    requests.with_label_values(&[method, code]).inc();
    outcome.unwrap_or_else(|error| error.into_response())
}

/// Calls a method. Its name comes back as ours, since a caller could make up any number of them.
async fn call(
    app: Arc<App>,
    method: &str,
    headers: &HeaderMap,
    body: Body,
) -> (&'static str, Result<Response, TwirpError>) {
    let call = Call { app, headers, body };
    match method {
        "CreateRoom" => ("CreateRoom", call.answer(rooms::create).await),
        "ListRooms" => ("ListRooms", call.answer(rooms::list).await),
        "DeleteRoom" => ("DeleteRoom", call.answer(rooms::delete).await),
        "UpdateRoomMetadata" => ("UpdateRoomMetadata", call.answer(rooms::update_metadata).await),
        "ListParticipants" => ("ListParticipants", call.answer(participants::list).await),
        "GetParticipant" => ("GetParticipant", call.answer(participants::get).await),
        "RemoveParticipant" => ("RemoveParticipant", call.answer(participants::remove).await),
        "UpdateParticipant" => ("UpdateParticipant", call.answer(participants::update).await),
        "MutePublishedTrack" => ("MutePublishedTrack", call.answer(participants::mute_track).await),
        "UpdateSubscriptions" => ("UpdateSubscriptions", call.answer(participants::update_subscriptions).await),
        "SendData" => ("SendData", call.answer(data::send).await),
        "MoveParticipant" => ("MoveParticipant", call.answer(participants::move_to).await),
        "ForwardParticipant" | "PerformRpc" => {
            ("unimplemented", Err(TwirpError::new(Code::Unimplemented, "not supported by this server")))
        }
        _ => ("unknown", Err(TwirpError::new(Code::BadRoute, "no handler for path"))),
    }
}

struct Call<'a> {
    app: Arc<App>,
    headers: &'a HeaderMap,
    body: Body,
}

impl Call<'_> {
    /// Reads the request, has `method` deal with it and writes its answer.
    async fn answer<Q, R, F>(self, method: impl FnOnce(Caller, Q) -> F) -> Result<Response, TwirpError>
    where
        Q: Message + Default + DeserializeOwned,
        R: Message + Serialize,
        F: Future<Output = Result<R, TwirpError>>,
    {
        // Before the body is read: strangers send nothing.
        let token = self.authenticate()?;
        let format = Format::of(self.headers)?;
        let request = format.read(&read_body(self.body).await?)?;
        let answer = method(Caller { app: self.app, token }, request).await?;
        format.write(&answer)
    }

    fn authenticate(&self) -> Result<RoomToken, TwirpError> {
        let value = self.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, token) = value.split_once(' ').unwrap_or_default();
        let token = if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" };
        self.app.keys.verify(token).map_err(|_| TwirpError::new(Code::Unauthenticated, "invalid authorization token"))
    }
}

async fn read_body(body: Body) -> Result<Bytes, TwirpError> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_too_long(&error) => {
            Err(TwirpError::new(Code::ResourceExhausted, "the request is too large"))
        }
        Ok(Err(_)) => Err(TwirpError::new(Code::Malformed, "the request could not be read")),
        Err(_) => Err(TwirpError::new(Code::DeadlineExceeded, "the request took too long")),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(<dyn std::error::Error>::is::<LengthLimitError>)
}
