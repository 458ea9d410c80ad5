// SPDX-License-Identifier: EUPL-1.2
//! What is old goes, what is not stays, and each deletion leaves a proof. The clock is an argument.

use std::collections::BTreeSet;

use store::testing::TestStore;

use super::classes::KEPT;
use super::*;
use crate::identity::tenants::settings::Retention;
use crate::records::audit::{Link, append, verify};
use crate::records::everywhere::{World, execute, tenant};

async fn run_all(database: &TestStore, now: DateTime<Utc>) -> usize {
    run(&database.store, "test", now).await.expect("run")
}

struct Count(i64);

impl FromRow for Count {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("count").map(Self)
    }
}

struct Id(String);

impl FromRow for Id {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("id").map(Self)
    }
}

async fn count(database: &TestStore, statement: &'static str) -> i64 {
    database.store.read().await.expect("a transaction").one::<Count>(sql(statement)).await.expect("a count").0
}

async fn chain(database: &TestStore, chain: &str) -> Vec<Link> {
    let mut tx = database.store.read().await.expect("a transaction");
    Filter::default().page(&mut tx, chain, Order::Asc, None, 10_000).await.expect("events")
}

async fn assert_intact(database: &TestStore, chain: &str) {
    let mut tx = database.store.read().await.expect("a transaction");
    let report = verify::verify(&mut tx, chain, &[]).await.expect("verified");
    assert!(report.is_intact(), "{report:?}");
}

async fn keep_key(database: &TestStore, name: &str, at: DateTime<Utc>) {
    let insert =
        sql("INSERT INTO idempotency_keys (caller, idempotency_key, request_hash, status, headers, created_at)
         VALUES ('x', $1, 'x', 200, '[]', $2)");
    execute(database, insert.bind(name).bind(at)).await;
}

#[tokio::test]
async fn what_is_old_goes_and_leaves_a_proof() {
    for database in TestStore::both().await {
        let now: DateTime<Utc> = "2026-10-25T12:00:00Z".parse().expect("a time");
        for (name, hours) in [("old", 30), ("older", 40), ("young", 23)] {
            keep_key(&database, name, now - Duration::hours(hours)).await;
        }
        assert_eq!(run_all(&database, now).await, 2);
        assert_eq!(count(&database, "SELECT COUNT(*) AS count FROM idempotency_keys").await, 1);
        let events = chain(&database, "").await;
        let [proof] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((proof.action.as_str(), proof.target_id.as_str()), ("retention.delete", "idempotency_keys"));
        let details: Json = serde_json::from_str(&proof.details).expect("JSON");
        let expected = json!({
            "tables": ["idempotency_keys"], "count": 2, "before": "2026-10-24T12:00:00Z",
            "oldest": "2026-10-23T20:00:00Z", "newest": "2026-10-24T06:00:00Z",
        });
        assert_eq!(details, expected);
        assert_eq!(run_all(&database, now + EVERY / 2).await, 0, "it is not due");
        assert_eq!(run_all(&database, now + Duration::hours(2)).await, 1);
        assert_intact(&database, "").await;
    }
}

#[tokio::test]
async fn more_than_one_transaction_deletes_is_deleted_in_several() {
    for database in TestStore::both().await {
        let now = Utc::now();
        let mut tx = database.store.write().await.expect("a transaction");
        for number in 0..BATCH * 2 + 1 {
            let insert =
                sql("INSERT INTO idempotency_keys (caller, idempotency_key, request_hash, status, headers, created_at)
                 VALUES ('x', $1, 'x', 200, '[]', 0)");
            tx.execute(insert.bind(number.to_string())).await.expect("inserted");
        }
        tx.commit().await.expect("committed");
        assert_eq!(i64::try_from(run_all(&database, now).await), Ok(BATCH * 2 + 1));
        assert_eq!(chain(&database, "").await.len(), 3);
    }
}

/// Appends an event as if at that time: what a chain looks like after years.
async fn append_at(database: &TestStore, tenant: Option<TenantId>, at: DateTime<Utc>) {
    let mut tx = database.store.write().await.expect("a transaction");
    append(&mut tx, Cause::system(tenant), &Event::new("meeting.update", at)).await.expect("appended");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn the_beginning_of_an_audit_chain_goes_and_the_rest_is_intact() {
    for database in TestStore::both().await {
        let tenant = tenant(&database.store).await;
        let began = Utc::now();
        for number in 0..BATCH + 3 {
            append_at(&database, (number % 2 == 0).then_some(tenant), began).await;
        }
        let chain_of_tenant = tenant.to_string();
        let events = chain(&database, &chain_of_tenant).await.len();
        assert_eq!(run_all(&database, began + Duration::days(364)).await, 0);
        let later = began + Duration::days(367);
        assert_eq!(i64::try_from(run_all(&database, later).await), Ok(BATCH + 3));
        let left = chain(&database, &chain_of_tenant).await;
        let [proof] = left.as_slice() else { panic!("{left:?}") };
        assert_eq!(proof.number, i64::try_from(events).expect("few") + 1);
        let details: Json = serde_json::from_str(&proof.details).expect("JSON");
        assert_eq!((&details["count"], proof.target_id.as_str()), (&json!(events), "audit_events"));
        for chain in ["", &chain_of_tenant] {
            assert_intact(&database, chain).await;
        }
        // What follows is appended as ever.
        append_at(&database, Some(tenant), later).await;
        assert_intact(&database, &chain_of_tenant).await;
    }
}

#[tokio::test]
async fn a_tenant_keeps_things_as_long_as_it_has_chosen_within_bounds() {
    for database in TestStore::both().await {
        let tenant = tenant(&database.store).await;
        append_at(&database, Some(tenant), Utc::now()).await;
        let update = sql("UPDATE tenants SET settings = $1");
        execute(&database, update.bind(&json!({ "retention": { "audit_events_days": 1 } }))).await;
        assert_eq!(run_all(&database, Utc::now() + Duration::days(29)).await, 0, "less than a month is not enough");
        assert_eq!(run_all(&database, Utc::now() + Duration::days(32)).await, 1);
        let update = sql("UPDATE tenants SET settings = $1");
        execute(&database, update.bind(&json!({ "retention": { "audit_events_days": 3650 } }))).await;
        assert_eq!(run_all(&database, Utc::now() + Duration::days(3000)).await, 0);
    }
}

async fn schedule(database: &TestStore, tenant: TenantId, id: &str, kind: &str, starts_at: DateTime<Utc>) {
    let ends_at = starts_at + Duration::hours(1);
    let is_endless = id.starts_with("endless");
    let meeting = json!({ "id": id, "tenant_id": tenant, "code": id, "conference_id": id, "type": kind,
        "status": if id.starts_with("cancelled") { "cancelled" } else { "scheduled" },
        "starts_at": starts_at.timestamp_millis(), "ends_at": ends_at.timestamp_millis(), "excluded_dates": "[]",
        "expanded_until": is_endless.then_some(ends_at.timestamp_millis()), "ical_uid": id });
    database.insert("meetings", meeting).await;
    occur(database, tenant, id, starts_at).await;
}

async fn occur(database: &TestStore, tenant: TenantId, id: &str, starts_at: DateTime<Utc>) {
    let ends_at = starts_at + Duration::hours(1);
    let times = [starts_at, ends_at].map(|time| time.timestamp_millis());
    let occurrence = json!({ "meeting_id": id, "recurrence_id": times[0], "tenant_id": tenant, "starts_at": times[0],
        "ends_at": times[1], "status": "scheduled" });
    database.insert("occurrences", occurrence).await;
}

#[tokio::test]
async fn meetings_go_when_all_of_them_has_been_over_for_long() {
    for database in TestStore::both().await {
        let tenant = tenant(&database.store).await;
        let now: DateTime<Utc> = "2026-10-25T12:00:00Z".parse().expect("a time");
        let ago = |days| now - Duration::days(days);
        schedule(&database, tenant, "old", "scheduled", ago(91)).await;
        schedule(&database, tenant, "young", "scheduled", ago(89)).await;
        schedule(&database, tenant, "moved", "scheduled", ago(91)).await;
        occur(&database, tenant, "moved", ago(10)).await;
        schedule(&database, tenant, "series that goes on", "recurring", ago(300)).await;
        occur(&database, tenant, "series that goes on", ago(80)).await;
        schedule(&database, tenant, "series that is over", "recurring", ago(300)).await;
        schedule(&database, tenant, "endless series", "recurring", ago(300)).await;
        schedule(&database, tenant, "permanent", "permanent", ago(1000)).await;
        schedule(&database, tenant, "cancelled long before it was to be", "scheduled", ago(-500)).await;
        for (id, ended_at) in
            [("ad hoc, used", Some(ago(10))), ("ad hoc, unused", Some(ago(91))), ("ad hoc, running", None)]
        {
            schedule(&database, tenant, id, "ad_hoc", ago(1000)).await;
            let session = json!({ "id": id, "tenant_id": tenant, "meeting_id": id,
                "ended_at": ended_at.map(|time| time.timestamp_millis()) });
            database.insert("meeting_sessions", session).await;
        }
        execute(&database, sql("UPDATE meetings SET ends_at = NULL WHERE type IN ('ad_hoc', 'permanent')")).await;
        run_all(&database, now).await;
        let mut tx = database.store.read().await.expect("a transaction");
        let left: Vec<Id> = tx.all(sql("SELECT id FROM meetings ORDER BY id")).await.expect("meetings");
        let left: Vec<_> = left.iter().map(|id| id.0.as_str()).collect();
        let expected =
            ["ad hoc, running", "ad hoc, used", "endless series", "moved", "permanent", "series that goes on", "young"];
        assert_eq!(left, expected);
    }
}

#[tokio::test]
async fn a_series_that_goes_on_forgets_when_it_was_and_not_when_it_will_be() {
    for database in TestStore::both().await {
        let tenant = tenant(&database.store).await;
        let now: DateTime<Utc> = "2026-10-25T12:00:00Z".parse().expect("a time");
        let ago = |days| now - Duration::days(days);
        schedule(&database, tenant, "endless", "recurring", ago(500)).await;
        for days in [91, 89, -10] {
            occur(&database, tenant, "endless", ago(days)).await;
        }
        schedule(&database, tenant, "over, and looked after", "recurring", ago(200)).await;
        let changed = sql("UPDATE meetings SET updated_at = $1").bind(ago(1));
        execute(&database, changed).await;
        run_all(&database, now).await;
        let mut tx = database.store.read().await.expect("a transaction");
        let select = sql("SELECT meeting_id AS id FROM occurrences ORDER BY recurrence_id");
        let left: Vec<Id> = tx.all(select).await.expect("rows");
        let left: Vec<_> = left.iter().map(|id| id.0.as_str()).collect();
        assert_eq!(left, ["over, and looked after", "endless", "endless"]);
    }
}

/// A row of each table, and no class forgets it: whoever makes a table says when its rows go, or why they stay.
#[tokio::test]
async fn every_table_is_in_a_class_or_kept_for_a_reason() {
    for world in World::both().await {
        let mut known: Vec<_> = CLASSES.iter().flat_map(|class| class.tables.iter().copied()).collect();
        known.extend(KEPT.iter().map(|(table, _)| *table));
        known.sort_unstable();
        // Those who are not invited any more go before their meetings do.
        known.dedup();
        let counts = world.database.row_counts().await;
        let there: Vec<_> = counts.keys().map(String::as_str).collect();
        assert_eq!(known, there, "and no others");
    }
}

#[tokio::test]
async fn what_everybody_left_long_ago_is_gone_and_each_class_has_a_proof() {
    for world in World::both().await {
        // Nobody was in that meeting any more.
        execute(&world.database, sql("UPDATE meeting_sessions SET ended_at = 0 WHERE ended_at IS NULL")).await;
        let before = world.database.row_counts().await;
        // Not so late that the proofs themselves are old.
        run_all(&world.database, Utc::now() + Duration::days(300)).await;
        let after = world.database.row_counts().await;
        let mut proofs = chain(&world.database, "").await;
        proofs.extend(chain(&world.database, &world.tenant.to_string()).await);
        let proven = |class: &Class| {
            let of_class =
                proofs.iter().filter(|event| event.action == "retention.delete" && event.target_id == class.name);
            let count = |event: &Link| {
                serde_json::from_str::<Json>(&event.details).expect("JSON")["count"].as_u64().expect("a count")
            };
            of_class.map(count).sum::<u64>()
        };
        for class in CLASSES {
            let left: Vec<_> = class.tables.iter().filter(|table| after[**table] > 0).collect();
            if let How::AuditChain = class.how {
                continue;
            }
            assert!(left.is_empty(), "{left:?}");
            let deleted = match class.name {
                "revoked_invitees" => 1,
                // None of the world's is of a series.
                "past_occurrences" => 0,
                _ => before[class.tables[0]] as u64,
            };
            assert_eq!(proven(class), deleted, "{}", class.name);
        }
        for (table, reason) in KEPT {
            assert!(after[*table] >= before[*table], "{table}: {reason}");
        }
        world.assert_chains_are_intact().await;
    }
}

#[tokio::test]
async fn what_is_young_or_goes_on_stays() {
    for world in World::both().await {
        // All rows of the world are of 1970, so it is 1970, too.
        let then = DateTime::UNIX_EPOCH + Duration::hours(1);
        let update = sql("UPDATE user_sessions SET expires_at = $1").bind(then + Duration::days(1));
        execute(&world.database, update).await;
        for update in [
            "UPDATE api_tokens SET expires_at = $1",
            "UPDATE oidc_logout_tokens SET expires_at = $1",
            "UPDATE token_revocations SET forget_at = $1",
        ] {
            execute(&world.database, sql(update).bind(then + Duration::days(1))).await;
        }
        let before = world.database.row_counts().await;
        assert_eq!(run_all(&world.database, then).await, 0);
        let after = world.database.row_counts().await;
        for (table, count) in &before {
            if !["audit_events", "audit_heads", "jobs"].contains(&table.as_str()) {
                assert_eq!(after.get(table), Some(count), "{table}");
            }
        }
    }
}

#[tokio::test]
async fn attendance_is_kept_as_long_as_the_tenant_says_and_chat_for_a_while() {
    for world in World::both().await {
        let people = async || world.database.row_counts().await["session_people"];
        let chat = async || world.database.row_counts().await["session_messages"];
        let update = sql("UPDATE tenants SET settings = $1");
        execute(&world.database, update.bind(&json!({ "retention": { "attendance_days": 5, "chat_days": 3 } }))).await;
        let start = DateTime::UNIX_EPOCH + Duration::hours(1);
        run_all(&world.database, start + Duration::days(2)).await;
        assert_eq!((people().await, chat().await), (8, 8));
        run_all(&world.database, start + Duration::days(4)).await;
        assert_eq!((people().await, chat().await), (8, 0));
        run_all(&world.database, start + Duration::days(6)).await;
        assert_eq!(people().await, 4, "of the meeting that goes on");
    }
}

#[tokio::test]
async fn a_mail_that_is_still_tried_stays_however_short_a_tenant_keeps_what_failed() {
    for world in World::both().await {
        let mails = async || world.database.row_counts().await["mails"];
        let update = sql("UPDATE tenants SET settings = $1");
        execute(&world.database, update.bind(&json!({ "retention": { "mails_days": 1 } }))).await;
        execute(&world.database, sql("UPDATE mails SET given_up_at = 1 WHERE id = 'm1'")).await;
        run_all(&world.database, DateTime::UNIX_EPOCH + Duration::days(2)).await;
        assert_eq!(mails().await, 4, "what has failed goes");
        run_all(&world.database, DateTime::UNIX_EPOCH + Duration::days(6)).await;
        assert_eq!(mails().await, 0);
    }
}

#[test]
fn every_class_has_a_name_of_its_own_and_what_a_tenant_may_choose_is_in_its_settings() {
    let days = Some(1);
    let all = Retention {
        ended_meetings_days: days,
        meeting_sessions_days: days,
        attendance_days: days,
        chat_days: days,
        mails_days: days,
        webhook_deliveries_days: days,
        audit_events_days: days,
    };
    let chosen = CLASSES.iter().filter(|class| class.tenants_may.is_some());
    let chosen: BTreeSet<_> = chosen.map(|class| format!("{}_days", class.name)).collect();
    let settings: BTreeSet<_> = json!(all).as_object().expect("an object").keys().cloned().collect();
    assert_eq!(chosen, settings);
    let mut names: Vec<_> = CLASSES.iter().map(|class| class.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CLASSES.len());
}
