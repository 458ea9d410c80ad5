// SPDX-License-Identifier: EUPL-1.2
//! What is not in the log. In a process of its own, since a log is there once in each.

#[path = "front_door/support/mod.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

use std::io;
use std::sync::{Arc, Mutex};

use livekit_protocol::signal_request::Message as Request;
use serde_json::{Value, json};
use signaling::Config;
use signaling::commands::{NewApiToken, create_api_token};
use store::testing::TestStore;
use tracing_subscriber::fmt::MakeWriter;

use support::client::{camera, join_request, path};
use support::server::config;
use support::sfu::sdp;
use support::{Client, Server, Token, soon};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

async fn a_call(server: &Server) {
    let token = Token::join("secret-room", "private-identity").with("name", json!("Private Name"));
    let (mut ann, _) = Client::join_connected_with(server, &token).await;
    ann.add_track(camera("private-cid")).await;
    ann.negotiate(5, &sdp(3, 3, &["private-cid"])).await;
    ann.send(Request::Leave(Default::default())).await;
    ann.closed().await;
    drop(Client::connect(server, &path("forged.token.here", &join_request())).await);
    let admin = Token::admin("secret-room");
    server.call("RemoveParticipant", &admin, json!({ "room": "secret-room", "identity": "private-identity" })).await;
}

/// Uses the REST API in all the ways that have something to hide. Returns the secrets that were shown.
async fn some_requests() -> Vec<String> {
    let database = TestStore::sqlite().await;
    let scopes = "tokens:admin,webhooks:*,privacy:admin,audit:read,meetings:*";
    let wanted = NewApiToken { name: "Private Token", scopes, tenant: None, is_for_installation: false, days: 1 };
    let token = create_api_token(&database.store, &wanted).await.expect("a token");
    let server = Server::start_on(database, Config { dev: true, ..config() }).await;
    let ask = async |head: &str, token: &str, body: Value| {
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("authorization", authorization.as_str())];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        let (method, path) = head.split_once(' ').expect("a method and a path");
        server.request(&format!("{method} /api/v1{path}"), &headers, body.as_bytes()).await
    };
    let made =
        ask("POST /api_tokens", &token, json!({ "name": "Private Calendar", "scopes": ["meetings:read"] })).await;
    let made = made.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(ask("GET /api_tokens?cursor=private", "saal_private-forged", Value::Null).await.status, 401);
    assert_eq!(ask("POST /api_tokens", &token, json!({ "name": "Private", "private": true })).await.status, 422);
    // Nobody listens there.
    let url = "http://127.0.0.1:9/private-path?key=private";
    let webhook = ask("POST /webhooks", &token, json!({ "url": url, "events": ["meeting.created"] })).await.json();
    let path = format!("/webhooks/{}", webhook["id"].as_str().expect("an id"));
    assert_eq!(ask(&format!("POST {path}/test"), &token, Value::Null).await.status, 202);
    let failed = async || loop {
        let page = ask(&format!("GET {path}/deliveries"), &token, Value::Null).await.json();
        if page["items"][0]["attempts"] == 1 {
            return page;
        }
    };
    assert_eq!(soon(failed()).await["items"][0]["last_error"], "connect");
    let person = json!({ "email": "private@example.org" });
    assert_eq!(ask("POST /exports", &token, person).await.status, 202);
    let person = json!({ "email": "private@example.org", "meetings": "cancel" });
    assert_eq!(ask("POST /erasures", &token, person).await.status, 200);
    vec![token, made, webhook["secret"].as_str().expect("a secret").to_owned()]
}

#[tokio::test]
async fn the_log_keeps_secrets_and_names_nobody() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .try_init()
        .expect("the only one in this process");
    a_call(&Server::start().await).await;
    let secrets = some_requests().await;
    let log = String::from_utf8(log.0.lock().expect("unpoisoned").clone()).expect("text");
    let own: Vec<_> = log.lines().filter(|line| line.contains("signaling::")).collect();
    assert!(own.iter().any(|line| line.contains("joined")), "{log}");
    for secret in ["access_token", "join_request", "eyJ", "forged", "audios 3", "a secret of"] {
        assert!(!own.iter().any(|line| line.contains(secret)), "{secret} is in the log");
    }
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "a secret is in the log");
    }
    let is_for_operators = |line: &&str| ["INFO", "WARN", "ERROR"].iter().any(|level| line.contains(level));
    let for_operators: Vec<_> = log.lines().filter(is_for_operators).collect();
    assert!(for_operators.iter().any(|line| line.contains("room opened")), "{log}");
    for private in ["private", "Private", "secret-room", "127.0.0.1"] {
        assert!(!for_operators.iter().any(|line| line.contains(private)), "{private} is in the log");
    }
}
