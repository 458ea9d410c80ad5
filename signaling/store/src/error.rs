// SPDX-License-Identifier: EUPL-1.2
//! Why a statement failed, by what the caller can do about it.

use thiserror::Error;
use tracing::{error, warn};

/// Why the database did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// It cannot be reached, is full, or another process was in the way for too long. Later it may work. When it happens
    /// at the commit, it is not known whether the changes were kept.
    #[error("the database is not available")]
    Unavailable,
    /// Too many wait for it, or it took too long until it was somebody's turn. Nothing was done. Later it may work.
    #[error("too many wait for the database")]
    Busy,
    /// Something of that kind is there already: a unique constraint. It names the columns, or the constraint.
    #[error("a value that must be unique is taken ({0})")]
    Taken(String),
    /// It refers to something that is not there, or is referred to by something that is.
    #[error("a reference would lead nowhere ({0})")]
    Dangling(String),
    /// What is stored, or what was asked, makes no sense. That is our fault.
    #[error("the database holds or was asked something senseless: {0}")]
    Senseless(String),
    /// It was written by a newer version of Saal.
    #[error("the database was written by a newer version of Saal")]
    TooNew,
}

impl StoreError {
    /// Whether another try may work later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable | Self::Busy)
    }

    /// Whether a value in `column` is taken.
    #[must_use]
    pub fn is_taken(&self, column: &str) -> bool {
        matches!(self, Self::Taken(what) if what.contains(column))
    }
}

/// SQLite's result codes (<https://sqlite.org/rescode.html>) after which another try may work.
const SQLITE_TRANSIENT: [i32; 6] = [
    5,  // SQLITE_BUSY
    6,  // SQLITE_LOCKED
    8,  // SQLITE_READONLY: the disk was mounted so after an error
    10, // SQLITE_IOERR
    13, // SQLITE_FULL
    14, // SQLITE_CANTOPEN
];

/// Classes of PostgreSQL's codes (appendix A of its manual) after which another try may work: connection, transaction
/// rollback, resources, operator intervention, system error; and a lock that others held for too long.
const POSTGRES_TRANSIENT: [&str; 6] = ["08", "40", "53", "57", "58", "55P03"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(database) = &error {
            if database.is_unique_violation() {
                return Self::Taken(about(&**database));
            }
            if database.is_foreign_key_violation() {
                return Self::Dangling(about(&**database));
            }
            let code = database.code().unwrap_or_default();
            let is_transient = match code.parse::<i32>() {
                // SQLite's extended codes hold the primary one in the lowest byte. PostgreSQL's have five characters.
                Ok(number) if code.len() < 5 => SQLITE_TRANSIENT.contains(&(number & 0xff)),
                _ => POSTGRES_TRANSIENT.iter().any(|class| code.starts_with(class)),
            };
            if is_transient {
                warn!(%code, "the database refuses");
                return Self::Unavailable;
            }
            // The message names tables and columns, never values.
            error!(%code, message = database.message(), "the database does not understand");
            return Self::Senseless(code.into_owned());
        }
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Decode(_) => {
                error!(%error, "what is stored cannot be read");
                Self::Senseless("column".to_owned())
            }
            error => {
                warn!(%error, "the database cannot be reached");
                Self::Unavailable
            }
        }
    }
}

/// PostgreSQL names the constraint; SQLite lists the columns in its message.
fn about(error: &dyn sqlx::error::DatabaseError) -> String {
    error.constraint().unwrap_or_else(|| error.message()).to_owned()
}
