// SPDX-License-Identifier: EUPL-1.2
//! Software: clients of OAuth 2.0, acting for people, and the tokens of those who are in a room.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use store::testing::TestStore;

use super::installation::{Installation, Shows};
use crate::support::Token;
use crate::support::server::Answer;

async fn token(saal: &Installation, authorization: Option<&str>, form: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(authorization.map(|value| ("authorization", value)));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    saal.server.request("POST /api/v1/oauth/token", &headers, body.as_bytes()).await
}

async fn client(saal: &Installation, shows: &Shows, scopes: Value) -> (String, String) {
    let made = saal.made(shows, "/oauth_clients", &json!({ "name": "calendar", "scopes": scopes })).await;
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (text("id"), text("client_secret"))
}

#[tokio::test]
async fn a_client_gets_a_token_and_loses_it_when_it_is_withdrawn() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let admin = saal.browser(&tenant, "ann@example.org", "tenant_admin").await;
        let (id, secret) = client(&saal, &admin, json!(["users:read", "tokens:admin"])).await;
        let path = format!("/oauth_clients/{id}");
        assert_eq!(saal.get(&admin, &path).await.json()["client_secret"], Value::Null, "it is shown once");
        let grant = ("grant_type", "client_credentials");
        let answer = token(&saal, None, &[grant, ("client_id", &id), ("client_secret", &secret)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.head.contains("cache-control: no-store"));
        let given = answer.json();
        assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(600)));
        let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let narrow = token(&saal, Some(&basic), &[grant, ("scope", "users:read")]).await.json();
        assert_eq!(narrow["scope"], "users:read");
        let shown = |answer: &Value| Shows::Token(answer["access_token"].as_str().expect("a token").to_owned());
        let (wide, narrow) = (shown(&given), shown(&narrow));
        assert_eq!(saal.get(&wide, "/oauth_clients").await.status, 200);
        assert_eq!(saal.get(&narrow, "/oauth_clients").await.status, 403);
        let users = saal.get(&narrow, "/users").await.json();
        assert!(users["items"].as_array().expect("items").iter().all(|user| user["tenant_id"] == json!(tenant)));
        assert_eq!(saal.ask(&admin, &format!("DELETE {path}"), &[], None).await.status, 204);
        assert_eq!(saal.get(&wide, "/users").await.status, 401, "at once");
        assert_eq!(token(&saal, Some(&basic), &[grant]).await.status, 401);
    }
}

#[tokio::test]
async fn a_client_is_refused_in_the_words_of_oauth() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let tenant = saal.first_tenant().await;
    let admin = saal.browser(&tenant, "ann@example.org", "tenant_admin").await;
    let (id, secret) = client(&saal, &admin, json!(["users:read"])).await;
    let (own, right) = (("client_id", id.as_str()), ("client_secret", secret.as_str()));
    let grant = ("grant_type", "client_credentials");
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let good = basic(&format!("{id}:{secret}"));
    let check = async |authorization: Option<&str>, form: &[(&str, &str)], status: u16, error: &str| {
        let answer = token(&saal, authorization, form).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)), "{form:?}");
        assert_eq!(answer.head.contains("www-authenticate: basic"), status == 401);
    };
    check(None, &[grant, own, ("client_secret", "wrong")], 401, "invalid_client").await;
    check(None, &[grant, ("client_id", "wrong"), right], 401, "invalid_client").await;
    check(None, &[grant, own], 401, "invalid_client").await;
    check(Some(&basic("no colon")), &[grant], 401, "invalid_client").await;
    check(Some(&good), &[grant, right], 400, "invalid_request").await;
    check(Some(&good), &[], 400, "invalid_request").await;
    check(Some(&good), &[grant, grant], 400, "invalid_request").await;
    check(Some(&good), &[("grant_type", "password")], 400, "unsupported_grant_type").await;
    check(Some(&good), &[grant, ("scope", "users:write")], 400, "invalid_scope").await;
    check(Some(&good), &[grant, ("scope", "everything")], 400, "invalid_scope").await;
    let json = saal.ask(&Shows::Nothing, "POST /oauth/token", &[], Some(&json!({}))).await;
    assert_eq!(json.status, 415);
}

#[tokio::test]
async fn software_that_acts_for_somebody_may_do_what_both_may() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
        let admin = saal.browser(&own, "ann@example.org", "tenant_admin").await;
        let bob = saal.user(&own, "bob@example.org", "organizer").await;
        let eve = saal.user(&other, "eve@example.org", "tenant_admin").await;
        let input = json!({ "name": "portal", "scopes": ["users:read", "tokens:admin"] });
        let token = saal.made(&admin, "/api_tokens", &input).await["token"].as_str().expect("a token").to_owned();
        let acting = |person: &str| Shows::TokenFor(token.clone(), person.to_owned());
        assert_eq!(saal.get(&acting("ann@example.org"), "/users").await.status, 200);
        assert_eq!(saal.get(&acting("Bob@example.org"), "/users").await.status, 403, "he may not");
        assert_eq!(saal.get(&acting(&bob), "/users/me").await.json()["id"], json!(bob));
        for person in [eve.as_str(), "eve@example.org", "nobody@example.org", ""] {
            let answer = saal.get(&acting(person), "/users/me").await;
            assert_eq!((answer.status, &answer.json()["code"]), (422, &json!("invalid")), "{person}");
        }
        assert_eq!(saal.get(&Shows::Token(token.clone()), "/users/me").await.status, 403, "it is nobody");
        let input = json!({ "name": "x", "scopes": ["users:read"] });
        saal.made(&acting("ann@example.org"), "/api_tokens", &input).await;
        let Shows::Browser { cookie, csrf } = &admin else { panic!("a browser") };
        let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf), ("saal-on-behalf-of", bob.as_str())];
        let answer = saal.ask(&Shows::Nothing, "GET /users/me", &headers, None).await;
        assert_eq!(answer.status, 200, "people act for themselves");
        assert_ne!(answer.json()["id"], json!(bob));
    }
}

#[tokio::test]
async fn the_token_of_a_room_opens_nothing_of_the_organisation() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    saal.tenant("other").await;
    let good = Token::join("room", "ann").granting("roomAdmin", json!(true)).sign();
    for path in ["/users", "/tenants", "/api_tokens", "/oauth_clients", "/users/me"] {
        assert_eq!(saal.get(&Shows::Token(good.clone()), path).await.status, 403, "{path}");
    }
    let bad = [
        Token::join("room", "ann").sign_as(jsonwebtoken::Algorithm::HS256, "another secret of thirty-two bytes"),
        Token::join("", "ann").sign(),
        Token::join("room", "").sign(),
        Token::admin("room").sign(),
    ];
    for token in bad {
        assert_eq!(saal.get(&Shows::Token(token), "/users").await.status, 401);
    }
}

#[tokio::test]
async fn what_software_makes_lives_no_longer_and_is_used_from_nowhere_else() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let admin = saal.browser(&tenant, "ann@example.org", "tenant_admin").await;
        let end = chrono::Utc::now() + chrono::Duration::hours(20);
        let end = end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let input = json!({ "name": "narrow", "scopes": ["tokens:admin", "users:read"], "expires_at": end,
            "allowed_networks": ["10.20.0.0/16"] });
        let made = saal.made(&admin, "/api_tokens", &input).await;
        let narrow = Shows::Token(made["token"].as_str().expect("a token").to_owned());
        let inside = [("x-forwarded-for", "10.20.7.7")];
        let ask =
            async |path: &str, body: Value| saal.ask(&narrow, &format!("POST {path}"), &inside, Some(&body)).await;
        let child = ask("/api_tokens", json!({ "name": "child", "scopes": ["users:read"] })).await.json();
        assert_eq!((&child["expires_at"], &child["allowed_networks"]), (&made["expires_at"], &json!(["10.20.0.0/16"])));
        let greedy = json!({ "name": "greedy", "scopes": ["users:read"], "expires_at": "2027-06-01T00:00:00Z",
            "allowed_networks": ["10.20.30.0/24", "0.0.0.0/0"] });
        let problem = ask("/api_tokens", greedy).await.json();
        let pointers: Vec<_> =
            problem["errors"].as_array().expect("errors").iter().map(|error| error["pointer"].clone()).collect();
        assert_eq!(pointers, ["/expires_at", "/allowed_networks/1"]);
        let made_client = ask("/oauth_clients", json!({ "name": "client", "scopes": ["users:read"] })).await.json();
        assert_eq!(made_client["expires_at"], made["expires_at"]);
        assert_eq!(made_client["allowed_networks"], json!(["10.20.0.0/16"]));
        // Once that time has come, it is over.
        let mut tx = saal.server.database.store.write().await.expect("a transaction");
        tx.execute(store::sql("UPDATE oauth_clients SET expires_at = 1, allowed_networks = '[]'"))
            .await
            .expect("moved");
        tx.commit().await.expect("kept");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", made_client["id"].as_str().expect("an id")),
            ("client_secret", made_client["client_secret"].as_str().expect("a secret")),
        ];
        assert_eq!(token(&saal, None, &form).await.status, 401);
    }
}

#[tokio::test]
async fn a_token_works_in_its_networks_and_until_its_end() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let admin = saal.browser(&tenant, "ann@example.org", "tenant_admin").await;
        let networks = json!(["10.20.0.0/16", "2001:db8::/32"]);
        let input = json!({ "name": "narrow", "scopes": ["users:read"], "allowed_networks": networks });
        let made = saal.made(&admin, "/api_tokens", &input).await;
        let narrow = Shows::Token(made["token"].as_str().expect("a token").to_owned());
        let client = saal.made(&admin, "/oauth_clients", &input).await;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client["id"].as_str().expect("an id")),
            ("client_secret", client["client_secret"].as_str().expect("a secret")),
        ];
        let from = async |shows: &Shows, address: &str| {
            saal.ask(shows, "GET /users", &[("x-forwarded-for", address)], None).await.status
        };
        for (address, expected) in [("10.20.255.1", 200), ("2001:db8::7", 200), ("10.21.0.1", 401), ("192.0.2.1", 401)]
        {
            assert_eq!(from(&narrow, address).await, expected, "{address}");
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            let headers = [("x-forwarded-for", address), ("content-type", "application/x-www-form-urlencoded")];
            let granted = saal.server.request("POST /api/v1/oauth/token", &headers, body.as_bytes()).await;
            assert_eq!(granted.status, expected, "{address}: {}", granted.text());
        }
        let mut tx = saal.server.database.store.write().await.expect("a transaction");
        tx.execute(store::sql("UPDATE api_tokens SET expires_at = 1 WHERE name = 'narrow'")).await.expect("expired");
        tx.commit().await.expect("kept");
        assert_eq!(from(&narrow, "10.20.255.1").await, 401);
    }
}

#[tokio::test]
async fn a_persons_feed_and_account_are_shown_to_software_that_is_meant_to_see_them() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let bob = saal.browser(&tenant, "bob@example.org", "participant").await;
        let acting = async |scopes: Value| {
            let path = format!("/api_tokens?tenant_id={tenant}");
            let made = saal.made(&saal.root(), &path, &json!({ "name": "x", "scopes": scopes })).await;
            Shows::TokenFor(made["token"].as_str().expect("a token").to_owned(), "bob@example.org".to_owned())
        };
        let (feed, rotate) = ("/users/me/calendar_feed", "POST /users/me/calendar_feed/rotate");
        let own = saal.get(&bob, feed).await;
        assert_eq!(own.status, 200, "{}", own.text());
        let reader = acting(json!(["meetings:read"])).await;
        assert_eq!(saal.get(&reader, feed).await.status, 403);
        assert_eq!(saal.get(&reader, "/users/me").await.status, 403);
        assert_eq!(saal.ask(&reader, rotate, &[], None).await.status, 403);
        let inviter = acting(json!(["meetings:read", "invitees:read"])).await;
        assert_eq!(saal.get(&inviter, feed).await.json(), own.json());
        assert_eq!(saal.ask(&inviter, rotate, &[], None).await.status, 403);
        let shown = saal.events().await.iter().filter(|(action, ..)| action == "user.calendar_feed_show").count();
        assert_eq!(shown, 1, "that software was told is written down");
        let manager = acting(json!(["meetings:read", "users:read", "users:write"])).await;
        assert_eq!(saal.get(&manager, "/users/me").await.json()["email"], "bob@example.org");
        assert_eq!(saal.ask(&manager, rotate, &[], None).await.status, 200);
        assert_ne!(saal.get(&bob, feed).await.json(), own.json());
    }
}

#[tokio::test]
async fn an_answer_is_kept_for_whom_software_acted_for() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let scopes = json!(["meetings:read", "meetings:write"]);
        let path = format!("/api_tokens?tenant_id={tenant}");
        let made = saal.made(&saal.root(), &path, &json!({ "name": "portal", "scopes": scopes })).await;
        let token = made["token"].as_str().expect("a token").to_owned();
        let mut ids = std::collections::BTreeSet::new();
        for (email, expected) in [("ann@example.org", 1), ("bob@example.org", 2), ("bob@example.org", 2)] {
            if ids.len() < expected {
                saal.user(&tenant, email, "organizer").await;
            }
            let shows = Shows::TokenFor(token.clone(), email.to_owned());
            let body = json!({ "title": "ad hoc", "type": "ad_hoc" });
            let answer = saal.ask(&shows, "POST /meetings", &[("idempotency-key", "adhoc-1")], Some(&body)).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            ids.insert(answer.json()["id"].to_string());
            assert_eq!(ids.len(), expected, "each has their own, once");
        }
    }
}
