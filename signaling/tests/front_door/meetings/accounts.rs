// SPDX-License-Identifier: EUPL-1.2
//! Meetings name people by their addresses, who have accounts only later.

use serde_json::{Value, json};
use signaling::Config;
use store::testing::TestStore;

use super::monday;
use crate::identity::installation::Installation;
use crate::support::server::config;

async fn installation(database: TestStore) -> Installation {
    Installation::with(database, Config { api_requests_per_second: 100_000, ..config() }).await
}

#[tokio::test]
async fn whoever_was_named_by_address_holds_the_meeting_once_they_have_an_account() {
    for database in TestStore::both().await {
        let saal = installation(database).await;
        let tenant = saal.first_tenant().await;
        let admin = saal.browser(&tenant, "admin@example.org", "tenant_admin").await;
        let input = json!({
            "title": "Budget", "starts_at": monday(), "duration_minutes": 45, "organizer": { "email": "ann@example.org" },
            "co_hosts": [{ "email": "bob@example.org" }], "invitees": [{ "email": "cem@example.org" }],
        });
        let made = saal.made(&admin, "/meetings", &input).await;
        let path = format!("/meetings/{}", made["id"].as_str().expect("an id"));
        // One of the same address in another tenant has nothing to do with it.
        let other = saal.tenant("other").await;
        let foreign = saal.browser(&other, "cem@example.org", "organizer").await;
        assert_eq!(saal.get(&foreign, &path).await.status, 404);
        // A co-host changes it while the organizer has no account, and does not become the organizer by that.
        let bob = saal.browser(&tenant, "bob@example.org", "organizer").await;
        let renamed = saal.patch(&bob, &path, &json!({ "title": "Budget 2027" })).await;
        assert_eq!(renamed.status, 200, "{}", renamed.text());
        assert_eq!(renamed.json()["organizer"]["email"], "ann@example.org");
        let taken = saal.patch(&bob, &path, &json!({ "organizer": { "email": "bob@example.org" } })).await;
        assert_eq!((taken.status, taken.json()["organizer"]["email"].clone()), (200, json!("bob@example.org")));
        // Nothing keeps a co-host from holding it, but they say so.
        let back = saal.patch(&admin, &path, &json!({ "organizer": { "email": "ann@example.org" } })).await;
        assert_eq!(back.json()["organizer"]["user_id"], Value::Null);
        let ann_id = saal.user(&tenant, "ann@example.org", "organizer").await;
        let ann = saal.signed_in("ann@example.org").await;
        let shown = saal.get(&ann, &path).await;
        assert_eq!(shown.json()["organizer"]["user_id"], json!(ann_id), "{}", shown.text());
        let again = saal.patch(&ann, &path, &json!({ "title": "Budget" })).await;
        assert_eq!(again.status, 200, "{}", again.text());
        // By another address as well.
        let dora_id = saal.user(&tenant, "dora@example.org", "organizer").await;
        let user = format!("/users/{dora_id}");
        let moved = saal.patch(&admin, &user, &json!({ "email": "cem@example.org" })).await;
        assert_eq!(moved.status, 200, "{}", moved.text());
        let invitees = saal.get(&admin, &format!("{path}/invitees")).await.json();
        let cem = invitees["items"].as_array().expect("items").iter().find(|one| one["email"] == "cem@example.org");
        let cem = cem.expect("Cem");
        assert_eq!((&cem["user_id"], &cem["type"]), (&json!(dora_id), &json!("internal")));
    }
}
