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
