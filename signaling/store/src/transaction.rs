// SPDX-License-Identifier: EUPL-1.2
//! A transaction: all of it happens, or nothing.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

use crate::error::StoreError;
use crate::groups::Turn;
use crate::row::{AnyRow, FromRow, Row};
use crate::statement::{Statement, sql};
use crate::value::Value;

/// Longest wait for a statement. Whoever asked over HTTP is gone by then.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait of an operator, for a backup's or a restoration's statement.
const LONGEST_PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// A transaction. Dropping it takes back what it did.
#[derive(Debug)]
pub struct Tx {
    transaction: AnyTransaction,
    /// Longest wait for a statement.
    patience: Duration,
    /// The database has done every statement so far. After one that it has not, or for whose end nobody waited, SQLite may have
    /// taken back all before it, and would do and keep the next one by itself.
    is_whole: bool,
    #[cfg(feature = "testing")]
    journal: crate::testing::plans::Journal,
}

#[derive(Debug)]
pub(crate) enum AnyTransaction {
    SqliteReader(Transaction<'static, Sqlite>),
    SqliteWriter(Turn),
    Postgres(Transaction<'static, Postgres>),
}

/// What statements are sent by.
enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl AnyTransaction {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::SqliteReader(tx) => Connection::Sqlite(tx),
            Self::SqliteWriter(turn) => Connection::Sqlite(turn.connection()),
            Self::Postgres(tx) => Connection::Postgres(tx),
        }
    }
}

/// A prepared query with its values, for one of the databases. The text was put together from the program's own.
macro_rules! query {
    ($text:expr, $values:expr) => {
        $values.into_iter().fold(sqlx::query(AssertSqlSafe($text.into_owned())), |query, value| match value {
            Value::Text(value) => query.bind(value),
            Value::Integer(value) => query.bind(value),
            Value::Boolean(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        })
    };
}

impl Tx {
    pub(crate) fn new(transaction: AnyTransaction) -> Self {
        Self {
            transaction,
            patience: STATEMENT_TIMEOUT,
            is_whole: true,
            #[cfg(feature = "testing")]
            journal: crate::testing::plans::Journal::default(),
        }
    }

    /// Whose statements are noted there, if any are.
    #[cfg(feature = "testing")]
    pub(crate) fn noted_in(self, journal: &crate::testing::plans::Journal) -> Self {
        Self { journal: journal.clone(), ..self }
    }

    /// Which of the databases it is.
    pub(crate) fn is_sqlite(&self) -> bool {
        !matches!(self.transaction, AnyTransaction::Postgres(_))
    }

    /// By what the next statement is sent. Until it is done, the transaction is not whole.
    fn connection(&mut self) -> Result<Connection<'_>, StoreError> {
        if !std::mem::replace(&mut self.is_whole, false) {
            return Err(broken());
        }
        Ok(self.transaction.connection())
    }

    /// From here on statements may take as long as they need: an operator waits for them, and nobody else.
    pub(crate) async fn wait_as_long_as_it_takes(&mut self) -> Result<(), StoreError> {
        if !self.is_sqlite() {
            self.execute(sql("SET LOCAL statement_timeout = 0")).await?;
        }
        self.patience = LONGEST_PATIENCE;
        Ok(())
    }

    /// Runs a statement. Returns how many rows it concerned.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]. After one the transaction can only be dropped.
    pub async fn execute(&mut self, statement: Statement) -> Result<u64, StoreError> {
        let (text, values) = statement.into_parts()?;
        #[cfg(feature = "testing")]
        self.journal.note(&text, &values);
        let patience = self.patience;
        let connection = self.connection()?;
        let done = in_time(patience, async {
            Ok(match connection {
                Connection::Sqlite(connection) => query!(text, values).execute(connection).await?.rows_affected(),
                Connection::Postgres(connection) => query!(text, values).execute(connection).await?.rows_affected(),
            })
        });
        let done = done.await;
        self.is_whole = done.is_ok();
        done
    }

    /// All rows. The statement itself says how many there can be at most.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]. After one the transaction can only be dropped.
    pub async fn all<T: FromRow>(&mut self, statement: Statement) -> Result<Vec<T>, StoreError> {
        let (text, values) = statement.into_parts()?;
        #[cfg(feature = "testing")]
        self.journal.note(&text, &values);
        let mut found = Vec::new();
        let take = |row: Row| T::from_row(&row).map(|value| found.push(value));
        let patience = self.patience;
        let done = in_time(patience, rows(self.connection()?, text, values, take)).await;
        self.is_whole = done.is_ok();
        done??;
        Ok(found)
    }

    /// Hands over row after row, so that a whole table can be read. `take` must not wait for long.
    pub(crate) async fn each(
        &mut self,
        statement: Statement,
        take: impl FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (text, values) = statement.into_parts()?;
        let done = rows(self.connection()?, text, values, take).await;
        self.is_whole = done.is_ok();
        done?
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]. After one the transaction can only be dropped.
    pub async fn optional<T: FromRow>(&mut self, statement: Statement) -> Result<Option<T>, StoreError> {
        Ok(self.all(statement).await?.into_iter().next())
    }

    /// The row that must be there.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Senseless`] when there is none. After an error the transaction can only be dropped.
    pub async fn one<T: FromRow>(&mut self, statement: Statement) -> Result<T, StoreError> {
        let missing = || StoreError::Senseless("a row that must be there is not".to_owned());
        self.optional(statement).await?.ok_or_else(missing)
    }

    /// Makes writers that name the same `subject` wait for each other until they end. SQLite's do so anyway.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]. After one the transaction can only be dropped.
    pub async fn lock(&mut self, subject: &str) -> Result<(), StoreError> {
        if matches!(self.transaction, AnyTransaction::Postgres(_)) {
            self.execute(sql("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind(subject)).await?;
        }
        Ok(())
    }

    /// Keeps what was done. Once this returns, neither a crash nor a power failure loses it. Whoever stops waiting for it
    /// does not know whether it was kept.
    ///
    /// # Errors
    ///
    /// After [`StoreError::Unavailable`] it is not known whether it was kept.
    pub async fn commit(self) -> Result<(), StoreError> {
        if !self.is_whole {
            return Err(broken());
        }
        in_time(self.patience, async {
            match self.transaction {
                AnyTransaction::SqliteReader(tx) => tx.commit().await?,
                AnyTransaction::SqliteWriter(turn) => turn.commit().await?,
                AnyTransaction::Postgres(tx) => tx.commit().await?,
            }
            Ok(())
        })
        .await
    }
}

/// Hands over row after row. The inner error is that of `take`, which is nothing to the database.
async fn rows(
    connection: Connection<'_>,
    text: Cow<'static, str>,
    values: Vec<Value>,
    mut take: impl FnMut(Row) -> Result<(), StoreError>,
) -> Result<Result<(), StoreError>, StoreError> {
    match connection {
        Connection::Sqlite(connection) => {
            let mut rows = query!(text, values).fetch(connection);
            while let Some(row) = rows.try_next().await? {
                if let Err(error) = take(Row(AnyRow::Sqlite(row))) {
                    return Ok(Err(error));
                }
            }
        }
        Connection::Postgres(connection) => {
            let mut rows = query!(text, values).fetch(connection);
            while let Some(row) = rows.try_next().await? {
                if let Err(error) = take(Row(AnyRow::Postgres(row))) {
                    return Ok(Err(error));
                }
            }
        }
    }
    Ok(Ok(()))
}

/// A transaction is used after an error, or after a statement for whose end nobody waited.
fn broken() -> StoreError {
    StoreError::Senseless("a transaction goes on after a statement that was not done".to_owned())
}

/// A database that answers no more must not make everybody wait for ever.
async fn in_time<T>(patience: Duration, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(patience, work).await.unwrap_or(Err(StoreError::Unavailable))
}
