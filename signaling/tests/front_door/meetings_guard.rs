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

use crate::support::client::{join_request, path};
use crate::support::hall::{HOST, Hall, INVITEE, MEETING, code, cookie};
use crate::support::server::{Answer, config};
use crate::support::{Client, TestSfu, Token, soon};

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
        let router =
            signaling::router(config(), database.store.clone(), bus, Registry::new()).await.expect("a service");
        let wanted = NewApiToken { name: "test", scopes: wanted, tenant: None, is_for_installation: false, days: 1 };
        let token = create_api_token(&database.store, &wanted).await.expect("a token");
        Self { router, database, token, _sfu: sfu }
    }

    fn request(&self, head: &str, token: &str, headers: &[(&str, &str)], body: &Value) -> Request<Body> {
        let (method, path) = head.split_once(' ').expect("a method and a path");
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
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

    /// Sends a request, and hangs up as soon as more rows than `before` are as the request makes them. Returns whether that was
    /// before its answer came.
    async fn hangs_up_when(&self, request: Request<Body>, rows: &'static str, before: i64) -> bool {
        let mut router = self.router.clone();
        let mut call = Box::pin(router.call(request));
        // Nothing goes on between two looks at the database but what is asked of it.
        while self.count(rows).await == before {
            if let Poll::Ready(answer) = futures_util::poll!(call.as_mut()) {
                let status = answer.map(|answer| answer.status().as_u16());
                assert_eq!(status, Ok(204));
                return false;
            }
            tokio::task::yield_now().await;
        }
        true
    }
}

#[tokio::test]
async fn a_meeting_that_is_ended_ends_though_whoever_ended_it_hangs_up() {
    for database in TestStore::both().await {
        let desk = Desk::on(database).await;
        // All of it may be done between two looks; then it is tried again with another meeting.
        let mut was_early = false;
        for before in 0..100 {
            let session = desk.open_meeting().await;
            assert_eq!(desk.rooms().await, [format!("meeting-{session}")]);
            let end = format!("POST /api/v1/meeting_sessions/{session}/end");
            let request = desk.request(&end, &desk.token, &[], &Value::Null);
            was_early = desk.hangs_up_when(request, "meeting_sessions WHERE ended_at IS NOT NULL", before).await;
            desk.no_room_is_left().await;
            if was_early {
                break;
            }
        }
        assert!(was_early, "nobody hung up, so this shows nothing");
    }
}

/// What holds in the database.
async fn write(database: &TestStore, statement: &'static str) {
    let mut tx = database.store.write().await.expect("a transaction");
    tx.execute(sql(statement)).await.expect("written");
    tx.commit().await.expect("kept");
}

/// Asks with a key, as whoever did not hear the answer does again.
async fn moderate_as(hall: &Hall, by: &str, session: &str, action: &str, key: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {by}");
    let headers =
        [("authorization", authorization.as_str()), ("content-type", "application/json"), ("idempotency-key", key)];
    let head = format!("POST /api/v1/meeting_sessions/{session}/{action}");
    hall.server.request(&head, &headers, body.to_string().as_bytes()).await
}

/// Somebody who waits in the lobby.
struct Waiting {
    entry: String,
    ticket: String,
}

impl Waiting {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 202, "{}", answer.text());
        let text = |name: &str| answer.json()[name].as_str().expect("a text").to_owned();
        Self { entry: text("entry_id"), ticket: text("ticket") }
    }

    async fn ask(&self, hall: &Hall) -> Answer {
        hall.ask(&format!("GET /lobby/{}", self.entry), Some(&self.ticket), None, None).await
    }
}

#[tokio::test]
async fn what_runs_in_a_room_ends_before_the_room_is_deleted() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "lobby": "off" })).await;
        write(
            &hall.server.database,
            "INSERT INTO users (id, tenant_id, email, name, role, feed_generation, revision, created_at, updated_at)
             SELECT '0190c0de-0000-7000-8000-0000000000aa', id, 'a@example.org', 'Ann', 'organizer', 0, 1, 0, 0
             FROM tenants",
        )
        .await;
        let owner = json!({ "name": "Council", "slug": "council", "owner_id": "0190c0de-0000-7000-8000-0000000000aa" });
        let room = hall.administer("POST /rooms", Some(owner)).await;
        assert_eq!(room.status, 201, "{}", room.text());
        let room = format!("/rooms/{}", room.json()["id"].as_str().expect("an id"));
        let opened = hall.administer(&format!("POST {room}/sessions"), None).await;
        assert_eq!(opened.status, 201, "{}", opened.text());
        let delete = async || {
            let authorization = format!("Bearer {}", hall.api_token);
            let headers = [("authorization", authorization.as_str()), ("if-match", "*")];
            hall.server.request(&format!("DELETE /api/v1{room}"), &headers, &[]).await.status
        };
        assert_eq!(delete().await, 204);
        let rooms = hall.server.call("ListRooms", &Token::admin("any"), json!({})).await;
        assert!(rooms.json()["rooms"].as_array().is_none_or(Vec::is_empty), "it has ended already");
        assert!(hall.events().await.contains(&"meeting_session.end".to_owned()));
    }
}

#[tokio::test]
async fn a_second_end_is_no_second_event_and_a_repeated_one_is_answered_as_before() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({})).await;
        let (_client, host) = hall.come(HOST).await;
        let end =
            async |key: &str| moderate_as(&hall, &hall.api_token, &host.session, "end", key, Value::Null).await.status;
        let (one, other) = tokio::join!(end("one"), end("other"));
        let mut both = [one, other];
        both.sort_unstable();
        assert_eq!(both, [204, 410]);
        assert_eq!(end(if one == 204 { "one" } else { "other" }).await, 204, "nobody heard of it the first time");
        let ends = hall.events().await.into_iter().filter(|action| action == "meeting_session.end").count();
        assert_eq!(ends, 1);
    }
}

#[tokio::test]
async fn what_is_asked_for_again_is_done_again() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "off" })).await;
    let (_host_client, host) = hall.come(HOST).await;
    let (_client, attendee) = hall.come(INVITEE).await;
    let may_unmute = async || {
        let people = hall.session(&host.session).await["participants"].clone();
        let people = people.as_array().expect("people").clone();
        people.into_iter().find(|one| one["identity"] == attendee.identity.as_str()).expect("there")["may_unmute"]
            == true
    };
    let permit = async |key: &str, is_permitted: bool| {
        let body = json!({ "identity": attendee.identity, "is_permitted": is_permitted });
        moderate_as(&hall, &host.token, &host.session, "permit", key, body).await.status
    };
    assert_eq!(permit("one", false).await, 204);
    assert!(!may_unmute().await);
    assert_eq!(permit("other", true).await, 204);
    assert!(may_unmute().await);
    assert_eq!(permit("one", false).await, 204);
    assert!(!may_unmute().await, "the answer does not say that it was done");
}

#[tokio::test]
async fn whoever_is_banned_while_they_come_is_not_let_in() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "lobby": "off", "guests": "link" })).await;
        let (_client, host) = hall.come(HOST).await;
        let guest = hall.knock(None, json!({ "name": "Gus" })).await;
        assert_eq!(guest.status, 200, "{}", guest.text());
        let browser = cookie(&guest);
        // Somebody bans them, and has not finished yet.
        let store = &hall.server.database.store;
        let mut tx = store.write().await.expect("a transaction");
        tx.lock(MEETING).await.expect("a lock");
        tx.execute(sql("INSERT INTO meeting_bans (id, tenant_id, meeting_id, venue_id, browser, name, created_at)
             SELECT s.id, s.tenant_id, s.meeting_id, s.meeting_id, p.browser, p.name, 0 FROM meeting_sessions s
             JOIN session_people p ON p.session_id = s.id WHERE p.browser IS NOT NULL"))
            .await
            .expect("a ban");
        let finish = async {
            // Until the other one waits, or is through already.
            for _ in 0..200 {
                store.read().await.expect("a transaction");
                tokio::task::yield_now().await;
            }
            tx.commit().await.expect("kept");
        };
        let (again, ()) = tokio::join!(hall.knock(Some(&browser), json!({ "name": "Gus" })), finish);
        assert_eq!(code(&again), (403, "banned".into()));
        drop(host);
    }
}

#[tokio::test]
async fn a_busy_room_keeps_nobody_from_writing() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "off" })).await;
    let (_client, _host) = hall.come(HOST).await;
    let (_other, attendee) = hall.come(INVITEE).await;
    let held = hall.server.sfu.hold().await;
    // A second window, for which the room asks its SFU.
    let _window = Client::connect(&hall.server, &path(&attendee.token, &join_request())).await.expect("let in");
    hall.server.sfu.is_asked().await;
    let back = hall.knock(None, json!({ "invitation": hall.invitation(INVITEE).await }));
    let others = async {
        for number in 0..10 {
            let meeting = json!({ "title": format!("{number}"), "type": "ad_hoc",
                "organizer": { "email": "o@example.org" }, "invitation": { "delivery": "none" } });
            let made = hall.administer("POST /meetings", Some(meeting)).await;
            assert_eq!(made.status, 201, "{}", made.text());
        }
        drop(held);
    };
    let (back, ()) = tokio::join!(back, others);
    assert!([200, 503].contains(&back.status), "{}", back.text());
}

#[tokio::test]
async fn who_waits_is_judged_by_what_they_are_now() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "lobby": "everyone" })).await;
        let (_client, host) = hall.come(HOST).await;
        let invited = json!({ "invitation": hall.invitation(INVITEE).await });
        let waiting = Waiting::of(&hall.knock(None, invited).await);
        write(&hall.server.database, "UPDATE invitees SET revoked_at = 1 WHERE role = 'attendee'").await;
        assert_eq!(hall.moderate(&host.token, &host.session, "admit", Some(json!({}))).await, 204);
        assert_eq!(code(&waiting.ask(&hall).await), (410, "link-revoked".into()));
        write(&hall.server.database, "UPDATE invitees SET revoked_at = NULL, role = 'presenter'").await;
        let admitted = waiting.ask(&hall).await;
        assert_eq!((admitted.status, &admitted.json()["role"]), (200, &json!("presenter")));
    }
}

#[tokio::test]
async fn who_was_turned_away_stays_away_for_a_moment() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "guests": "link", "lobby": "everyone" })).await;
        let (_client, host) = hall.come(HOST).await;
        let waiting = hall.knock(None, json!({ "name": "Gus" })).await;
        assert_eq!(waiting.status, 202, "{}", waiting.text());
        let browser = cookie(&waiting);
        let entry = json!({ "entry_id": Waiting::of(&waiting).entry });
        assert_eq!(hall.moderate(&host.token, &host.session, "deny", Some(entry)).await, 204);
        let again = hall.knock(Some(&browser), json!({ "name": "Gus again" })).await;
        assert_eq!(code(&again), (403, "not-admitted".to_owned()));
        let wait = again.head.split_once("retry-after: ").and_then(|(_, rest)| rest.split_once('\r')).expect("when").0;
        let wait: u64 = wait.parse().expect("seconds");
        assert!((1..=30).contains(&wait), "{wait}");
        // Others are not meant.
        assert_eq!(hall.knock(None, json!({ "name": "Zoe" })).await.status, 202);
        write(&hall.server.database, "UPDATE lobby_entries SET decided_at = decided_at - 30000").await;
        assert_eq!(hall.knock(Some(&browser), json!({ "name": "Gus" })).await.status, 202);
    }
}

#[tokio::test]
async fn who_was_admitted_is_so_also_after_loading_the_page_anew() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "guests": "link" })).await;
    let (_client, host) = hall.come(HOST).await;
    let first = hall.knock(None, json!({ "name": "Gus" })).await;
    let waiting = Waiting::of(&first);
    assert_eq!(hall.moderate(&host.token, &host.session, "lock", None).await, 204);
    let choice = json!({ "entry_id": waiting.entry });
    assert_eq!(hall.moderate(&host.token, &host.session, "admit", Some(choice)).await, 204);
    let again = hall.knock(Some(&cookie(&first)), json!({ "name": "Gus" })).await;
    assert_eq!(again.status, 200, "{}", again.text());
    let third = hall.knock(Some(&cookie(&first)), json!({ "name": "Gus" })).await;
    assert_eq!(code(&third), (403, "meeting-locked".into()), "the host's word was for one time");
}

#[tokio::test]
async fn who_is_no_host_any_more_moderates_no_more() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({})).await;
        let (_client, host) = hall.come(HOST).await;
        assert_eq!(hall.moderate(&host.token, &host.session, "lock", None).await, 204);
        write(&hall.server.database, "UPDATE invitees SET role = 'attendee' WHERE role = 'co_host'").await;
        assert_eq!(hall.moderate(&host.token, &host.session, "unlock", None).await, 403);
        let seen = hall.ask(&format!("GET /meeting_sessions/{}", host.session), Some(&host.token), None, None).await;
        assert_eq!(seen.status, 200, "they are still there");
        write(&hall.server.database, "UPDATE invitees SET role = 'co_host', revoked_at = 1").await;
        assert_eq!(hall.moderate(&host.token, &host.session, "end", None).await, 403);
    }
}

#[tokio::test]
async fn room_service_is_no_way_round_in_a_meeting() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "off" })).await;
    let (_host_client, host) = hall.come(HOST).await;
    let (mut client, attendee) = hall.come(INVITEE).await;
    let room = format!("meeting-{}", host.session);
    let about = json!({ "room": room, "identity": attendee.identity });
    for method in ["RemoveParticipant", "UpdateParticipant", "MutePublishedTrack", "SendData", "UpdateRoomMetadata"] {
        let authorization = format!("Bearer {}", host.token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let head = format!("POST /twirp/livekit.RoomService/{method}");
        let answer = hall.server.request(&head, &headers, about.to_string().as_bytes()).await;
        assert_eq!(answer.json()["code"], "unauthenticated", "{method}");
    }
    let operator = Token::admin(&room);
    let attributes = json!({ "saal.role": "host", "seat": "4" });
    let change = json!({ "room": room, "identity": attendee.identity, "attributes": attributes });
    let changed = hall.server.call("UpdateParticipant", &operator, change).await;
    let attributes = &changed.json()["attributes"];
    assert_eq!((&attributes["saal.role"], &attributes["seat"]), (&json!("attendee"), &json!("4")));
    let unknown = json!({ "room": room, "identity": "nobody" });
    assert_eq!(hall.server.call("RemoveParticipant", &operator, unknown).await.json()["code"], "not_found");
    assert_eq!(hall.server.call("RemoveParticipant", &operator, about).await.status, 200);
    client.leave().await;
    assert!(hall.events().await.contains(&"meeting_session.remove".to_owned()));
    assert_eq!(hall.moderate(&host.token, &host.session, "lock", None).await, 204);
    let token = Client::connect(&hall.server, &path(&attendee.token, &join_request())).await;
    assert_eq!(token.err().map(|refusal| refusal.status), Some(401));
}

#[tokio::test]
async fn whole_addresses_are_no_names() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "off" })).await;
    let nameless = "UPDATE invitees SET name = '', email = 'iris.invited@example.org' WHERE role = 'attendee'";
    write(&hall.server.database, nameless).await;
    let (_client, _host) = hall.come(HOST).await;
    let (_other, attendee) = hall.come(INVITEE).await;
    assert_eq!(attendee.participant.name, "iris.invited");
    let named = json!({ "invitation": hall.invitation(INVITEE).await, "name": "Iris" });
    let (_third, named) = hall.enter(&hall.knock(None, named).await).await;
    assert_eq!(named.participant.name, "Iris");
}

#[tokio::test]
async fn whoever_was_sent_here_is_banned_where_they_came_from() {
    const OTHER: &str = "0190c0de-0000-7000-8000-000000000002";
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "lobby": "off", "guests": "link" })).await;
        hall.add_meeting(OTHER, "OtherMeetingOtherMeeting", "987654321", json!({})).await;
        let (_client, host) = hall.come(HOST).await;
        let knocked = hall.knock(None, json!({ "name": "Gus" })).await;
        let (_guest_client, guest) = hall.enter(&knocked).await;
        let opened = hall.administer(&format!("POST /meetings/{OTHER}/sessions"), None).await;
        assert_eq!(opened.status, 201, "{}", opened.text());
        let other = opened.json()["id"].as_str().expect("an id").to_owned();
        let sent = json!({ "identity": guest.identity, "to_session_id": other });
        assert_eq!(hall.moderate(&hall.api_token, &host.session, "move", Some(sent)).await, 204);
        let removal = json!({ "identity": guest.identity, "ban": true });
        assert_eq!(hall.moderate(&hall.api_token, &other, "remove", Some(removal)).await, 204);
        let back = hall.knock(Some(&cookie(&knocked)), json!({ "name": "Gus" })).await;
        assert_eq!(code(&back), (403, "banned".into()));
    }
}

#[tokio::test]
async fn whose_account_is_disabled_comes_in_by_no_personal_link() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "lobby": "off" })).await;
        let user = "0190c0de-0000-7000-8000-00000000000d";
        let row =
            json!({ "id": user, "tenant_id": hall.tenant().await, "email": "i@example.org", "role": "organizer" });
        hall.server.database.insert("users", row).await;
        let change = async |statement: &'static str| {
            let mut tx = hall.server.database.store.write().await.expect("a transaction");
            tx.execute(sql(statement).bind(user)).await.expect("changed");
            tx.commit().await.expect("kept");
        };
        change("UPDATE invitees SET user_id = $1, role = 'co_host' WHERE name = 'Iris Invited'").await;
        let knock = json!({ "invitation": hall.invitation(INVITEE).await, "name": "Iris" });
        assert_eq!(hall.knock(None, knock.clone()).await.status, 200);
        change("UPDATE users SET disabled_at = 0 WHERE id = $1").await;
        assert_eq!(code(&hall.knock(None, knock).await), (410, "link-revoked".to_owned()));
    }
}
