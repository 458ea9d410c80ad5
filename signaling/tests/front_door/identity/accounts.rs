// SPDX-License-Identifier: EUPL-1.2
//! Accounts with passwords, and the browsers that are signed in with them.

use serde_json::{Value, json};
use signaling::Config;
use store::testing::TestStore;

use super::installation::{Installation, PASSWORD, Shows, browser, cookie};
use crate::support::server::config;

#[tokio::test]
async fn somebody_signs_in_is_known_and_signs_out() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let id = saal.user(&tenant, "Ann@Example.org", "organizer").await;
        let answer = saal.try_sign_in(" ann@example.ORG ", PASSWORD, &[]).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let set = answer.cookies.first().expect("a cookie");
        assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{set}");
        let ann = browser(&answer);
        let session = saal.get(&ann, "/session").await.json();
        assert_eq!((&session["user_id"], &session["role"]), (&json!(id), &json!("organizer")));
        assert_eq!(session["csrf_token"], answer.json()["csrf_token"]);
        assert_eq!(saal.get(&ann, "/users/me").await.json()["email"], "ann@example.org");
        assert_eq!(saal.get(&ann, "/users").await.status, 403, "an organizer manages no accounts");
        assert_eq!(saal.ask(&ann, "DELETE /session", &[], None).await.status, 204);
        assert_eq!(saal.get(&ann, "/session").await.status, 401);
        let events = saal.events().await;
        let of_ann = |action: &str| (action.to_owned(), id.clone(), "success".to_owned());
        assert!(events.contains(&of_ann("user.sign_in")) && events.contains(&of_ann("user.sign_out")), "{events:?}");
    }
}

#[tokio::test]
async fn administrators_write_telephone_numbers_and_others_see_their_own_alone() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let admin = saal.browser(&tenant, "admin@example.org", "tenant_admin").await;
        let input = json!({ "email": "bob@example.org", "name": "Bob", "phone_e164": "+4930111111" });
        assert_eq!(saal.made(&admin, "/users", &input).await["phone_e164"], "+4930111111");
        let ann = saal.browser(&tenant, "ann@example.org", "organizer").await;
        let own = saal.get(&ann, "/users/me").await.json();
        assert_eq!(own["phone_e164"], Value::Null);
        let path = format!("/users/{}", own["id"].as_str().expect("an id"));
        let number = json!({ "phone_e164": "+4930111111" });
        assert_eq!(saal.patch(&ann, &path, &number).await.status, 403, "nobody gives themselves one");
        let changed = saal.patch(&admin, &path, &number).await;
        assert_eq!((changed.status, &changed.json()["phone_e164"]), (200, &json!("+4930111111")), "two may share one");
        assert_eq!(saal.get(&ann, "/users/me").await.json()["phone_e164"], "+4930111111");
        assert_eq!(saal.get(&ann, "/users").await.status, 403, "those of others");
        for bad in
            ["", "030111111", "+49 30 111111", "+0301111", "tel:+4930111111", "+4930111111;ext=7", "+1234567890123456"]
        {
            let refused = saal.patch(&admin, &path, &json!({ "phone_e164": bad })).await;
            let error = refused.json()["errors"][0].clone();
            let expected = (422, &json!("/phone_e164"), &json!("wrong-format"));
            assert_eq!((refused.status, &error["pointer"], &error["code"]), expected, "{bad}");
            let input = json!({ "email": "eve@example.org", "name": "Eve", "phone_e164": bad });
            assert_eq!(saal.ask(&admin, "POST /users", &[], Some(&input)).await.status, 422, "{bad}");
        }
        assert_eq!(saal.get(&admin, &path).await.json()["phone_e164"], "+4930111111");
        let removed = saal.patch(&admin, &path, &json!({ "phone_e164": null })).await;
        assert_eq!((removed.status, &removed.json()["phone_e164"]), (200, &Value::Null));
        assert_eq!(saal.get(&admin, &path).await.json()["phone_e164"], Value::Null, "it is not kept");
    }
}

#[tokio::test]
async fn a_wrong_password_and_no_account_look_the_same() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let tenant = saal.first_tenant().await;
    let id = saal.user(&tenant, "ann@example.org", "organizer").await;
    let disabled = saal.user(&tenant, "dis@example.org", "organizer").await;
    let path = format!("/users/{disabled}");
    assert_eq!(saal.patch(&saal.root(), &path, &json!({ "disabled": true })).await.status, 200);
    let strip = |answer: &crate::support::server::Answer| {
        let mut json = answer.json();
        json["request_id"] = Value::Null;
        (answer.status, json, answer.cookies.len())
    };
    let wrong = strip(&saal.try_sign_in("ann@example.org", "not the password", &[]).await);
    assert_eq!((wrong.0, &wrong.1["code"], wrong.2), (401, &json!("sign-in-refused"), 0));
    assert_eq!(strip(&saal.try_sign_in("nobody@example.org", "not the password", &[]).await), wrong);
    assert_eq!(strip(&saal.try_sign_in("dis@example.org", PASSWORD, &[]).await), wrong);
    let events = saal.events().await;
    let refused: Vec<_> = events.iter().filter(|(_, _, result)| result == "denied").map(|(_, id, _)| id).collect();
    assert_eq!(refused, [&id, "unknown", &disabled], "no name that was tried is written down");
}

#[tokio::test]
async fn whoever_guesses_must_wait_whether_there_is_an_account_or_not() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let tenant = saal.first_tenant().await;
    saal.user(&tenant, "ann@example.org", "organizer").await;
    let at = |last: u8| format!("198.51.100.{last}");
    for (last, email) in [(1, "ann@example.org"), (2, "nobody@example.org")] {
        let here = at(last);
        let from = [("x-forwarded-for", here.as_str())];
        for _ in 0..5 {
            assert_eq!(saal.try_sign_in(email, "not the password", &from).await.status, 401);
        }
        let answer = saal.try_sign_in(email, PASSWORD, &from).await;
        assert_eq!((answer.status, &answer.json()["code"]), (429, &json!("rate-limited")), "{email}");
        assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    }
    let elsewhere = at(3);
    let answer = saal.try_sign_in("ann@example.org", PASSWORD, &[("x-forwarded-for", &elsewhere)]).await;
    assert_eq!(answer.status, 201, "she herself is let in elsewhere");
}

#[tokio::test]
async fn a_page_of_somebody_else_can_neither_sign_in_nor_change_anything() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let tenant = saal.first_tenant().await;
    let admin = saal.browser(&tenant, "ann@example.org", "tenant_admin").await;
    for foreign in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let answer = saal.try_sign_in("ann@example.org", PASSWORD, &[foreign]).await;
        assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("forgery-protection")), "{foreign:?}");
    }
    let Shows::Browser { cookie, csrf } = admin.clone() else { panic!("a browser") };
    let body = json!({ "email": "x@example.org", "name": "x" });
    for csrf in ["", "x", &csrf[1..]] {
        let forged = Shows::Browser { cookie: cookie.clone(), csrf: csrf.to_owned() };
        let answer = saal.ask(&forged, "POST /users", &[], Some(&body)).await;
        assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("forgery-protection")));
        assert_eq!(saal.get(&forged, "/users").await.status, 200, "reading changes nothing");
    }
    saal.made(&admin, "/users", &body).await;
}

#[tokio::test]
async fn somebody_who_is_signed_in_signs_in_again_without_knowing_the_other_tabs_proof() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let tenant = saal.first_tenant().await;
    let first = saal.browser(&tenant, "ann@example.org", "organizer").await;
    let Shows::Browser { cookie, .. } = first.clone() else { panic!("a browser") };
    saal.user(&tenant, "bob@example.org", "organizer").await;
    let from_our_page = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let answer = saal.try_sign_in("bob@example.org", PASSWORD, &from_our_page).await;
    assert_eq!((answer.status, &answer.json()["email"]), (201, &json!("bob@example.org")), "{}", answer.text());
    assert_eq!(saal.get(&first, "/session").await.status, 401, "who was signed in before is so no more");
    let Shows::Browser { cookie, .. } = browser(&answer) else { panic!("a browser") };
    let from_elsewhere = [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site")];
    let answer = saal.try_sign_in("ann@example.org", PASSWORD, &from_elsewhere).await;
    assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("forgery-protection")));
}

#[tokio::test]
async fn with_https_the_cookie_is_for_this_host_alone() {
    let config = Config { public_url: "https://conf.example.org".to_owned(), ..config() };
    let saal = Installation::with(TestStore::sqlite().await, config).await;
    let tenant = saal.first_tenant().await;
    saal.user(&tenant, "ann@example.org", "organizer").await;
    let answer = saal.try_sign_in("ann@example.org", PASSWORD, &[]).await;
    let set = answer.cookies.first().expect("a cookie");
    assert!(set.starts_with("__Host-saal_session=") && set.contains("; Secure"), "{set}");
    let cookie = cookie(&answer, "__Host-saal_session").expect("a cookie");
    let shown = |cookie: String| Shows::Browser { cookie, csrf: String::new() };
    assert_eq!(saal.get(&shown(cookie.clone()), "/session").await.status, 200);
    let without = cookie.replace("__Host-", "");
    assert_eq!(saal.get(&shown(without), "/session").await.status, 401, "a neighbour could have set that");
}

#[tokio::test]
async fn changing_a_password_ends_the_other_sessions() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let here = saal.browser(&tenant, "ann@example.org", "participant").await;
        let there = saal.signed_in("ann@example.org").await;
        let change = async |current: &str, new: &str| {
            let body = json!({ "current_password": current, "new_password": new });
            saal.ask(&here, "PUT /users/me/password", &[], Some(&body)).await
        };
        let refused = change("wrong", "another good one").await.json();
        assert_eq!(refused["errors"][0]["pointer"], "/current_password");
        let weak = change(PASSWORD, "passwordpassword").await.json();
        assert_eq!(
            (&weak["errors"][0]["pointer"], &weak["errors"][0]["code"]),
            (&json!("/new_password"), &json!("too-weak"))
        );
        assert_eq!(change(PASSWORD, "another good one").await.status, 204);
        assert_eq!(saal.get(&here, "/session").await.status, 200);
        assert_eq!(saal.get(&there, "/session").await.status, 401);
        assert_eq!(saal.try_sign_in("ann@example.org", PASSWORD, &[]).await.status, 401);
        assert_eq!(saal.try_sign_in("ann@example.org", "another good one", &[]).await.status, 201);
    }
}

#[tokio::test]
async fn a_session_ends_when_it_is_old_idle_or_its_owner_is_disabled() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let hour = 3_600_000_i64;
        let ann = saal.browser(&tenant, "ann@example.org", "participant").await;
        let shift = async |column: &'static str, by_ms: i64| {
            let mut tx = saal.server.database.store.write().await.expect("a transaction");
            tx.execute(store::sql(column).bind(by_ms)).await.expect("changed");
            tx.commit().await.expect("kept");
        };
        const SEEN: &str = "UPDATE user_sessions SET last_seen_at = last_seen_at - $1";
        const EXPIRY: &str = "UPDATE user_sessions SET expires_at = expires_at - $1";
        shift(SEEN, 11 * hour).await;
        assert_eq!(saal.get(&ann, "/session").await.status, 200, "and its use is noted");
        shift(SEEN, 11 * hour).await;
        assert_eq!(saal.get(&ann, "/session").await.status, 200);
        shift(SEEN, 13 * hour).await;
        assert_eq!(saal.get(&ann, "/session").await.status, 401);
        let ann = saal.signed_in("ann@example.org").await;
        shift(EXPIRY, 7 * 24 * hour).await;
        assert_eq!(saal.get(&ann, "/session").await.status, 401);
        let ann = saal.signed_in("ann@example.org").await;
        let id = saal.get(&ann, "/session").await.json()["user_id"].as_str().expect("an id").to_owned();
        saal.patch(&saal.root(), &format!("/users/{id}"), &json!({ "disabled": true })).await;
        assert_eq!(saal.get(&ann, "/session").await.status, 401);
    }
}

#[tokio::test]
async fn a_tenant_admin_manages_their_own_people_and_no_others() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
        let system = saal.user(&own, "sys@example.org", "system_admin").await;
        let admin = saal.browser(&own, "ann@example.org", "tenant_admin").await;
        let stranger = saal.user(&other, "eve@example.org", "organizer").await;
        let bob = saal.made(&admin, "/users", &json!({ "email": "bob@example.org", "name": "Bob" })).await;
        assert_eq!((&bob["role"], &bob["tenant_id"]), (&json!("participant"), &json!(own)));
        let bob = format!("/users/{}", bob["id"].as_str().expect("an id"));
        assert_eq!(saal.patch(&admin, &bob, &json!({ "role": "tenant_admin" })).await.status, 200);
        let refused = saal.patch(&admin, &bob, &json!({ "role": "system_admin" })).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!("/role")));
        let system = format!("/users/{system}");
        assert_eq!(saal.patch(&admin, &system, &json!({ "disabled": true })).await.status, 403);
        let body = json!({ "password": PASSWORD });
        assert_eq!(saal.ask(&admin, &format!("PUT {system}/password"), &[], Some(&body)).await.status, 403);
        let stranger = format!("/users/{stranger}");
        assert_eq!(saal.get(&admin, &stranger).await.status, 404);
        assert_eq!(saal.patch(&admin, &stranger, &json!({ "name": "x" })).await.status, 404);
        assert_eq!(saal.get(&admin, &format!("/users?tenant_id={other}")).await.status, 404);
        let again = json!({ "email": "BOB@example.org", "name": "Bob" });
        let answer = saal.ask(&admin, "POST /users", &[], Some(&again)).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (409, &json!("/email")));
        let listed = saal.get(&admin, "/users?role=tenant_admin&disabled=false").await.json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
        assert_eq!(saal.ask(&admin, &format!("DELETE {bob}"), &[], None).await.status, 428);
        assert_eq!(saal.ask(&admin, &format!("DELETE {bob}"), &[("if-match", "\"1\"")], None).await.status, 412);
        assert_eq!(saal.ask(&admin, &format!("DELETE {bob}"), &[("if-match", "\"2\"")], None).await.status, 204);
        assert_eq!(saal.get(&admin, &bob).await.status, 404);
    }
}

#[tokio::test]
async fn the_last_system_admin_stays() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
        let system = saal.browser(&own, "sys@example.org", "system_admin").await;
        let id = saal.get(&system, "/users/me").await.json()["id"].as_str().expect("an id").to_owned();
        let path = format!("/users/{id}");
        let any = [("if-match", "*")];
        for change in [json!({ "disabled": true }), json!({ "role": "organizer" })] {
            assert_eq!(saal.patch(&system, &path, &change).await.status, 409, "{change}");
        }
        assert_eq!(saal.ask(&system, &format!("DELETE {path}"), &any, None).await.status, 409);
        assert_eq!(saal.ask(&system, &format!("DELETE /tenants/{own}"), &any, None).await.status, 409);
        let second = saal.user(&other, "second@example.org", "system_admin").await;
        let second = format!("/users/{second}");
        let (first, both) =
            tokio::join!(async { saal.patch(&system, &path, &json!({ "role": "organizer" })).await }, async {
                saal.patch(&saal.root(), &second, &json!({ "disabled": true })).await
            },);
        let mut statuses = [first.status, both.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "two at once leave one");
    }
}

#[tokio::test]
async fn who_manages_accounts_manages_only_those_who_may_do_no_more() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let organizer = saal.user(&tenant, "bob@example.org", "organizer").await;
        let software = async |scopes: Value| {
            let body = json!({ "name": "directory", "scopes": scopes });
            let made = saal.made(&saal.root(), &format!("/api_tokens?tenant_id={tenant}"), &body).await;
            Shows::Token(made["token"].as_str().expect("a token").to_owned())
        };
        let narrow = software(json!(["users:write", "meetings:read"])).await;
        let make = async |shows: &Shows, role: &str| {
            let body = json!({ "email": format!("{role}@example.org"), "name": "x", "role": role });
            saal.ask(shows, "POST /users", &[], Some(&body)).await
        };
        assert_eq!(make(&narrow, "organizer").await.json()["errors"][0]["pointer"], "/role");
        assert_eq!(make(&narrow, "participant").await.status, 201);
        let password = json!({ "password": "another good one" });
        let path = format!("PUT /users/{organizer}/password");
        assert_eq!(saal.ask(&narrow, &path, &[], Some(&password)).await.status, 403);
        assert_eq!(saal.try_sign_in("bob@example.org", PASSWORD, &[]).await.status, 201, "the account is still his");
        let scopes = json!([
            "users:write",
            "meetings:read",
            "meetings:write",
            "rooms:read",
            "rooms:write",
            "invitees:read",
            "invitees:write",
            "sessions:read",
            "sessions:moderate",
            "policies:read"
        ]);
        let wide = software(scopes).await;
        assert_eq!(make(&wide, "organizer").await.status, 201);
        assert_eq!(saal.ask(&wide, &path, &[], Some(&password)).await.status, 204);
    }
}

#[tokio::test]
async fn a_sign_in_under_way_does_not_outlive_the_password_it_was_begun_with() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let id = saal.user(&tenant, "ann@example.org", "organizer").await;
        let bob = saal.browser(&tenant, "bob@example.org", "participant").await;
        // Her new password is being stored, and what is stored until now is the old one.
        let mut tx = saal.server.database.store.write().await.expect("a transaction");
        let update = store::sql("UPDATE users SET password_hash = 'x' WHERE id = $1").bind(id.as_str());
        tx.execute(update).await.expect("changed");
        let ends = store::sql("DELETE FROM user_sessions WHERE user_id = $1").bind(id.as_str());
        tx.execute(ends).await.expect("ended");
        let signs_in = saal.try_sign_in("ann@example.org", PASSWORD, &[]);
        let stores = async {
            // One after the other hashes a password, so hers has been read before his second one.
            for _ in 0..2 {
                let body = json!({ "current_password": "wrong", "new_password": "another good one" });
                assert_eq!(saal.ask(&bob, "PUT /users/me/password", &[], Some(&body)).await.status, 422);
            }
            tx.commit().await.expect("kept");
        };
        let (answer, ()) = tokio::join!(signs_in, stores);
        assert_ne!(answer.status, 201, "{}", answer.text());
    }
}

#[tokio::test]
async fn who_shows_wrong_tokens_again_and_again_waits_and_their_colleagues_do_not() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let tenant = saal.first_tenant().await;
    let ann = saal.browser(&tenant, "ann@example.org", "organizer").await;
    let here = [("x-forwarded-for", "198.51.100.7")];
    let ask = async |shows: &Shows| saal.ask(shows, "GET /session", &here, None).await;
    assert_eq!(ask(&ann).await.status, 200);
    let wrong = Shows::Token("saal_wrong".to_owned());
    let mut tries = 0;
    while ask(&wrong).await.status == 401 {
        tries += 1;
        assert!(tries < 1_000, "it never ends");
    }
    assert!(tries >= 100, "{tries}");
    assert_eq!(ask(&ann).await.status, 200, "her colleague's mistakes are not hers");
}
