// SPDX-License-Identifier: EUPL-1.2
//! Which method is called, and whether the caller's token is genuine. What it grants, each method looks at itself.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Path, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http_body_util::LengthLimitError;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::Format;
use super::error::{Code, TwirpError};
use super::{room_service, sip};
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
        .route("/twirp/livekit.RoomService/{method}", post(serve_rooms).fallback(no_route))
        .route("/twirp/livekit.SIP/{method}", post(serve_sip).fallback(no_route))
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

/// What came of a call, and the method's name as ours, since a caller could make up any number of them.
pub(super) type Outcome = (&'static str, Result<Response, TwirpError>);

async fn serve_rooms(Path(method): Path<String>, call: Call) -> Response {
    carry_out("RoomService", call, |call| async move { room_service::call(&method, call).await }).await
}

async fn serve_sip(Path(method): Path<String>, call: Call) -> Response {
    carry_out("SIP", call, |call| async move { sip::call(&method, call).await }).await
}

async fn carry_out<F>(service: &str, call: Call, method: impl FnOnce(Call) -> F) -> Response
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let (requests, guard) = (call.app.metrics.twirp_requests.clone(), call.app.changes.enter());
    let outcome = method(call);
    // Carried out to its end also when the caller hangs up meanwhile.
    let called = tokio::spawn(async move {
        let outcome = outcome.await;
        drop(guard);
        outcome
    });
    let failed = |_| ("unknown", Err(TwirpError::new(Code::Internal, "the call ended badly")));
    let (method, outcome) = called.await.unwrap_or_else(failed);
    let code = outcome.as_ref().err().map_or("ok", |error| error.code.as_str());
    requests.with_label_values(&[service, method, code]).inc();
    outcome.unwrap_or_else(|error| error.into_response())
}

/// A call before anything of it is read.
pub(super) struct Call {
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
}

impl FromRequest<Arc<App>> for Call {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Infallible> {
        let (head, body) = request.into_parts();
        Ok(Self { app: app.clone(), headers: head.headers, body })
    }
}

impl Call {
    /// Reads the request, has `method` deal with it and writes its answer.
    pub(super) async fn answer<Q, R, F>(self, method: impl FnOnce(Caller, Q) -> F) -> Result<Response, TwirpError>
    where
        Q: Message + Default + DeserializeOwned,
        R: Message + Serialize,
        F: Future<Output = Result<R, TwirpError>>,
    {
        // Before the body is read: strangers send nothing.
        let token = self.authenticate()?;
        let format = Format::of(&self.headers)?;
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
