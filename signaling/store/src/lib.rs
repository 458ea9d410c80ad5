// SPDX-License-Identifier: EUPL-1.2
//! What must survive a restart, in SQLite or in PostgreSQL, by one SQL text.
//!
//! SQLite is the embedded default: a file, many readers, one writer. PostgreSQL serves installations of several
//! processes. This crate knows how statements reach either, and nothing of what they are about. It is also the only one
//! that knows sqlx.
//!
//! SQL for both keeps to what both understand: `$1` placeholders, ids as `TEXT`, times as `BIGINT` milliseconds since
//! 1970 in UTC, flags as `BOOLEAN`, documents as JSON in `TEXT`, `INSERT … ON CONFLICT … DO UPDATE` and `RETURNING`. It
//! does without arrays, enumerations, `now()` and functions that only one of them has.

mod backends;
pub mod backup;
mod catalogue;
mod error;
mod groups;
mod location;
mod migrations;
mod patience;
mod row;
mod statement;
mod transaction;
mod value;
mod waiting;

#[cfg(feature = "testing")]
pub mod testing;

pub use crate::error::StoreError;
pub use crate::location::{Location, UnknownLocation};
pub use crate::patience::patiently;
pub use crate::row::{Column, FromRow, Object, Row, Single};
pub use crate::statement::{Statement, sql};
pub use crate::transaction::Tx;
pub use crate::value::{Textual, Value};

use crate::backends::Backend;
use crate::groups::Behind;
use crate::transaction::AnyTransaction;

/// An open database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Backend,
    /// For tests that look how statements are done.
    #[cfg(feature = "testing")]
    journal: testing::plans::Journal,
}

impl Store {
    fn over(backend: Backend) -> Self {
        Self {
            backend,
            #[cfg(feature = "testing")]
            journal: testing::plans::Journal::default(),
        }
    }

    fn begun(&self, transaction: AnyTransaction) -> Tx {
        let tx = Tx::new(transaction);
        #[cfg(feature = "testing")]
        let tx = tx.noted_in(&self.journal);
        tx
    }

    /// Opens the database, which is made if it is a file that is not there, and brings its tables up to date.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be reached, or was written by a newer version of Saal.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        let store = Self::over(Backend::open(location, true).await?);
        store.bring_up_to_date().await?;
        Ok(store)
    }

    /// Opens a database that is there, and leaves its tables as they are: a server of an earlier version may be using
    /// them.
    ///
    /// # Errors
    ///
    /// Fails when it is not there, cannot be reached, or was written by a newer version of Saal.
    pub async fn open_as_it_is(location: &Location) -> Result<Self, StoreError> {
        let store = Self::over(Backend::open(location, false).await?);
        let applied = migrations::applied(&mut store.read().await?).await?;
        if applied.iter().all(|version| migrations::is_known(*version)) { Ok(store) } else { Err(StoreError::TooNew) }
    }

    /// Opens it with tables as those steps leave them. It must have none yet, or be on the way there.
    async fn open_at(location: &Location, versions: &[i64]) -> Result<Self, StoreError> {
        let backend = Backend::open(location, true).await?;
        migrations::run(&backend, |version| versions.contains(&version)).await?;
        Ok(Self::over(backend))
    }

    /// Does the steps that are left.
    async fn bring_up_to_date(&self) -> Result<(), StoreError> {
        migrations::run(&self.backend, |_| true).await
    }

    /// Begins to read. All that is read until the transaction ends is of one moment, and is kept.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Busy`] when too many wait for a connection, and with [`StoreError::Unavailable`] when none
    /// is free in time.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        // What it takes to begin is much more than a transaction is, and would be a part of whoever begins one.
        Box::pin(self.backend.read()).await.map(|transaction| self.begun(transaction))
    }

    /// Begins to write. In SQLite one transaction writes at a time; in PostgreSQL each statement sees what others have
    /// committed before it. Where that matters, [`Tx::lock`] makes them wait for each other.
    ///
    /// What it finds there is kept, so it may be told to others, whether or not this transaction is committed. In SQLite it
    /// therefore waits for the disk where others have written before it; see [`Store::write_with_others`].
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Busy`] when too many wait to write, or for too long, and with [`StoreError::Unavailable`]
    /// when the database cannot be reached.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        Box::pin(self.backend.write(Behind::Kept)).await.map(|transaction| self.begun(transaction))
    }

    /// Begins to write, for what many do at once: SQLite then waits for the disk once for all of them. It may find what
    /// others before it have done and what is kept only together with it.
    ///
    /// So whoever tells others that something is there, on the strength of what was found, commits before that, also when
    /// nothing was changed. One that is dropped may be followed by a refusal only.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub async fn write_with_others(&self) -> Result<Tx, StoreError> {
        Box::pin(self.backend.write(Behind::Anybody)).await.map(|transaction| self.begun(transaction))
    }

    /// Whether several processes may use it at a time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.backend, Backend::Postgres { .. })
    }

    /// Closes all connections, after what is under way has ended.
    pub async fn close(&self) {
        self.backend.close().await;
    }
}
