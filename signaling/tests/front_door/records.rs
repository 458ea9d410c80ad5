// SPDX-License-Identifier: EUPL-1.2
//! The audit log over the API.

use serde_json::{Value, json};
use store::testing::TestStore;

use crate::api::{Api, header};

async fn with_tokens(database: TestStore, tokens: usize) -> Api {
    let api = Api::with_scopes(database, "tokens:admin,audit:read").await;
    for number in 0..tokens {
        let body = json!({ "name": number.to_string(), "scopes": ["audit:read"] });
        assert_eq!(api.ask("POST /api_tokens", &[], Some(&body)).await.status, 201);
    }
    api
}

async fn numbers(api: &Api, path: &str) -> Vec<i64> {
    let page = api.get(path).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let events = page.json()["items"].as_array().expect("items").clone();
    events.iter().map(|event| event["number"].as_i64().expect("a number")).collect()
}

/// The events of an answer without chunks around them.
fn lines(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).expect("text");
    text.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn events_are_found_by_what_they_are() {
    for database in TestStore::both().await {
        let api = with_tokens(database, 4).await;
        let all = api.get("/audit_events").await.json();
        let first = &all["items"][0];
        assert_eq!((&first["number"], &first["action"]), (&json!(1), &json!("api_token.create")));
        assert_eq!(first["actor"], json!({ "type": "system", "id": "saal" }));
        let second = &all["items"][1];
        let (target, actor) = (&second["target"]["id"], &second["actor"]["id"]);
        let by = |query: String| {
            let api = &api;
            async move { numbers(api, &format!("/audit_events?{query}")).await }
        };
        assert_eq!(by(format!("target_id={}", target.as_str().expect("an id"))).await, [2]);
        assert_eq!(by(format!("actor_id={}", actor.as_str().expect("an id"))).await, [2, 3, 4, 5]);
        assert_eq!(by("actor_type=system&action=api_token.*".to_owned()).await, [1]);
        assert!(by("action=api%5ftoken".to_owned()).await.is_empty());
        assert!(by("action=meeting.*".to_owned()).await.is_empty());
        assert!(by("result=denied".to_owned()).await.is_empty());
        assert!(by("occurred_before=2020-01-01T00:00:00Z".to_owned()).await.is_empty());
        assert_eq!(by("occurred_after=2020-01-01T00:00:00Z&order=desc&limit=2".to_owned()).await, [5, 4]);
        let page = api.get("/audit_events?order=desc&limit=2").await.json();
        let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
        assert_eq!(by(format!("order=desc&limit=2&cursor={cursor}")).await, [3, 2]);
        let wrong = api.get("/audit_events?occurred_after=yesterday").await;
        assert_eq!((wrong.status, &wrong.json()["errors"][0]["pointer"]), (422, &json!("query/occurred_after")));
    }
}

#[tokio::test]
async fn all_events_can_be_had_as_lines() {
    for database in TestStore::both().await {
        let api = with_tokens(database, 3).await;
        let by_query = api.get("/audit_events?format=jsonl").await;
        assert_eq!(header(&by_query, "content-type"), Some("application/x-ndjson"));
        let by_header = api.ask("GET /audit_events", &[("accept", "application/x-ndjson")], None).await;
        assert_eq!(lines(&by_query.body), lines(&by_header.body));
        let found: Vec<_> = lines(&by_query.body).iter().map(|event| event["number"].clone()).collect();
        assert_eq!(found, [1, 2, 3, 4]);
        let one = api.get("/audit_events?format=jsonl&order=desc&actor_type=system").await;
        assert_eq!(lines(&one.body).len(), 1);
    }
}

#[tokio::test]
async fn the_log_says_whether_it_is_intact() {
    for database in TestStore::both().await {
        let api = with_tokens(database, 2).await;
        let verified = api.get("/audit_events/verify").await.json();
        assert_eq!(
            (&verified["is_intact"], &verified["events"], &verified["breaks"]),
            (&json!(true), &json!(3), &json!([]))
        );
        let head = verified["head"].as_str().expect("a head").to_owned();
        let with_head = format!("/audit_events/verify?expect_head={head}");
        assert_eq!(api.get(&with_head).await.json()["is_intact"], true);
        let forged = api.get(&format!("{with_head}x")).await;
        assert_eq!((forged.status, &forged.json()["errors"][0]["pointer"]), (422, &json!("query/expect_head")));
        let mut tx = api.server.database.store.write().await.expect("a transaction");
        tx.execute(store::sql("DELETE FROM audit_events WHERE number = 2")).await.expect("deleted");
        tx.commit().await.expect("committed");
        let broken = api.get("/audit_events/verify").await.json();
        assert_eq!((&broken["is_intact"], &broken["head"]), (&json!(false), &Value::Null));
        assert_eq!(broken["breaks"], json!([{ "kind": "missing", "first": 2, "last": 2 }]));
    }
}

#[tokio::test]
async fn the_log_is_for_those_who_may_see_it() {
    let api = Api::with_scopes(TestStore::sqlite().await, "tokens:admin").await;
    for path in ["/audit_events", "/audit_events?format=jsonl", "/audit_events/verify"] {
        assert_eq!(api.get(path).await.json()["code"], "insufficient-scope", "{path}");
    }
    let api = Api::with_scopes(TestStore::sqlite().await, "audit:read").await;
    let foreign = api.get("/audit_events?tenant_id=0199a5b2-0000-7000-8000-000000000000").await;
    assert_eq!(foreign.status, 404);
}
