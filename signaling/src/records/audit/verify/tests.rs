// SPDX-License-Identifier: EUPL-1.2
//! Chains that somebody with all rights on the database has changed.

use store::testing::TestStore;
use store::{Location, Statement};

use super::*;
use crate::records::audit::{Cause, Event, append};

/// A database of each kind whose installation has a chain of that many events, which nothing protects any more.
async fn chains_of(events: usize) -> Vec<TestStore> {
    let mut databases = Vec::from(TestStore::both().await);
    for database in &mut databases {
        for number in 0..events {
            let mut tx = database.store.write().await.expect("a transaction");
            let event = Event::new("meeting.update", number).changing(&["title"]);
            append(&mut tx, Cause::system(None), &event).await.expect("appended");
            tx.commit().await.expect("committed");
        }
        let unprotect = match database.location {
            Location::Sqlite(_) => sql("DROP TRIGGER audit_events_are_final"),
            Location::Postgres(_) => sql("DROP TRIGGER audit_events_are_final ON audit_events"),
        };
        run(database, unprotect).await;
    }
    databases
}

async fn run(database: &TestStore, statement: Statement) {
    let mut tx = database.store.write().await.expect("a transaction");
    tx.execute(statement).await.expect("done");
    tx.commit().await.expect("committed");
}

async fn breaks(database: &TestStore, known: &[AuditHead]) -> Vec<(BreakKind, i64, i64)> {
    let mut tx = database.store.read().await.expect("a transaction");
    let report = verify(&mut tx, "", known).await.expect("verified");
    report.breaks.iter().map(|broken| (broken.kind, broken.first, broken.last)).collect()
}

async fn head(database: &TestStore) -> AuditHead {
    let mut tx = database.store.read().await.expect("a transaction");
    AuditHead::of(&mut tx, "").await.expect("rows").expect("a head")
}

/// Writes the chain anew from an event on, with hashes that fit: what a clever forger does.
async fn rehash_from(database: &TestStore, first: i64) {
    let mut tx = database.store.write().await.expect("a transaction");
    let mut links = Filter::default().page(&mut tx, "", Order::Asc, None, 100).await.expect("events");
    for index in 0..links.len() {
        if links[index].number >= first {
            if index > 0 {
                links[index].previous_hash = links[index - 1].hash.clone();
            }
            links[index].hash = links[index].expected_hash();
            let link = &links[index];
            let update = sql("UPDATE audit_events SET previous_hash = $1, hash = $2 WHERE number = $3");
            tx.execute(update.bind(&link.previous_hash).bind(&link.hash).bind(link.number)).await.expect("updated");
        }
    }
    let last = links.last().expect("an event");
    let update = sql("UPDATE audit_heads SET number = $1, hash = $2");
    tx.execute(update.bind(last.number).bind(&last.hash)).await.expect("updated");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn an_untouched_chain_is_intact() {
    for database in chains_of(5).await {
        let mut tx = database.store.read().await.expect("a transaction");
        let report = verify(&mut tx, "", &[]).await.expect("verified");
        assert_eq!((report.events, report.first_number, report.last_number), (5, 1, 5));
        assert!(report.is_intact(), "{report:?}");
        assert_eq!(chains(&mut tx, None, 10).await.expect("chains"), [""]);
        assert!(chains(&mut tx, Some(""), 10).await.expect("chains").is_empty());
        assert!(verify(&mut tx, "nobody", &[]).await.expect("verified").is_intact());
    }
}

#[tokio::test]
async fn whatever_is_changed_in_an_event_is_found() {
    let changes = [
        "UPDATE audit_events SET id = 'x' WHERE number = 3",
        "UPDATE audit_events SET occurred_at = occurred_at + 1 WHERE number = 3",
        "UPDATE audit_events SET actor_type = 'user' WHERE number = 3",
        "UPDATE audit_events SET actor_id = 'x' WHERE number = 3",
        "UPDATE audit_events SET action = 'x' WHERE number = 3",
        "UPDATE audit_events SET target_type = 'x' WHERE number = 3",
        "UPDATE audit_events SET target_id = 'x' WHERE number = 3",
        "UPDATE audit_events SET result = 'denied' WHERE number = 3",
        "UPDATE audit_events SET request_id = 'x' WHERE number = 3",
        "UPDATE audit_events SET details = '{}' WHERE number = 3",
    ];
    for change in changes {
        for database in chains_of(5).await {
            run(&database, sql(change)).await;
            assert_eq!(breaks(&database, &[]).await, [(BreakKind::Changed, 3, 3)], "{change}");
        }
    }
}

#[tokio::test]
async fn an_event_whose_hash_was_made_to_fit_does_not_lead_to_the_next() {
    for database in chains_of(5).await {
        run(&database, sql("UPDATE audit_events SET action = 'x' WHERE number = 3")).await;
        let mut tx = database.store.read().await.expect("a transaction");
        let page = Filter::default().page(&mut tx, "", Order::Asc, Some(2), 1).await.expect("events");
        drop(tx);
        let fitting = page[0].expected_hash();
        run(&database, sql("UPDATE audit_events SET hash = $1 WHERE number = 3").bind(&fitting)).await;
        assert_eq!(breaks(&database, &[]).await, [(BreakKind::Unlinked, 4, 4)]);
    }
}

#[tokio::test]
async fn events_that_are_gone_are_found_wherever_they_were() {
    for (delete, expected) in [
        ("DELETE FROM audit_events WHERE number IN (2, 3)", (BreakKind::Missing, 2, 3)),
        ("DELETE FROM audit_events WHERE number < 3", (BreakKind::BeginningCut, 1, 2)),
        ("DELETE FROM audit_events WHERE number > 3", (BreakKind::EndCut, 4, 5)),
        ("DELETE FROM audit_events", (BreakKind::EndCut, 1, 5)),
        ("DELETE FROM audit_heads", (BreakKind::HeadMissing, 1, 5)),
    ] {
        for database in chains_of(5).await {
            run(&database, sql(delete)).await;
            assert_eq!(breaks(&database, &[]).await, [expected], "{delete}");
        }
    }
}

#[tokio::test]
async fn an_event_that_was_put_in_between_is_found() {
    for database in chains_of(5).await {
        // Those behind it make room.
        run(&database, sql("UPDATE audit_events SET number = number + 100 WHERE number > 2")).await;
        run(&database, sql("UPDATE audit_events SET number = number - 99 WHERE number > 2")).await;
        run(
            &database,
            sql("INSERT INTO audit_events SELECT tenant_id, 3, 'x', occurred_at, actor_type, actor_id, action,
                     target_type, target_id, result, request_id, details, hash, hash FROM audit_events WHERE number = 2"),
        )
        .await;
        let found = breaks(&database, &[]).await;
        let places: Vec<_> = found.iter().filter(|found| found.0 == BreakKind::Changed).map(|found| found.1).collect();
        assert_eq!(places, [3, 4, 5, 6], "{found:?}");
        assert!(found.contains(&(BreakKind::Added, 6, 6)), "{found:?}");
    }
}

#[tokio::test]
async fn a_chain_that_was_cut_off_and_mended_contradicts_an_earlier_head() {
    for database in chains_of(5).await {
        let known = [head(&database).await];
        run(&database, sql("DELETE FROM audit_events WHERE number > 3")).await;
        rehash_from(&database, 3).await;
        assert_eq!(breaks(&database, &[]).await, [], "nothing in the database shows it");
        assert_eq!(breaks(&database, &known).await, [(BreakKind::EndCut, 4, 5)]);
        run(&database, sql("DELETE FROM audit_events")).await;
        run(&database, sql("DELETE FROM audit_heads")).await;
        assert_eq!(breaks(&database, &[]).await, []);
        assert_eq!(breaks(&database, &known).await, [(BreakKind::EndCut, 1, 5)]);
    }
}

#[tokio::test]
async fn a_chain_that_was_written_anew_contradicts_an_earlier_head() {
    for database in chains_of(5).await {
        let known = [head(&database).await];
        run(&database, sql("UPDATE audit_events SET action = 'x' WHERE number = 3")).await;
        rehash_from(&database, 3).await;
        assert_eq!(breaks(&database, &[]).await, [], "nothing in the database shows it");
        assert_eq!(breaks(&database, &known).await, [(BreakKind::Rewritten, 5, 5)]);
    }
}
