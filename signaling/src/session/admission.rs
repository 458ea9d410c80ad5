// SPDX-License-Identifier: EUPL-1.2
//! Whether somebody may come in, decided before the websocket opens.
//!
//! Whoever holds a genuine token is looked at in every respect before the verdict is given, so that the time it takes
//! does not tell one refusal from another, and above all not whether a room exists.

use std::sync::Arc;
use std::time::SystemTime;

use axum::http::{HeaderMap, StatusCode, header};
use livekit_protocol::JoinRequest;
use serde::Deserialize;

use super::join_request::{self, BadJoinRequest};
use super::{join, limits};
use crate::app::App;
use crate::auth::room_token::{InvalidToken, RoomToken};
use crate::meeting_sessions::live;
use crate::rooms::caller_rule::CallerFacts;
use crate::rooms::details::{Details, MAX_NAME_BYTES, TooLong};
use crate::rooms::input::Connection;

/// What the query says. It holds secrets, and is never logged.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Query {
    access_token: String,
    join_request: String,
}

/// Somebody who may come in.
pub(crate) struct Admitted {
    pub(crate) token: RoomToken,
    pub(super) join: JoinRequest,
    pub(super) details: Details,
    pub(super) connection: Connection,
    /// What is known of somebody whom our own bridge lets in.
    pub(super) caller: Option<CallerFacts>,
}

/// Why somebody may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// Clients show it, and look for some of these words.
    pub(super) text: String,
    /// A good token is for a room that is not there.
    pub(crate) lacks_room: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, text: impl ToString) -> Self {
        Self { status, text: text.to_string(), lacks_room: None }
    }

    /// The token is none of ours, or not any more.
    pub(super) fn invalid_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, InvalidToken)
    }

    /// What it takes to let somebody in is away.
    fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the room cannot be opened at present")
    }
}

/// Which generation of the protocol asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// Parameters in the query.
    V0,
    /// A join request.
    V1,
}

/// Looks at somebody who wants in.
pub(super) fn admit(
    app: &App,
    now: SystemTime,
    headers: &HeaderMap,
    query: &Query,
    generation: Generation,
) -> Result<Admitted, Refusal> {
    let token = bearer(headers, query).ok_or(InvalidToken).and_then(|token| app.keys.verify(token));
    let token = token.map_err(|InvalidToken| Refusal::invalid_token())?;
    let join = match generation {
        Generation::V0 => Ok(JoinRequest::default()),
        Generation::V1 => join_request::parse(&query.join_request),
    };
    look_at(app, now, token, join, Connection::Client)
}

/// Lets somebody in by what `admit` says. The room of a meeting that goes on may be gone after a restart, and is opened again.
pub(super) async fn or_revive(
    app: &Arc<App>,
    admit: impl Fn() -> Result<Admitted, Refusal>,
) -> Result<Admitted, Refusal> {
    let admit = || {
        let admitted = admit();
        admitted.inspect_err(|refusal| app.metrics.refusals.with_label_values(&[refusal.status.as_str()]).inc())
    };
    let refusal = match admit() {
        Err(refusal) if refusal.lacks_room.is_some() => refusal,
        outcome => return outcome,
    };
    match live::revive(app, refusal.lacks_room.as_deref().unwrap_or_default()).await {
        Ok(true) => admit(),
        Ok(false) => Err(refusal),
        Err(_) => Err(Refusal::unavailable()),
    }
}

/// Looks at somebody with a genuine token, and at what they ask for.
pub(super) fn look_at(
    app: &App,
    now: SystemTime,
    token: RoomToken,
    join: Result<JoinRequest, BadJoinRequest>,
    connection: Connection,
) -> Result<Admitted, Refusal> {
    let details = join.as_ref().ok().map(|join| join::details(&token, join));
    let findings = Findings {
        is_revoked: app.revocations.is_revoked(now, &token.grants.room, token.identity(), token.issued_at()),
        room_exists: app.directory.get(&token.grants.room).is_some(),
        can_create: app.may_create_room(&token),
        is_ready: app.directory.is_ready(),
        is_full: app.sessions.count() >= limits::MAX_SESSIONS,
        join,
        details,
    };
    judge(token, connection, findings)
}

/// The token, from the header or from the query: browsers can set no header on a websocket.
fn bearer<'a>(headers: &'a HeaderMap, query: &'a Query) -> Option<&'a str> {
    match headers.get(header::AUTHORIZATION) {
        Some(value) => {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        }
        None => Some(&query.access_token),
    }
}

/// All there is to know about somebody with a genuine token.
struct Findings {
    is_revoked: bool,
    room_exists: bool,
    can_create: bool,
    is_ready: bool,
    is_full: bool,
    join: Result<JoinRequest, BadJoinRequest>,
    details: Option<Result<Details, TooLong>>,
}

fn judge(token: RoomToken, connection: Connection, findings: Findings) -> Result<Admitted, Refusal> {
    if findings.is_revoked {
        return Err(Refusal::invalid_token());
    }
    if !token.grants.room_join {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "permissions denied"));
    }
    let bad_request = |text: &dyn ToString| Refusal::new(StatusCode::BAD_REQUEST, text.to_string());
    if token.identity().is_empty() {
        return Err(bad_request(&"identity cannot be empty"));
    }
    if token.identity().len() > MAX_NAME_BYTES {
        return Err(bad_request(&"identity length exceeds limits"));
    }
    if token.grants.room.is_empty() {
        return Err(bad_request(&"no room name"));
    }
    if token.grants.room.len() > MAX_NAME_BYTES {
        return Err(bad_request(&"room name length exceeds limits"));
    }
    let join = findings.join.map_err(|error| bad_request(&error))?;
    let says_something = !join.metadata.is_empty() || !join.participant_attributes.is_empty();
    if says_something && !token.grants.permissions().can_update_own_metadata {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "permissions denied"));
    }
    let details = findings.details.unwrap_or(Ok(Details::default())).map_err(|error| bad_request(&error))?;
    // Who resumes and finds no room is told so on the websocket, and then comes here again to join.
    if !findings.room_exists && !findings.can_create && !join.reconnect {
        let refusal = Refusal::new(StatusCode::NOT_FOUND, "requested room does not exist");
        return Err(Refusal { lacks_room: Some(token.grants.room), ..refusal });
    }
    if !findings.is_ready {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "no node can take the call at present"));
    }
    if findings.is_full {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the server is full"));
    }
    Ok(Admitted { token, join, details, connection, caller: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::room_token::{RoomTokenRequest, mint};
    use crate::auth::secret::ApiKey;
    use crate::config::{Config, RoomDefaults};
    use std::sync::atomic::Ordering;
    use std::time::Duration;
    use store::testing::TestStore;

    const SECRET: &str = "a secret of at least thirty-two bytes";

    async fn app() -> App {
        app_on(bus::Bus::local()).await
    }

    async fn app_on(bus: bus::Bus) -> App {
        let api_keys = vec![ApiKey { key: "key".into(), secret: SECRET.into() }];
        let rooms = RoomDefaults { auto_create: false, ..RoomDefaults::default() };
        let config = Config { api_keys, rooms, ..Config::default() };
        let database = TestStore::sqlite().await;
        App::new(config, database.store.clone(), bus, prometheus::Registry::new()).await.expect("an app")
    }

    /// The status, and how often the rooms were looked through.
    fn check(app: &App, room: &str, change: impl FnOnce(&mut RoomToken)) -> (u16, u64) {
        let request = RoomTokenRequest {
            room: room.into(),
            identity: "ann".into(),
            name: String::new(),
            admin: false,
            valid_for: Duration::from_secs(60),
            now: SystemTime::now(),
        };
        let mut token = app.keys.verify(&mint("key", SECRET, &request).expect("a token")).expect("a good token");
        change(&mut token);
        let grants = token.grants.clone();
        let signed = app.keys.renew(&token, grants, SystemTime::now(), Duration::from_secs(60)).expect("a token");
        let query = Query { access_token: signed, ..Query::default() };
        let before = app.directory.lookups.load(Ordering::Relaxed);
        let refusal = admit(app, SystemTime::now(), &HeaderMap::new(), &query, Generation::V0).err();
        let lookups = app.directory.lookups.load(Ordering::Relaxed) - before;
        (refusal.map_or(200, |refusal| refusal.status.as_u16()), lookups)
    }

    #[tokio::test]
    async fn a_refusal_takes_the_same_work_whether_the_room_exists_or_not() {
        let app = app().await;
        drop(app.directory.get_or_create("there", &Default::default()));
        let forbid = |token: &mut RoomToken| token.grants.room_join = false;
        assert_eq!(check(&app, "there", forbid), (401, 1));
        assert_eq!(check(&app, "nowhere", forbid), (401, 1));
        assert_eq!(check(&app, "nowhere", |_| {}), (404, 1));
        // There is no node in this test, which is found out last.
        assert_eq!(check(&app, "there", |_| {}), (503, 1));
        assert_eq!(check(&app, "nowhere", |token| token.grants.room_create = true), (503, 1));
    }

    #[tokio::test]
    async fn a_server_that_is_full_lets_nobody_in() {
        let bus = bus::Bus::local();
        let _node = bus.serve_sfu("node".into());
        let app = app_on(bus).await;
        app.directory.get_or_create("there", &Default::default()).expect("a room");
        let mut sessions: Vec<_> = (0..limits::MAX_SESSIONS - 1).map(|_| app.sessions.enter()).collect();
        assert_eq!(check(&app, "there", |_| {}), (200, 1));
        sessions.push(app.sessions.enter());
        assert_eq!(check(&app, "there", |_| {}), (503, 1));
        sessions.pop();
        assert_eq!(check(&app, "there", |_| {}), (200, 1));
    }

    #[tokio::test]
    async fn a_strange_token_learns_nothing() {
        let app = app().await;
        let query = Query { access_token: "strange".into(), ..Query::default() };
        let refusal = admit(&app, SystemTime::now(), &HeaderMap::new(), &query, Generation::V0).err();
        assert_eq!(refusal, Some(Refusal::new(StatusCode::UNAUTHORIZED, "invalid authorization token")));
        assert_eq!(app.directory.lookups.load(Ordering::Relaxed), 0);
    }
}
