// SPDX-License-Identifier: EUPL-1.2
//! What is old goes, what is not stays, and each deletion leaves a proof. The clock is an argument.

use store::Statement;
use store::testing::TestStore;

use super::*;
use crate::identity::tenants;
use crate::records::audit::{Link, append, verify};

async fn run_all(database: &TestStore, now: DateTime<Utc>) -> usize {
    run(&database.store, "test", now).await.expect("run")
}

async fn execute(database: &TestStore, statement: Statement) {
    let mut tx = database.store.write().await.expect("a transaction");
    tx.execute(statement).await.expect("done");
    tx.commit().await.expect("committed");
}

struct Count(i64);

impl FromRow for Count {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("count").map(Self)
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

/// The only tenant, made.
async fn tenant(database: &TestStore) -> TenantId {
    let mut tx = database.store.write().await.expect("a transaction");
    tenants::ensure_one(&mut tx).await.expect("a tenant");
    let tenant = tenants::named(&mut tx, None).await.expect("rows").expect("a tenant");
    tx.commit().await.expect("committed");
    tenant
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
            "count": 2, "before": "2026-10-24T12:00:00Z",
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
        let tenant = tenant(&database).await;
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
        let tenant = tenant(&database).await;
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
    let insert = sql("INSERT INTO meetings (id, tenant_id, code, conference_id, title, description, agenda, type, status,
             starts_at, ends_at, time_zone, excluded_dates, expanded_until, organizer_email, organizer_name,
             policy_overrides, expected_participants, ical_uid, sequence, invitation_delivery, invitation_language,
             invitation_message, tags, revision, created_by, created_at, updated_at)
         VALUES ($1, $2, $1, $1, '', '', '', $3, 'scheduled', $4, $5, 'UTC', '[]', $6, '', '', '{}', '{}', $1, 0, '', '',
             '', '{}', 1, '', 0, 0)");
    let is_endless = id.starts_with("endless");
    let ends_at = starts_at + Duration::hours(1);
    let insert = insert.bind(id).bind(tenant).bind(kind).bind(starts_at).bind(ends_at);
    execute(database, insert.bind(is_endless.then_some(ends_at))).await;
    occur(database, tenant, id, starts_at).await;
}

async fn occur(database: &TestStore, tenant: TenantId, id: &str, starts_at: DateTime<Utc>) {
    let insert = sql("INSERT INTO occurrences (meeting_id, recurrence_id, tenant_id, starts_at, ends_at, status,
             is_exception, policy_overrides, sequence)
         VALUES ($1, $2, $3, $2, $4, 'scheduled', FALSE, '{}', 0)");
    let insert = insert.bind(id).bind(starts_at).bind(tenant).bind(starts_at + Duration::hours(1));
    execute(database, insert).await;
}

#[tokio::test]
async fn meetings_go_when_all_of_them_has_been_over_for_long() {
    for database in TestStore::both().await {
        let tenant = tenant(&database).await;
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
        assert_eq!(run_all(&database, now).await, 2);
        assert_eq!(count(&database, "SELECT COUNT(*) AS count FROM meetings").await, 5);
        let gone = "SELECT COUNT(*) AS count FROM meetings WHERE id IN ('old', 'series that is over')";
        assert_eq!(count(&database, gone).await, 0);
        assert_eq!(count(&database, "SELECT COUNT(*) AS count FROM occurrences").await, 7);
    }
}

#[tokio::test]
async fn every_class_can_be_asked_for() {
    for database in TestStore::both().await {
        tenant(&database).await;
        assert_eq!(run_all(&database, Utc::now()).await, 0);
    }
    let mut names: Vec<_> = CLASSES.iter().map(|class| class.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CLASSES.len());
}
