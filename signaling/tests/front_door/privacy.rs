// SPDX-License-Identifier: EUPL-1.2
//! Exports and erasures over the API.

use serde_json::{Value, json};
use store::testing::TestStore;
use store::{FromRow, Row, StoreError, sql};

use crate::api::{Api, header};
use crate::identity::installation::{Installation, Shows};
use crate::support::soon;

const USER: &str = "0199a5b2-0000-7000-8000-000000000001";
const ADMIN: &str = "0199a5b2-0000-7000-8000-000000000002";

struct Id(String);

impl FromRow for Id {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("id").map(Self)
    }
}

/// A service with two accounts: somebody, and the only administrator of the installation.
async fn with_people(database: TestStore) -> Api {
    let api = Api::with_scopes(database, "privacy:admin,audit:read").await;
    let mut tx = api.server.database.store.write().await.expect("a transaction");
    let tenant: Id = tx.one(sql("SELECT id FROM tenants")).await.expect("a tenant");
    for (id, email, role) in [(USER, "ada@example.org", "organizer"), (ADMIN, "root@example.org", "system_admin")] {
        let insert = sql("INSERT INTO users (id, tenant_id, email, name, role, feed_generation, revision, created_at,
                 updated_at)
             VALUES ($1, $2, $3, 'Ada', $4, 0, 1, 0, 0)");
        tx.execute(insert.bind(id).bind(&tenant.0).bind(email).bind(role)).await.expect("a user");
    }
    tx.commit().await.expect("committed");
    api
}

fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().expect("errors");
    errors.iter().map(|error| error["pointer"].as_str().expect("a pointer")).collect()
}

#[tokio::test]
async fn an_export_is_asked_for_and_had() {
    for database in TestStore::both().await {
        let api = with_people(database).await;
        let asked = api.ask("POST /exports", &[], Some(&json!({ "user_id": USER }))).await;
        assert_eq!((asked.status, &asked.json()["status"]), (202, &json!("pending")), "{}", asked.text());
        let path = format!("/exports/{}", asked.json()["id"].as_str().expect("an id"));
        let ready = async || loop {
            let export = api.get(&path).await.json();
            if export["status"] == "ready" {
                return export;
            }
        };
        let export = soon(ready()).await;
        assert_eq!(export["download_path"], format!("/api/v1{path}/download"));
        let content = api.get(&format!("{path}/download")).await;
        assert_eq!((content.status, &content.json()["account"][0]["email"]), (200, &json!("ada@example.org")));
        assert!(header(&content, "content-disposition").is_some_and(|value| value.starts_with("attachment")));
        let events = api.get("/audit_events?action=export.*").await.json();
        let actions: Vec<_> =
            events["items"].as_array().expect("items").iter().map(|event| event["action"].clone()).collect();
        assert_eq!(actions, ["export.create", "export.download"]);
        assert!(!events.to_string().contains("ada@"), "{events}");
        assert_eq!(api.get("/exports").await.json()["items"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn somebody_is_erased_once_it_is_clear_who_and_how() {
    for database in TestStore::both().await {
        let api = with_people(database).await;
        let ask = async |body: Value| api.ask("POST /erasures", &[], Some(&body)).await;
        assert_eq!(pointers(&ask(json!({ "meetings": "cancel" })).await.json()), ["/user_id"]);
        let body = json!({ "user_id": USER, "email": "ada@example.org", "meetings": "hand_over" });
        assert_eq!(pointers(&ask(body).await.json()), ["/email", "/hand_over_to"]);
        let body = json!({ "user_id": "0199a5b2-0000-7000-8000-000000000009", "meetings": "cancel" });
        assert_eq!(pointers(&ask(body).await.json()), ["/user_id"]);
        let body = json!({ "user_id": USER, "meetings": "hand_over", "hand_over_to": USER });
        assert_eq!(pointers(&ask(body).await.json()), ["/hand_over_to"]);
        let erased = ask(json!({ "email": "Ada@example.org", "meetings": "hand_over", "hand_over_to": ADMIN })).await;
        assert_eq!((erased.status, &erased.json()["erased"]["account"]), (200, &json!(1)), "{}", erased.text());
        let again = ask(json!({ "user_id": USER, "meetings": "cancel" })).await;
        assert_eq!(again.status, 422, "there is nobody any more");
        let administrator = ask(json!({ "user_id": ADMIN, "meetings": "cancel" })).await;
        assert_eq!(administrator.status, 403, "{}", administrator.text());
        let events = api.get("/audit_events?action=erasure.create").await.json();
        assert_eq!(events["items"][0]["target"]["id"], erased.json()["id"]);
        assert!(!events.to_string().contains("ada@") && !events.to_string().contains(USER), "{events}");
    }
}

#[tokio::test]
async fn an_erasure_says_nothing_of_others_answers_and_takes_none_of_them() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
        let token = async |tenant: &str, scopes: Value| {
            let body = json!({ "name": "software", "scopes": scopes });
            let made = saal.made(&saal.root(), &format!("/api_tokens?tenant_id={tenant}"), &body).await;
            Shows::Token(made["token"].as_str().expect("a token").to_owned())
        };
        let (ours, theirs) = (
            token(&own, json!(["privacy:admin", "users:write", "meetings:read"])).await,
            token(&other, json!(["users:write", "meetings:read"])).await,
        );
        let key = [("idempotency-key", "once")];
        let make = async |shows: &Shows| {
            let body = json!({ "email": "budget-2027@example.org", "name": "Budget 2027" });
            saal.ask(shows, "POST /users", &key, Some(&body)).await
        };
        let (made_here, made_there) = (make(&ours).await, make(&theirs).await);
        assert_eq!((made_here.status, made_there.status), (201, 201), "{}", made_there.text());
        for text in ["_id", "budget 2027", "Budget 2027"] {
            let body = json!({ "email": text, "meetings": "cancel" });
            let answer = saal.ask(&ours, "POST /erasures", &[], Some(&body)).await;
            assert_eq!((answer.status, pointers(&answer.json())), (422, vec!["/email"]), "{text} is no address");
            let answer = saal.ask(&ours, "POST /exports", &[], Some(&json!({ "email": text }))).await;
            assert_eq!(answer.status, 422, "{text} is no address");
        }
        let erase = async |email: &str| {
            let body = json!({ "email": email, "meetings": "cancel" });
            let erased = saal.ask(&ours, "POST /erasures", &[], Some(&body)).await;
            assert_eq!(erased.status, 200, "{}", erased.text());
            erased.json()["erased"]["kept_answers"].clone()
        };
        assert_eq!(erase("budget-2027@example.org").await, 1, "our own");
        assert_eq!(erase("budget-2027@example.org").await, 0, "and nothing tells of theirs");
        assert_eq!(make(&theirs).await.json(), made_there.json(), "their answer is kept");
        assert_ne!(make(&ours).await.json()["id"], made_here.json()["id"]);
    }
}
