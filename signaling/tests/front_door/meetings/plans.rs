// SPDX-License-Identifier: EUPL-1.2
//! Nothing that is asked of the API reads the whole of a table that grows: the databases say so themselves, of each
//! statement that was run.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use signaling::Config;
use store::sql;
use store::testing::TestStore;

use super::monday;
use crate::identity::installation::{Installation, Shows};
use crate::support::server::config;

/// Tables that grow with use, or with the number of people. Lobbies are emptied.
const GROWING: [&str; 17] = [
    "meetings",
    "occurrences",
    "invitees",
    "phone_pins",
    "meeting_words",
    "meeting_changes",
    "meeting_sessions",
    "meeting_bans",
    "session_people",
    "session_messages",
    "rooms",
    "policies",
    "users",
    "user_sessions",
    "api_tokens",
    "audit_events",
    "idempotency_keys",
];

/// Meetings that are there besides.
const MEETINGS: i64 = 20_000;

/// Fills tables, so that PostgreSQL knows how many rows to expect. All of the meetings are on from now on, one each minute.
async fn fill(saal: &Installation, tenant: &str, organizer: &str, now: DateTime<Utc>) {
    let mut tx = saal.server.database.store.write().await.expect("a transaction");
    let meetings = sql("WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $1)
         INSERT INTO meetings (id, tenant_id, code, conference_id, title, description, agenda, type, status, starts_at,
             ends_at, over_at, time_zone, excluded_dates, organizer_id, organizer_email, organizer_name, policy_overrides,
             expected_participants, ical_uid, sequence, invitation_delivery, invitation_language, invitation_message,
             tags, revision, created_by, created_at, updated_at)
         SELECT '0190c0de-0000-7000-8000-' || CAST(100000000000 + i AS TEXT), $2, CAST(i AS TEXT), CAST(i AS TEXT),
             'Budget', '', '', 'scheduled', 'scheduled', $3 + i * 60000, $3 + i * 60000 + 1800000,
             $3 + i * 60000 + 1800000, 'UTC', '[]', CASE WHEN i % 1000 = 0 THEN $4 END, 'x@example.org', '', '{}', '{}',
             CAST(i AS TEXT), 0, 'none', 'de', '', '{}', 1, 'test', $3, $3 + i
         FROM n");
    let organizer = Some(organizer.to_owned());
    tx.execute(meetings.bind(MEETINGS).bind(tenant).bind(now).bind(organizer)).await.expect("meetings");
    for fill in [
        "INSERT INTO occurrences (meeting_id, recurrence_id, tenant_id, starts_at, ends_at, status, is_exception,
             policy_overrides, sequence, expected_total, expected_phone)
         SELECT id, starts_at, tenant_id, starts_at, ends_at, 'scheduled', FALSE, '{}', 0, 1, 0 FROM meetings",
        "INSERT INTO invitees (id, meeting_id, tenant_id, email, name, role, type, response_status, response_sequence,
             lobby_bypass, link_generation, last_notified_sequence, revision, created_at, updated_at)
         SELECT id, id, tenant_id, code || '@example.org', '', 'attendee', 'external', 'needs_action', 0, FALSE, 1, -1, 1,
             created_at, created_at FROM meetings",
        "INSERT INTO phone_pins (id, meeting_id, place_id, kind, generation, lookup, created_at)
         SELECT id, id, id, 'room', 1, code, created_at FROM meetings",
        "INSERT INTO meeting_words (meeting_id, word, tenant_id) SELECT id, code, tenant_id FROM meetings",
        "INSERT INTO meeting_words (meeting_id, word, tenant_id) SELECT id, 'council', tenant_id FROM meetings",
        "INSERT INTO users (id, tenant_id, email, name, role, feed_generation, revision, created_at, updated_at)
         SELECT id, tenant_id, code || '@example.org', '', 'organizer', 1, 1, created_at, created_at FROM meetings",
        "INSERT INTO user_sessions (token_hash, user_id, created_at, last_seen_at, expires_at)
         SELECT id, id, created_at, created_at, created_at + 43200000 FROM meetings",
        // One in a hundred goes on.
        "INSERT INTO meeting_sessions (id, tenant_id, meeting_id, running_id, is_locked, started_at, peak_participants,
             total_participants, guest_participants)
         SELECT id, tenant_id, id, CASE WHEN starts_at % 6000000 < 60000 THEN id END, FALSE, starts_at, 0, 0, 0
         FROM meetings",
    ] {
        tx.execute(sql(fill)).await.expect("filled");
    }
    // PostgreSQL does so by itself. SQLite never does, and would take what is stored here for all there ever is.
    if saal.server.database.url().is_some() {
        tx.execute(sql("ANALYZE")).await.expect("analysed");
    }
    tx.commit().await.expect("kept");
}

/// Asks all that can be listed and looked up of meetings.
async fn ask_everything(saal: &Installation, who: &Shows, made: &Value) {
    let id = made["id"].as_str().expect("an id");
    let after = monday().format("%Y-%m-%dT%H:%M:%SZ");
    let meeting = format!("/meetings/{id}");
    let one = format!("{meeting}/occurrences/{}", monday().format("%Y%m%dT%H%M%SZ"));
    for list in [
        "/meetings".to_owned(),
        format!("/meetings?starts_after={after}"),
        format!("/meetings?starts_before={after}&starts_after=2026-01-01T00:00:00Z"),
        "/meetings?updated_since=2026-01-01T00:00:00Z".to_owned(),
        "/meetings?status=draft".to_owned(),
        "/meetings?status=scheduled".to_owned(),
        "/meetings?status=waiting".to_owned(),
        "/meetings?status=in_progress".to_owned(),
        "/meetings?status=ended".to_owned(),
        "/meetings?status=cancelled".to_owned(),
        "/meetings?organizer=o@example.org".to_owned(),
        "/meetings?external_id=x".to_owned(),
        "/meetings?q=weekly+b".to_owned(),
        "/meetings?q=council".to_owned(),
        "/meetings?q=council+777".to_owned(),
        "/meetings?expand=invitees,occurrences".to_owned(),
        "/occurrences".to_owned(),
        format!("/occurrences?starts_after={after}"),
        format!("{meeting}/occurrences"),
        format!("{meeting}/invitees"),
        "/rooms".to_owned(),
        "/policies".to_owned(),
        "/meeting_sessions".to_owned(),
    ] {
        let mark = if list.contains('?') { '&' } else { '?' };
        let answer = saal.get(who, &format!("{list}{mark}limit=1")).await;
        assert_eq!(answer.status, 200, "{list}: {}", answer.text());
        if let Some(cursor) = answer.json()["next_cursor"].as_str() {
            let next = saal.get(who, &format!("{list}{mark}limit=1&cursor={cursor}")).await;
            assert_eq!(next.status, 200, "{list}: {}", next.text());
        }
    }
    for path in
        [meeting.clone(), format!("{meeting}?expand=invitees,occurrences"), one, format!("{meeting}/phone_pins")]
    {
        assert_eq!(saal.get(who, &path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn no_list_and_no_lookup_reads_a_whole_table() {
    for database in TestStore::both().await {
        let saal = Installation::with(database, Config { api_requests_per_second: 100_000, ..config() }).await;
        let tenant = saal.first_tenant().await;
        let organizer = saal.user(&tenant, "ann@example.org", "organizer").await;
        let admin = saal.browser(&tenant, "admin@example.org", "tenant_admin").await;
        fill(&saal, &tenant, &organizer, Utc::now()).await;
        let store = &saal.server.database.store;
        store.note_statements();
        let ann = saal.signed_in("ann@example.org").await;
        let weekly = |external_id: &str| {
            json!({ "title": "Weekly Budget", "starts_at": monday(), "duration_minutes": 45, "time_zone": "UTC",
                "recurrence_rule": "FREQ=WEEKLY;BYDAY=MO", "external_id": external_id,
                "co_hosts": [{ "email": "bob@example.org" }], "invitees": [{ "email": "cem@example.org" }] })
        };
        let made = saal.made(&ann, "/meetings", &weekly("x")).await;
        let path = format!("/meetings/{}", made["id"].as_str().expect("an id"));
        for who in [&admin, &ann] {
            ask_everything(&saal, who, &made).await;
        }
        let found = saal.get(&admin, "/meetings?q=council+19999").await.json();
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
        // Changing, and coming.
        let any = [("if-match", "*")];
        assert_eq!(saal.patch(&ann, &path, &json!({ "title": "Weekly", "duration_minutes": 50 })).await.status, 200);
        let again = saal.ask(&ann, "PUT /meetings/by_external_id/x", &[], Some(&weekly("x"))).await;
        assert_eq!(again.status, 200, "{}", again.text());
        let room = saal.made(&ann, "/rooms", &json!({ "name": "R", "slug": "r" })).await;
        for thing in [&room, &made] {
            let code = thing["join_url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a code");
            let join = format!("/join/{code}");
            assert_eq!(saal.get(&Shows::Nothing, &join).await.status, 200);
            let waiting = saal.ask(&admin, &format!("POST {join}"), &[], Some(&json!({}))).await;
            assert!([200, 202].contains(&waiting.status), "{}", waiting.text());
            let admitted = saal.ask(&ann, &format!("POST {join}"), &[], Some(&json!({}))).await;
            assert_eq!(admitted.status, 200, "{}", admitted.text());
        }
        assert_eq!(saal.get(&admin, "/stats/usage").await.status, 200);
        let second = saal.made(&ann, "/meetings", &weekly("y")).await;
        let second = format!("DELETE /meetings/{}", second["id"].as_str().expect("an id"));
        assert_eq!(saal.ask(&ann, &second, &any, None).await.status, 204);
        let (count, growing) = store.growing(&GROWING).await;
        assert!(count > 60, "only {count} statements were looked at");
        let told: Vec<_> =
            growing.iter().map(|one| format!("{}\n  {}\n  {:#?}", one.statement, one.step, one.plan)).collect();
        assert!(told.is_empty(), "{} statements grow with their tables:\n{}", told.len(), told.join("\n"));
    }
}
