// SPDX-License-Identifier: EUPL-1.2
//! What is in the database of a meeting and what goes on in its room stay the same, whatever comes in between.

use std::task::Poll;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use bus::Bus;
use prometheus::Registry;
use serde_json::{Value, json};
use signaling::commands::{NewApiToken, create_api_token};
use store::testing::TestStore;
use store::{FromRow, Row, StoreError, sql};
use tower::Service as _;

use crate::support::server::config;
use crate::support::{TestSfu, Token, soon};

/// A service whose requests the test itself drives.
struct Desk {
    router: Router,
    database: TestStore,
    token: String,
    _sfu: TestSfu,
}

struct Number(i64);

impl FromRow for Number {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("number").map(Self)
    }
}

impl Desk {
    async fn on(database: TestStore) -> Self {
        let (bus, wanted) = (Bus::local(), "sessions:*,meetings:*,rooms:*");
        let sfu = TestSfu::serve(&bus, "node");
        let router = signaling::router(config(), database.store.clone(), bus, Registry::new()).await.expect("a service");
        let wanted = NewApiToken { name: "test", scopes: wanted, tenant: None, is_for_installation: false, days: 1 };
        let token = create_api_token(&database.store, &wanted).await.expect("a token");
        Self { router, database, token, _sfu: sfu }
    }

    fn request(&self, head: &str, token: &str, headers: &[(&str, &str)], body: &Value) -> Request<Body> {
        let (method, path) = head.split_once(' ').expect("a method and a path");
        let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        request.header("content-type", "application/json").body(Body::from(body)).expect("a request")
    }

    async fn ask_with(&self, head: &str, headers: &[(&str, &str)], body: Value) -> (u16, Value) {
        let (method, path) = head.split_once(' ').expect("a method and a path");
        let request = self.request(&format!("{method} /api/v1{path}"), &self.token, headers, &body);
        let response = soon(self.router.clone().call(request)).await.expect("an answer");
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn ask(&self, head: &str, body: Value) -> (u16, Value) {
        self.ask_with(head, &[], body).await
    }

    /// Makes a meeting and opens it. Returns the run.
    async fn open_meeting(&self) -> String {
        let meeting = json!({ "title": "Budget", "type": "ad_hoc", "organizer": { "email": "o@example.org" },
            "invitation": { "delivery": "none" } });
        let (status, meeting) = self.ask("POST /meetings", meeting).await;
        assert_eq!(status, 201, "{meeting}");
        let id = meeting["id"].as_str().expect("an id");
        let (status, session) = self.ask(&format!("POST /meetings/{id}/sessions"), Value::Null).await;
        assert_eq!(status, 201, "{session}");
        session["id"].as_str().expect("an id").to_owned()
    }

    /// The names of the live rooms.
    async fn rooms(&self) -> Vec<String> {
        let head = "POST /twirp/livekit.RoomService/ListRooms";
        let request = self.request(head, &Token::admin("any").sign(), &[], &json!({}));
        let response = soon(self.router.clone().call(request)).await.expect("an answer");
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        let listed: Value = serde_json::from_slice(&body).expect("JSON");
        let rooms = listed["rooms"].as_array().cloned().unwrap_or_default();
        rooms.iter().map(|room| room["name"].as_str().expect("a name").to_owned()).collect()
    }

    async fn no_room_is_left(&self) {
        soon(async {
            while !self.rooms().await.is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// How many rows there are of which that is true.
    async fn count(&self, rows: &'static str) -> i64 {
        let mut tx = self.database.store.read().await.expect("a transaction");
        let mut select = sql("SELECT COUNT(*) AS number FROM ");
        select.push(rows);
        tx.one::<Number>(select).await.expect("a number").0
    }

    /// Sends a request, and hangs up as soon as the database says what it is to say.
    async fn hang_up_when(&self, request: Request<Body>, rows: &'static str) {
        let mut router = self.router.clone();
        let mut call = Box::pin(router.call(request));
        // Nothing goes on between two looks at the database but what is asked of it.
        while self.count(rows).await == 0 {
            if let Poll::Ready(answer) = futures_util::poll!(call.as_mut()) {
                panic!("it was not written down: {:?}", answer.map(|answer| answer.status()));
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_meeting_that_is_ended_ends_though_whoever_ended_it_hangs_up() {
    for database in TestStore::both().await {
        let desk = Desk::on(database).await;
        let session = desk.open_meeting().await;
        assert_eq!(desk.rooms().await, [format!("meeting-{session}")]);
        let end = format!("POST /api/v1/meeting_sessions/{session}/end");
        let request = desk.request(&end, &desk.token, &[], &Value::Null);
        desk.hang_up_when(request, "meeting_sessions WHERE ended_at IS NOT NULL").await;
        desk.no_room_is_left().await;
    }
}
