// SPDX-License-Identifier: EUPL-1.2
//! How the REST API deals with requests, whatever they are about, at the example of API tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use signaling::commands::{NewApiToken, create_api_token};
use store::testing::TestStore;

use crate::support::server::{Answer, config};
use crate::support::{Server, Token};

/// A service and a token for it.
pub(crate) struct Api {
    pub(crate) server: Server,
    pub(crate) token: String,
}

impl Api {
    async fn on(database: TestStore) -> Self {
        Self::with_scopes(database, "tokens:admin,meetings:*").await
    }

    pub(crate) async fn with_scopes(database: TestStore, scopes: &str) -> Self {
        let wanted = NewApiToken { name: "test", scopes, tenant: None, is_for_installation: false, days: 1 };
        let token = create_api_token(&database.store, &wanted).await.expect("a token");
        Self { server: Server::start_on(database, config()).await, token }
    }

    pub(crate) async fn ask(&self, head: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let (method, path) = head.split_once(' ').expect("a method and a path");
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", authorization.as_str())];
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        all.extend(headers);
        let body = body.map(Value::to_string).unwrap_or_default();
        self.server.request(&format!("{method} /api/v1{path}"), &all, body.as_bytes()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[], None).await
    }
}

fn token(name: &str) -> Value {
    json!({ "name": name, "scopes": ["meetings:read"] })
}

pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn what_is_made_is_found_listed_and_withdrawn() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let made = api.ask("POST /api_tokens", &[], Some(&token("calendar"))).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let path = header(&made, "location").expect("a place").trim_start_matches("/api/v1").to_owned();
        let secret = made.json()["token"].as_str().expect("a token").to_owned();
        assert!(secret.starts_with(made.json()["prefix"].as_str().expect("a prefix")));
        let found = api.get(&path).await;
        assert_eq!(
            (found.status, &found.json()["name"], &found.json()["token"]),
            (200, &json!("calendar"), &Value::Null)
        );
        let listed = api.get("/api_tokens").await.json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "its own is there as well");
        let other = Api { server: api.server, token: secret };
        assert_eq!(other.get("/api_tokens").await.json()["code"], "insufficient-scope");
        let api = Api { server: other.server, token: api.token };
        assert_eq!(api.ask(&format!("DELETE {path}"), &[], None).await.status, 204);
        assert!(api.get(&path).await.json()["revoked_at"].is_string());
        let other = Api { server: api.server, token: other.token };
        assert_eq!(other.get("/api_tokens").await.status, 401);
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_in_one_answer() {
    let api = Api::on(TestStore::sqlite().await).await;
    let body = json!({ "scopes": ["meetings:delete", 7], "colour": "red", "expires_at": "soon" });
    let answer = api.ask("POST /api_tokens", &[("accept-language", "de")], Some(&body)).await;
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (422, &json!("invalid")));
    let mut errors: Vec<_> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| (error["pointer"].as_str().expect("a pointer"), error["code"].as_str().expect("a code")))
        .collect();
    errors.sort_unstable();
    errors.dedup();
    let expected = [
        ("/colour", "unknown-field"),
        ("/expires_at", "wrong-format"),
        ("/name", "required"),
        ("/scopes/0", "unknown-value"),
        ("/scopes/1", "unknown-value"),
        ("/scopes/1", "wrong-type"),
    ];
    assert_eq!(errors, expected);
    assert_eq!(problem["title"], "Ungültige Angaben"); // spelling: no English
    assert_eq!(header(&answer, "x-request-id"), problem["request_id"].as_str());
    let body = json!({ "name": "x", "scopes": ["audit:read"], "expires_at": "2020-01-01T00:00:00Z",
        "allowed_networks": ["10.0.0.0/8", "everywhere"] });
    let problem = api.ask("POST /api_tokens", &[], Some(&body)).await.json();
    let codes: Vec<_> =
        problem["errors"].as_array().expect("errors").iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(codes, ["/scopes/0", "/expires_at", "/allowed_networks/1"]);
}

#[tokio::test]
async fn a_request_that_is_repeated_with_its_key_is_done_once() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let key = [("idempotency-key", "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"")];
        let first = api.ask("POST /api_tokens", &key, Some(&token("calendar"))).await;
        let second = api.ask("POST /api_tokens", &key, Some(&token("calendar"))).await;
        assert_eq!((first.status, second.status), (201, 201));
        assert_eq!(first.json()["id"], second.json()["id"]);
        assert_eq!(header(&first, "location"), header(&second, "location"));
        assert!(first.json()["token"].is_string() && second.json()["token"].is_null(), "a secret is shown once");
        let other = api.ask("POST /api_tokens", &key, Some(&token("another"))).await;
        assert_eq!((other.status, &other.json()["code"]), (422, &json!("idempotency-key-reused")));
        let body = token("at once");
        let at_once = (0..8).map(|_| api.ask("POST /api_tokens", &[("idempotency-key", "at-once")], Some(&body)));
        let answers = futures_util::future::join_all(at_once).await;
        let ids: std::collections::BTreeSet<_> = answers.iter().map(|answer| answer.json()["id"].to_string()).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(api.get("/api_tokens").await.json()["items"].as_array().map(Vec::len), Some(3));
    }
}

#[tokio::test]
async fn pages_follow_each_other_while_others_come() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        for number in 0..5 {
            assert_eq!(api.ask("POST /api_tokens", &[], Some(&token(&number.to_string()))).await.status, 201);
        }
        let mut names = Vec::new();
        let mut next = Some("/api_tokens?limit=2".to_owned());
        while let Some(path) = next.take() {
            let page = api.get(&path).await;
            assert_eq!(page.status, 200, "{}", page.text());
            let items = page.json()["items"].as_array().expect("items").clone();
            names.extend(items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()));
            let link = header(&page, "link").map(str::to_owned);
            assert_eq!(link.is_some(), page.json()["next_cursor"].is_string());
            if let Some(cursor) = page.json()["next_cursor"].as_str() {
                assert!(link.is_some_and(|link| link.contains("limit=2&cursor=") && link.ends_with("rel=\"next\"")));
                next = Some(format!("/api_tokens?limit=2&cursor={cursor}"));
                api.ask("POST /api_tokens", &[], Some(&token("late"))).await;
            }
            assert!(names.len() < 20, "it never ends");
        }
        assert_eq!(names[..6], ["test", "0", "1", "2", "3", "4"]);
        assert_eq!(api.get("/api_tokens?limit=0").await.json()["errors"][0]["pointer"], "query/limit");
        assert_eq!(api.get("/api_tokens?cursor=x").await.json()["errors"][0]["pointer"], "query/cursor");
    }
}

#[tokio::test]
async fn whoever_is_not_known_or_sends_nonsense_is_told_in_one_way() {
    let api = Api::on(TestStore::sqlite().await).await;
    let stranger = api.server.request("GET /api/v1/api_tokens", &[], &[]).await;
    assert_eq!((stranger.status, &stranger.json()["code"]), (401, &json!("unauthenticated")));
    assert_eq!(header(&stranger, "www-authenticate"), Some("bearer"));
    for wrong in ["Bearer saal_wrong", "Bearer ", "Basic eA==", "Bearer"] {
        let answer = api.server.request("GET /api/v1/api_tokens", &[("authorization", wrong)], &[]).await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
    let check = async |head: &str, headers: &[(&str, &str)], body: &[u8], status: u16, code: &str| {
        let authorization = format!("Bearer {}", api.token);
        let headers = [&[("authorization", authorization.as_str())], headers].concat();
        let answer = api.server.request(head, &headers, body).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{head}");
        assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));
    };
    let json_type = [("content-type", "application/json")];
    check("POST /api/v1/api_tokens", &json_type, b"{\"name\":", 400, "malformed").await;
    check("POST /api/v1/api_tokens", &[("content-type", "text/plain")], b"{}", 415, "unsupported-media-type").await;
    check("POST /api/v1/api_tokens", &json_type, &vec![b' '; 1024 * 1024 + 1], 413, "body-too-large").await;
    check("POST /api/v1/api_tokens", &json_type, br#"{"name":"a\u0000b","scopes":["meetings:read"]}"#, 422, "invalid")
        .await;
    check("GET /api/v1/api_tokens/nothing", &[], &[], 404, "not-found").await;
    check("GET /api/v1/nothing", &[], &[], 404, "not-found").await;
    check("GET /api/v1/api_tokens?tenant_id=%00", &[], &[], 400, "malformed").await;
    check("PUT /api/v1/api_tokens", &json_type, b"{}", 405, "method-not-allowed").await;
}

#[tokio::test]
async fn what_is_done_is_written_down_in_a_chain() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        api.ask("POST /api_tokens", &[], Some(&token("calendar"))).await;
        struct Event(i64, String, String, String);
        impl store::FromRow for Event {
            fn from_row(row: &store::Row) -> Result<Self, store::StoreError> {
                Ok(Self(row.get("number")?, row.get("actor_type")?, row.get("previous_hash")?, row.get("hash")?))
            }
        }
        let mut tx = api.server.database.store.read().await.expect("a transaction");
        let events: Vec<Event> = tx.all(store::sql("SELECT * FROM audit_events ORDER BY number")).await.expect("rows");
        assert_eq!(
            events.iter().map(|event| (event.0, event.1.as_str())).collect::<Vec<_>>(),
            [(1, "system"), (2, "api_token")]
        );
        assert_eq!(events[1].2, events[0].3);
        drop(tx);
        let mut tx = api.server.database.store.write().await.expect("a transaction");
        assert!(tx.execute(store::sql("UPDATE audit_events SET action = 'x'")).await.is_err(), "events are final");
    }
}

#[tokio::test]
async fn the_document_is_served_with_a_page_from_our_own_origin() {
    let api = Api::on(TestStore::sqlite().await).await;
    let document = api.server.get("/api/v1/openapi.json").await;
    assert_eq!((document.status, &document.json()["openapi"]), (200, &json!("3.1.0")));
    let page = api.server.get("/api/docs/").await;
    assert_eq!(page.status, 200);
    assert!(header(&page, "content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'self'")));
    assert!(!page.text().contains("https://"), "{}", page.text());
}

#[tokio::test]
async fn a_body_of_nothing_but_errors_costs_little() {
    let api = Api::on(TestStore::sqlite().await).await;
    let ask = async |body: String| {
        let authorization = format!("Bearer {}", api.token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        api.server.request("POST /api/v1/api_tokens", &headers, body.as_bytes()).await
    };
    let check = |answer: &Answer| {
        assert_eq!(answer.status, 422, "{:?}", answer.text().get(..200));
        let errors = answer.json()["errors"].as_array().map(Vec::len);
        assert_eq!(errors, Some(50), "as many as anybody reads");
        assert!(answer.body.len() < 100_000, "{} bytes", answer.body.len());
    };
    let texts = format!("{{\"name\":[{}\"x\"]}}", "\"\u{7f}\",".repeat(90_000));
    check(&ask(texts).await);
    let names = (0..60_000).map(|number| format!("\"a{number}\":0,")).collect::<String>();
    check(&ask(format!("{{{names}\"b\":0}}")).await);
    let long = "x".repeat(500_000);
    let deep = format!("{{\"{long}\":[{}\"x\"]}}", "\"\u{7f}\",".repeat(60));
    let answer = ask(deep).await;
    assert!(answer.status == 422 && answer.body.len() < 100_000, "{} {}", answer.status, answer.body.len());
    let many = ask(format!("[{}0]", "0,".repeat(200_000))).await;
    assert_eq!((many.status, &many.json()["code"]), (413, &json!("body-too-large")), "more values than anybody means");
}

#[tokio::test]
async fn whoever_is_in_a_room_sends_no_more_than_a_stranger() {
    let server = Server::start().await;
    let authorization = format!("Bearer {}", Token::join("room", "guest").sign());
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let body = vec![b' '; 16 * 1024 + 1];
    let answer = server.request("POST /api/v1/api_tokens", &headers, &body).await;
    assert_eq!((answer.status, &answer.json()["code"]), (413, &json!("body-too-large")));
}

#[tokio::test]
async fn a_cursor_that_no_page_gave_is_refused_by_either_database() {
    for database in TestStore::both().await {
        let api = Api::with_scopes(database, "rooms:read,webhooks:*").await;
        let webhook = json!({ "url": "https://example.org/hook", "events": ["meeting.created"] });
        let webhook = api.ask("POST /webhooks", &[], Some(&webhook)).await;
        let webhook = webhook.json()["id"].as_str().unwrap_or("0190f3a0-0000-7000-8000-000000000000").to_owned();
        for (path, cursor) in [
            ("/rooms".to_owned(), r#"["\u0000","0190f3a0-0000-7000-8000-000000000000"]"#),
            (format!("/webhooks/{webhook}/deliveries"), r#""\u0000""#),
        ] {
            let cursor = URL_SAFE_NO_PAD.encode(cursor);
            let answer = api.get(&format!("{path}?cursor={cursor}")).await;
            assert_eq!(answer.status, 422, "{path}: {}", answer.text());
            assert_eq!(answer.json()["errors"][0]["pointer"], "query/cursor");
        }
    }
}

#[tokio::test]
async fn a_pin_is_shown_once_and_stored_nowhere() {
    for database in TestStore::both().await {
        let api = Api::with_scopes(database, "meetings:*").await;
        let organizer = json!({ "email": "ann@example.org", "name": "Ann" });
        let one = json!({ "title": "Budget", "type": "ad_hoc", "organizer": organizer });
        let key = [("idempotency-key", "once")];
        let first = api.ask("POST /meetings", &key, Some(&one)).await;
        assert_eq!(first.status, 201, "{}", first.text());
        let again = api.ask("POST /meetings", &key, Some(&one)).await;
        assert_eq!((again.status, &again.json()["id"]), (201, &first.json()["id"]));
        let batch = api.ask("POST /meetings/batch", &key, Some(&json!({ "meetings": [one] }))).await;
        assert_eq!(batch.status, 422, "that key was used");
        let key = [("idempotency-key", "twice")];
        let batch = api.ask("POST /meetings/batch", &key, Some(&json!({ "meetings": [one] }))).await;
        struct Body(String);
        impl store::FromRow for Body {
            fn from_row(row: &store::Row) -> Result<Self, store::StoreError> {
                row.get("body").map(Self)
            }
        }
        let mut tx = api.server.database.store.read().await.expect("a transaction");
        let kept: Vec<Body> = tx.all(store::sql("SELECT body FROM idempotency_keys")).await.expect("rows");
        assert_eq!(kept.len(), 2);
        for pin in [&first.json()["dial_in"]["pin"], &batch.json()["results"][0]["meeting"]["dial_in"]["pin"]] {
            let pin = pin.as_str().expect("a PIN");
            assert!(!kept.iter().any(|Body(body)| body.contains(pin)), "{pin}");
        }
    }
}
