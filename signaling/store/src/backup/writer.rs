// SPDX-License-Identifier: EUPL-1.2
//! Writes a backup.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::{BackupError, End, FORMAT, Head, Summary, TableHead, hex};
use crate::Store;
use crate::catalogue::{self, Kind, Table};
use crate::error::StoreError;
use crate::migrations;
use crate::row::Row;

/// Writes all that is in the database to `output`. It is of one moment, and others go on writing meanwhile.
///
/// # Errors
///
/// Fails when the database does, or `output`. What was written then is no backup.
pub async fn back_up(store: &Store, output: impl Write + Send, now: DateTime<Utc>) -> Result<Summary, BackupError> {
    let mut tx = store.read().await?;
    tx.wait_as_long_as_it_takes().await?;
    let mut lines = Lines { output: GzEncoder::new(output, Compression::default()), hash: Sha256::new() };
    let migrations = migrations::applied(&mut tx).await?;
    let tables = catalogue::tables(&mut tx).await?;
    lines.write(&Head { saal_backup: FORMAT, created_at_ms: now.timestamp_millis(), migrations })?;
    let mut rows = 0;
    for table in &tables {
        let columns = table.columns.iter().map(|column| (column.name.clone(), column.kind)).collect();
        lines.write(&TableHead { table: table.name.clone(), columns })?;
        let mut failed = None;
        tx.each(table.select(), |row| {
            rows += 1;
            let written = lines.write(&values(table, &row)?);
            // The stream of rows knows only the database's errors.
            failed = written.err();
            if failed.is_some() { Err(StoreError::Unavailable) } else { Ok(()) }
        })
        .await
        .or_else(|error| failed.map_or(Err(BackupError::Store(error)), |failed| Err(failed.into())))?;
    }
    let sha256 = hex(&lines.hash.clone().finalize());
    lines.write(&End { tables: tables.len(), rows, sha256 })?;
    lines.output.finish()?.flush()?;
    Ok(Summary { created_at: now, tables: tables.len(), rows })
}

/// The lines, compressed, and what they add up to.
struct Lines<W: Write> {
    output: GzEncoder<W>,
    hash: Sha256,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.hash.update(&text);
        self.output.write_all(&text)
    }
}

fn values(table: &Table, row: &Row) -> Result<Vec<Json>, StoreError> {
    let value = |(name, kind): (&str, Kind)| {
        Ok(match kind {
            Kind::Text => row.get::<Option<String>>(name)?.into(),
            Kind::Integer => row.get::<Option<i64>>(name)?.into(),
            Kind::Boolean => row.get::<Option<bool>>(name)?.into(),
            Kind::Bytes => row.get::<Option<Vec<u8>>>(name)?.map(|bytes| STANDARD.encode(bytes)).into(),
        })
    };
    table.columns.iter().map(|column| value((&column.name, column.kind))).collect()
}
