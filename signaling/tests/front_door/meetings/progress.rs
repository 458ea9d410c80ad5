// SPDX-License-Identifier: EUPL-1.2
//! How far meetings are while people come and go, lists of those that are so far, and what it adds up to.

use chrono::{Duration, SubsecRound as _, Utc};
use serde_json::{Value, json};
use signaling::Config;
use store::testing::TestStore;

use crate::identity::installation::{Installation, Shows};
use crate::support::server::config;

async fn titles(saal: &Installation, who: &Shows, query: &str) -> Vec<String> {
    let answer = saal.get(who, &format!("/meetings?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let items = answer.json()["items"].as_array().expect("items").clone();
    items.iter().map(|item| item["title"].as_str().expect("a title").to_owned()).collect()
}

#[tokio::test]
async fn a_meeting_is_as_far_as_the_people_in_it() {
    for database in TestStore::both().await {
        let saal = Installation::with(database, Config { api_requests_per_second: 100_000, ..config() }).await;
        let tenant = saal.first_tenant().await;
        let ann = saal.browser(&tenant, "ann@example.org", "organizer").await;
        let bob = saal.browser(&tenant, "bob@example.org", "organizer").await;
        let admin = saal.browser(&tenant, "admin@example.org", "tenant_admin").await;
        let now = Utc::now().trunc_subsecs(0);
        let input = |title: &str, starts_at: chrono::DateTime<Utc>| {
            json!({ "title": title, "starts_at": starts_at, "duration_minutes": 60, "time_zone": "UTC",
                "invitees": [{ "email": "bob@example.org" }] })
        };
        let weekly = {
            let mut input = input("Weekly now", now - Duration::minutes(5));
            input["recurrence_rule"] = json!("FREQ=WEEKLY");
            saal.made(&ann, "/meetings", &input).await
        };
        saal.made(&ann, "/meetings", &input("Later", now + Duration::days(1))).await;
        let past = saal.made(&ann, "/meetings", &input("Past", now - Duration::minutes(30))).await;
        let mut draft = input("Draft", now + Duration::days(2));
        draft["status"] = json!("draft");
        saal.made(&ann, "/meetings", &draft).await;
        let off = saal.made(&ann, "/meetings", &input("Off", now + Duration::days(3))).await;
        let off = format!("DELETE /meetings/{}", off["id"].as_str().expect("an id"));
        assert_eq!(saal.ask(&ann, &off, &[("if-match", "*")], None).await.status, 204);
        // An hour passes for one of them.
        let mut tx = saal.server.database.store.write().await.expect("a transaction");
        for update in [
            "UPDATE meetings SET starts_at = starts_at - 3600000, ends_at = ends_at - 3600000,
                 over_at = over_at - 3600000 WHERE id = $1",
            "UPDATE occurrences SET starts_at = starts_at - 3600000, ends_at = ends_at - 3600000
             WHERE meeting_id = $1",
        ] {
            tx.execute(store::sql(update).bind(past["id"].as_str().expect("an id"))).await.expect("moved");
        }
        tx.commit().await.expect("kept");
        let path = format!("/meetings/{}", weekly["id"].as_str().expect("an id"));
        let look = async || {
            let meeting = saal.get(&ann, &path).await.json()["status"].clone();
            let occurrences = saal.get(&ann, &format!("{path}/occurrences?limit=2")).await.json();
            (meeting, occurrences["items"][0]["status"].clone(), occurrences["items"][1]["status"].clone())
        };
        let all = |first: &str, one: &str| (json!(first), json!(one), json!("scheduled"));
        assert_eq!(look().await, all("scheduled", "scheduled"));
        for who in [&ann, &admin] {
            for (query, expected) in [
                ("status=draft", vec!["Draft"]),
                ("status=cancelled", vec!["Off"]),
                ("status=ended", vec!["Past"]),
                ("status=scheduled", vec!["Later", "Weekly now"]),
                ("status=in_progress", vec![]),
                ("status=waiting", vec![]),
                ("organizer=ann@example.org", vec!["Past", "Weekly now", "Later", "Draft", "Off"]),
                ("q=NOW+week", vec!["Weekly now"]),
                ("q=ow", vec![]),
                ("q=now+now+weekly", vec!["Weekly now"]),
                ("q=now+past", vec![]),
                ("q=la&status=scheduled", vec!["Later"]),
                ("q=la&status=ended", vec![]),
                ("type=recurring", vec!["Weekly now"]),
            ] {
                assert_eq!(titles(&saal, who, query).await, expected, "{query}");
            }
        }
        assert_eq!(saal.get(&ann, "/meetings?q=..").await.status, 422);
        assert_eq!(saal.get(&ann, "/meetings?q=a+b+c+d+e+f").await.status, 422);
        // A page at a time.
        let page = saal.get(&ann, "/meetings?status=scheduled&limit=1").await.json();
        let cursor = page["next_cursor"].as_str().expect("another page");
        assert_eq!(titles(&saal, &ann, &format!("status=scheduled&limit=1&cursor={cursor}")).await, ["Weekly now"]);
        // Somebody is early, and waits; the organizer comes; and it is ended.
        let join = format!(
            "POST /join/{}",
            weekly["join_url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a code")
        );
        let come = async |who: &Shows| saal.ask(who, &join, &[], Some(&json!({}))).await;
        assert_eq!(come(&bob).await.status, 202);
        assert_eq!(look().await, all("waiting", "waiting"));
        assert_eq!(titles(&saal, &ann, "status=waiting").await, ["Weekly now"]);
        assert_eq!(titles(&saal, &ann, "status=scheduled").await, ["Later"]);
        let admitted = come(&ann).await;
        assert_eq!(admitted.status, 200, "{}", admitted.text());
        assert_eq!(look().await, all("in_progress", "in_progress"));
        assert_eq!(titles(&saal, &admin, "status=in_progress").await, ["Weekly now"]);
        assert_eq!(titles(&saal, &admin, "status=waiting").await, Vec::<String>::new());
        let calendar = saal.get(&ann, "/occurrences").await.json();
        let shown = |title: &str| {
            let items = calendar["items"].as_array().expect("items");
            items.iter().find(|item| item["meeting_title"] == title).map_or(Value::Null, |item| item["status"].clone())
        };
        assert_eq!(
            (shown("Past"), shown("Weekly now"), shown("Later")),
            (json!("ended"), json!("in_progress"), json!("scheduled"))
        );
        let session = admitted.json()["session_id"].as_str().expect("a session").to_owned();
        let ended = saal.ask(&ann, &format!("POST /meeting_sessions/{session}/end"), &[], None).await;
        assert_eq!(ended.status, 204, "{}", ended.text());
        let (meeting, _, _) = look().await;
        assert_ne!(meeting, "in_progress");
    }
}

#[tokio::test]
async fn use_is_told_by_day_and_tenant_and_names_nobody() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
        let admin = saal.browser(&own, "admin@example.org", "tenant_admin").await;
        let organizer = saal.browser(&own, "ann@example.org", "organizer").await;
        let mut rooms = Vec::new();
        for (tenant, email) in [(&own, "o@example.org"), (&other, "o@example.com")] {
            let owner = saal.user(tenant, email, "organizer").await;
            let room = json!({ "name": "R", "slug": "r", "owner_id": owner });
            rooms.push(saal.made(&saal.root(), &format!("/rooms?tenant_id={tenant}"), &room).await["id"].clone());
        }
        let day = 1_790_000_000_000_i64 / 86_400_000 * 86_400_000;
        let mut tx = saal.server.database.store.write().await.expect("a transaction");
        // Tenant, day, minute, minutes, people, guests, most at once.
        let runs: [(usize, i64, i64, i64, i64, i64, i64); 4] =
            [(0, 0, 10, 30, 4, 1, 3), (0, 0, 100, 15, 2, 0, 2), (0, 1, 0, 60, 5, 5, 5), (1, 0, 5, 1, 1, 0, 1)];
        for (number, (tenant, days, minute, minutes, people, guests, peak)) in runs.into_iter().enumerate() {
            let started = day + days * 86_400_000 + minute * 60_000;
            let insert = store::sql(
                "INSERT INTO meeting_sessions (id, tenant_id, room_id, is_locked, started_at, ended_at,
                     peak_participants, total_participants, guest_participants)
                 VALUES ($1, $2, $3, FALSE, $4, $5, $6, $7, $8)",
            );
            let insert = insert.bind(format!("0190c0de-0000-7000-8000-00000000000{number}"));
            let insert = insert.bind([&own, &other][tenant].clone()).bind(rooms[tenant].as_str().expect("an id"));
            let insert = insert.bind(started).bind(started + minutes * 60_000).bind(peak).bind(people).bind(guests);
            tx.execute(insert).await.expect("a run");
        }
        tx.commit().await.expect("kept");
        let date = |days: i64| {
            chrono::DateTime::from_timestamp_millis(day + days * 86_400_000).expect("a time").date_naive().to_string()
        };
        let row = |tenant: &str, days: i64, figures: [i64; 6]| {
            let [meetings, sessions, participants, guests, peak, minutes] = figures;
            json!({ "tenant_id": tenant, "day": date(days), "meetings": meetings, "sessions": sessions,
                "participants": participants, "guests": guests, "peak_participants": peak, "minutes": minutes })
        };
        let (first, second) = (row(&own, 0, [1, 2, 6, 1, 3, 45]), row(&own, 1, [1, 1, 5, 5, 5, 60]));
        let path = format!("/stats/usage?from={}&to={}", date(-1), date(3));
        let asked = saal.get(&admin, &path).await;
        assert_eq!((asked.status, &asked.json()["items"]), (200, &json!([first, second])), "{}", asked.text());
        // The installation sees all tenants, a page at a time.
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = saal.get(&saal.root(), &format!("{path}&limit=1{cursor}")).await.json();
            seen.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            assert!(seen.len() < 9, "it never ends");
        }
        let third = row(&other, 0, [1, 1, 1, 0, 1, 1]);
        let mut expected = vec![first.clone(), second, third];
        expected.sort_by_key(|row| (row["tenant_id"].to_string(), row["day"].to_string()));
        assert_eq!(seen, expected);
        let one_day = saal.get(&admin, &format!("/stats/usage?from={0}&to={0}", date(0))).await.json();
        assert_eq!(one_day["items"], json!([first]), "the last day is one of them");
        assert_eq!(saal.get(&organizer, &path).await.status, 403);
        assert_eq!(saal.get(&admin, &format!("{path}&tenant_id={other}")).await.status, 404);
        for wrong in ["from=2026-02-01&to=2026-01-01", "from=2020-01-01&to=2026-01-01", "from=yesterday"] {
            assert_eq!(saal.get(&admin, &format!("/stats/usage?{wrong}")).await.status, 422, "{wrong}");
        }
    }
}
