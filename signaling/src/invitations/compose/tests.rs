// SPDX-License-Identifier: EUPL-1.2
//! What is told of a series that has been going on for years.

use serde_json::{Value as Json, json};
use store::testing::TestStore;

use super::*;
use crate::identity::tenants;
use crate::meetings::table as meetings;

/// How many days ago it began: more than rows are read of it.
const DAYS_AGO: i64 = 1500;

/// Midnight of a day, counted from today.
fn day(number: i64) -> DateTime<Utc> {
    let today = Utc::now().date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    today + Duration::days(number)
}

/// A daily series, whose times are written down up to a year ahead; `differing` ones by their day, with what is different.
async fn write_series(test: &TestStore, differing: &[(DateTime<Utc>, Json)]) -> MeetingId {
    let id = MeetingId::new();
    let mut tx = test.store.write().await.expect("a transaction");
    tenants::ensure_one(&mut tx).await.expect("a tenant");
    let tenant = tenants::named(&mut tx, None).await.expect("tenants").expect("one");
    tx.commit().await.expect("kept");
    let (start, hour) = (day(-DAYS_AGO).timestamp_millis(), 3_600_000);
    let meeting = json!({ "id": id, "tenant_id": tenant, "code": id, "conference_id": id, "title": "Stand-up",
        "type": "recurring", "status": "scheduled", "starts_at": start, "ends_at": start + hour, "time_zone": "UTC",
        "recurrence_rule": "FREQ=DAILY", "excluded_dates": "[]", "expanded_until": day(365).timestamp_millis(),
        "organizer_email": "a@example.org", "organizer_name": "A", "policy_overrides": "{}",
        "expected_participants": "{}", "ical_uid": id, "invitation_delivery": "mail", "invitation_language": "en",
        "tags": "{}", "revision": 1, "created_by": "x" });
    let mut rows = vec![("meetings", meeting)];
    let regular = (-DAYS_AGO..365).map(|number| (day(number), json!({})));
    let known: Vec<_> = differing.iter().map(|(start, _)| *start).collect();
    let regular = regular.filter(|(start, _)| !known.contains(start));
    for (start, changes) in regular.chain(differing.iter().cloned()) {
        let start = start.timestamp_millis();
        let mut row = json!({ "meeting_id": id, "recurrence_id": start, "tenant_id": tenant, "starts_at": start,
            "ends_at": start + hour, "status": "scheduled", "policy_overrides": "{}" });
        for (name, value) in changes.as_object().expect("columns") {
            row["is_exception"] = json!(true);
            row[name] = value.clone();
        }
        rows.push(("occurrences", row));
    }
    test.insert_all(rows).await;
    id
}

async fn told(test: &TestStore, id: MeetingId) -> Recurrence {
    let mut tx = test.store.read().await.expect("a transaction");
    let meeting = meetings::find(&mut tx, None, id).await.expect("rows").expect("a meeting");
    let found = differing(&mut tx, std::slice::from_ref(&meeting), MAX_DIFFERING).await.expect("rows");
    schedule(&meeting, &found).and_then(|schedule| schedule.recurrence).expect("a series")
}

#[tokio::test]
async fn calendars_know_what_is_different_tomorrow_in_a_series_of_years() {
    for test in TestStore::both().await {
        let moved = json!({ "starts_at": (day(2) + Duration::hours(5)).timestamp_millis() });
        let differing = [(day(1), json!({ "status": "cancelled" })), (day(2), moved)];
        let told = told(&test, write_series(&test, &differing).await).await;
        assert_eq!(told.excluded, [day(1)]);
        let moved: Vec<_> = told.exceptions.iter().map(|one| (one.recurrence_id, one.starts_at)).collect();
        assert_eq!(moved, [(day(2), day(2) + Duration::hours(5))]);
        assert_eq!(told.last_known, day(365));
    }
}

#[tokio::test]
async fn what_differed_from_an_earlier_rule_is_not_told() {
    for test in TestStore::both().await {
        let title = json!({ "title": "Other" });
        let differing = [
            // Before the start, and at an hour at which it does not take place any more.
            (day(-DAYS_AGO - 7), title.clone()),
            (day(-40) + Duration::hours(1), title.clone()),
            (day(-39) + Duration::hours(1), json!({ "status": "cancelled" })),
            (day(-38), title),
        ];
        let told = told(&test, write_series(&test, &differing).await).await;
        let starts: Vec<_> = told.exceptions.iter().map(|one| one.recurrence_id).collect();
        assert_eq!((starts, told.excluded), (vec![day(-38)], Vec::new()));
    }
}
