// SPDX-License-Identifier: EUPL-1.2
//! What our own pages ask for beside the rest of the API: ways to sign in, one's own calendar, one's own answers, signing out.

use chrono::{Duration, SubsecRound as _, Utc};
use serde_json::{Value, json};
use store::testing::TestStore;

use crate::identity::installation::{Installation, Shows, cookie};

/// What the calendar says that the first meeting is to somebody.
async fn own_part(saal: &Installation, who: &Shows, query: &str) -> Value {
    let answer = saal.get(who, &format!("/occurrences{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["items"][0]["own"].clone()
}

#[tokio::test]
async fn the_calendar_says_what_a_meeting_is_to_somebody_and_takes_their_answer() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let olga = saal.browser(&tenant, "olga@example.org", "organizer").await;
        let tim = saal.browser(&tenant, "tim@example.org", "participant").await;
        let admin = saal.browser(&tenant, "admin@example.org", "tenant_admin").await;
        let starts_at = (Utc::now() + Duration::days(1)).trunc_subsecs(0);
        let meeting = json!({ "title": "Council", "starts_at": starts_at, "duration_minutes": 30,
            "invitation": { "delivery": "none" }, "invitees": [{ "email": "Tim@example.org", "role": "presenter" }] });
        let made = saal.made(&olga, "/meetings", &meeting).await;
        let id = made["id"].as_str().expect("an id").to_owned();

        let of_olga = own_part(&saal, &olga, "").await;
        assert_eq!(of_olga, json!({ "is_organizer": true, "role": null, "response_status": null }));
        let of_tim = own_part(&saal, &tim, "").await;
        assert_eq!(of_tim, json!({ "is_organizer": false, "role": "presenter", "response_status": "needs_action" }));
        assert_eq!(own_part(&saal, &admin, "").await["role"], Value::Null, "administrators see it all the same");
        let only_mine = saal.get(&admin, "/occurrences?mine=true").await.json();
        assert_eq!(only_mine["items"], json!([]), "and can look away");
        assert_eq!(own_part(&saal, &saal.root(), &format!("?tenant_id={tenant}")).await, Value::Null);

        let head = format!("PUT /meetings/{id}/response");
        let answer = saal.ask(&tim, &head, &[], Some(&json!({ "response_status": "tentative" }))).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "response_status": "tentative" })));
        assert_eq!(own_part(&saal, &tim, "?mine=true").await["response_status"], "tentative");
        let seen = saal.get(&olga, &format!("/meetings/{id}/invitees")).await.json();
        assert_eq!(seen["items"][0]["response_status"], "tentative", "the organizer sees it");
        let is_told = saal.events().await.iter().any(|(action, _, _)| action == "invitee.respond");
        assert!(is_told, "the answer is in the audit log");

        let nothing = saal.ask(&tim, &head, &[], Some(&json!({ "response_status": "needs_action" }))).await;
        assert_eq!(nothing.status, 422, "no answer is none: {}", nothing.text());
        for other in [&olga, &admin] {
            let answer = saal.ask(other, &head, &[], Some(&json!({ "response_status": "accepted" }))).await;
            assert_eq!(answer.status, 404, "whoever is not invited has nothing to answer: {}", answer.text());
        }
        let path = format!("DELETE /meetings/{id}");
        assert_eq!(saal.ask(&olga, &path, &[("if-match", "*")], None).await.status, 204);
        let late = saal.ask(&tim, &head, &[], Some(&json!({ "response_status": "accepted" }))).await;
        assert_eq!(late.status, 409, "it is cancelled: {}", late.text());
    }
}

#[tokio::test]
async fn the_client_is_told_how_people_sign_in() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let config = saal.server.get("/api/v1/config").await.json();
    assert_eq!(config["sign_in"], json!({ "password": true, "provider": false }));
    for path in ["/sign-in", "/meetings", "/meetings/new", "/admin", "/admin/users"] {
        assert_eq!(saal.server.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn our_own_pages_sign_out_without_being_sent_elsewhere() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let tenant = saal.first_tenant().await;
    let ann = saal.browser(&tenant, "ann@example.org", "organizer").await;
    let Shows::Browser { cookie: shown, .. } = &ann else { panic!("a browser") };
    let foreign = [("cookie", shown.as_str()), ("accept", "application/json"), ("sec-fetch-site", "cross-site")];
    assert_eq!(saal.server.request("POST /auth/logout", &foreign, b"").await.status, 403);
    assert_eq!(saal.get(&ann, "/session").await.status, 200);
    let headers = [("cookie", shown.as_str()), ("accept", "application/json")];
    let answer = saal.server.request("POST /auth/logout", &headers, b"").await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "location": "/" })), "{}", answer.text());
    assert_eq!(cookie(&answer, "saal_session").as_deref(), Some("saal_session="), "the cookie is taken away");
    assert_eq!(saal.get(&ann, "/session").await.status, 401);
}
