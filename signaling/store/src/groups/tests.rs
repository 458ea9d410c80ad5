// SPDX-License-Identifier: EUPL-1.2
//! Who writes at the same time shares a COMMIT, and nothing else.

use std::pin::Pin;

use futures_util::future::join_all;
use futures_util::{FutureExt as _, join};
use tempfile::TempDir;

use super::*;
use crate::backends::Backend;
use crate::row::Single;
use crate::statement::{Statement, sql};
use crate::{Store, Tx};

/// Groups that nothing but their number of turns ends.
const PATIENT: Bounds = Bounds { turns: 100, age: Duration::from_secs(24 * 3600), waiting: 100 };

/// A file with a table of things that belong to each other.
struct Place {
    store: Store,
    folder: TempDir,
}

impl Place {
    async fn new(bounds: Bounds) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Self { store: opened(&folder, bounds).await, folder };
        let table = "CREATE TABLE things (id TEXT PRIMARY KEY, whole TEXT REFERENCES things (id))";
        let mut tx = place.store.write().await.expect("a transaction");
        tx.execute(sql(table)).await.expect("a table");
        tx.commit().await.expect("kept");
        place
    }

    /// What is kept.
    async fn kept(&self) -> Vec<String> {
        things(&mut self.store.read().await.expect("a transaction")).await
    }

    /// Writes something down and keeps it, behind others.
    async fn keep(&self, id: String) -> Result<(), StoreError> {
        let mut tx = self.store.write_with_others().await?;
        tx.execute(thing(&id)).await?;
        tx.commit().await
    }
}

async fn opened(folder: &TempDir, bounds: Bounds) -> Store {
    let file = folder.path().join("things.db");
    Store::over(Backend::open_sqlite(&file, true, bounds).await.expect("a file"))
}

fn thing(id: &str) -> Statement {
    sql("INSERT INTO things (id) VALUES ($1)").bind(id)
}

/// Something whose whole is missing, which SQLite finds out at the COMMIT.
async fn promise(tx: &mut Tx, id: &str) {
    tx.execute(sql("PRAGMA defer_foreign_keys = ON")).await.expect("a setting");
    tx.execute(sql("INSERT INTO things (id, whole) VALUES ($1, 'missing')").bind(id)).await.expect("not looked at yet");
}

async fn things(tx: &mut Tx) -> Vec<String> {
    let all: Vec<Single<String>> = tx.all(sql("SELECT id FROM things ORDER BY id")).await.expect("rows");
    all.into_iter().map(|Single(id)| id).collect()
}

/// Begins something, which then waits.
fn waiting<'a, T>(work: impl Future<Output = T> + 'a) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    let mut work: Pin<Box<dyn Future<Output = T> + 'a>> = Box::pin(work);
    assert!((&mut work).now_or_never().is_none(), "it does not wait");
    work
}

#[tokio::test]
async fn those_who_come_while_somebody_writes_share_one_commit() {
    let place = Place::new(PATIENT).await;
    let before = place.store.commits();
    let first = place.store.write_with_others().await.expect("a turn");
    let others = waiting(join_all((0..40).map(|number| place.keep(format!("{number:02}")))));
    let (first, others) = join!(first.commit(), others);
    assert!(first.is_ok() && others.iter().all(Result::is_ok), "{first:?} {others:?}");
    assert_eq!(place.store.commits() - before, 1);
    let expected: Vec<_> = (0..40).map(|number| format!("{number:02}")).collect();
    assert_eq!(place.kept().await, expected);
}

#[tokio::test]
async fn turns_come_in_the_order_in_which_they_were_asked_for() {
    let place = Place::new(Bounds { turns: 3, ..PATIENT }).await;
    let first = place.store.write().await.expect("a turn");
    let order = std::sync::Mutex::new(Vec::new());
    let turn = |number: usize| {
        let (store, order) = (&place.store, &order);
        async move {
            // Some see only what is kept, some do not mind.
            let tx = if number.is_multiple_of(4) { store.write().await } else { store.write_with_others().await };
            order.lock().unwrap().push(number);
            tx.expect("a turn").commit().await.expect("kept");
        }
    };
    let others = waiting(join_all((0..20).map(turn)));
    drop(first);
    others.await;
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn groups_are_bounded() {
    let place = Place::new(Bounds { turns: 10, ..PATIENT }).await;
    let before = place.store.commits();
    let first = place.store.write_with_others().await.expect("a turn");
    let others = waiting(join_all((1..40).map(|number| place.keep(format!("{number:02}")))));
    let (first, others) = join!(first.commit(), others);
    assert!(first.is_ok() && others.iter().all(Result::is_ok), "{first:?} {others:?}");
    assert_eq!(place.store.commits() - before, 4);
}

#[test]
fn an_old_group_takes_nobody_and_who_sees_only_what_is_kept_comes_first_in_one() {
    let (start, bounds) = (Instant::now(), Bounds { turns: 2, age: Duration::from_millis(50), waiting: 1 });
    let mut group = Group { turns: 1, ..Group::new(start) };
    let at = |millis| start + Duration::from_millis(millis);
    assert!(group.has_room(at(49), Behind::Anybody, &bounds) && !group.has_room(at(50), Behind::Anybody, &bounds));
    assert!(group.has_room(at(49), Behind::Kept, &bounds), "those before have left nothing behind");
    group.to_keep.push(oneshot::channel().0);
    assert!(group.has_room(at(49), Behind::Anybody, &bounds) && !group.has_room(at(49), Behind::Kept, &bounds));
    group.turns = 2;
    assert!(!group.has_room(at(49), Behind::Anybody, &bounds));
}

#[tokio::test]
async fn who_does_not_ask_otherwise_sees_only_what_is_kept() {
    let place = Place::new(PATIENT).await;
    let mut first = place.store.write_with_others().await.expect("a turn");
    first.execute(thing("a")).await.expect("done");
    let second = async {
        let mut tx = place.store.write_with_others().await.expect("a turn");
        let seen = (things(&mut tx).await, place.kept().await);
        tx.commit().await.expect("kept");
        seen
    };
    let third = async {
        let mut tx = place.store.write().await.expect("a turn");
        (things(&mut tx).await, place.kept().await)
    };
    let (second, third) = (waiting(second), waiting(third));
    let (first, second, third) = join!(first.commit(), second, third);
    first.expect("kept");
    let a = || vec!["a".to_owned()];
    assert_eq!(second, (a(), Vec::new()), "it is there for those who are kept together with it");
    assert_eq!(third, (a(), a()));
}

#[tokio::test]
async fn one_that_is_dropped_or_refused_loses_nothing_of_the_others() {
    let place = Place::new(PATIENT).await;
    let before = place.store.commits();
    let first = place.store.write_with_others().await.expect("a turn");
    let before_it = waiting(place.keep("before".into()));
    let dropped = waiting(async {
        let mut tx = place.store.write_with_others().await.expect("a turn");
        tx.execute(thing("dropped")).await.expect("done");
    });
    let refused = waiting(async {
        let mut tx = place.store.write_with_others().await.expect("a turn");
        tx.execute(thing("refused")).await.expect("done");
        tx.execute(thing("before")).await
    });
    let behind_it = waiting(place.keep("behind".into()));
    let (first, before_it, (), refused, behind_it) = join!(first.commit(), before_it, dropped, refused, behind_it);
    assert_eq!((first, before_it, behind_it), (Ok(()), Ok(()), Ok(())));
    assert!(matches!(refused, Err(StoreError::Taken(_))), "{refused:?}");
    assert_eq!(place.kept().await, ["before", "behind"]);
    assert_eq!(place.store.commits() - before, 1);
}

#[tokio::test]
async fn a_commit_that_fails_fails_for_all() {
    let place = Place::new(PATIENT).await;
    let before = place.store.commits();
    let mut first = place.store.write_with_others().await.expect("a turn");
    promise(&mut first, "promised").await;
    let others = waiting(join_all((0..3).map(|number| place.keep(number.to_string()))));
    let (first, others) = join!(first.commit(), others);
    assert_eq!(first, Err(StoreError::Unavailable));
    assert_eq!(others, [(); 3].map(|()| Err(StoreError::Unavailable)));
    assert_eq!(place.kept().await, [""; 0]);
    assert_eq!(place.store.commits(), before);
    place.keep("later".into()).await.expect("others are not concerned");
    assert_eq!(place.kept().await, ["later"]);
}

#[tokio::test]
async fn who_is_alone_hears_why_it_cannot_be_kept() {
    let place = Place::new(PATIENT).await;
    let mut tx = place.store.write().await.expect("a turn");
    promise(&mut tx, "promised").await;
    assert!(matches!(tx.commit().await, Err(StoreError::Dangling(_))));
}

/// As SQLite does by itself when the disk is full.
#[tokio::test]
async fn when_sqlite_takes_back_a_whole_group_all_of_it_fails_and_nothing_goes_on_by_itself() {
    let place = Place::new(PATIENT).await;
    place.keep("there".into()).await.expect("kept");
    let mut first = place.store.write_with_others().await.expect("a turn");
    first.execute(thing("first")).await.expect("done");
    let culprit = waiting(async {
        let mut tx = place.store.write_with_others().await.expect("a turn");
        let taken = tx.execute(sql("INSERT OR ROLLBACK INTO things (id) VALUES ('there')")).await;
        assert!(matches!(taken, Err(StoreError::Taken(_))), "{taken:?}");
        // SQLite would keep this at once.
        let more = tx.execute(thing("more")).await;
        assert!(matches!(more, Err(StoreError::Senseless(_))), "{more:?}");
        tx.commit().await
    });
    let behind_it = waiting(place.keep("behind".into()));
    let (first, culprit, behind_it) = join!(first.commit(), culprit, behind_it);
    assert_eq!(first, Err(StoreError::Unavailable));
    assert!(matches!(culprit, Err(StoreError::Senseless(_))), "{culprit:?}");
    assert_eq!(behind_it, Ok(()), "it begins a group of its own");
    assert_eq!(place.kept().await, ["behind", "there"]);
}

#[tokio::test]
async fn who_gives_up_waiting_is_passed_over() {
    let place = Place::new(PATIENT).await;
    let first = place.store.write_with_others().await.expect("a turn");
    let gives_up = waiting(place.keep("never".into()));
    let stays = waiting(place.keep("stays".into()));
    drop(gives_up);
    let (first, stays) = join!(first.commit(), stays);
    assert_eq!((first, stays), (Ok(()), Ok(())));
    assert_eq!(place.kept().await, ["stays"]);
}

#[tokio::test]
async fn who_does_not_wait_for_the_commit_is_kept_all_the_same() {
    let place = Place::new(PATIENT).await;
    let mut first = place.store.write_with_others().await.expect("a turn");
    first.execute(thing("first")).await.expect("done");
    drop(waiting(first.commit()));
    let behind_it = place.store.write().await.expect("a turn");
    assert_eq!(place.kept().await, ["first"]);
    drop(behind_it);
}

#[tokio::test]
async fn a_statement_for_whose_end_nobody_waits_is_not_kept() {
    let place = Place::new(PATIENT).await;
    let mut tx = place.store.write().await.expect("a turn");
    let many = sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
         INSERT INTO things (id) SELECT 'n' || i FROM n");
    // It may be done by the time that somebody looks; then it counts.
    let is_done = tx.execute(many).now_or_never().is_some();
    assert_eq!(tx.commit().await.is_ok(), is_done);
    place.keep("a".into()).await.expect("kept");
    assert_eq!(place.kept().await.len(), if is_done { 300_001 } else { 1 });
}

#[tokio::test]
async fn a_queue_that_is_full_says_so_at_once() {
    let place = Place::new(Bounds { waiting: 3, ..PATIENT }).await;
    let first = place.store.write().await.expect("a turn");
    let queue: Vec<_> = (0..3).map(|number| waiting(place.keep(number.to_string()))).collect();
    assert_eq!(place.keep("one too many".into()).now_or_never(), Some(Err(StoreError::Busy)));
    let (first, queue) = join!(first.commit(), join_all(queue));
    assert!(first.is_ok() && queue.iter().all(Result::is_ok), "{first:?} {queue:?}");
    assert_eq!(place.kept().await, ["0", "1", "2"]);
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let place = Place::new(PATIENT).await;
    let first = place.store.write().await.expect("a turn");
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    assert_eq!(place.store.write().await.err(), Some(StoreError::Busy));
    assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
    tokio::time::resume();
    drop(first);
    place.keep("a".into()).await.expect("it goes on");
}

#[tokio::test]
async fn who_has_a_turn_at_the_end_may_finish_it_and_nobody_else_begins() {
    let place = Place::new(PATIENT).await;
    let mut first = place.store.write().await.expect("a turn");
    first.execute(thing("first")).await.expect("done");
    let too_late = waiting(place.store.write());
    let closed = waiting(place.store.close());
    let (first, too_late, ()) = join!(first.commit(), too_late, closed);
    assert_eq!(first, Ok(()));
    assert_eq!(too_late.err(), Some(StoreError::Unavailable));
    assert_eq!(place.store.write().await.err(), Some(StoreError::Unavailable));
    assert!(!place.folder.path().join("things.db-wal").exists(), "the journal is folded into the file");
    let again = Place { store: opened(&place.folder, PATIENT).await, folder: place.folder };
    assert_eq!(again.kept().await, ["first"]);
}

#[tokio::test]
async fn who_reads_longer_than_others_write_leaves_no_journal_behind() {
    let place = Place::new(PATIENT).await;
    let mut reader = place.store.read().await.expect("a transaction");
    assert_eq!(things(&mut reader).await.len(), 0);
    let first = place.store.write().await.expect("a turn");
    let closed = waiting(place.store.close());
    first.commit().await.expect("kept");
    // The connection is back with the pool, which has nothing to wait for but those who read.
    let Backend::Sqlite { writer, .. } = &place.store.backend else { panic!("it is SQLite") };
    while writer.pool().num_idle() == 0 && writer.pool().size() > 0 {
        tokio::task::yield_now().await;
    }
    drop(reader);
    closed.await;
    assert!(!place.folder.path().join("things.db-wal").exists(), "the journal is folded into the file");
}

#[tokio::test]
async fn the_task_ends_with_the_last_who_could_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = opened(&folder, PATIENT).await;
    let Backend::Sqlite { writer, .. } = &store.backend else { panic!("it is SQLite") };
    let pool = writer.pool().clone();
    let mut another = store.clone().write().await.expect("a turn");
    another.execute(sql("SELECT 1")).await.expect("a row");
    drop(store);
    another.commit().await.expect("kept");
    let closed = pool.close_event();
    drop(pool);
    timeout(PATIENCE, closed).await.expect("nobody has the file open any more");
}
