// SPDX-License-Identifier: EUPL-1.2
//! A service with a meeting to which people come by their links.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use livekit_protocol as proto;
use serde_json::{Value, json};
use signaling::Config;
use signaling::commands::{NewApiToken, create_api_token};
use store::testing::TestStore;
use store::{FromRow, Row, StoreError, sql};

use super::client::{join_request, path};
use super::server::{Answer, config};
use super::{Client, Server, sfu};

pub(crate) const MEETING: &str = "0190c0de-0000-7000-8000-000000000001";
pub(crate) const CODE: &str = "AbCdEfGhIjKlMnOpQrStUv";
pub(crate) const HOST: &str = "0190c0de-0000-7000-8000-00000000000a";
pub(crate) const INVITEE: &str = "0190c0de-0000-7000-8000-00000000000b";

/// A service with one meeting, to which a co-host and somebody else are invited.
pub(crate) struct Hall {
    pub(crate) server: Server,
    pub(crate) api_token: String,
}

pub(crate) struct Text(pub(crate) String);

impl FromRow for Text {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("text").map(Self)
    }
}

impl Hall {
    pub(crate) async fn on(database: TestStore, overrides: Value) -> Self {
        Self::with(database, config(), overrides).await
    }

    pub(crate) async fn with(database: TestStore, config: Config, overrides: Value) -> Self {
        let wanted = NewApiToken {
            name: "test",
            scopes: "sessions:*,meetings:*,invitees:*,policies:*,rooms:*,webhooks:*",
            tenant: None,
            is_for_installation: false,
            days: 1,
        };
        // The service makes the tenant.
        let server = Server::start_on(database, config).await;
        let api_token = create_api_token(&server.database.store, &wanted).await.expect("a token");
        let hall = Self { server, api_token };
        hall.add_meeting(MEETING, CODE, "123456789", overrides).await;
        let tenant = Text(hall.tenant().await);
        let mut tx = hall.server.database.store.write().await.expect("a transaction");
        for (id, name, role) in [(HOST, "Henry Host", "co_host"), (INVITEE, "Iris Invited", "attendee")] {
            tx.execute(
                sql("INSERT INTO invitees (id, meeting_id, tenant_id, email, name, role, type, response_status,
                         response_sequence, lobby_bypass, link_generation, last_notified_sequence, revision, created_at,
                         updated_at)
                     VALUES ($1, $2, $3, $7, $4, $5, 'external', 'needs_action', 0, $6, 1, -1, 1, 0, 0)")
                .bind(id)
                .bind(MEETING)
                .bind(&tenant.0)
                .bind(name)
                .bind(role)
                .bind(false)
                .bind(format!("{role}@example.org")),
            )
            .await
            .expect("an invitee");
        }
        tx.commit().await.expect("stored");
        hall
    }

    pub(crate) async fn tenant(&self) -> String {
        let mut tx = self.server.database.store.read().await.expect("a transaction");
        tx.one::<Text>(sql("SELECT id AS text FROM tenants")).await.expect("a tenant").0
    }

    /// Another meeting without a time.
    pub(crate) async fn add_meeting(&self, id: &str, code: &str, conference_id: &str, overrides: Value) {
        let tenant = self.tenant().await;
        let mut tx = self.server.database.store.write().await.expect("a transaction");
        tx.execute(
            sql("INSERT INTO meetings (id, tenant_id, code, conference_id, title, description, agenda, type, status,
                     starts_at, time_zone, excluded_dates, organizer_email, organizer_name, policy_overrides,
                     expected_participants, ical_uid, sequence, invitation_delivery, invitation_language,
                     invitation_message, tags, revision, created_by, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, 'Budget', '', '', 'ad_hoc', 'scheduled', 0, 'Europe/Berlin', '[]',
                     'o@example.org', 'O', $5, '{}', $6, 0, 'none', 'de', '', '{}', 1, 'test', 0, 0)")
            .bind(id)
            .bind(tenant)
            .bind(code)
            .bind(conference_id)
            .bind(overrides.to_string())
            .bind(format!("uid-{id}")),
        )
        .await
        .expect("a meeting");
        tx.commit().await.expect("stored");
    }

    /// Asks as an administrator's software.
    pub(crate) async fn administer(&self, head: &str, body: Option<Value>) -> Answer {
        self.ask(head, Some(&self.api_token), None, body).await
    }

    /// Changes something that has a revision.
    pub(crate) async fn patch(&self, path: &str, changes: Value) -> Answer {
        let authorization = format!("Bearer {}", self.api_token);
        let revision = self.administer(&format!("GET {path}"), None).await;
        assert_eq!(revision.status, 200, "{}", revision.text());
        let etag = format!("\"{}\"", revision.json()["revision"]);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/merge-patch+json"),
            ("if-match", &etag),
        ];
        let body = changes.to_string();
        self.server.request(&format!("PATCH /api/v1{path}"), &headers, body.as_bytes()).await
    }

    /// The run of that id.
    pub(crate) async fn session(&self, id: &str) -> Value {
        self.administer(&format!("GET /meeting_sessions/{id}"), None).await.json()
    }

    /// What stands behind `#i=` in somebody's personal link.
    pub(crate) async fn invitation(&self, invitee: &str) -> String {
        let mut tx = self.server.database.store.read().await.expect("a transaction");
        let secret: Text = tx.one(sql("SELECT secret AS text FROM installation_secrets")).await.expect("a secret");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret.0).expect("a secret"));
        let mut context = hmac::Context::with_key(&key);
        for part in [b"saal invitee link".as_slice(), invitee.as_bytes(), &1_i64.to_be_bytes()] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        format!("{invitee}.{}", URL_SAFE_NO_PAD.encode(context.sign()))
    }

    pub(crate) async fn ask(
        &self,
        head: &str,
        token: Option<&str>,
        cookie: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let (method, path) = head.split_once(' ').expect("a method and a path");
        let authorization = token.map(|token| format!("Bearer {token}"));
        let mut headers: Vec<(&str, &str)> = Vec::new();
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        headers.extend(cookie.map(|value| ("cookie", value)));
        headers.extend(body.is_some().then_some(("content-type", "application/json")));
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.server.request(&format!("{method} /api/v1{path}"), &headers, body.as_bytes()).await
    }

    pub(crate) async fn knock(&self, cookie: Option<&str>, body: Value) -> Answer {
        self.ask(&format!("POST /join/{CODE}"), None, cookie, Some(body)).await
    }

    /// Comes in by a personal link and connects.
    pub(crate) async fn come(&self, invitee: &str) -> (Client, Guest) {
        let answer = self.knock(None, json!({ "invitation": self.invitation(invitee).await })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.enter(&answer).await
    }

    pub(crate) async fn enter(&self, admitted: &Answer) -> (Client, Guest) {
        let admitted = admitted.json();
        let token = admitted["token"].as_str().expect("a token").to_owned();
        let mut client = Client::connect(&self.server, &path(&token, &join_request())).await.expect("let in");
        let joined = client.joined().await;
        let participant = joined.participant.expect("a participant");
        client.negotiate(1, &sfu::sdp(3, 3, &[])).await;
        self.server.sfu.connect(&participant.sid).await;
        let session = admitted["session_id"].as_str().expect("a session").to_owned();
        (
            client,
            Guest { token, session, identity: participant.identity.clone(), sid: participant.sid.clone(), participant },
        )
    }

    pub(crate) async fn moderate(&self, by: &str, session: &str, action: &str, body: Option<Value>) -> u16 {
        self.ask(&format!("POST /meeting_sessions/{session}/{action}"), Some(by), None, body).await.status
    }

    pub(crate) async fn events(&self) -> Vec<String> {
        let mut tx = self.server.database.store.read().await.expect("a transaction");
        let select = sql("SELECT action AS text FROM audit_events ORDER BY number");
        tx.all::<Text>(select).await.expect("events").into_iter().map(|text| text.0).collect()
    }
}

/// Somebody who is in.
pub(crate) struct Guest {
    pub(crate) token: String,
    pub(crate) session: String,
    pub(crate) identity: String,
    pub(crate) sid: String,
    pub(crate) participant: proto::ParticipantInfo,
}

/// The cookie that an answer sets. Heads come in small letters, so it is read from the raw one.
pub(crate) fn cookie(answer: &Answer) -> String {
    let line = answer.raw_head.lines().find(|line| line.to_lowercase().starts_with("set-cookie: ")).expect("a cookie");
    let value = &line["set-cookie: ".len()..];
    assert!(value.contains("HttpOnly") && value.contains("SameSite=Lax"), "{value}");
    value.split(';').next().expect("a value").to_owned()
}

pub(crate) fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}
