// SPDX-License-Identifier: EUPL-1.2
//! Who sees and changes what of meetings, with people who signed in, and with software.

use serde_json::{Value, json};
use signaling::Config;
use store::testing::TestStore;

use super::monday;
use crate::identity::installation::{Installation, Shows};
use crate::support::server::config;

/// A ministry whose people have one meeting, and another ministry.
struct Ministry {
    saal: Installation,
    tenant: String,
    /// The meeting's path.
    meeting: String,
    /// Its organizer, who is an organizer.
    ann: Shows,
    /// A co-host by address, before there was the account.
    bob: Shows,
    /// Invited by account.
    cem: Shows,
    /// Another organizer, who has nothing to do with it.
    dora: Shows,
    /// Invited, and without any right to schedule.
    eve: Shows,
    /// Administrates the tenant.
    admin: Shows,
    /// Administrates the other one.
    foreign: Shows,
}

impl Ministry {
    async fn on(database: TestStore) -> Self {
        let config = Config { api_requests_per_second: 100_000, ..config() };
        let saal = Installation::with(database, config).await;
        let (tenant, other) = (saal.first_tenant().await, saal.tenant("other").await);
        let ann = saal.browser(&tenant, "ann@example.org", "organizer").await;
        let cem_id = saal.user(&tenant, "cem@example.org", "organizer").await;
        let cem = saal.signed_in("cem@example.org").await;
        let made = json!({
            "title": "Budget", "starts_at": monday(), "duration_minutes": 45, "time_zone": "UTC",
            "recurrence_rule": "FREQ=WEEKLY;BYDAY=MO", "co_hosts": [{ "email": "Bob@example.org" }],
            "invitees": [{ "user_id": cem_id }, { "email": "eve@example.org" }],
        });
        let made = saal.made(&ann, "/meetings", &made).await;
        let bob = saal.browser(&tenant, "bob@example.org", "organizer").await;
        let dora = saal.browser(&tenant, "dora@example.org", "organizer").await;
        let eve = saal.browser(&tenant, "eve@example.org", "participant").await;
        let admin = saal.browser(&tenant, "admin@example.org", "tenant_admin").await;
        let foreign = saal.browser(&other, "admin@example.com", "tenant_admin").await;
        let meeting = format!("/meetings/{}", made["id"].as_str().expect("an id"));
        Self { saal, tenant, meeting, ann, bob, cem, dora, eve, admin, foreign }
    }

    async fn status(&self, who: &Shows, head: &str, body: Option<&Value>) -> u16 {
        self.saal.ask(who, head, &[("if-match", "*")], body).await.status
    }

    /// How many meetings somebody sees in a list.
    async fn seen(&self, who: &Shows, path: &str) -> Option<usize> {
        self.saal.get(who, path).await.json()["items"].as_array().map(Vec::len)
    }

    /// A token of the tenant.
    async fn software(&self, scopes: &[&str]) -> String {
        let path = format!("/api_tokens?tenant_id={}", self.tenant);
        let made = self.saal.made(&self.saal.root(), &path, &json!({ "name": "x", "scopes": scopes })).await;
        made["token"].as_str().expect("a token").to_owned()
    }

    async fn items(&self, who: &Shows, path: &str) -> Vec<Value> {
        let answer = self.saal.get(who, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()["items"].as_array().expect("items").clone()
    }
}

#[tokio::test]
async fn people_see_what_they_hold_and_what_they_are_invited_to() {
    for database in TestStore::both().await {
        let ministry = Ministry::on(database).await;
        let one = format!("{}/occurrences/{}", ministry.meeting, monday().format("%Y%m%dT%H%M%SZ"));
        let paths = [ministry.meeting.clone(), format!("{}/occurrences", ministry.meeting), one];
        for who in [&ministry.ann, &ministry.bob, &ministry.cem, &ministry.eve, &ministry.admin] {
            for path in &paths {
                assert_eq!(ministry.status(who, &format!("GET {path}"), None).await, 200, "{path} {who:?}");
            }
            assert_eq!(ministry.seen(who, "/meetings").await, Some(1), "{who:?}");
            assert_eq!(ministry.seen(who, "/meetings?q=budg").await, Some(1), "{who:?}");
            assert_eq!(ministry.seen(who, "/occurrences?limit=2").await, Some(2), "{who:?}");
        }
        for who in [&ministry.dora, &ministry.foreign] {
            for path in &paths {
                assert_eq!(ministry.status(who, &format!("GET {path}"), None).await, 404, "{path} {who:?}");
            }
            for list in ["/meetings", "/meetings?q=budg", "/meetings?status=scheduled", "/occurrences"] {
                assert_eq!(ministry.seen(who, list).await, Some(0), "{list} {who:?}");
            }
        }
        // Who is not invited any more sees it no more.
        let invitees = ministry.items(&ministry.ann, &format!("{}/invitees", ministry.meeting)).await;
        let cem = invitees.iter().find(|one| one["email"] == "cem@example.org").expect("Cem");
        let own = format!("{}/invitees/{}", ministry.meeting, cem["id"].as_str().expect("an id"));
        assert_eq!(ministry.status(&ministry.ann, &format!("DELETE {own}"), None).await, 204);
        assert_eq!(ministry.status(&ministry.cem, &format!("GET {}", ministry.meeting), None).await, 404);
        assert_eq!(ministry.seen(&ministry.cem, "/meetings").await, Some(0));
    }
}

#[tokio::test]
async fn only_who_holds_a_meeting_changes_it() {
    for database in TestStore::both().await {
        let ministry = Ministry::on(database).await;
        let meeting = &ministry.meeting;
        let next = |weeks: i64| (monday() + chrono::Duration::weeks(weeks)).format("%Y%m%dT%H%M%SZ").to_string();
        let changes = [
            (format!("PATCH {meeting}"), Some(json!({ "title": "Budget 2027" })), 200),
            (format!("PATCH {meeting}/occurrences/{}", next(1)), Some(json!({ "title": "Longer" })), 200),
            (format!("DELETE {meeting}/occurrences/{}", next(2)), None, 204),
            (format!("POST {meeting}/phone_pins"), Some(json!({ "kind": "room" })), 409),
        ];
        for who in [&ministry.ann, &ministry.bob, &ministry.admin] {
            for (head, body, expected) in &changes {
                assert_eq!(ministry.status(who, head, body.as_ref()).await, *expected, "{head} {who:?}");
            }
        }
        let invite = json!({ "email": "fay@example.org" });
        assert_eq!(ministry.status(&ministry.bob, &format!("POST {meeting}/invitees"), Some(&invite)).await, 201);
        let changes = changes.into_iter().map(|(head, body, _)| (head, body));
        let changes: Vec<_> = changes
            .chain([(format!("POST {meeting}/invitees"), Some(invite)), (format!("DELETE {meeting}"), None)])
            .collect();
        for (who, expected) in
            [(&ministry.cem, 403), (&ministry.eve, 403), (&ministry.dora, 404), (&ministry.foreign, 404)]
        {
            for (head, body) in &changes {
                assert_eq!(ministry.status(who, head, body.as_ref()).await, expected, "{head} {who:?}");
            }
        }
        // A co-host changes it without becoming its organizer, and gives it to nobody.
        let shown = ministry.saal.get(&ministry.bob, meeting).await.json();
        assert_eq!(shown["organizer"]["email"], "ann@example.org");
        let given = json!({ "organizer": { "user_id": null, "name": null, "email": "dora@example.org" } });
        let refused = ministry.saal.patch(&ministry.bob, meeting, &given).await;
        assert_eq!(refused.json()["errors"][0]["pointer"], "/organizer", "{}", refused.text());
        assert_eq!(ministry.saal.patch(&ministry.admin, meeting, &given).await.status, 200);
        assert_eq!(ministry.status(&ministry.dora, &format!("DELETE {meeting}"), None).await, 204);
    }
}

#[tokio::test]
async fn pins_and_links_are_for_who_holds_the_meeting() {
    for database in TestStore::both().await {
        let ministry = Ministry::on(database).await;
        let (pins, invitees) = (format!("{}/phone_pins", ministry.meeting), format!("{}/invitees", ministry.meeting));
        for who in [&ministry.ann, &ministry.bob, &ministry.admin] {
            let kinds: Vec<_> = ministry.items(who, &pins).await.iter().map(|pin| pin["kind"].clone()).collect();
            assert_eq!(kinds.iter().filter(|kind| **kind == "host").count(), 1, "{who:?}");
            assert_eq!(kinds.iter().filter(|kind| **kind == "personal").count(), 3, "{who:?}");
            let shown = ministry.items(who, &invitees).await;
            assert!(shown.iter().all(|one| one["personal_pin"].is_string() && one["personal_join_url"].is_string()));
        }
        // Who is invited sees who else is, but nobody's way in. Everybody's PIN is in the meeting.
        assert_eq!(ministry.status(&ministry.cem, &format!("GET {pins}"), None).await, 403);
        let shown = ministry.items(&ministry.cem, &invitees).await;
        assert_eq!(shown.len(), 3);
        assert!(shown.iter().all(|one| one["personal_pin"].is_null() && one["personal_join_url"].is_null()));
        let expanded = ministry.saal.get(&ministry.cem, &format!("{}?expand=invitees", ministry.meeting)).await.json();
        assert!(expanded["invitees"].is_null() && expanded["dial_in"]["pin"].is_string());
        assert_eq!(ministry.status(&ministry.eve, &format!("GET {invitees}"), None).await, 403);
        for who in [&ministry.dora, &ministry.foreign] {
            assert_eq!(ministry.status(who, &format!("GET {pins}"), None).await, 404);
            assert_eq!(ministry.status(who, &format!("GET {invitees}"), None).await, 404);
        }
        // Rotating one changes that one.
        let before = ministry.items(&ministry.ann, &pins).await;
        let host = before.iter().find(|pin| pin["kind"] == "host").expect("the host's");
        let rotate = format!("POST /phone_pins/{}/rotate", host["id"].as_str().expect("an id"));
        for (who, expected) in [(&ministry.cem, 403), (&ministry.dora, 404), (&ministry.foreign, 404)] {
            assert_eq!(ministry.status(who, &rotate, None).await, expected, "{who:?}");
        }
        let key = [("idempotency-key", "again")];
        let rotated = ministry.saal.ask(&ministry.bob, &rotate, &key, None).await;
        assert_eq!((rotated.status, rotated.json()["pin"] == host["pin"]), (200, false), "{}", rotated.text());
        let again = ministry.saal.ask(&ministry.bob, &rotate, &key, None).await;
        assert_eq!(again.json(), rotated.json(), "a repeated request has the same answer");
        let after = ministry.items(&ministry.ann, &pins).await;
        let changed: Vec<_> = after.iter().filter(|pin| !before.contains(pin)).collect();
        assert_eq!((changed.len(), &changed[0]["pin"]), (1, &rotated.json()["pin"]));
    }
}

#[tokio::test]
async fn people_schedule_in_their_own_name_and_software_for_others() {
    for database in TestStore::both().await {
        let ministry = Ministry::on(database).await;
        let input = |organizer: Option<&str>| {
            let mut input = json!({ "title": "x", "starts_at": monday(), "duration_minutes": 30 });
            organizer.into_iter().for_each(|email| input["organizer"] = json!({ "email": email }));
            input
        };
        let organizer = async |who: &Shows, named: Option<&str>| {
            let answer = ministry.saal.ask(who, "POST /meetings", &[], Some(&input(named))).await;
            let document = answer.json();
            match answer.status {
                201 => document["organizer"]["email"].as_str().expect("an address").to_owned(),
                422 => format!("{} {}", document["errors"][0]["pointer"], document["errors"][0]["code"]),
                status => format!("{status} {}", document["code"].as_str().expect("a code")),
            }
        };
        assert_eq!(organizer(&ministry.ann, None).await, "ann@example.org");
        assert_eq!(organizer(&ministry.ann, Some("dora@example.org")).await, r#""/organizer" "forbidden-value""#);
        assert_eq!(organizer(&ministry.ann, Some("nobody@example.com")).await, r#""/organizer" "forbidden-value""#);
        assert_eq!(organizer(&ministry.eve, None).await, "403 insufficient-scope");
        assert_eq!(organizer(&ministry.admin, Some("dora@example.org")).await, "dora@example.org");
        let (whole, reader) = (
            ministry.software(&["meetings:write", "meetings:read"]).await,
            ministry.software(&["meetings:read"]).await,
        );
        let software = Shows::Token(whole.clone());
        assert_eq!(organizer(&software, None).await, r#""/organizer" "required""#);
        assert_eq!(organizer(&software, Some("somebody@example.com")).await, "somebody@example.com");
        assert_eq!(organizer(&Shows::Token(reader.clone()), None).await, "403 insufficient-scope");
        let for_dora = Shows::TokenFor(whole.clone(), "dora@example.org".to_owned());
        assert_eq!(organizer(&for_dora, None).await, "dora@example.org");
        assert_eq!(organizer(&for_dora, Some("ann@example.org")).await, r#""/organizer" "forbidden-value""#);
        let for_eve = Shows::TokenFor(whole.clone(), "eve@example.org".to_owned());
        assert_eq!(organizer(&for_eve, None).await, "403 insufficient-scope", "no more than the person may");
        let for_foreign = Shows::TokenFor(whole, "admin@example.com".to_owned());
        assert_eq!(organizer(&for_foreign, None).await, r#""header/Saal-On-Behalf-Of" "unknown-reference""#);
        // It sees what the person sees, and changes no more.
        let path = &ministry.meeting;
        assert_eq!(ministry.status(&for_dora, &format!("GET {path}"), None).await, 404);
        assert_eq!(ministry.status(&for_dora, &format!("DELETE {path}"), None).await, 404);
        let for_cem = Shows::TokenFor(reader, "cem@example.org".to_owned());
        assert_eq!(ministry.status(&for_cem, &format!("GET {path}"), None).await, 200);
        assert_eq!(ministry.status(&for_cem, &format!("DELETE {path}"), None).await, 403);
        assert_eq!(ministry.status(&software, &format!("GET {path}"), None).await, 200);
        assert_eq!(ministry.status(&software, &format!("GET {path}/invitees"), None).await, 403);
        let events = ministry.saal.events().await;
        assert!(events.iter().filter(|(action, _, _)| action == "meeting.create").count() >= 5);
    }
}

#[tokio::test]
async fn what_a_tenant_has_settled_holds_for_its_meetings() {
    for database in TestStore::both().await {
        let ministry = Ministry::on(database).await;
        let own = format!("/tenants/{}", ministry.tenant);
        let numbers = json!([
            { "e164": "+4930555", "label": "Berlin", "country": "DE", "language": "de" }, { "e164": "+49228555" },
        ]);
        let policy = json!({ "name": "open", "rules": { "lobby": "off" } });
        let policy = ministry.saal.made(&ministry.admin, "/policies", &policy).await["id"].clone();
        let settled = json!({
            "dial_in": { "numbers": numbers }, "time_zone": "Europe/Lisbon", "locale": "en", "default_policy_id": policy,
        });
        let answer = ministry.saal.patch(&ministry.admin, &own, &settled).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["dial_in"]["numbers"][0], numbers[0]);
        let limits = json!({ "limits": { "max_meeting_minutes": 60, "max_concurrent_participants": 30 } });
        assert_eq!(ministry.saal.patch(&ministry.admin, &own, &limits).await.status, 422, "not for themselves");
        assert_eq!(ministry.saal.patch(&ministry.saal.root(), &own, &limits).await.status, 200);
        for (wrong, pointer) in [
            (json!({ "time_zone": "Europe/Bielefeld" }), "/time_zone"),
            (json!({ "dial_in": { "numbers": [{ "e164": "030 555" }] } }), "/dial_in/numbers/0/e164"),
            (
                json!({ "dial_in": { "numbers": [{ "e164": "+4930555", "country": "Germany" }] } }),
                "/dial_in/numbers/0/country",
            ),
            (json!({ "dial_in": { "number": "+4930555" } }), "/dial_in/number"),
        ] {
            let answer = ministry.saal.patch(&ministry.admin, &own, &wrong).await;
            assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (422, &json!(pointer)));
        }
        let input = json!({ "title": "x", "starts_at": monday(), "duration_minutes": 30,
            "invitees": [{ "email": "gus@example.org" }], "invitation": { "delivery": "none" } });
        let made = ministry.saal.made(&ministry.ann, "/meetings", &input).await;
        let dial_in = &made["dial_in"];
        assert_eq!(
            (&made["time_zone"], &dial_in["numbers"]),
            (
                &json!("Europe/Lisbon"),
                &json!([
                    numbers[0], { "e164": "+49228555", "label": "" },
                ])
            )
        );
        assert_eq!(made["invitation"]["language"], "en");
        let (number, pin) = (dial_in["conference_id"].as_str().expect("one"), dial_in["pin"].as_str().expect("one"));
        assert_eq!(dial_in["one_tap"], format!("tel:+4930555,,{number}%23,,{pin}%23"));
        let path = format!("/meetings/{}", made["id"].as_str().expect("an id"));
        let invitation = ministry.saal.get(&ministry.ann, &format!("{path}/invitation")).await;
        assert_eq!(invitation.status, 200, "{}", invitation.text());
        let text = invitation.json()["text"].as_str().expect("text").to_owned();
        assert!(text.contains("+4930555") || text.contains("+49 30 555"), "{text}");
        assert!(text.contains("Berlin"), "{text}");
        let mut long = input.clone();
        long["duration_minutes"] = json!(61);
        let refused = ministry.saal.ask(&ministry.ann, "POST /meetings", &[], Some(&long)).await;
        assert_eq!(refused.json()["errors"][0]["pointer"], "/duration_minutes", "{}", refused.text());
        let from = monday().format("%Y-%m-%dT%H:%M:%SZ");
        let to = (monday() + chrono::Duration::minutes(10)).format("%Y-%m-%dT%H:%M:%SZ");
        let asked = format!("/availability?from={from}&to={to}");
        assert_eq!(ministry.saal.get(&ministry.ann, &asked).await.json()["limits"]["participants"], 30);
    }
}
