// SPDX-License-Identifier: EUPL-1.2
//! Transactions that write to a SQLite file, several in one COMMIT.
//!
//! SQLite lets one connection write at a time, and every COMMIT waits for the disk. So those who come while somebody writes wait
//! in a queue and get their turns one after the other, each as a SAVEPOINT within one transaction of SQLite, a *group*. At its
//! end one COMMIT keeps what all of them did, and only then they hear that it is kept. Nobody is waited for: a group ends as
//! soon as the queue is empty, and fills up while the disk is busy with the one before.
//!
//! A turn *is* the connection: whoever has it works with it directly, and gives it back to the task that owns the groups by
//! committing or by being dropped. So a future that is given up leaves nothing behind.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::warn;

use crate::error::StoreError;
use crate::waiting::{MAX_WAITING, PATIENCE};

/// How large groups get, and how many wait for a turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Turns of one group.
    turns: usize,
    /// Since a group began, for another turn to begin in it. Whoever was first waits that much longer.
    age: Duration,
    /// Who waits for a turn.
    waiting: usize,
}

impl Default for Bounds {
    /// A disk takes some 2 to 50 ms for a COMMIT. With as long for the work before it, half of the time is work at least.
    fn default() -> Self {
        Self { turns: 100, age: Duration::from_millis(50), waiting: MAX_WAITING }
    }
}

/// Behind whom a turn may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Only behind what is kept: nothing is seen that could still be lost.
    Kept,
    /// Also behind turns whose COMMIT is still to come.
    Anybody,
}

/// The way to write.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    /// Of one connection.
    pool: SqlitePool,
    waiting: mpsc::Sender<Waiter>,
    /// Nobody begins a turn any more.
    has_stopped: Arc<AtomicBool>,
    #[cfg(feature = "testing")]
    commits: Arc<std::sync::atomic::AtomicU64>,
}

/// Somebody who waits for a turn. Who has given up has dropped the other end.
#[derive(Debug)]
struct Waiter {
    behind: Behind,
    turn: oneshot::Sender<Result<Turn, StoreError>>,
}

impl Writer {
    /// Starts the task that owns the groups. It ends when nobody can write any more.
    pub(crate) fn start(pool: SqlitePool, bounds: Bounds) -> Self {
        let (sender, waiting) = mpsc::channel(bounds.waiting);
        let writer = Self {
            pool,
            waiting: sender,
            has_stopped: Arc::default(),
            #[cfg(feature = "testing")]
            commits: Arc::default(),
        };
        let groups = Groups {
            pool: writer.pool.clone(),
            waiting,
            bounds,
            has_stopped: writer.has_stopped.clone(),
            #[cfg(feature = "testing")]
            commits: writer.commits.clone(),
        };
        tokio::spawn(groups.run());
        writer
    }

    /// The connection by itself, for what is no turn.
    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// How many groups were kept.
    #[cfg(feature = "testing")]
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Waits for a turn.
    pub(crate) async fn begin(&self, behind: Behind) -> Result<Turn, StoreError> {
        if self.has_stopped.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable);
        }
        let (turn, begun) = oneshot::channel();
        // When the queue is full, whoever comes is told so at once.
        self.waiting.try_send(Waiter { behind, turn }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable,
        })?;
        match timeout(PATIENCE, begun).await {
            Ok(Ok(turn)) => turn,
            // The task is gone, and the runtime with it.
            Ok(Err(_)) => Err(StoreError::Unavailable),
            Err(_) => Err(StoreError::Busy),
        }
    }

    /// From now on nobody begins a turn, and who waits for one is told. The turn that goes on may end, with its connection.
    pub(crate) fn stop(&self) {
        self.has_stopped.store(true, Ordering::Relaxed);
    }

    /// Stops, and closes the connection once the turn has ended that goes on.
    pub(crate) async fn close(&self) {
        self.stop();
        self.pool.close().await;
    }
}

/// Somebody's turn. What was done in it is taken back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    connection: PoolConnection<Sqlite>,
    back: oneshot::Sender<Returned>,
}

/// A connection that comes back.
#[derive(Debug)]
struct Returned {
    connection: PoolConnection<Sqlite>,
    end: End,
}

/// How a turn ended.
#[derive(Debug)]
enum End {
    /// What was done is to be kept, and somebody wants to know when it is.
    Keep(oneshot::Sender<Result<(), StoreError>>),
    TakeBack,
}

impl Turn {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.held.as_mut().expect("it is given back only at the end").connection
    }

    /// Returns once the whole group is kept. Whoever does not wait for that changes nothing about it.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let (sender, kept) = oneshot::channel();
        self.give_back(End::Keep(sender));
        kept.await.unwrap_or(Err(StoreError::Unavailable))
    }

    fn give_back(&mut self, end: End) {
        let Some(Held { connection, back }) = self.held.take() else { return };
        if let Err(Returned { connection, .. }) = back.send(Returned { connection, end }) {
            // The task is gone, and the runtime with it. SQLite takes back what was not kept as the connection closes.
            drop(connection.detach());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.give_back(End::TakeBack);
    }
}

/// The task that owns the groups.
struct Groups {
    pool: SqlitePool,
    waiting: mpsc::Receiver<Waiter>,
    bounds: Bounds,
    has_stopped: Arc<AtomicBool>,
    #[cfg(feature = "testing")]
    commits: Arc<std::sync::atomic::AtomicU64>,
}

impl Groups {
    async fn run(mut self) {
        let mut left = None;
        loop {
            let first = match left.take() {
                Some(waiter) => waiter,
                None => match self.waiting.recv().await {
                    Some(waiter) => waiter,
                    None => return,
                },
            };
            if first.turn.is_closed() {
                continue;
            }
            if self.has_stopped.load(Ordering::Relaxed) {
                drop(first.turn.send(Err(StoreError::Unavailable)));
                continue;
            }
            match begin(&self.pool).await {
                Ok(connection) => left = self.group(connection, first).await,
                // Who has given up needs no answer.
                Err(error) => drop(first.turn.send(Err(error))),
            }
        }
    }

    /// One group, from behind its BEGIN to its end. Returns who was next but found no room in it.
    async fn group(&mut self, mut connection: PoolConnection<Sqlite>, first: Waiter) -> Option<Waiter> {
        let mut group = Group::new(Instant::now());
        let mut next = first;
        let left = loop {
            connection = match group.turn(connection, next).await {
                Ok(connection) => connection,
                Err(Lost) => {
                    group.answer(&Err(StoreError::Unavailable));
                    return None;
                }
            };
            next = match self.waiting.try_recv() {
                Ok(waiter) if self.has_stopped.load(Ordering::Relaxed) => break Some(waiter),
                Ok(waiter) if group.has_room(Instant::now(), waiter.behind, &self.bounds) => waiter,
                Ok(waiter) => break Some(waiter),
                Err(_) => break None,
            };
        };
        let kept = group.end(connection).await;
        #[cfg(feature = "testing")]
        if kept.is_ok() && !group.to_keep.is_empty() {
            self.commits.fetch_add(1, Ordering::Relaxed);
        }
        group.answer(&kept);
        left
    }
}

/// Begins a transaction of SQLite: to write, and at once, or two that read first and then write would fail.
async fn begin(pool: &SqlitePool) -> Result<PoolConnection<Sqlite>, StoreError> {
    let mut connection = pool.acquire().await?;
    match run(&mut connection, "BEGIN IMMEDIATE").await {
        Ok(()) => Ok(connection),
        Err(error) => {
            close(connection).await;
            Err(error.into())
        }
    }
}

/// What is known of a group.
struct Group {
    began: Instant,
    turns: usize,
    /// Those who wait for its COMMIT.
    to_keep: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

/// SQLite has taken back all of a group, or may have: its connection is closed.
#[derive(Debug)]
struct Lost;

impl Group {
    fn new(now: Instant) -> Self {
        Self { began: now, turns: 0, to_keep: Vec::new() }
    }

    /// Whether another turn may begin in it.
    fn has_room(&self, now: Instant, behind: Behind, bounds: &Bounds) -> bool {
        self.turns < bounds.turns
            && now.saturating_duration_since(self.began) < bounds.age
            && (behind == Behind::Anybody || self.to_keep.is_empty())
    }

    /// Gives somebody the connection, and waits until it comes back.
    async fn turn(
        &mut self,
        mut connection: PoolConnection<Sqlite>,
        waiter: Waiter,
    ) -> Result<PoolConnection<Sqlite>, Lost> {
        self.turns += 1;
        if waiter.turn.is_closed() {
            return Ok(connection);
        }
        if let Err(error) = run(&mut connection, "SAVEPOINT turn").await {
            drop(waiter.turn.send(Err(StoreError::Unavailable)));
            return Err(lose(connection, &error).await);
        }
        let (back, returned) = oneshot::channel();
        // Who has given up meanwhile drops the turn, and it comes back by that.
        drop(waiter.turn.send(Ok(Turn { held: Some(Held { connection, back }) })));
        // A turn always gives back what it holds.
        let Ok(Returned { mut connection, end }) = returned.await else { return Err(Lost) };
        match end {
            End::Keep(kept) => {
                // Whatever becomes of it, they hear it with the others.
                self.to_keep.push(kept);
                match run(&mut connection, "RELEASE turn").await {
                    Ok(()) => Ok(connection),
                    Err(error) => Err(lose(connection, &error).await),
                }
            }
            End::TakeBack => {
                let taken_back = async {
                    run(&mut connection, "ROLLBACK TO turn").await?;
                    run(&mut connection, "RELEASE turn").await
                };
                match taken_back.await {
                    Ok(()) => Ok(connection),
                    // After some errors, such as a full disk, SQLite takes back everything by itself, and there is no such
                    // SAVEPOINT any more.
                    Err(error) => Err(lose(connection, &error).await),
                }
            }
        }
    }

    /// Keeps what is to be kept.
    async fn end(&self, mut connection: PoolConnection<Sqlite>) -> Result<(), StoreError> {
        let end = if self.to_keep.is_empty() { "ROLLBACK" } else { "COMMIT" };
        match run(&mut connection, end).await {
            Ok(()) => Ok(()),
            Err(error) => {
                close(connection).await;
                Err(error.into())
            }
        }
    }

    /// Tells everybody what became of the group. Who has given up needs no answer.
    fn answer(&mut self, kept: &Result<(), StoreError>) {
        // An error is about one of them, nobody knows which.
        let error = |error: &StoreError| if self.to_keep.len() == 1 { error.clone() } else { StoreError::Unavailable };
        let answer = kept.as_ref().copied().map_err(error);
        self.to_keep.drain(..).for_each(|waiting| drop(waiting.send(answer.clone())));
    }
}

async fn run(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await.map(drop)
}

async fn lose(connection: PoolConnection<Sqlite>, error: &sqlx::Error) -> Lost {
    warn!(%error, "transactions are lost together with one that failed");
    close(connection).await;
    Lost
}

/// Ends a connection of which nobody knows how it stands. The pool opens another.
async fn close(connection: PoolConnection<Sqlite>) {
    if let Err(error) = connection.close().await {
        warn!(%error, "a connection to the database did not end well");
    }
}
