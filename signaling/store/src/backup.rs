// SPDX-License-Identifier: EUPL-1.2
//! Backups: all that is in the database, of one moment, in a form that either kind of database can be restored from.
//!
//! A backup is gzip (RFC 1952) over lines of JSON: what it is a backup of; for each table its name and columns, then a list
//! for each row; at the end how many there were, and SHA-256 over all lines before. Nothing is kept that does not end so.

mod reader;
mod writer;

use std::io;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::catalogue::Kind;
use crate::error::StoreError;

pub use self::reader::{check, restore};
pub use self::writer::back_up;

/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// Why there is no backup, or why it was not restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("this is no backup of Saal")]
    NotABackup,
    /// It is not as it was written.
    #[error("the backup is damaged: {0}")]
    Damaged(&'static str),
    /// It comes from a newer version.
    #[error("the backup was made by a newer version of Saal")]
    TooNew,
    /// There is something in the database already.
    #[error("the database is not empty")]
    NotEmpty,
    /// The tables are of a newer version than the backup's.
    #[error("the tables of the database are newer than the backup: restore into a database without any tables")]
    NewerTables,
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// How many tables.
    pub tables: usize,
    /// How many rows, in all of them.
    pub rows: u64,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    /// The format's number.
    saal_backup: u32,
    created_at_ms: i64,
    /// Which steps had brought the tables to where they were.
    migrations: Vec<i64>,
}

/// The line before a table's rows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableHead {
    table: String,
    columns: Vec<(String, Kind)>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    tables: usize,
    rows: u64,
    sha256: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
