// SPDX-License-Identifier: EUPL-1.2
//! Restores a backup: all of it, or nothing.

use std::io::{self, BufRead as _, BufReader, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use flate2::read::GzDecoder;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::{BackupError, End, FORMAT, Head, Summary, TableHead, hex};
use crate::catalogue::{self, Kind, Table};
use crate::migrations;
use crate::row::Row;
use crate::statement::Statement;
use crate::transaction::Tx;
use crate::value::Value;
use crate::{FromRow, Location, Store, StoreError};

/// Longest line. A row is at most as long as a request's body, and a half more where that has quotes in it.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

/// Values that one statement inserts at most. SQLite takes 32,766.
const MAX_VALUES: usize = 4000;

/// Text that one statement inserts at most, before the row that goes beyond.
const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// Restores a backup into a database that has nothing in it, in one transaction. `replaces` deletes what is there before,
/// in the same one. Then the tables are brought up to date.
///
/// # Errors
///
/// Fails when the backup is not whole, or the database is not empty. Then nothing in it has changed.
pub async fn restore(
    location: &Location,
    input: impl Read + Send,
    replaces: bool,
) -> Result<(Store, Summary), BackupError> {
    let mut lines = Lines::new(input);
    let head = head(&mut lines)?;
    let store = Store::open_at(location, &head.migrations).await.map_err(|error| match error {
        StoreError::TooNew => BackupError::NewerTables,
        error => error.into(),
    })?;
    let mut tx = store.write().await?;
    tx.wait_as_long_as_it_takes().await?;
    let tables = catalogue::tables(&mut tx).await?;
    for table in tables.iter().rev() {
        if tx.optional::<Anything>(table.probe()).await?.is_some() {
            if !replaces {
                return Err(BackupError::NotEmpty);
            }
            tx.execute(table.delete()).await?;
        }
    }
    let summary = load(&mut lines, &head, Some((&mut tx, &tables))).await?;
    tx.commit().await?;
    store.bring_up_to_date().await?;
    Ok((store, summary))
}

/// Reads all of a backup and restores nothing: whether it is whole.
///
/// # Errors
///
/// Fails when it is not.
pub async fn check(input: impl Read + Send) -> Result<Summary, BackupError> {
    let mut lines = Lines::new(input);
    let head = head(&mut lines)?;
    load(&mut lines, &head, None).await
}

struct Anything;

impl FromRow for Anything {
    fn from_row(_: &Row) -> Result<Self, StoreError> {
        Ok(Self)
    }
}

fn head<R: Read>(lines: &mut Lines<R>) -> Result<Head, BackupError> {
    let line = match lines.next() {
        Ok(Some(line)) => line,
        // What is not compressed is no backup either.
        Err(BackupError::Damaged(_)) | Ok(None) => return Err(BackupError::NotABackup),
        Err(error) => return Err(error),
    };
    let format = serde_json::from_slice::<Json>(line).ok().and_then(|line| line["saal_backup"].as_u64());
    match format {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) if format > u64::from(FORMAT) => return Err(BackupError::TooNew),
        _ => return Err(BackupError::NotABackup),
    }
    let head: Head = serde_json::from_slice(line).map_err(|_| BackupError::NotABackup)?;
    if head.migrations.iter().any(|version| !migrations::is_known(*version)) {
        return Err(BackupError::TooNew);
    }
    Ok(head)
}

/// Reads the rest, and puts it into the database if there is one.
async fn load<R: Read>(
    lines: &mut Lines<R>,
    head: &Head,
    mut target: Option<(&mut Tx, &[Table])>,
) -> Result<Summary, BackupError> {
    let (mut tables, mut rows) = (0, 0);
    let mut batch: Option<Batch<'_>> = None;
    loop {
        let so_far = lines.hash.clone();
        let line = lines.next()?.ok_or(BackupError::Damaged("its end is missing"))?;
        if line.first() == Some(&b'[') {
            rows += 1;
            let Some(batch) = &mut batch else { continue };
            batch.add(line)?;
            if let (true, Some((tx, _))) = (batch.is_full(), &mut target) {
                tx.execute(batch.take()).await?;
            }
            continue;
        }
        // Here ends a table, or all of them.
        if let (Some(batch), Some((tx, _))) = (&mut batch, &mut target)
            && batch.rows > 0
        {
            tx.execute(batch.take()).await?;
        }
        if let Ok(table) = serde_json::from_slice::<TableHead>(line) {
            tables += 1;
            batch = target.as_ref().map(|(_, known)| Batch::new(table, known)).transpose()?;
            continue;
        }
        let end: End = serde_json::from_slice(line).map_err(|_| BackupError::Damaged("a line makes no sense"))?;
        if end.sha256 != hex(&so_far.finalize()) || end.tables != tables || end.rows != rows {
            return Err(BackupError::Damaged("it is not what was written"));
        }
        if lines.next()?.is_some() {
            return Err(BackupError::Damaged("there is something behind its end"));
        }
        if target.as_ref().is_some_and(|(_, known)| known.len() != tables) {
            return Err(BackupError::Damaged("a table is missing"));
        }
        let created_at = DateTime::from_timestamp_millis(head.created_at_ms).unwrap_or_default();
        return Ok(Summary { created_at, tables, rows });
    }
}

/// Rows of a table that are inserted together.
struct Batch<'a> {
    table: &'a Table,
    columns: Vec<String>,
    kinds: Vec<Kind>,
    values: Vec<Value>,
    rows: usize,
    bytes: usize,
}

impl<'a> Batch<'a> {
    fn new(head: TableHead, known: &'a [Table]) -> Result<Self, BackupError> {
        let table = known.iter().find(|table| table.name == head.table);
        let table = table.ok_or(BackupError::Damaged("it has a table that Saal does not know"))?;
        let fits = head.columns.len() == table.columns.len()
            && table
                .columns
                .iter()
                .all(|column| head.columns.iter().any(|(name, kind)| *name == column.name && *kind == column.kind));
        if !fits {
            return Err(BackupError::Damaged("a table has other columns than Saal's"));
        }
        let (columns, kinds) = head.columns.into_iter().unzip();
        Ok(Self { table, columns, kinds, values: Vec::new(), rows: 0, bytes: 0 })
    }

    fn add(&mut self, line: &[u8]) -> Result<(), BackupError> {
        let damaged = || BackupError::Damaged("a row makes no sense");
        let row: Vec<Json> = serde_json::from_slice(line).map_err(|_| damaged())?;
        if row.len() != self.kinds.len() {
            return Err(damaged());
        }
        for (value, kind) in row.into_iter().zip(&self.kinds) {
            self.values.push(read(value, *kind).ok_or_else(damaged)?);
        }
        self.rows += 1;
        self.bytes += line.len();
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.values.len() + self.kinds.len() > MAX_VALUES || self.bytes >= MAX_BATCH_BYTES
    }

    fn take(&mut self) -> Statement {
        let insert = self.table.insert(&self.columns, self.rows);
        (self.rows, self.bytes) = (0, 0);
        std::mem::take(&mut self.values).into_iter().fold(insert, Statement::bind)
    }
}

fn read(value: Json, kind: Kind) -> Option<Value> {
    Some(match (kind, value) {
        (Kind::Text, Json::Null) => Value::Text(None),
        (Kind::Text, Json::String(text)) => Value::Text(Some(text)),
        (Kind::Integer, Json::Null) => Value::Integer(None),
        (Kind::Integer, Json::Number(number)) => Value::Integer(Some(number.as_i64()?)),
        (Kind::Boolean, Json::Null) => Value::Boolean(None),
        (Kind::Boolean, Json::Bool(flag)) => Value::Boolean(Some(flag)),
        (Kind::Bytes, Json::Null) => Value::Bytes(None),
        (Kind::Bytes, Json::String(text)) => Value::Bytes(Some(STANDARD.decode(text).ok()?)),
        _ => return None,
    })
}

/// The lines, and what they add up to.
struct Lines<R: Read> {
    input: BufReader<GzDecoder<R>>,
    line: Vec<u8>,
    hash: Sha256,
}

impl<R: Read> Lines<R> {
    fn new(input: R) -> Self {
        Self { input: BufReader::new(GzDecoder::new(input)), line: Vec::new(), hash: Sha256::new() }
    }

    /// The next one, without its end.
    fn next(&mut self) -> Result<Option<&[u8]>, BackupError> {
        self.line.clear();
        let read = self.input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                BackupError::Damaged("it cannot be unpacked")
            }
            _ => error.into(),
        })?;
        self.hash.update(&self.line);
        match self.line.split_last() {
            None => Ok(None),
            Some((b'\n', line)) => Ok(Some(line)),
            Some(_) => Err(BackupError::Damaged("a line does not end")),
        }
    }
}
