// SPDX-License-Identifier: EUPL-1.2
//! Sign-in with an identity provider, a real one.

use serde_json::{Value, json};
use signaling::{Config, Oidc};
use store::testing::TestStore;
use tokio::net::TcpListener;

use super::installation::{Installation, PASSWORD, Shows};
use crate::support::provider::{Browser, CLIENT, Provider, SECRET, fetch};
use crate::support::server::{Answer, config};
use crate::support::token::now;

/// A Saal and the provider that it trusts.
struct Trust {
    saal: Installation,
    provider: Provider,
    url: String,
}

impl Trust {
    async fn new(database: TestStore, change: impl FnOnce(Oidc) -> Oidc) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let provider = Provider::start(address).await;
        let oidc = Oidc {
            issuer: provider.issuer.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: SECRET.into(),
            ..Oidc::default()
        };
        let url = format!("http://{address}");
        let config = Config { public_url: url.clone(), oidc: Some(change(oidc)), ..config() };
        Self { saal: Installation::behind(listener, database, config).await, provider, url }
    }

    async fn usual() -> Self {
        Self::new(TestStore::sqlite().await, |oidc| oidc).await
    }

    fn start(&self) -> String {
        format!("{}/auth/oidc/start?return_to=/m/abc", self.url)
    }

    /// Signs in, and returns the browser and what the way back answered.
    async fn sign_in(&self, who: &str) -> (Browser, Answer) {
        self.sign_in_with(&[("login", who)]).await
    }

    async fn sign_in_with(&self, form: &[(&str, &str)]) -> (Browser, Answer) {
        let mut browser = Browser::default();
        let back = browser.sign_in_at_provider(&self.start(), form).await;
        let answer = browser.ask("GET", &back, &[]).await;
        (browser, answer)
    }

    /// Signs in, which works.
    async fn signed_in(&self, who: &str) -> Browser {
        let (browser, answer) = self.sign_in(who).await;
        assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/m/abc")), "{}", answer.text());
        browser
    }

    /// What the browser learns of its session.
    async fn session(&self, browser: &Browser) -> Answer {
        let cookie = browser.cookie(&self.url, "saal_session").map(|value| format!("saal_session={value}"));
        let shows = Shows::Browser { cookie: cookie.unwrap_or_default(), csrf: String::new() };
        self.saal.get(&shows, "/session").await
    }

    /// A logout token, with changes.
    async fn logout(&self, changes: Value, way: &str) -> Answer {
        let mut claims = json!({ "iss": self.provider.issuer, "aud": CLIENT, "iat": now(), "exp": now() + 120,
            "jti": format!("{changes}{way}"),
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} } });
        for (name, value) in changes.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("claims").retain(|_, value| !value.is_null());
        let token = self.provider.sign(&claims, way, Some("logout+jwt")).await;
        self.tell_logout(&token).await
    }

    async fn tell_logout(&self, token: &str) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        fetch("POST", &format!("{}/auth/oidc/backchannel-logout", self.url), &headers, form.as_bytes()).await
    }
}

#[tokio::test]
async fn who_signs_in_for_the_first_time_gets_an_account() {
    for database in TestStore::both().await {
        let trust = Trust::new(database, |oidc| Oidc {
            tenant_claim: "organisation".into(),
            role_claim: "groups".into(),
            role_mapping: [("schedulers".to_owned(), "organizer".to_owned())].into(),
            ..oidc
        })
        .await;
        let tenant = json!({ "name": "A", "slug": "a", "oidc_claim_value": "ministry-a" });
        let tenant = trust.saal.made(&trust.saal.root(), "/tenants", &tenant).await["id"].clone();
        let claims = json!({ "name": "Ann Muster", "organisation": "ministry-a", "groups": ["schedulers", "x"] });
        trust.provider.account("ann", claims).await;
        let browser = trust.signed_in("ann").await;
        let session = trust.session(&browser).await.json();
        assert_eq!((&session["name"], &session["role"]), (&json!("Ann Muster"), &json!("organizer")));
        assert_eq!((&session["email"], &session["tenant_id"]), (&json!("ann@example.org"), &tenant));
        assert_eq!(browser.cookie(&trust.url, "saal_sign_in"), None, "what was kept for the way is gone");
        let moved =
            json!({ "name": "Ann Neu", "email": "ann.neu@example.org", "organisation": "ministry-a", "groups": [] });
        trust.provider.account("ann", moved).await;
        let changed = trust.session(&trust.signed_in("ann").await).await.json();
        assert_eq!((&changed["user_id"], &changed["name"]), (&session["user_id"], &json!("Ann Neu")));
        assert_eq!((&changed["role"], &changed["email"]), (&json!("participant"), &json!("ann.neu@example.org")));
        trust.provider.account("eve", json!({ "organisation": "elsewhere" })).await;
        let (browser, answer) = trust.sign_in("eve").await;
        assert_eq!((answer.status, trust.session(&browser).await.status), (403, 401));
        assert!(answer.text().contains("no organisation") || answer.text().contains("keiner Organisation"));
        let events = trust.saal.events().await;
        let of_user = |action: &str| events.iter().filter(|(known, ..)| known == action).count();
        assert_eq!((of_user("user.create"), of_user("user.update"), of_user("user.sign_in")), (1, 1, 3), "{events:?}");
    }
}

#[tokio::test]
async fn an_account_is_linked_by_an_address_that_the_provider_vouches_for() {
    let trust = Trust::new(TestStore::sqlite().await, |oidc| Oidc { create_users: false, ..oidc }).await;
    let tenant = trust.saal.first_tenant().await;
    let id = trust.saal.user(&tenant, "ann@example.org", "tenant_admin").await;
    trust.provider.account("liar", json!({ "email": "ann@example.org", "email_verified": false })).await;
    assert_eq!(trust.sign_in("liar").await.1.status, 403);
    trust.provider.account("nobody", json!({})).await;
    assert_eq!(trust.sign_in("nobody").await.1.status, 403, "no account is made");
    trust.provider.account("ann", json!({ "email": "Ann@Example.org" })).await;
    let session = trust.session(&trust.signed_in("ann").await).await.json();
    assert_eq!((&session["user_id"], &session["role"]), (&json!(id), &json!("tenant_admin")));
    trust.provider.account("second", json!({ "email": "ann@example.org" })).await;
    assert_eq!(trust.sign_in("second").await.1.status, 403, "the account is somebody's");
    let path = format!("/users/{id}");
    assert_eq!(trust.saal.patch(&trust.saal.root(), &path, &json!({ "disabled": true })).await.status, 200);
    assert_eq!(trust.sign_in("ann").await.1.status, 403);
}

#[tokio::test]
async fn telephone_numbers_are_taken_over_where_the_provider_says_them() {
    for database in TestStore::both().await {
        let scopes = ["openid", "profile", "email", "phone"].map(str::to_owned);
        let trust = Trust::new(database, |oidc| Oidc { scopes: scopes.into(), ..oidc }).await;
        let root = trust.saal.root();
        trust.provider.account("bob", json!({ "phone_number": "+49 (30) 4444-44" })).await;
        let bob = trust.session(&trust.signed_in("bob").await).await.json()["user_id"].clone();
        let path = format!("/users/{}", bob.as_str().expect("an id"));
        assert_eq!(trust.saal.get(&root, &path).await.json()["phone_e164"], "+4930444444", "with the account");
        let tenant = trust.saal.first_tenant().await;
        let id = trust.saal.user(&tenant, "ann@example.org", "organizer").await;
        let path = format!("/users/{id}");
        let written = trust.saal.patch(&root, &path, &json!({ "phone_e164": "+4930111111" })).await;
        assert_eq!(written.status, 200, "{}", written.text());
        for (claims, expected) in [
            (json!({}), "+4930111111"),
            (json!({ "phone_number": "+4930222222", "phone_number_verified": false }), "+4930111111"),
            (json!({ "phone_number": "+4930222222;ext=7" }), "+4930111111"),
            (json!({ "phone_number": "4711" }), "+4930111111"),
            (json!({ "phone_number": "+49 30 222222" }), "+4930222222"),
            (json!({ "phone_number": "+4930333333", "phone_number_verified": true }), "+4930333333"),
            (json!({}), "+4930333333"),
        ] {
            trust.provider.account("ann", claims.clone()).await;
            trust.signed_in("ann").await;
            let account = trust.saal.get(&root, &path).await.json();
            assert_eq!(account["phone_e164"], expected, "{claims}");
        }
    }
}

#[tokio::test]
async fn an_id_token_that_is_wrong_in_one_respect_lets_nobody_in() {
    let trust = Trust::usual().await;
    trust.provider.account("ann", json!({})).await;
    let wrong = ["nonce", "aud", "azp", "several aud", "iss", "expired", "not yet", "future", "at_hash", "sub"];
    let forged = ["signature", "none", "shared secret", "public key as secret"];
    for how in wrong.into_iter().chain(forged) {
        trust.provider.control("falsify", json!({ "how": how })).await;
        let (browser, answer) = trust.sign_in("ann").await;
        assert_eq!(answer.status, 400, "{how}");
        assert_eq!(browser.cookie(&trust.url, "saal_session"), None, "{how}");
    }
    trust.provider.control("falsify", json!({ "how": null })).await;
    trust.signed_in("ann").await;
}

#[tokio::test]
async fn only_the_browser_that_began_comes_back() {
    let trust = Trust::usual().await;
    trust.provider.account("ann", json!({})).await;
    let mut browser = Browser::default();
    let back = browser.sign_in_at_provider(&trust.start(), &[("login", "ann")]).await;
    let mut other = Browser::default();
    let answer = other.ask("GET", &back, &[]).await;
    assert_eq!(answer.status, 400, "a victim who is sent there");
    assert!(answer.head.contains("content-security-policy: default-src 'none'"), "{}", answer.head);
    other.ask("GET", &trust.start(), &[]).await;
    assert_eq!(other.ask("GET", &back, &[]).await.status, 400, "a victim who has begun as well");
    let sealed = browser.cookie(&trust.url, "saal_sign_in").expect("a cookie");
    let changed = sealed.replacen('.', ".1", 1);
    let mut forger = Browser::default();
    forger.set_cookie(&trust.url, "saal_sign_in", &changed);
    assert_eq!(forger.ask("GET", &back, &[]).await.status, 400, "a cookie that was changed");
    let error = format!("{}/auth/oidc/callback?error=%3Cscript%3E&state=x", trust.url);
    let answer = browser.ask("GET", &error, &[]).await;
    assert!(answer.status == 400 && !answer.text().contains("script"), "{}", answer.text());
    let mut browser = Browser::default();
    let back = browser.sign_in_at_provider(&trust.start(), &[("login", "ann")]).await;
    let sealed = browser.cookie(&trust.url, "saal_sign_in").expect("a cookie");
    assert_eq!(browser.ask("GET", &back, &[]).await.status, 303);
    browser.set_cookie(&trust.url, "saal_sign_in", &sealed);
    assert_eq!(browser.ask("GET", &back, &[]).await.status, 400, "a code works once");
    for evil in ["//evil.example", "https://evil.example/", "/%5Cevil.example"] {
        let mut browser = Browser::default();
        let start = format!("{}/auth/oidc/start?return_to={evil}", trust.url);
        let back = browser.sign_in_at_provider(&start, &[("login", "ann")]).await;
        assert_eq!(browser.ask("GET", &back, &[]).await.location.as_deref(), Some("/"), "{evil}");
    }
}

#[tokio::test]
async fn the_provider_may_change_its_keys() {
    let trust = Trust::usual().await;
    trust.provider.account("ann", json!({})).await;
    trust.signed_in("ann").await;
    trust.signed_in("ann").await;
    let asked = async || trust.provider.control("jwks-requests", json!({})).await;
    assert_eq!(asked().await, 1, "they are kept");
    trust.provider.control("rotate", json!({ "alg": "RS256" })).await;
    trust.signed_in("ann").await;
    assert_eq!(asked().await, 2);
    trust.provider.control("rotate", json!({ "alg": "PS256" })).await;
    assert_eq!(trust.sign_in("ann").await.1.status, 400);
    assert_eq!(asked().await, 2, "nobody makes us ask again and again");
    for algorithm in ["PS256", "EdDSA"] {
        let trust = Trust::usual().await;
        trust.provider.account("ann", json!({})).await;
        trust.provider.control("rotate", json!({ "alg": algorithm })).await;
        trust.signed_in("ann").await;
    }
}

#[tokio::test]
async fn who_signs_out_at_the_provider_is_signed_out_here() {
    for database in TestStore::both().await {
        let trust = Trust::new(database, |oidc| oidc).await;
        trust.provider.account("ann", json!({})).await;
        let (mut here, there) = (trust.signed_in("ann").await, trust.signed_in("ann").await);
        let answer = here.ask("POST", &format!("{}/auth/logout", trust.url), &[]).await;
        assert_eq!(answer.status, 303);
        let end = answer.location.expect("the provider's page");
        assert!(end.starts_with(&trust.provider.issuer) && end.contains("client_id=saal"), "{end}");
        assert_eq!(trust.session(&here).await.status, 401);
        let here = trust.signed_in("ann").await;
        let mut provider_only = Browser::default();
        for name in ["_session", "_session.sig", "_session.legacy", "_session.legacy.sig"] {
            if let Some(value) = here.cookie(&trust.provider.issuer, name) {
                provider_only.set_cookie(&trust.provider.issuer, name, &value);
            }
        }
        let page = provider_only.ask("GET", &end, &[]).await;
        let after = page.text().split("name=\"xsrf\" value=\"").nth(1).expect("a form");
        let xsrf = after.split('"').next().expect("a value").to_owned();
        let confirm = format!("{}/session/end/confirm", trust.provider.issuer);
        let answer = provider_only.ask("POST", &confirm, &[("xsrf", &xsrf), ("logout", "yes")]).await;
        assert_eq!(answer.location.as_deref(), Some(format!("{}/", trust.url).as_str()), "{}", answer.text());
        assert_eq!(trust.session(&here).await.status, 401, "the provider told us");
        assert_eq!(trust.session(&there).await.status, 200, "another browser");
        assert_eq!(trust.logout(json!({ "sub": "ann" }), "good").await.status, 200);
        assert_eq!(trust.session(&there).await.status, 401, "by the person, all of them");
    }
}

#[tokio::test]
async fn a_logout_token_that_is_wrong_in_one_respect_ends_nothing() {
    let trust = Trust::usual().await;
    trust.provider.account("ann", json!({})).await;
    let browser = trust.signed_in("ann").await;
    let ann = |changes: Value| {
        let mut all = json!({ "sub": "ann" });
        for (name, value) in changes.as_object().expect("claims") {
            all[name] = value.clone();
        }
        all
    };
    let wrong = [
        json!({ "sub": null }),
        json!({ "nonce": "x" }),
        json!({ "jti": null }),
        json!({ "aud": "somebody else" }),
        json!({ "iss": "https://evil.example" }),
        json!({ "exp": now() - 3_600 }),
        json!({ "iat": null }),
        json!({ "events": {} }),
        json!({ "events": null }),
        json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": "x" } }),
    ];
    for changes in wrong {
        assert_eq!(trust.logout(ann(changes.clone()), "good").await.status, 400, "{changes}");
    }
    for way in ["signature", "none", "shared secret"] {
        assert_eq!(trust.logout(ann(json!({})), way).await.status, 400, "{way}");
    }
    assert_eq!(trust.tell_logout("nonsense").await.status, 400);
    assert_eq!(trust.session(&browser).await.status, 200);
    assert_eq!(trust.logout(ann(json!({ "jti": "once" })), "good").await.status, 200);
    assert_eq!(trust.session(&browser).await.status, 401);
    let browser = trust.signed_in("ann").await;
    assert_eq!(trust.logout(ann(json!({ "jti": "once" })), "good").await.status, 400, "it was used before");
    assert_eq!(trust.session(&browser).await.status, 200);
}

#[tokio::test]
async fn the_strength_of_a_sign_in_is_asked_for_and_kept() {
    let trust = Trust::new(TestStore::sqlite().await, |oidc| Oidc { required_acr: vec!["gold".into()], ..oidc }).await;
    trust.provider.account("ann", json!({})).await;
    let mut browser = Browser::default();
    let to_provider = browser.ask("GET", &trust.start(), &[]).await.location.expect("the provider");
    assert!(to_provider.contains("acr_values=gold") && to_provider.contains("code_challenge_method=S256"));
    assert_eq!(trust.sign_in_with(&[("login", "ann"), ("acr", "bronze")]).await.1.status, 403);
    let (browser, answer) = trust.sign_in_with(&[("login", "ann"), ("acr", "gold")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(trust.session(&browser).await.json()["acr"], "gold");
}

#[tokio::test]
async fn without_the_provider_people_with_a_password_come_in() {
    let trust = Trust::usual().await;
    trust.provider.account("ann", json!({})).await;
    let tenant = trust.saal.first_tenant().await;
    trust.saal.user(&tenant, "bob@example.org", "organizer").await;
    let mut browser = Browser::default();
    let back = browser.sign_in_at_provider(&trust.start(), &[("login", "ann")]).await;
    let Trust { saal, provider, .. } = trust;
    let issuer = provider.issuer.clone();
    provider.stop().await;
    let answer = browser.ask("GET", &back, &[]).await;
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: ") && answer.text().contains("Anmeldedienst"), "{}", answer.text());
    assert_eq!(saal.try_sign_in("bob@example.org", PASSWORD, &[]).await.status, 201);
    let oidc = Oidc { issuer, ..Oidc::default() };
    let fresh = Installation::with(TestStore::sqlite().await, Config { oidc: Some(oidc), ..config() }).await;
    let start = format!("http://{}/auth/oidc/start", fresh.server.address);
    let english = fetch("GET", &start, &[("accept-language", "en")], &[]).await;
    assert_eq!(english.status, 503);
    assert!(english.text().contains("does not answer"), "{}", english.text());
}

#[tokio::test]
async fn signing_out_needs_a_page_of_ours() {
    let trust = Trust::usual().await;
    trust.provider.account("ann", json!({})).await;
    let mut browser = trust.signed_in("ann").await;
    let logout = format!("{}/auth/logout", trust.url);
    assert!(browser.ask("GET", &logout, &[]).await.text().contains("<form method=\"post\""));
    let cookie = browser.cookie(&trust.url, "saal_session").map(|value| format!("saal_session={value}"));
    let headers = [("cookie", cookie.as_deref().expect("a cookie")), ("sec-fetch-site", "cross-site")];
    assert_eq!(fetch("POST", &logout, &headers, &[]).await.status, 403);
    assert_eq!(trust.session(&browser).await.status, 200);
}

#[tokio::test]
async fn software_of_people_shows_tokens_of_the_provider() {
    let audience = |oidc| Oidc { api_audience: "saal-api".into(), ..oidc };
    let trust = Trust::new(TestStore::sqlite().await, audience).await;
    trust.provider.account("ann", json!({})).await;
    trust.signed_in("ann").await;
    let issuer = trust.provider.issuer.clone();
    let claims = |changes: Value| {
        let mut claims = json!({ "iss": issuer, "aud": "saal-api", "sub": "ann", "iat": now(), "exp": now() + 300,
            "client_id": "calendar", "scope": "openid" });
        for (name, value) in changes.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        claims
    };
    let status = async |changes: Value, way: &str| {
        let token = trust.provider.sign(&claims(changes), way, Some("at+jwt")).await;
        trust.saal.get(&Shows::Token(token), "/users/me").await.status
    };
    assert_eq!(status(json!({}), "good").await, 200);
    for changes in [json!({ "aud": CLIENT }), json!({ "sub": "eve" }), json!({ "exp": now() - 3_600 })] {
        assert_eq!(status(changes.clone(), "good").await, 401, "{changes}");
    }
    for way in ["signature", "none", "shared secret"] {
        assert_eq!(status(json!({}), way).await, 401, "{way}");
    }
}

#[tokio::test]
async fn a_password_from_before_is_gone_when_the_provider_takes_an_account_over() {
    for database in TestStore::both().await {
        let trust = Trust::new(database, |oidc| Oidc {
            role_claim: "groups".into(),
            role_mapping: [("admins".to_owned(), "tenant_admin".to_owned())].into(),
            ..oidc
        })
        .await;
        let tenant = trust.saal.first_tenant().await;
        trust.saal.user(&tenant, "ann@example.org", "participant").await;
        let before = trust.saal.signed_in("ann@example.org").await;
        trust.provider.account("ann", json!({})).await;
        let first = trust.signed_in("ann").await;
        assert_eq!(trust.saal.get(&before, "/session").await.status, 401, "whoever was signed in signs in anew");
        assert_eq!(trust.saal.try_sign_in("ann@example.org", PASSWORD, &[]).await.status, 401);
        // Another one, and a promotion.
        let id = trust.session(&first).await.json()["user_id"].as_str().expect("an id").to_owned();
        let body = json!({ "password": PASSWORD });
        let path = format!("PUT /users/{id}/password");
        assert_eq!(trust.saal.ask(&trust.saal.root(), &path, &[], Some(&body)).await.status, 204);
        let before = trust.saal.signed_in("ann@example.org").await;
        trust.provider.account("ann", json!({ "groups": ["admins"] })).await;
        let second = trust.signed_in("ann").await;
        assert_eq!(trust.session(&second).await.json()["role"], "tenant_admin");
        assert_eq!(trust.saal.get(&before, "/session").await.status, 401);
        assert_eq!(trust.saal.try_sign_in("ann@example.org", PASSWORD, &[]).await.status, 401);
        let again = trust.signed_in("ann").await;
        assert_eq!((trust.session(&second).await.status, trust.session(&again).await.status), (200, 200));
    }
}

#[tokio::test]
async fn who_must_sign_in_strongly_must_do_so_for_their_software_too() {
    let strict = |oidc| Oidc { api_audience: "saal-api".into(), required_acr: vec!["gold".into()], ..oidc };
    let trust = Trust::new(TestStore::sqlite().await, strict).await;
    trust.provider.account("ann", json!({})).await;
    assert_eq!(trust.sign_in_with(&[("login", "ann"), ("acr", "gold")]).await.1.status, 303);
    let status = async |changes: Value, typ: &str| {
        let mut claims = json!({ "iss": trust.provider.issuer, "aud": "saal-api", "sub": "ann", "iat": now(),
            "exp": now() + 300, "client_id": "calendar", "acr": "gold" });
        for (name, value) in changes.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("claims").retain(|_, value| !value.is_null());
        let token = trust.provider.sign(&claims, "good", Some(typ)).await;
        trust.saal.get(&Shows::Token(token), "/users/me").await.status
    };
    assert_eq!(status(json!({}), "at+jwt").await, 200);
    assert_eq!(status(json!({}), "JWT").await, 200, "not all providers say what it is");
    assert_eq!(status(json!({ "acr": "bronze" }), "at+jwt").await, 401);
    assert_eq!(status(json!({ "acr": null }), "at+jwt").await, 401);
    assert_eq!(status(json!({ "nonce": "x" }), "JWT").await, 401, "an ID token of another client");
    assert_eq!(status(json!({}), "logout+jwt").await, 401);
}

#[tokio::test]
async fn a_logout_reaches_sessions_that_the_provider_never_named() {
    for database in TestStore::both().await {
        let trust = Trust::new(database, |oidc| oidc).await;
        trust.provider.account("ann", json!({})).await;
        trust.provider.account("bob", json!({})).await;
        let (named, nameless) = (trust.signed_in("ann").await, trust.signed_in("ann").await);
        let other = trust.signed_in("bob").await;
        let id = trust.session(&nameless).await.json()["user_id"].as_str().expect("an id").to_owned();
        let mut tx = trust.saal.server.database.store.write().await.expect("a transaction");
        let update = store::sql(
            "UPDATE user_sessions SET oidc_session = '' WHERE user_id = $1 AND created_at = (
             SELECT MAX(created_at) FROM user_sessions WHERE user_id = $1)",
        );
        assert_eq!(tx.execute(update.bind(id.as_str())).await.expect("changed"), 1);
        tx.commit().await.expect("kept");
        let told = trust.logout(json!({ "sub": "ann", "sid": "a session that nobody has" }), "good").await;
        assert_eq!(told.status, 200);
        assert_eq!(trust.session(&nameless).await.status, 401);
        assert_eq!((trust.session(&named).await.status, trust.session(&other).await.status), (200, 200));
        let far = json!({ "sub": "ann", "exp": 8_210_266_876_799_u64, "jti": "at the end of time" });
        assert_eq!(trust.logout(far, "good").await.status, 200, "the last second that a clock of ours shows");
    }
}
