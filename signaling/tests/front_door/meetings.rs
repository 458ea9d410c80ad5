// SPDX-License-Identifier: EUPL-1.2
//! Scheduling over the REST API, on both databases.

mod accounts;
mod changes;
mod plans;
mod progress;
mod promises;
mod rights;
mod rooms;

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use signaling::commands::{NewApiToken, create_api_token};
use store::testing::TestStore;
use store::{FromRow, Row, StoreError, sql};

use crate::support::Server;
use crate::support::server::{Answer, config};

const SCOPES: &str = "meetings:*,invitees:*,policies:*,rooms:*";

/// A service and a token for it.
struct Api {
    server: Server,
    token: String,
}

struct Text(String);

impl FromRow for Text {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("text").map(Self)
    }
}

impl Api {
    async fn on(database: TestStore) -> Self {
        let wanted = NewApiToken { name: "test", scopes: SCOPES, tenant: None, is_for_installation: false, days: 1 };
        let token = create_api_token(&database.store, &wanted).await.expect("a token");
        Self { server: Server::start_on(database, config()).await, token }
    }

    async fn ask(&self, head: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let (method, path) = head.split_once(' ').expect("a method and a path");
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", authorization.as_str())];
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        all.extend(headers);
        let body = body.map(Value::to_string).unwrap_or_default();
        self.server.request(&format!("{method} /api/v1{path}"), &all, body.as_bytes()).await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask(&format!("GET {path}"), &[], None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    async fn make(&self, path: &str, body: &Value) -> Value {
        let answer = self.ask(&format!("POST {path}"), &[], Some(body)).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        answer.json()
    }

    /// Changes what has that ETag.
    async fn change(&self, head: &str, revision: &Value, body: &Value) -> Answer {
        self.ask(head, &[("if-match", &format!("\"{revision}\""))], Some(body)).await
    }

    /// One text of the database.
    async fn text(&self, select: &'static str) -> Vec<String> {
        let mut tx = self.server.database.store.read().await.expect("a transaction");
        let found: Vec<Text> = tx.all(sql(select)).await.expect("rows");
        found.into_iter().map(|text| text.0).collect()
    }

    async fn execute(&self, statement: store::Statement) {
        let mut tx = self.server.database.store.write().await.expect("a transaction");
        tx.execute(statement).await.expect("done");
        tx.commit().await.expect("kept");
    }
}

pub(crate) fn errors(answer: &Answer) -> BTreeSet<(String, String)> {
    let document = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = document["errors"].as_array().unwrap_or_else(|| panic!("{}", answer.text()));
    errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
}

/// The next Monday that is at least two weeks ahead, at 08:00 UTC.
fn monday() -> DateTime<Utc> {
    let from = Utc::now().date_naive() + Duration::days(14);
    let day = from.iter_days().find(|day| chrono::Datelike::weekday(day) == chrono::Weekday::Mon).expect("a Monday");
    day.and_hms_opt(8, 0, 0).expect("a time").and_utc()
}

fn weekly() -> Value {
    json!({
        "title": "Weekly", "starts_at": monday(), "duration_minutes": 45, "time_zone": "UTC",
        "recurrence_rule": "FREQ=WEEKLY;BYDAY=MO", "organizer": { "email": "A.Muster@example.org", "name": "A. Muster" },
        "invitees": [{ "email": "b@example.org", "name": "B" }, { "phone_e164": "+4930123456", "name": "C" }],
    })
}

fn single(title: &str, starts_at: DateTime<Utc>) -> Value {
    json!({ "title": title, "starts_at": starts_at, "duration_minutes": 30, "organizer": { "email": "a@example.org" } })
}

#[tokio::test]
async fn a_weekly_meeting_with_two_invitees_is_one_request() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let made = api.make("/meetings", &weekly()).await;
        assert_eq!(
            (&made["type"], &made["status"], &made["sequence"]),
            (&json!("recurring"), &json!("scheduled"), &json!(0))
        );
        assert_eq!(made["organizer"]["email"], "a.muster@example.org");
        let code = made["join_url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a code");
        assert!(code.len() == 22 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code}");
        let number = made["dial_in"]["conference_id"].as_str().expect("a number");
        assert!(number.len() == 10 && !number.starts_with('0'), "{number}");
        assert_eq!(made["dial_in"]["pin"].as_str().map(str::len), Some(6));
        let id = made["id"].as_str().expect("an id");
        let shown = api.get(&format!("/meetings/{id}?expand=invitees,occurrences&occurrence_limit=3")).await;
        assert_eq!(shown["occurrences"].as_array().map(Vec::len), Some(3));
        assert_eq!(shown["occurrences"][1]["starts_at"], json!(monday() + Duration::weeks(1)));
        let invitees = shown["invitees"].as_array().expect("invitees");
        assert_eq!(invitees.len(), 2);
        for invitee in invitees {
            assert!(invitee["personal_join_url"].as_str().is_some_and(|url| url.contains(&format!("/m/{code}#i="))));
            assert_eq!(invitee["personal_pin"].as_str().map(str::len), Some(8));
        }
        let pins = api.get(&format!("/meetings/{id}/phone_pins")).await;
        let digits: BTreeSet<_> =
            pins["items"].as_array().expect("PINs").iter().map(|pin| pin["pin"].to_string()).collect();
        assert_eq!(digits.len(), 4, "the room's, the host's and two personal ones");
        let calendar = api.get("/occurrences?limit=2").await;
        assert_eq!(calendar["items"][0]["meeting_title"], "Weekly");
        let kinds = api.text("SELECT kind AS text FROM meeting_changes ORDER BY id").await;
        assert_eq!(kinds, ["invitee_added", "invitee_added", "created"]);
        let stored = api.text("SELECT lookup AS text FROM phone_pins").await;
        assert!(stored.iter().all(|lookup| lookup.len() == 64), "no digits are stored");
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_meeting_is_named_at_once() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let body = json!({
            "title": "x", "starts_at": monday(), "ends_at": monday() - Duration::hours(1), "time_zone": "Europe/Bielefeld",
            "recurrence_rule": "FREQ=HOURLY", "policy_id": "019cb3f6-7e8a-7000-8000-000000000000",
            "room_id": "019cb3f6-7e8a-7000-8000-000000000000",
            "invitees": [{ "email": "b@example.org" }, { "email": "B@example.org" }, {}],
        });
        let answer = api.ask("POST /meetings", &[], Some(&body)).await;
        let expected = [
            ("/ends_at", "before-start"),
            ("/invitees/1", "repeated"),
            ("/invitees/2/email", "required"),
            ("/organizer", "required"),
            ("/policy_id", "unknown-reference"),
            ("/recurrence_rule", "too-often"),
            ("/room_id", "unknown-reference"),
            ("/time_zone", "unknown-time-zone"),
        ];
        let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
        assert_eq!((answer.status, errors(&answer)), (422, BTreeSet::from(expected)));
        let check = async |field: &str, value: Value, pointer: &str, code: &str| {
            let mut body = weekly();
            body[field] = value;
            let answer = api.ask("POST /meetings", &[], Some(&body)).await;
            assert_eq!(errors(&answer), BTreeSet::from([(pointer.to_owned(), code.to_owned())]), "{field}");
        };
        check("recurrence_rule", json!("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "/recurrence_rule", "no-occurrence")
            .await;
        check("recurrence_rule", json!("FREQ=WEEKLY;UNTIL=20000101"), "/recurrence_rule", "no-occurrence").await;
        check("recurrence_rule", json!("every Monday"), "/recurrence_rule", "not-a-rule").await;
        check("recurrence_rule", json!("FREQ=WEEKLY;BYDAY=TU"), "/starts_at", "not-by-the-rule").await;
        check("type", json!("scheduled"), "/recurrence_rule", "contradiction").await;
        // Half past two comes twice that day.
        let mut body = weekly();
        (body["starts_at"], body["time_zone"]) = (json!("2027-10-31T01:30:00Z"), json!("Europe/Berlin"));
        body["recurrence_rule"] = json!("FREQ=WEEKLY");
        let answer = api.ask("POST /meetings", &[], Some(&body)).await;
        assert_eq!(errors(&answer), BTreeSet::from([("/starts_at".to_owned(), "said-twice".to_owned())]));
        check("colour", json!("red"), "/colour", "unknown-field").await;
        check("title", json!(""), "/title", "too-short").await;
        assert_eq!(api.get("/meetings").await["items"], json!([]), "nothing of it is kept");
    }
}

#[tokio::test]
async fn a_change_needs_the_revision_and_moves_the_sequence_only_with_the_time() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let made = api.make("/meetings", &single("one", monday())).await;
        let path = format!("/meetings/{}", made["id"].as_str().expect("an id"));
        let patch = json!({ "title": "another" });
        assert_eq!(api.ask(&format!("PATCH {path}"), &[], Some(&patch)).await.status, 428);
        assert_eq!(api.change(&format!("PATCH {path}"), &json!(7), &patch).await.status, 412);
        let renamed = api.change(&format!("PATCH {path}"), &json!(1), &patch).await.json();
        assert_eq!(
            (&renamed["title"], &renamed["sequence"], &renamed["revision"]),
            (&json!("another"), &json!(0), &json!(2))
        );
        let later = monday() + Duration::hours(2);
        let moved = api.change(&format!("PATCH {path}"), &json!(2), &json!({ "starts_at": later })).await.json();
        assert_eq!((&moved["sequence"], &moved["ends_at"]), (&json!(1), &json!(later + Duration::minutes(30))));
        let occurrences = api.get(&format!("{path}/occurrences")).await;
        assert_eq!(occurrences["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(occurrences["items"][0]["starts_at"], json!(later));
        let cancelled = api.ask(&format!("DELETE {path}"), &[("if-match", "\"3\"")], None).await;
        assert_eq!(cancelled.status, 204);
        let shown = api.get(&path).await;
        assert_eq!((&shown["status"], &shown["sequence"]), (&json!("cancelled"), &json!(2)));
        assert_eq!(api.change(&format!("PATCH {path}"), &json!(4), &patch).await.status, 409);
        assert_eq!(api.get("/occurrences").await["items"], json!([]));
        let mut draft = single("draft", monday());
        draft["status"] = json!("draft");
        let draft = api.make("/meetings", &draft).await;
        let path = format!("/meetings/{}", draft["id"].as_str().expect("an id"));
        assert_eq!(api.get(&format!("{path}/occurrences")).await["items"], json!([]));
        assert_eq!(api.ask(&format!("DELETE {path}"), &[("if-match", "\"1\"")], None).await.status, 204);
        assert_eq!(api.ask(&format!("GET {path}"), &[], None).await.status, 404);
    }
}

#[tokio::test]
async fn exceptions_stay_as_long_as_their_start_is_one() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let made = api.make("/meetings", &weekly()).await;
        let path = format!("/meetings/{}", made["id"].as_str().expect("an id"));
        let id = |weeks: i64| (monday() + Duration::weeks(weeks)).format("%Y%m%dT%H%M%SZ").to_string();
        let moved_to = monday() + Duration::days(8);
        let moved = api
            .change(
                &format!("PATCH {path}/occurrences/{}", id(1)),
                &json!(1),
                &json!({ "starts_at": moved_to, "title": "moved" }),
            )
            .await;
        assert_eq!(moved.status, 200, "{}", moved.text());
        assert_eq!((&moved.json()["starts_at"], &moved.json()["is_exception"]), (&json!(moved_to), &json!(true)));
        let gone = api.ask(&format!("DELETE {path}/occurrences/{}", id(2)), &[("if-match", "\"2\"")], None).await;
        assert_eq!(gone.status, 204, "{}", gone.text());
        let renamed = api.change(&format!("PATCH {path}"), &json!(3), &json!({ "duration_minutes": 60 })).await;
        assert_eq!(renamed.json()["dropped_exceptions"], Value::Null, "{}", renamed.text());
        let all = api.get(&format!("{path}/occurrences?limit=4")).await["items"].clone();
        assert_eq!((&all[1]["starts_at"], &all[2]["status"]), (&json!(moved_to), &json!("cancelled")));
        assert_eq!(all[3]["ends_at"], json!(monday() + Duration::weeks(3) + Duration::minutes(60)));
        // Every other week leaves out the first exception, not the second.
        let rule = json!({ "recurrence_rule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO" });
        let changed = api.change(&format!("PATCH {path}"), &json!(4), &rule).await;
        assert_eq!(changed.json()["dropped_exceptions"], json!([id(1)]), "{}", changed.text());
        let all = api.get(&format!("{path}/occurrences?limit=2")).await["items"].clone();
        assert_eq!((&all[1]["recurrence_id"], &all[1]["status"]), (&json!(id(2)), &json!("cancelled")));
        assert_eq!(api.ask(&format!("GET {path}/occurrences/20260101T000000Z"), &[], None).await.status, 404);
        assert_eq!(api.ask(&format!("GET {path}/occurrences/soon"), &[], None).await.status, 404);
    }
}

#[tokio::test]
async fn software_may_repeat_what_it_did() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let key = [("idempotency-key", "one")];
        let first = api.ask("POST /meetings", &key, Some(&weekly())).await;
        let second = api.ask("POST /meetings", &key, Some(&weekly())).await;
        assert_eq!((first.status, first.json()["id"].clone()), (second.status, second.json()["id"].clone()));
        assert_eq!(api.ask("POST /meetings", &key, Some(&single("other", monday()))).await.status, 422);
        let by_external_id = "PUT /meetings/by_external_id/outlook-7";
        let made = api.ask(by_external_id, &[], Some(&single("seven", monday()))).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let again = api.ask(by_external_id, &[], Some(&single("still seven", monday()))).await;
        assert_eq!((again.status, &again.json()["id"]), (200, &made.json()["id"]));
        let mut taken = single("eight", monday());
        taken["external_id"] = json!("outlook-7");
        let taken = api.ask("POST /meetings", &[], Some(&taken)).await;
        assert_eq!((taken.status, taken.json()["errors"][0]["pointer"].clone()), (409, json!("/external_id")));
        let own = "PUT /meetings/019cb3f6-7e8a-7000-8000-000000000001";
        let new = [("if-none-match", "*")];
        assert_eq!(api.ask(own, &new, Some(&single("mine", monday()))).await.status, 201);
        assert_eq!(api.ask(own, &new, Some(&single("mine", monday()))).await.status, 412);
        assert_eq!(api.ask(own, &[], Some(&single("mine", monday()))).await.status, 428);
        let batch = json!({ "meetings": [single("a", monday()), { "title": "b" }, single("c", monday())] });
        let results = api.ask("POST /meetings/batch", &[], Some(&batch)).await.json();
        let statuses: Vec<_> =
            results["results"].as_array().expect("results").iter().map(|one| one["status"].clone()).collect();
        assert_eq!(statuses, [json!(201), json!(422), json!(201)]);
        assert_eq!(results["results"][1]["problem"]["code"], "invalid");
    }
}

#[tokio::test]
async fn pages_are_whole_while_meetings_come() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        for number in 0..5 {
            api.make("/meetings", &single(&number.to_string(), monday() + Duration::hours(number))).await;
        }
        let (mut titles, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = api.get(&format!("/meetings?limit=2{cursor}")).await;
            let items = page["items"].as_array().expect("items").clone();
            titles.extend(items.iter().map(|item| item["title"].as_str().expect("a title").to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            // One before the page and one behind: only the second is to be seen.
            api.make("/meetings", &single("early", monday() - Duration::hours(1))).await;
            assert!(titles.len() < 20, "it never ends");
        }
        assert_eq!(titles, ["0", "1", "2", "3", "4"]);
        let since = api.get("/meetings?updated_since=2020-01-01T00:00:00Z&limit=1").await;
        assert_eq!(since["items"][0]["title"], "0", "by when they were changed");
        let after = (monday() + Duration::hours(3)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
        assert_eq!(
            api.get(&format!("/meetings?starts_after={after}")).await["items"].as_array().map(Vec::len),
            Some(2)
        );
        let bad = api.ask("GET /meetings?status=sometime", &[], None).await;
        assert_eq!((bad.status, bad.json()["errors"][0]["pointer"].clone()), (422, json!("query/status")));
    }
}

#[tokio::test]
async fn who_is_invited_no_more_is_so_with_a_new_link() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let made = api.make("/meetings", &weekly()).await;
        let path = format!("/meetings/{}/invitees", made["id"].as_str().expect("an id"));
        let person = json!({ "email": "d@example.org", "role": "presenter" });
        let first = api.make(&path, &person).await;
        assert_eq!(api.ask(&format!("POST {path}"), &[], Some(&person)).await.status, 409);
        let own = format!("{path}/{}", first["id"].as_str().expect("an id"));
        assert_eq!(api.ask(&format!("DELETE {own}"), &[("if-match", "\"1\"")], None).await.status, 204);
        let revoked = api.get(&own).await;
        assert!(revoked["revoked_at"].is_string() && revoked["personal_join_url"].is_null());
        let again = api.make(&path, &person).await;
        assert_eq!(again["id"], first["id"]);
        assert_ne!(again["personal_join_url"], first["personal_join_url"]);
        assert!(again["personal_pin"].is_string() && again["personal_pin"] != first["personal_pin"]);
        let renewed = api.ask(&format!("POST {own}/renew_link"), &[], None).await.json();
        assert_ne!(renewed["personal_join_url"], again["personal_join_url"]);
        let patched = api.change(&format!("PATCH {own}"), &renewed["revision"], &json!({ "role": "listener" })).await;
        assert_eq!(patched.json()["role"], "listener", "{}", patched.text());
    }
}

#[tokio::test]
async fn a_tenant_that_is_full_is_offered_other_times() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let settings = json!({ "limits": { "max_concurrent_participants": 10 }, "dial_in": { "numbers": [{ "e164": "+4930555" }] } });
        api.execute(sql("UPDATE tenants SET settings = $1").bind(&settings)).await;
        let mut large = single("large", monday());
        large["expected_participants"] = json!({ "browser": 8 });
        let made = api.make("/meetings", &large).await;
        assert!(made["dial_in"]["one_tap"].as_str().is_some_and(|link| link.starts_with("tel:+4930555,,")));
        let full = api.ask("POST /meetings", &[], Some(&large)).await;
        assert_eq!((full.status, full.json()["code"].clone()), (409, json!("capacity-exhausted")));
        let next: Vec<_> = [30, 60, 90].into_iter().map(|minutes| monday() + Duration::minutes(minutes)).collect();
        assert_eq!(full.json()["alternatives"], json!(next));
        assert_eq!(api.ask("POST /meetings?force=true", &[], Some(&large)).await.status, 201);
        let from = monday().format("%Y-%m-%dT%H:%M:%SZ");
        let to = (monday() + Duration::minutes(10)).format("%Y-%m-%dT%H:%M:%SZ");
        let asked = api.get(&format!("/availability?from={from}&to={to}&participants=3")).await;
        assert_eq!((&asked["is_available"], &asked["scheduled"]["participants"]), (&json!(false), &json!(16)));
        large["starts_at"] = json!(monday() + Duration::minutes(30));
        api.make("/meetings", &large).await;
    }
}

#[tokio::test]
async fn policies_and_rooms_are_the_tenants_own() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let made = api
            .make("/policies", &json!({ "name": "open", "rules": { "lobby": "off", "max_participants": 20 } }))
            .await;
        let path = format!("/policies/{}", made["id"].as_str().expect("an id"));
        let shown = api.get(&path).await;
        let rules = &shown["effective_rules"];
        assert_eq!(
            (&rules["lobby"], &rules["allow_recording"], &rules["guests"]),
            (&json!("off"), &json!(false), &json!("invited_only"))
        );
        let patched = api
            .change(&format!("PATCH {path}"), &json!(1), &json!({ "rules": { "lobby": null, "guests": "link" } }))
            .await;
        assert_eq!(patched.json()["rules"], json!({ "max_participants": 20, "guests": "link" }), "{}", patched.text());
        assert_eq!(api.ask("POST /policies", &[], Some(&json!({ "name": "open" }))).await.status, 409);
        let bad =
            api.ask("POST /policies", &[], Some(&json!({ "name": "x", "rules": { "lobby": "maybe", "y": 1 } }))).await;
        assert_eq!(bad.status, 422);
        // A cursor is no longer than the document says, however long the names are.
        for letter in ["\u{1f600}", "\u{1f601}"] {
            api.make("/policies", &json!({ "name": letter.repeat(200) })).await;
        }
        let first = api.get("/policies?limit=2").await;
        let cursor = first["next_cursor"].as_str().expect("another page");
        assert_eq!(api.get(&format!("/policies?cursor={cursor}")).await["items"].as_array().map(Vec::len), Some(1));
        // What a foreign tenant has is not there.
        let other = "INSERT INTO tenants (id, slug, name, locale, settings, revision, created_at, updated_at)
             VALUES ('019cb3f6-7e8a-7000-8000-00000000000a', 'other', 'Other', 'de', '{}', 1, 0, 0)";
        api.execute(sql(other)).await;
        let meeting = api.make("/meetings", &weekly()).await;
        for table in ["UPDATE meetings SET tenant_id = $1", "UPDATE policies SET tenant_id = $1"] {
            api.execute(sql(table).bind("019cb3f6-7e8a-7000-8000-00000000000a")).await;
        }
        let meeting = format!("/meetings/{}", meeting["id"].as_str().expect("an id"));
        for hidden in [meeting.clone(), format!("{meeting}/occurrences"), format!("{meeting}/invitees"), path] {
            assert_eq!(api.ask(&format!("GET {hidden}"), &[], None).await.status, 404, "{hidden}");
        }
        assert_eq!(api.get("/meetings").await["items"], json!([]));
        let own = json!({ "name": "Council", "slug": "council" });
        let answer = api.ask("POST /rooms", &[], Some(&own)).await;
        assert_eq!(errors(&answer), BTreeSet::from([("/owner_id".to_owned(), "required".to_owned())]));
    }
}

/// The commands of the guide are ones that the document describes.
#[tokio::test]
async fn the_guide_asks_for_what_there_is() {
    let api = Api::on(TestStore::sqlite().await).await;
    let document = api.server.get("/api/v1/openapi.json").await.json();
    let guide = include_str!("../../../docs/api/meetings.md");
    let mut asked = 0;
    for line in guide.lines().filter(|line| line.starts_with("curl ")) {
        let method = line.split_once("-X ").map_or("GET", |(_, rest)| rest.split(' ').next().unwrap_or_default());
        let (_, rest) = line.split_once("\"$SAAL").expect("an address");
        let path = rest.split(['"', '?']).next().unwrap_or_default();
        // Variables and what looks like an occurrence stand for parameters.
        let is_parameter = |part: &str| part.starts_with('$') || part.starts_with("2026");
        let parts: Vec<_> = path.split('/').collect();
        let is_meant = |known: &str| {
            let known: Vec<_> = known.split('/').collect();
            known.len() == parts.len()
                && known
                    .iter()
                    .zip(&parts)
                    .all(|(known, part)| known == part || (known.starts_with('{') && is_parameter(part)))
        };
        let paths = document["paths"].as_object().expect("paths");
        let found =
            paths.iter().any(|(known, operations)| is_meant(known) && operations[&method.to_lowercase()].is_object());
        assert!(found, "{line}");
        asked += 1;
    }
    assert!(asked > 8, "{asked}");
}
