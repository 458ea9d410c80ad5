// SPDX-License-Identifier: EUPL-1.2
//! What becomes of a meeting and of those who are invited when somebody changes it.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use store::sql;
use store::testing::TestStore;

use super::{Api, errors, monday, single, weekly};

fn path_of(made: &Value) -> String {
    format!("/meetings/{}", made["id"].as_str().expect("an id"))
}

fn id(start: DateTime<Utc>) -> String {
    start.format("%Y%m%dT%H%M%SZ").to_string()
}

fn one(pointer: &str, code: &str) -> BTreeSet<(String, String)> {
    BTreeSet::from([(pointer.to_owned(), code.to_owned())])
}

impl Api {
    /// Changes a meeting, whatever its revision.
    async fn patch(&self, path: &str, body: Value) -> crate::support::server::Answer {
        self.ask(&format!("PATCH {path}"), &[("if-match", "*")], Some(&body)).await
    }

    async fn patched(&self, path: &str, body: Value) -> Value {
        let answer = self.patch(path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Who is invited, by the address or the number.
    async fn invitee(&self, meeting: &str, who: &str) -> Value {
        let all = self.get(&format!("{meeting}/invitees?limit=200")).await;
        let all = all["items"].as_array().expect("items");
        let found = all.iter().find(|one| one["email"] == who || (one["email"].is_null() && one["phone_e164"] == who));
        found.unwrap_or_else(|| panic!("{who} is not among {all:?}")).clone()
    }

    async fn audited(&self) -> usize {
        self.text("SELECT action AS text FROM audit_events").await.len()
    }
}

/// Three times a day, of which a thousand are written down.
fn dense() -> Value {
    let mut dense = weekly();
    dense["recurrence_rule"] = json!("FREQ=DAILY;BYHOUR=8,10,12");
    dense
}

#[tokio::test]
async fn a_dense_series_goes_on_where_it_was_left_off() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let mut dense = dense();
        dense["excluded_dates"] = json!([monday() + Duration::hours(26)]);
        api.make("/meetings", &dense).await;
        let count = api.text("SELECT CAST(COUNT(*) AS TEXT) AS text FROM occurrences").await;
        assert_eq!(count, ["999"], "one of a thousand does not happen");
        let until = api.text("SELECT CAST(expanded_until AS TEXT) AS text FROM meetings").await;
        let next = monday() + Duration::days(333) + Duration::hours(2);
        assert_eq!(until, [next.timestamp_millis().to_string()], "the first that is not written down");
    }
}

#[tokio::test]
async fn an_exception_far_ahead_stays_while_its_start_is_one() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let path = path_of(&api.make("/meetings", &dense()).await);
        let far = monday() + Duration::days(340);
        let insert = sql("INSERT INTO occurrences (meeting_id, recurrence_id, tenant_id, starts_at, ends_at, status,
                 is_exception, title, policy_overrides, sequence)
             SELECT id, $1, tenant_id, $1, $2, 'scheduled', TRUE, 'special', '{}', 0 FROM meetings");
        api.execute(insert.bind(far).bind(far + Duration::minutes(45))).await;
        let changed = api.patched(&path, json!({ "duration_minutes": 60 })).await;
        assert_eq!(changed["dropped_exceptions"], Value::Null);
        let kept = api.get(&format!("{path}/occurrences/{}", id(far))).await;
        assert_eq!((&kept["title"], &kept["ends_at"]), (&json!("special"), &json!(far + Duration::minutes(60))));
        let changed = api.patched(&path, json!({ "recurrence_rule": "FREQ=DAILY;INTERVAL=3;BYHOUR=8,10,12" })).await;
        assert_eq!(changed["dropped_exceptions"], json!([id(far)]), "340 is no multiple of three");
    }
}

#[tokio::test]
async fn a_series_that_is_over_can_be_changed_but_not_in_its_times() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let mut series = weekly();
        series["recurrence_rule"] = json!("FREQ=WEEKLY;BYDAY=MO;COUNT=3");
        let path = path_of(&api.make("/meetings", &series).await);
        let earlier_ms = Duration::weeks(30).num_milliseconds();
        for table in [
            "UPDATE meetings SET starts_at = starts_at - $1, ends_at = ends_at - $1, over_at = over_at - $1",
            "UPDATE occurrences SET recurrence_id = recurrence_id - $1, starts_at = starts_at - $1, ends_at = ends_at - $1",
        ] {
            api.execute(sql(table).bind(earlier_ms)).await;
        }
        let tagged = api.patched(&path, json!({ "tags": { "file": "7" } })).await;
        assert_eq!((&tagged["tags"]["file"], &tagged["status"]), (&json!("7"), &json!("ended")));
        let longer = api.patch(&path, json!({ "recurrence_rule": "FREQ=WEEKLY;BYDAY=MO;COUNT=4" })).await;
        assert_eq!(errors(&longer), one("/recurrence_rule", "no-occurrence"));
    }
}

#[tokio::test]
async fn what_does_not_happen_moves_along_with_the_series() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let mut series = weekly();
        series["excluded_dates"] = json!([monday() + Duration::weeks(1), monday() + Duration::days(3)]);
        let answer = api.ask("POST /meetings", &[], Some(&series)).await;
        assert_eq!(errors(&answer), one("/excluded_dates/1", "no-start-of-the-rule"), "a Thursday");
        series["excluded_dates"] = json!([monday() + Duration::weeks(1)]);
        let path = path_of(&api.make("/meetings", &series).await);
        let hour = Duration::hours(1);
        let moved = api.patched(&path, json!({ "starts_at": monday() + hour })).await;
        assert_eq!(moved["excluded_dates"], json!([monday() + Duration::weeks(1) + hour]));
        let found = api.get(&format!("{path}/occurrences?limit=2")).await;
        assert_eq!(found["items"][1]["starts_at"], json!(monday() + Duration::weeks(2) + hour));
        let tuesday = json!({ "starts_at": monday() + Duration::days(1), "recurrence_rule": "FREQ=WEEKLY;BYDAY=TU" });
        let moved = api.patched(&path, tuesday).await;
        assert_eq!(moved["excluded_dates"], json!([monday() + Duration::days(8)]));
        let rule = json!({ "recurrence_rule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU" });
        let changed = api.patched(&path, rule).await;
        assert_eq!(changed["excluded_dates"], json!([]));
        assert_eq!(changed["dropped_exceptions"], json!([id(monday() + Duration::days(8))]), "and that is told");
    }
}

#[tokio::test]
async fn a_change_keeps_the_length_to_the_second() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let (start, length) = (monday(), Duration::seconds(2730));
        let mut odd = weekly();
        odd["duration_minutes"] = Value::Null;
        odd.as_object_mut().expect("an object").remove("duration_minutes");
        odd["ends_at"] = json!(start + length);
        let made = api.make("/meetings", &odd).await;
        assert_eq!(made["duration_minutes"], Value::Null, "45 and a half");
        let later = start + Duration::hours(1);
        let moved = api.patched(&path_of(&made), json!({ "starts_at": later })).await;
        assert_eq!(moved["ends_at"], json!(later + length));
        let single = format!("{}/occurrences/{}", path_of(&made), id(later));
        let moved = api.patched(&single, json!({ "starts_at": start })).await;
        assert_eq!(moved["ends_at"], json!(start + length));
    }
}

#[tokio::test]
async fn a_change_of_the_title_leaves_the_co_hosts_alone() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let path = path_of(&api.make("/meetings", &weekly()).await);
        let room =
            json!({ "email": "r@example.org", "phone_e164": "+49301", "role": "co_host", "type": "room_system" });
        let before = api.make(&format!("{path}/invitees"), &room).await;
        api.make(&format!("{path}/invitees"), &json!({ "phone_e164": "+49302", "role": "co_host" })).await;
        let renamed = api.patched(&path, json!({ "title": "renamed" })).await;
        assert_eq!(renamed["co_hosts"].as_array().map(Vec::len), Some(2));
        assert_eq!(api.invitee(&path, "r@example.org").await, before);
        // Of who is invited already, only that changes.
        let number = json!({ "email": "n@example.org", "phone_e164": "+49303", "name": "N" });
        api.make(&format!("{path}/invitees"), &number).await;
        api.patched(&path, json!({ "co_hosts": [{ "email": "n@example.org" }] })).await;
        let host = api.invitee(&path, "n@example.org").await;
        assert_eq!((&host["phone_e164"], &host["name"]), (&json!("+49303"), &json!("N")));
        assert_eq!((&host["role"], &host["lobby_bypass"]), (&json!("co_host"), &json!(true)));
        let was_host = api.invitee(&path, "r@example.org").await;
        assert_eq!((&was_host["role"], &was_host["type"]), (&json!("attendee"), &json!("room_system")));
        // Who is a co-host no more waits like others.
        api.patched(&path, json!({ "co_hosts": [] })).await;
        let was_host = api.invitee(&path, "n@example.org").await;
        assert_eq!((&was_host["role"], &was_host["lobby_bypass"]), (&json!("attendee"), &json!(false)));
        let own = format!("{path}/invitees/{}", was_host["id"].as_str().expect("an id"));
        api.patched(&own, json!({ "role": "co_host", "lobby_bypass": true })).await;
        let attendee = api.patched(&own, json!({ "role": "attendee" })).await;
        assert_eq!(attendee["lobby_bypass"], false);
        // A list of invitees that says nothing of co-hosts leaves them.
        api.patched(&own, json!({ "role": "co_host" })).await;
        api.patched(&path, json!({ "invitees": [{ "email": "b@example.org" }] })).await;
        assert_eq!(api.invitee(&path, "n@example.org").await["role"], "co_host");
        assert!(api.invitee(&path, "r@example.org").await["revoked_at"].is_string());
    }
}

#[tokio::test]
async fn somebody_else_does_not_get_the_name_of_who_was_there_before() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let path = path_of(&api.make("/meetings", &weekly()).await);
        let other = api.patched(&path, json!({ "organizer": { "email": "c@example.org" } })).await;
        assert_eq!(other["organizer"], json!({ "user_id": null, "email": "c@example.org", "name": "" }));
        let named = api.patched(&path, json!({ "organizer": { "name": "C. Beispiel" } })).await;
        assert_eq!(named["organizer"]["email"], "c@example.org", "who is meant stays");
        // Who held it was erased: who changes something else does not take it over.
        api.execute(sql("UPDATE meetings SET organizer_email = '', organizer_name = ''")).await;
        let renamed = api.patched(&path, json!({ "title": "renamed" })).await;
        assert_eq!(renamed["organizer"], json!({ "user_id": null, "email": "", "name": "" }));
        let invitee = api.invitee(&path, "b@example.org").await;
        let own = format!("{path}/invitees/{}", invitee["id"].as_str().expect("an id"));
        let other = api.patched(&own, json!({ "email": "d@example.org" })).await;
        assert_eq!((&other["email"], &other["name"]), (&json!("d@example.org"), &json!("")));
    }
}

#[tokio::test]
async fn two_people_may_have_one_number() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let path = path_of(&api.make("/meetings", &weekly()).await);
        let both =
            json!([{ "email": "b@example.org", "phone_e164": "+49301" }, { "phone_e164": "+49301", "name": "X" }]);
        api.patched(&path, json!({ "invitees": both })).await;
        let first = api.invitee(&path, "b@example.org").await;
        let second = api.invitee(&path, "+49301").await;
        assert_eq!((&first["revoked_at"], &second["name"]), (&Value::Null, &json!("X")));
        let again = api.patched(&path, json!({ "invitees": both })).await;
        assert_eq!(api.invitee(&path, "b@example.org").await, first, "{again}");
    }
}

#[tokio::test]
async fn whoever_was_withdrawn_hides_nobody() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let path = path_of(&api.make("/meetings", &weekly()).await);
        let withdrawn =
            sql("INSERT INTO invitees (id, meeting_id, tenant_id, email, name, role, type, response_status,
                 response_sequence, lobby_bypass, link_generation, revoked_at, last_notified_sequence, revision,
                 created_at, updated_at)
             WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
             SELECT '019cb3f6-7e8a-7000-8000-' || (100000000000 + n), id, tenant_id, 'x' || n || '@example.org', '',
                 'attendee', 'external', 'needs_action', 0, FALSE, 1, 1, -1, 1, n, n FROM meetings CROSS JOIN numbers");
        api.execute(withdrawn).await;
        let wanted = json!([{ "email": "b@example.org" }, { "email": "x7@example.org" }]);
        api.patched(&path, json!({ "invitees": wanted })).await;
        let active = "SELECT COALESCE(email, '-') AS text FROM invitees WHERE revoked_at IS NULL ORDER BY email";
        assert_eq!(api.text(active).await, ["b@example.org", "x7@example.org"]);
        let shown = api.get(&format!("{path}?expand=invitees")).await;
        assert_eq!(shown["invitees"][1]["email"], "b@example.org", "first those who are invited");
        // No more than a thousand, by whichever way they come.
        api.execute(sql("UPDATE invitees SET revoked_at = NULL WHERE email LIKE 'x%'")).await;
        let full = api.patch(&path, json!({ "co_hosts": [{ "email": "new@example.org" }] })).await;
        assert_eq!(errors(&full), one("/invitees", "too-many"));
    }
}

#[tokio::test]
async fn whoever_repeats_what_is_there_changes_nothing() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let by_external_id = "PUT /meetings/by_external_id/outlook-7";
        let made = api.ask(by_external_id, &[], Some(&weekly())).await.json();
        let audited = api.audited().await;
        let again = api.ask(by_external_id, &[], Some(&weekly())).await;
        assert_eq!((again.status, again.json()["revision"].clone()), (200, json!(1)), "{}", again.text());
        assert_eq!(again.json()["updated_at"], made["updated_at"]);
        let first = format!("{}/occurrences/{}", path_of(&made), id(monday()));
        let same = api.patched(&first, json!({ "starts_at": monday() })).await;
        assert_eq!((&same["is_exception"], &api.get(&path_of(&made)).await["revision"]), (&json!(false), &json!(1)));
        assert_eq!(api.audited().await, audited, "nothing to say about it");
        let invitee = api.invitee(&path_of(&made), "b@example.org").await;
        let own = format!("{}/invitees/{}", path_of(&made), invitee["id"].as_str().expect("an id"));
        api.patched(&own, json!({ "role": "listener" })).await;
        let details = api.text("SELECT details AS text FROM audit_events WHERE action = 'invitee.update'").await;
        assert!(details[0].contains("role"), "{details:?}");
        for _ in 0..2 {
            let gone = api.ask(&format!("DELETE {}", path_of(&made)), &[("if-match", "*")], None).await;
            assert_eq!(gone.status, 204);
        }
        assert_eq!(api.audited().await, audited + 2, "cancelled once");
        // What is cancelled does not keep others from the name that software has for it.
        let anew = api.ask(by_external_id, &[], Some(&weekly())).await;
        assert_eq!(anew.status, 201, "{}", anew.text());
        assert_ne!(anew.json()["id"], made["id"]);
        assert_eq!(api.get(&path_of(&made)).await["external_id"], Value::Null);
    }
}

#[tokio::test]
async fn who_has_read_a_meeting_is_told_what_changed_around_it() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let path = path_of(&api.make("/meetings", &weekly()).await);
        let expanded = format!("GET {path}?expand=invitees");
        let tag = async || {
            let answer = api.ask(&expanded, &[], None).await;
            answer.head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag").to_owned()
        };
        let first = tag().await;
        assert_eq!(api.ask(&expanded, &[("if-none-match", &first)], None).await.status, 304);
        api.make(&format!("{path}/invitees"), &json!({ "email": "d@example.org" })).await;
        let changed = api.ask(&expanded, &[("if-none-match", &first)], None).await;
        assert_eq!((changed.status, changed.json()["revision"].clone()), (200, json!(1)));
        let title = json!({ "title": "renamed" });
        let head = format!("PATCH {path}");
        assert_eq!(api.ask(&head, &[("if-match", &first)], Some(&title)).await.status, 200, "the revision is the same");
        let second = tag().await;
        api.make(&format!("{path}/invitees"), &json!({ "email": "e@example.org", "role": "co_host" })).await;
        let stale = api.ask(&head, &[("if-match", &second)], Some(&json!({ "co_hosts": [] }))).await;
        assert_eq!(stale.status, 412, "of a co-host whom they have not seen");
    }
}

#[tokio::test]
async fn there_is_room_for_those_who_are_invited_later() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let settings = json!({ "limits": { "max_concurrent_participants": 3 } });
        api.execute(sql("UPDATE tenants SET settings = $1").bind(&settings)).await;
        let path = path_of(&api.make("/meetings", &single("one", monday())).await);
        let people = |number: usize| -> Vec<_> {
            (0..number).map(|one| json!({ "email": format!("p{one}@example.org") })).collect()
        };
        let many = api.patch(&path, json!({ "invitees": people(3) })).await;
        assert_eq!((many.status, many.json()["code"].clone()), (409, json!("capacity-exhausted")));
        api.patched(&path, json!({ "invitees": people(2) })).await;
        let another = json!({ "email": "p9@example.org" });
        let full = api.ask(&format!("POST {path}/invitees"), &[], Some(&another)).await;
        assert_eq!(full.status, 409, "{}", full.text());
        api.patched(&path, json!({ "title": "renamed" })).await;
        // What does not take place needs no room.
        let mut series = weekly();
        series["invitees"] = json!([]);
        series["starts_at"] = json!(monday() + Duration::weeks(1));
        let path = path_of(&api.make("/meetings", &series).await);
        let second = format!("{path}/occurrences/{}", id(monday() + Duration::weeks(2)));
        assert_eq!(api.ask(&format!("DELETE {second}"), &[("if-match", "*")], None).await.status, 204);
        let mut beside = single("beside", monday() + Duration::weeks(2));
        beside["expected_participants"] = json!({ "browser": 3 });
        api.make("/meetings", &beside).await;
        api.patched(&path, json!({ "duration_minutes": 50 })).await;
    }
}
