// SPDX-License-Identifier: EUPL-1.2
//! Software that acts for somebody has no more than its own scopes, whatever that somebody is.

use serde_json::json;
use store::testing::TestStore;

use super::installation::{Installation, Shows};
use super::permissions::{Matrix, NOTHING};

const ROLES: [&str; 4] = ["system_admin", "tenant_admin", "organizer", "participant"];

/// A token of that tenant with those scopes.
async fn token(saal: &Installation, tenant: &str, scopes: &[&str]) -> String {
    let body = json!({ "name": "some scopes", "scopes": scopes });
    let made = saal.made(&saal.root(), &format!("/api_tokens?tenant_id={tenant}"), &body).await;
    made["token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn nobody_whom_a_token_acts_for_gives_it_a_scope() {
    let matrix = Matrix::new().await;
    let person = |role: &str| format!("{role}@example.org");
    for role in ROLES {
        matrix.saal.user(&matrix.own, &person(role), role).await;
    }
    let (one, other) = ("stats:read", "meetings:read");
    let tokens = [token(&matrix.saal, &matrix.own, &[one]).await, token(&matrix.saal, &matrix.own, &[other]).await];
    let mut wrong = Vec::new();
    for operation in &matrix.operations() {
        let Some(scope) = &operation.scope else { continue };
        // Before anything is looked for it is asked who may.
        let parts = operation.path.split('/').scan("", |before, part| {
            let own = if *before == "tenants" { matrix.own.as_str() } else { NOTHING };
            *before = part;
            let (name, verb) = part.split_once('}').unwrap_or((part, ""));
            let own = if name == "{recurrence_id" { "20300101T100000Z" } else { own };
            Some(if name.starts_with('{') { format!("{own}{verb}") } else { part.to_owned() })
        });
        let path = parts.collect::<Vec<_>>().join("/");
        // A token with one scope, which is not the operation's.
        let token = if scope == one { &tokens[1] } else { &tokens[0] };
        for role in ROLES {
            let shows = Shows::TokenFor(token.clone(), person(role));
            let answer = matrix.ask(operation, &shows, &path).await;
            // A query that lacks something is told so before; nothing is done then.
            let is_bad_query = answer.status == 422 && answer.text().contains("\"query/");
            if !is_bad_query && (answer.status != 403 || !answer.text().contains("insufficient-scope")) {
                wrong.push(format!("{} for {role}: {} {}", operation.name(), answer.status, answer.text()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_tenants_settings_are_changed_by_scope_and_not_by_role() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
        saal.user(&own, "ann@example.org", "tenant_admin").await;
        let change =
            json!({ "retention": { "audit_events_days": 30 }, "legal": { "privacy_url": "https://evil.example" } });
        let path = format!("/tenants/{own}");
        let acting =
            async |scopes: &[&str]| Shows::TokenFor(token(&saal, &own, scopes).await, "ann@example.org".into());
        let narrow = acting(&["meetings:read"]).await;
        assert_eq!(saal.patch(&narrow, &path, &change).await.status, 403);
        assert_eq!(saal.get(&saal.root(), &path).await.json()["retention"], json!({}));
        let wide = acting(&["tenant:write"]).await;
        assert_eq!(saal.patch(&wide, &path, &change).await.status, 200);
        assert_eq!(saal.patch(&wide, &format!("/tenants/{other}"), &change).await.status, 404);
        let more = saal.patch(&wide, &path, &json!({ "slug": "x" })).await;
        assert_eq!((more.status, &more.json()["errors"][0]["pointer"]), (422, &json!("/slug")));
    }
}

#[tokio::test]
async fn who_looks_after_the_installation_is_erased_by_nobody_of_a_tenant() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let own = saal.first_tenant().await;
        for (email, role) in [("root@example.org", "system_admin"), ("sys@example.org", "system_admin")] {
            saal.user(&own, email, role).await;
        }
        let body = json!({ "email": "sys@example.org", "meetings": "cancel" });
        let secret = token(&saal, &own, &["privacy:admin"]).await;
        for shows in [Shows::Token(secret.clone()), Shows::TokenFor(secret, "root@example.org".into())] {
            let answer = saal.ask(&shows, "POST /erasures", &[], Some(&body)).await;
            assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("forbidden")), "{shows:?}");
        }
        let erase = format!("POST /erasures?tenant_id={own}");
        let body_of_narrow = json!({ "name": "privacy of all", "scopes": ["privacy:admin"] });
        let narrow = saal.made(&saal.root(), "/api_tokens", &body_of_narrow).await["token"].clone();
        let narrow = Shows::Token(narrow.as_str().expect("a token").to_owned());
        assert_eq!(saal.ask(&narrow, &erase, &[], Some(&body)).await.status, 403, "that takes tenants:admin as well");
        assert_eq!(saal.ask(&saal.root(), &erase, &[], Some(&body)).await.status, 200);
    }
}
