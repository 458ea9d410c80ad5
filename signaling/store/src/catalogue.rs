// SPDX-License-Identifier: EUPL-1.2
//! Which tables there are, as the database itself knows them. Backups go by it, so that no table can be forgotten.

use crate::error::StoreError;
use crate::row::{FromRow, Row};
use crate::statement::{Statement, sql};
use crate::transaction::Tx;

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<TableColumn>,
}

/// A column of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableColumn {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Its place in the primary key, from 1; 0 when it is not part of it.
    pub(crate) key_place: i64,
    /// Whether it always has a value.
    pub(crate) is_required: bool,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Text,
    Integer,
    Boolean,
    Bytes,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "text" => Self::Text,
            "bigint" => Self::Integer,
            "boolean" => Self::Boolean,
            "blob" | "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

const SQLITE_COLUMNS: &str = "SELECT m.name AS table_name, c.name AS column_name, c.type AS kind, c.pk AS key_place,
        CASE WHEN c.\"notnull\" > 0 OR c.pk > 0 THEN 1 ELSE 0 END AS is_required
    FROM sqlite_master m, pragma_table_info(m.name) c
    WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_' AND m.name <> '_sqlx_migrations'
    ORDER BY m.name, c.cid";

const SQLITE_REFERENCES: &str = "SELECT m.name AS table_name, f.\"table\" AS target
    FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'";

// The views of the information schema would say the same, after seconds.
const POSTGRES_COLUMNS: &str = "SELECT t.relname::text AS table_name, a.attname::text AS column_name,
        format_type(a.atttypid, a.atttypmod) AS kind, COALESCE(array_position(p.conkey, a.attnum), 0)::bigint AS key_place,
        CASE WHEN a.attnotnull THEN 1 ELSE 0 END::bigint AS is_required
    FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_constraint p ON p.conrelid = t.oid AND p.contype = 'p'
    WHERE n.nspname = current_schema() AND t.relkind = 'r' AND t.relname <> '_sqlx_migrations'
    ORDER BY 1, a.attnum";

const POSTGRES_REFERENCES: &str = "SELECT a.relname::text AS table_name, b.relname::text AS target
    FROM pg_constraint c JOIN pg_class a ON a.oid = c.conrelid JOIN pg_class b ON b.oid = c.confrelid
    JOIN pg_namespace n ON n.oid = c.connamespace WHERE c.contype = 'f' AND n.nspname = current_schema()";

struct FoundColumn {
    table: String,
    column: TableColumn,
}

impl FromRow for FoundColumn {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let (table, name): (String, String) = (row.get("table_name")?, row.get("column_name")?);
        let kind: String = row.get("kind")?;
        let unknown = || StoreError::Senseless(format!("the type {kind} of {table}.{name}"));
        let kind = Kind::of(&kind).ok_or_else(unknown)?;
        let is_required = row.get::<i64>("is_required")? > 0;
        Ok(Self { column: TableColumn { name, kind, key_place: row.get("key_place")?, is_required }, table })
    }
}

struct Reference {
    from: String,
    to: String,
}

impl FromRow for Reference {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { from: row.get("table_name")?, to: row.get("target")? })
    }
}

/// All tables, each after those that it refers to.
pub(crate) async fn tables(tx: &mut Tx) -> Result<Vec<Table>, StoreError> {
    let (columns, references) =
        if tx.is_sqlite() { (SQLITE_COLUMNS, SQLITE_REFERENCES) } else { (POSTGRES_COLUMNS, POSTGRES_REFERENCES) };
    let mut tables: Vec<Table> = Vec::new();
    for found in tx.all::<FoundColumn>(sql(columns)).await? {
        match tables.last_mut().filter(|table| table.name == found.table) {
            Some(table) => table.columns.push(found.column),
            None => tables.push(Table { name: found.table, columns: vec![found.column] }),
        }
    }
    let references: Vec<Reference> = tx.all(sql(references)).await?;
    in_order(tables, &references)
}

/// Puts each table after those that it refers to. A reference to itself is none: its rows come in the order of their ids,
/// and those grow.
fn in_order(mut left: Vec<Table>, references: &[Reference]) -> Result<Vec<Table>, StoreError> {
    let mut ordered: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_free = |table: &Table| {
            let mut targets = references.iter().filter(|found| found.from == table.name && found.to != table.name);
            targets.all(|found| ordered.iter().any(|done| done.name == found.to))
        };
        let (free, bound): (Vec<_>, Vec<_>) = left.into_iter().partition(is_free);
        if free.is_empty() {
            let names: Vec<_> = bound.iter().map(|table| table.name.as_str()).collect();
            return Err(StoreError::Senseless(format!("tables that refer to each other: {}", names.join(", "))));
        }
        ordered.extend(free);
        left = bound;
    }
    Ok(ordered)
}

impl Table {
    /// Reads all rows, in the order of the primary key.
    pub(crate) fn select(&self) -> Statement {
        let mut key: Vec<_> = self.columns.iter().filter(|column| column.key_place > 0).collect();
        key.sort_by_key(|column| column.key_place);
        let mut text = format!("SELECT {} FROM {}", names(self.columns.iter()), quoted(&self.name));
        if !key.is_empty() {
            text.push_str(&format!(" ORDER BY {}", names(key.into_iter())));
        }
        Statement::of_catalogue(text)
    }

    /// Finds a row, if there is one.
    pub(crate) fn probe(&self) -> Statement {
        Statement::of_catalogue(format!("SELECT 1 FROM {} LIMIT 1", quoted(&self.name)))
    }

    /// Deletes all rows.
    pub(crate) fn delete(&self) -> Statement {
        Statement::of_catalogue(format!("DELETE FROM {}", quoted(&self.name)))
    }

    /// Inserts that many rows, once their values are bound.
    pub(crate) fn insert(&self, columns: &[String], rows: usize) -> Statement {
        let columns: Vec<_> = columns.iter().map(|name| quoted(name)).collect();
        let mut text = format!("INSERT INTO {} ({}) VALUES ", quoted(&self.name), columns.join(", "));
        for row in 0..rows {
            let first = row * columns.len() + 1;
            let places: Vec<_> = (first..first + columns.len()).map(|place| format!("${place}")).collect();
            text.push_str(if row == 0 { "(" } else { ", (" });
            text.push_str(&places.join(", "));
            text.push(')');
        }
        Statement::of_catalogue(text)
    }
}

fn names<'a>(columns: impl Iterator<Item = &'a TableColumn>) -> String {
    columns.map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestStore;

    fn table(name: &str) -> Table {
        Table { name: name.to_owned(), columns: Vec::new() }
    }

    fn reference(from: &str, to: &str) -> Reference {
        Reference { from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn tables_come_after_those_they_refer_to() {
        let references = [reference("a", "b"), reference("b", "c"), reference("b", "b")];
        let ordered = in_order(vec![table("a"), table("b"), table("c")], &references).expect("an order");
        assert_eq!(ordered, [table("c"), table("b"), table("a")]);
        let circle = [reference("a", "b"), reference("b", "a")];
        assert!(in_order(vec![table("a"), table("b")], &circle).is_err());
    }

    #[tokio::test]
    async fn both_databases_have_the_same_tables() {
        let mut found = Vec::new();
        for database in TestStore::both().await {
            let mut tx = database.store.read().await.expect("a transaction");
            let mut tables = tables(&mut tx).await.expect("tables");
            tables.sort_by(|one, other| one.name.cmp(&other.name));
            tables.iter_mut().for_each(|table| table.columns.sort_by(|one, other| one.name.cmp(&other.name)));
            found.push(tables);
        }
        assert_eq!(found[0], found[1]);
        assert!(found[0].iter().any(|table| table.name == "audit_events"));
    }
}
