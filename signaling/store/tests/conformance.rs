// SPDX-License-Identifier: EUPL-1.2
//! What both databases must do alike, on a real SQLite file and a real PostgreSQL server.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use store::testing::TestStore;
use store::{FromRow, Location, Row, Store, StoreError, Tx, sql};

/// Runs a test on both.
async fn on_both<F: Future<Output = ()>>(test: impl Fn(Store) -> F) {
    for database in TestStore::both().await {
        test(database.store.clone()).await;
    }
}

#[derive(Debug, PartialEq)]
struct Tenant {
    id: String,
    claim: Option<String>,
    revision: i64,
    created_at: DateTime<Utc>,
}

impl FromRow for Tenant {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            claim: row.get("oidc_claim_value")?,
            revision: row.get("revision")?,
            created_at: row.get("created_at")?,
        })
    }
}

async fn insert(tx: &mut Tx, id: &str, slug: &str, claim: Option<&str>) -> Result<u64, StoreError> {
    tx.execute(
        sql(
            "INSERT INTO tenants (id, slug, name, oidc_claim_value, locale, settings, revision, created_at, updated_at)
             VALUES ($1, $2, 'Behörde', $3, 'de', '{\"a\":[1,2]}', 1, $4, $4)",
        )
        .bind(id)
        .bind(slug)
        .bind(claim)
        .bind(moment()),
    )
    .await
}

fn moment() -> DateTime<Utc> {
    "2026-10-25T01:30:00.123Z".parse().expect("a time")
}

async fn tenants(store: &Store) -> Vec<Tenant> {
    let mut tx = store.read().await.expect("a transaction");
    tx.all(sql("SELECT * FROM tenants ORDER BY id")).await.expect("rows")
}

#[tokio::test]
async fn what_is_committed_is_there_with_its_types() {
    on_both(async |store| {
        let mut tx = store.write().await.expect("a transaction");
        assert_eq!(insert(&mut tx, "a", "first", None).await, Ok(1));
        assert_eq!(insert(&mut tx, "b", "second", Some("OU=2")).await, Ok(1));
        tx.commit().await.expect("committed");
        let found = tenants(&store).await;
        let tenant = |id: &str, claim: Option<&str>| Tenant {
            id: id.to_owned(),
            claim: claim.map(str::to_owned),
            revision: 1,
            created_at: moment(),
        };
        assert_eq!(found, [tenant("a", None), tenant("b", Some("OU=2"))]);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_committed_is_not() {
    on_both(async |store| {
        let mut tx = store.write().await.expect("a transaction");
        insert(&mut tx, "a", "first", None).await.expect("inserted");
        drop(tx);
        assert_eq!(tenants(&store).await, []);
        let mut tx = store.write().await.expect("the writer is free again");
        insert(&mut tx, "b", "first", None).await.expect("inserted");
        tx.commit().await.expect("committed");
    })
    .await;
}

#[tokio::test]
async fn a_value_that_must_be_unique_is_named_by_its_column() {
    on_both(async |store| {
        let mut tx = store.write().await.expect("a transaction");
        insert(&mut tx, "a", "first", Some("x")).await.expect("inserted");
        tx.commit().await.expect("committed");
        for (id, slug, claim, column) in
            [("a", "other", None, "id"), ("b", "first", None, "slug"), ("b", "other", Some("x"), "oidc_claim_value")]
        {
            let mut tx = store.write().await.expect("a transaction");
            let error = insert(&mut tx, id, slug, claim).await.expect_err("taken");
            assert!(
                column == "id" && matches!(error, StoreError::Taken(_)) || error.is_taken(column),
                "{column}: {error}"
            );
        }
        // NULL is never taken.
        let mut tx = store.write().await.expect("a transaction");
        insert(&mut tx, "b", "second", None).await.expect("inserted");
        insert(&mut tx, "c", "third", None).await.expect("inserted");
    })
    .await;
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_refused_and_a_tenant_takes_what_is_its_own_with_it() {
    on_both(async |store| {
        let token = |tenant: &'static str| {
            sql("INSERT INTO api_tokens (id, tenant_id, name, prefix, token_hash, scopes, allowed_networks, created_at,
                     expires_at) VALUES ('t', $1, 'n', 'p', 'h', '[]', '[]', 0, 0)")
            .bind(tenant)
        };
        let mut tx = store.write().await.expect("a transaction");
        let error = tx.execute(token("nowhere")).await.expect_err("dangling");
        assert!(matches!(error, StoreError::Dangling(_)), "{error}");
        drop(tx);
        let mut tx = store.write().await.expect("a transaction");
        insert(&mut tx, "a", "first", None).await.expect("inserted");
        tx.execute(token("a")).await.expect("inserted");
        assert_eq!(tx.execute(sql("DELETE FROM tenants WHERE id = $1").bind("a")).await, Ok(1));
        let left: Vec<Tenant> = tx.all(sql("SELECT * FROM tenants")).await.expect("rows");
        assert_eq!(left, []);
        let count: Count = tx.one(sql("SELECT COUNT(*) AS number FROM api_tokens")).await.expect("a row");
        assert_eq!(count.0, 0);
    })
    .await;
}

struct Count(i64);

impl FromRow for Count {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("number").map(Self)
    }
}

#[tokio::test]
async fn counters_that_many_raise_at_once_miss_nothing() {
    on_both(async |store| {
        let mut tx = store.write().await.expect("a transaction");
        insert(&mut tx, "a", "first", None).await.expect("inserted");
        tx.commit().await.expect("committed");
        let raise = async |store: Store| {
            let mut tx = store.write().await.expect("a transaction");
            tx.lock("the counter").await.expect("locked");
            let before: Tenant = tx.one(sql("SELECT * FROM tenants WHERE id = 'a'")).await.expect("a row");
            let update = sql("UPDATE tenants SET revision = $1 WHERE id = 'a'").bind(before.revision + 1);
            tx.execute(update).await.expect("updated");
            tx.commit().await.expect("committed");
        };
        futures_util::future::join_all((0..40).map(|_| raise(store.clone()))).await;
        assert_eq!(tenants(&store).await[0].revision, 41);
    })
    .await;
}

#[tokio::test]
async fn whoever_reads_sees_one_moment() {
    on_both(async |store| {
        let mut reading = store.read().await.expect("a transaction");
        let before: Vec<Tenant> = reading.all(sql("SELECT * FROM tenants")).await.expect("rows");
        let mut writing = store.write().await.expect("a transaction");
        insert(&mut writing, "a", "first", None).await.expect("inserted");
        writing.commit().await.expect("committed");
        let after: Vec<Tenant> = reading.all(sql("SELECT * FROM tenants")).await.expect("rows");
        assert_eq!(before, after);
        let error = reading.execute(sql("DELETE FROM tenants")).await;
        assert!(error.is_err(), "who reads cannot write");
        drop(reading);
        assert_eq!(tenants(&store).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn keys_of_several_columns_compare_in_their_order() {
    on_both(async |store| {
        let mut tx = store.write().await.expect("a transaction");
        for (id, slug) in [("a", "1"), ("b", "2"), ("c", "3")] {
            insert(&mut tx, id, slug, None).await.expect("inserted");
        }
        let mut select = sql("SELECT * FROM tenants WHERE TRUE");
        select.push_bound(" AND (created_at, id) > (", moment()).push_bound(", ", "a").push(")");
        select.push_list(" AND id IN ", ["a", "b"]).push_bound(" ORDER BY created_at, id LIMIT ", 5_i64);
        let found: Vec<Tenant> = tx.all(select).await.expect("rows");
        assert_eq!(found.iter().map(|tenant| tenant.id.as_str()).collect::<Vec<_>>(), ["b"]);
    })
    .await;
}

#[tokio::test]
async fn json_comes_back_as_it_was() {
    struct Settings(serde_json::Value);
    impl FromRow for Settings {
        fn from_row(row: &Row) -> Result<Self, StoreError> {
            row.json("settings").map(Self)
        }
    }
    on_both(async |store| {
        let mut tx = store.write().await.expect("a transaction");
        insert(&mut tx, "a", "first", None).await.expect("inserted");
        let settings: Settings = tx.one(sql("SELECT settings FROM tenants")).await.expect("a row");
        assert_eq!(settings.0, serde_json::json!({ "a": [1, 2] }));
        tx.execute(sql("UPDATE tenants SET settings = 'no json'")).await.expect("updated");
        let broken = tx.one::<Settings>(sql("SELECT settings FROM tenants")).await;
        assert!(matches!(broken, Err(StoreError::Senseless(_))));
    })
    .await;
}

#[tokio::test]
async fn opening_again_changes_nothing() {
    for database in TestStore::both().await {
        let mut tx = database.store.write().await.expect("a transaction");
        insert(&mut tx, "a", "first", None).await.expect("inserted");
        tx.commit().await.expect("committed");
        database.store.close().await;
        assert_eq!(database.store.read().await.err(), Some(StoreError::Unavailable));
        let again = Store::open(&database.location).await.expect("open");
        assert_eq!(tenants(&again).await.len(), 1);
    }
}

#[tokio::test]
async fn several_that_open_a_new_database_at_once_wait_for_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..4 {
        let location = Location::Sqlite(folder.path().join(format!("{round}.db")));
        // As a server does: SQLite refuses for a moment while somebody else changes to its journal, or leaves it.
        let opened = (0..6).map(|_| store::patiently(async || Store::open(&location).await));
        for opening in join_all(opened).await {
            opening.expect("an open database").close().await;
        }
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    for database in TestStore::both().await {
        let mut tx = database.store.write().await.expect("a transaction");
        let step = sql("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'the future', TRUE, $1, 0)");
        tx.execute(step.bind(vec![0_u8; 48])).await.expect("inserted");
        tx.commit().await.expect("committed");
        assert_eq!(Store::open(&database.location).await.err(), Some(StoreError::TooNew));
    }
}

/// PostgreSQL gives up waiting for a lock after five seconds; SQLite's writers wait for a connection.
#[tokio::test]
async fn a_lock_that_others_hold_for_too_long_is_no_fault_of_the_statement() {
    let test = TestStore::postgres().await;
    let mut first = test.store.write().await.expect("a transaction");
    first.lock("something").await.expect("locked");
    let mut second = test.store.write().await.expect("a transaction");
    second.execute(sql("SET LOCAL lock_timeout = '10ms'")).await.expect("set");
    assert_eq!(second.lock("something").await, Err(StoreError::Unavailable));
}

/// Without one, each row that is deleted makes the database look through the whole table that refers to it. Tenants are left
/// out: they go once, with all that they have.
#[tokio::test]
async fn every_reference_has_an_index() {
    struct Reference(String);
    impl FromRow for Reference {
        fn from_row(row: &Row) -> Result<Self, StoreError> {
            row.get("reference").map(Self)
        }
    }
    let database = TestStore::sqlite().await;
    let mut tx = database.store.read().await.expect("a transaction");
    let references = "SELECT t.name || '.' || f.\"from\" AS reference
         FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'";
    let all: Vec<Reference> = tx.all(sql(references)).await.expect("references");
    assert!(all.len() > 20, "otherwise this shows nothing");
    let unindexed = "SELECT t.name || '.' || f.\"from\" AS reference
         FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'
             AND f.\"table\" <> 'tenants' AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c
                 WHERE i.partial = 0 AND c.seqno = 0 AND c.name = f.\"from\")";
    let found: Vec<Reference> = tx.all(sql(unindexed)).await.expect("references");
    let found: Vec<_> = found.into_iter().map(|reference| reference.0).collect();
    assert!(found.is_empty(), "{found:?}");
}
