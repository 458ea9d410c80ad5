// SPDX-License-Identifier: EUPL-1.2
//! Webhooks over the API.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use signaling::Config;
use signaling::commands::{NewApiToken, create_api_token};
use store::testing::TestStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::api::{Api, header};
use crate::support::server::{Server, config};
use crate::support::soon;

const SCOPES: &str = "webhooks:*,audit:read";

async fn dev_api(database: TestStore) -> Api {
    let wanted = NewApiToken { name: "test", scopes: SCOPES, tenant: None, is_for_installation: false, days: 1 };
    let token = create_api_token(&database.store, &wanted).await.expect("a token");
    Api {
        server: Server::start_on(database, Config { dev: true, api_requests_per_second: 100_000, ..config() }).await,
        token,
    }
}

fn webhook(url: &str) -> Value {
    json!({ "url": url, "events": ["session.ended", "meeting.created", "session.ended"] })
}

#[tokio::test]
async fn a_webhook_is_made_changed_and_removed() {
    for database in TestStore::both().await {
        let api = Api::with_scopes(database, SCOPES).await;
        let made =
            api.ask("POST /webhooks", &[("idempotency-key", "a")], Some(&webhook("https://name.invalid/a"))).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let secret = made.json()["secret"].as_str().expect("a secret").to_owned();
        assert!(secret.starts_with("whsec_"));
        let again =
            api.ask("POST /webhooks", &[("idempotency-key", "a")], Some(&webhook("https://name.invalid/a"))).await;
        assert_eq!((&again.json()["id"], &again.json()["secret"]), (&made.json()["id"], &Value::Null));
        let path = header(&made, "location").expect("a place").trim_start_matches("/api/v1").to_owned();
        let found = api.get(&path).await;
        assert_eq!(found.json()["events"], json!(["meeting.created", "session.ended"]));
        assert!(!found.text().contains("whsec_"), "a secret is shown once");
        let tag = header(&found, "etag").expect("a tag").to_owned();
        let change = json!({ "url": "https://name.invalid/b", "is_active": false });
        assert_eq!(api.ask(&format!("PATCH {path}"), &[], Some(&change)).await.status, 428);
        let changed = api.ask(&format!("PATCH {path}"), &[("if-match", &tag)], Some(&change)).await;
        assert_eq!((changed.status, &changed.json()["url"]), (200, &json!("https://name.invalid/b")));
        assert_eq!(changed.json()["events"], found.json()["events"]);
        assert_eq!(api.ask(&format!("PATCH {path}"), &[("if-match", &tag)], Some(&change)).await.status, 412);
        assert_eq!(api.ask(&format!("POST {path}/test"), &[], None).await.status, 409, "it is not active");
        let rotated = api.ask(&format!("POST {path}/rotate_secret"), &[], None).await;
        assert_ne!(rotated.json()["secret"].as_str().expect("a secret"), secret);
        let tag = header(&rotated, "etag").expect("a tag").to_owned();
        let replaced =
            api.ask(&format!("PUT {path}"), &[("if-match", &tag)], Some(&webhook("https://name.invalid/c"))).await;
        assert_eq!((replaced.status, &replaced.json()["is_active"]), (200, &json!(true)));
        let tag = header(&replaced, "etag").expect("a tag").to_owned();
        assert_eq!(api.ask(&format!("DELETE {path}"), &[("if-match", &tag)], None).await.status, 204);
        assert_eq!(api.get(&path).await.status, 404);
        let events = api.get("/audit_events?action=webhook.*").await.json();
        let actions: Vec<_> =
            events["items"].as_array().expect("items").iter().map(|event| event["action"].clone()).collect();
        let expected = ["create", "update", "rotate_secret", "update", "delete"].map(|verb| format!("webhook.{verb}"));
        assert_eq!(actions, expected);
        assert!(!events.to_string().contains("name.invalid"), "{events}");
    }
}

#[tokio::test]
async fn an_address_inside_our_own_network_is_refused() {
    let api = Api::with_scopes(TestStore::sqlite().await, SCOPES).await;
    for (url, code) in [
        ("https://127.0.0.1/", "not-public"),
        ("https://localhost/", "not-public"),
        ("https://[::1]:7880/", "not-public"),
        ("https://169.254.169.254/latest/meta-data/", "not-public"),
        ("https://2130706433/", "not-public"),
        ("https://[64:ff9b::a9fe:a9fe]/", "not-public"),
        ("http://example.org/", "wrong-format"),
        ("https://user:password@example.org/", "wrong-format"),
        ("ftp://example.org/", "wrong-format"),
    ] {
        let refused = api.ask("POST /webhooks", &[], Some(&webhook(url))).await;
        assert_eq!(refused.status, 422, "{url}: {}", refused.text());
        let errors = refused.json()["errors"].clone();
        assert_eq!((&errors[0]["pointer"], &errors[0]["code"]), (&json!("/url"), &json!(code)), "{url}");
    }
    let body = json!({ "url": "https://example.org/", "events": ["webhook.test", "meeting.exploded"], "secret": "x" });
    let refused = api.ask("POST /webhooks", &[], Some(&body)).await.json();
    let mut pointers: Vec<_> =
        refused["errors"].as_array().expect("errors").iter().map(|error| error["pointer"].clone()).collect();
    pointers.dedup();
    pointers.sort_by_key(Value::to_string);
    assert_eq!(pointers, ["/events/0", "/events/1", "/secret"]);
}

#[tokio::test]
async fn a_test_message_arrives_and_can_be_sent_again() {
    for database in TestStore::both().await {
        let api = dev_api(database).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let receiver = {
            let arrived = arrived.clone();
            async move {
                for _ in 0..2 {
                    let (mut stream, _) = listener.accept().await.expect("a connection");
                    let mut request = Vec::new();
                    while !request.ends_with(b"\"webhook.test\"}") {
                        let mut part = [0; 1024];
                        let length = stream.read(&mut part).await.expect("read");
                        assert!(length > 0, "{request:?}");
                        request.extend_from_slice(&part[..length]);
                    }
                    arrived.lock().expect("unpoisoned").push(String::from_utf8(request).expect("text"));
                    let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
                    stream.write_all(answer).await.expect("written");
                }
            }
        };
        let asking = async {
            let made = api.ask("POST /webhooks", &[], Some(&webhook(&url))).await;
            assert_eq!(made.status, 201, "{}", made.text());
            let path = format!("/webhooks/{}", made.json()["id"].as_str().expect("an id"));
            let sent = api.ask(&format!("POST {path}/test"), &[], None).await;
            assert_eq!((sent.status, &sent.json()["status"]), (202, &json!("pending")), "{}", sent.text());
            let id = sent.json()["id"].as_str().expect("an id").to_owned();
            let delivered = async || loop {
                let page = api.get(&format!("{path}/deliveries")).await.json();
                if page["items"][0]["status"] == "delivered" {
                    return page;
                }
            };
            soon(delivered()).await;
            let again = api.ask(&format!("POST {path}/deliveries/{id}/redeliver"), &[], None).await;
            assert_eq!(again.status, 202, "{}", again.text());
            let page = soon(delivered()).await;
            assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
            assert_eq!(api.ask(&format!("POST {path}/deliveries/x/redeliver"), &[], None).await.status, 404);
            id
        };
        let ((), id) = soon(async { tokio::join!(receiver, asking) }).await;
        let arrived = arrived.lock().expect("unpoisoned");
        for request in arrived.iter() {
            assert!(
                request.contains(&format!("webhook-id: {id}")) && request.contains("webhook-signature: v1,"),
                "{request}"
            );
            assert!(request.contains("\"type\":\"webhook.test\""), "{request}");
        }
    }
}
