// SPDX-License-Identifier: EUPL-1.2
//! The connections to either database.

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use crate::error::StoreError;
use crate::groups::{Behind, Bounds, Writer};
use crate::location::Location;
use crate::transaction::AnyTransaction;
use crate::waiting::{PATIENCE, WaitingRoom};

/// Longest wait for a connection to PostgreSQL. A server that is away takes as long to be noticed.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest wait of SQLite for a lock that another process holds, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that read a SQLite file. Each has a thread.
const SQLITE_READERS: u32 = 4;

/// Connections to PostgreSQL of one process. Its servers take a hundred by default.
const POSTGRES_CONNECTIONS: u32 = 20;

#[derive(Clone, Debug)]
pub(crate) enum Backend {
    /// One connection writes: SQLite lets no second one, and waiting here is fairer than its busy handler.
    Sqlite {
        readers: SqlitePool,
        room: WaitingRoom,
        writer: Writer,
    },
    Postgres {
        pool: PgPool,
        room: WaitingRoom,
    },
}

impl Backend {
    /// `makes` a file that is not there.
    pub(crate) async fn open(location: &Location, makes: bool) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite(file) => Self::open_sqlite(file, makes, Bounds::default()).await,
            Location::Postgres(options) => Self::open_postgres((**options).clone()).await,
        }
    }

    pub(crate) async fn open_sqlite(file: &Path, makes: bool, bounds: Bounds) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(makes)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL mode anything less may lose what was acknowledged when the power fails.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            // What is deleted is to be gone: erasure would otherwise leave it in free pages.
            .pragma("secure_delete", "ON");
        let writer = sqlite_pool(1).connect_with(options.clone()).await?;
        let readers = sqlite_pool(SQLITE_READERS).connect_with(options.read_only(true)).await?;
        Ok(Self::Sqlite { readers, room: WaitingRoom::default(), writer: Writer::start(writer, bounds) })
    }

    async fn open_postgres(options: PgConnectOptions) -> Result<Self, StoreError> {
        let options = options.application_name("saal").options([("statement_timeout", "10s"), ("lock_timeout", "5s")]);
        let pool = PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
        Ok(Self::Postgres { pool: pool.connect_with(options).await?, room: WaitingRoom::default() })
    }

    pub(crate) async fn read(&self) -> Result<AnyTransaction, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, room, .. } => AnyTransaction::SqliteReader(room.wait_for(readers.begin()).await?),
            Self::Postgres { pool, room } => {
                let begin = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
                AnyTransaction::Postgres(room.wait_for(pool.begin_with(begin)).await?)
            }
        })
    }

    pub(crate) async fn write(&self, behind: Behind) -> Result<AnyTransaction, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => AnyTransaction::SqliteWriter(writer.begin(behind).await?),
            Self::Postgres { pool, room } => AnyTransaction::Postgres(room.wait_for(pool.begin()).await?),
        })
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer, .. } => {
                // Nobody begins to write while those who read come to an end.
                writer.stop();
                readers.close().await;
                // Last, so that it folds the journal into the file: of two that close at the same time, neither does.
                writer.close().await;
            }
            Self::Postgres { pool, .. } => pool.close().await,
        }
    }
}

fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    // Connections to a file do not grow old.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        // A thread of our own does not go away. One that has ended all the same is found when it is given back.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}
