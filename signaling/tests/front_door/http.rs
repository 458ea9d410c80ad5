// SPDX-License-Identifier: EUPL-1.2
//! Everything that is not LiveKit's, and what browsers ask before they speak.

use bus::Bus;
use livekit_protocol as proto;
use prometheus::Registry;
use serde_json::{Value, json};
use signaling::{ApiKey, Config};
use store::testing::TestStore;

use crate::support::client::{join_request, path};
use crate::support::server::config;
use crate::support::{Client, Server, Token};

#[tokio::test]
async fn clients_see_that_the_server_is_there() {
    let server = Server::start().await;
    let answer = server.request("HEAD /", &[("origin", "https://elsewhere.example")], &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("access-control-allow-origin: *"));
}

#[tokio::test]
async fn what_is_no_websocket_is_not_found() {
    let server = Server::start().await;
    let path = path(&Token::join("room", "ann").sign(), &join_request());
    assert_eq!(server.get(&path).await.status, 404);
    assert_eq!(server.get(&path.replace("/rtc/v1", "/rtc")).await.status, 404);
    assert_eq!(server.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn pages_of_any_site_may_ask() {
    let server = Server::start().await;
    let headers = [
        ("origin", "https://elsewhere.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let answer = server.request("OPTIONS /twirp/livekit.RoomService/ListRooms", &headers, &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("access-control-allow-origin: *"));
    assert!(answer.head.contains("access-control-allow-headers: *"));
    assert!(answer.head.contains("access-control-max-age: 86400"));
    for method in ["options", "head", "get", "post", "patch", "delete"] {
        assert!(answer.head.contains(method), "{method}");
    }
}

#[tokio::test]
async fn health_and_metrics_are_told() {
    let server = Server::start().await;
    assert_eq!(server.get("/health/live").await.status, 200);
    assert_eq!(server.get("/health/ready").await.status, 200);
    let (_ann, _) = Client::join(&server, "room", "ann").await;
    server.get("/rtc/v1/validate").await;
    let metrics = server.get("/metrics").await;
    let text = metrics.text();
    for line in [
        "signaling_rooms 1",
        "signaling_participants 1",
        "signaling_sessions 1",
        r#"signaling_entries_total{outcome="joined"} 1"#,
        r#"signaling_refusals_total{status="401"} 1"#,
        "signaling_join_seconds_count 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("ann") && !text.contains("\"room\""), "nobody is named");
}

#[tokio::test]
async fn a_developer_gets_tokens_and_nobody_else_does() {
    let ask = async |server: &Server, body: Value| {
        let headers = [("content-type", "application/json")];
        server.request("POST /api/v1/dev/token", &headers, body.to_string().as_bytes()).await
    };
    let server = Server::start_with(Config { dev: true, ..config() }).await;
    let config = server.get("/api/v1/config").await.json();
    assert_eq!((&config["dev"], config["version"].is_string()), (&json!(true), true));
    let answer = ask(&server, json!({ "room": "room", "identity": "ann", "name": "Ann" })).await;
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    let mut ann = Client::connect(&server, &path(&token, &join_request())).await.expect("let in");
    assert_eq!(ann.joined().await.participant.map(|participant| participant.name), Some("Ann".into()));
    for (bad, status, code) in [
        (json!({}), 400, "malformed"),
        (json!({ "room": "", "identity": "x" }), 422, "invalid"),
        (json!({ "room": "x".repeat(300), "identity": "x" }), 422, "invalid"),
    ] {
        let answer = ask(&server, bad).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)));
        assert!(answer.head.contains("content-type: application/problem+json"));
    }
    let server = Server::start().await;
    assert_eq!(server.get("/api/v1/config").await.json()["dev"], json!(false));
    assert_eq!(ask(&server, json!({ "room": "room", "identity": "ann" })).await.status, 404);
}

#[tokio::test]
async fn keys_without_a_secret_are_not_accepted() {
    let database = TestStore::sqlite().await;
    for (key, secret) in [("key", ""), ("", "a secret of at least thirty-two bytes")] {
        let api_keys = vec![ApiKey { key: key.into(), secret: secret.into() }];
        let (config, store) = (Config { api_keys, ..config() }, database.store.clone());
        let refused = signaling::router(config, store, Bus::local(), Registry::new()).await;
        assert_eq!(refused.err().map(|error| error.kind()), Some(std::io::ErrorKind::InvalidInput));
    }
}

#[tokio::test]
async fn whoever_is_in_a_room_hears_when_the_server_ends() {
    let mut server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    server.shut_down();
    let leave = ann.leave().await;
    assert_eq!(leave.reason(), proto::DisconnectReason::ServerShutdown);
    assert_eq!(leave.action(), proto::leave_request::Action::Reconnect, "it comes back to the next server");
    assert!(ann.closed().await.is_some());
    server.ended().await;
}
