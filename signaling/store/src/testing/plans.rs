// SPDX-License-Identifier: EUPL-1.2
//! How the databases do what a program asks of them: whether an index leads to the rows, or all of a table is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use crate::row::{FromRow, Row};
use crate::statement::{Statement, sql};
use crate::value::Value;
use crate::{Store, StoreError, Tx};

/// Rows that PostgreSQL may expect to sort: a page of each of several, but not a table.
const MAX_SORTED_ROWS: u64 = 5_000;

/// Statements, each once, with the values that it had last.
type Noted = BTreeMap<String, Vec<Value>>;

/// Statements that were run. None while nobody wants to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<Option<Noted>>>);

impl Journal {
    pub(crate) fn note(&self, text: &str, values: &[Value]) {
        if let Some(known) = &mut *self.0.lock().expect("nobody panics with it") {
            known.insert(text.to_owned(), values.to_vec());
        }
    }
}

/// A text that `EXPLAIN` answers.
struct Line(String);

impl FromRow for Line {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("detail").or_else(|_| row.get("QUERY PLAN")).map(Self)
    }
}

struct Name(String);

impl FromRow for Name {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("name").map(Self)
    }
}

/// What is wrong with how a statement is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growing {
    /// The statement.
    pub statement: String,
    /// The step that takes longer the larger the table is.
    pub step: String,
    /// The whole plan.
    pub plan: Vec<String>,
}

impl Store {
    /// From now on the statements are noted that are run here.
    ///
    /// # Panics
    ///
    /// When another test has panicked meanwhile.
    pub fn note_statements(&self) {
        *self.journal.0.lock().expect("nobody panics with it") = Some(BTreeMap::new());
    }

    /// The statements that were noted and for which all of one of these tables would be read, or sorted. PostgreSQL is
    /// told to read a table as a whole only where it has no other way, so small ones do as well; how many rows it
    /// expects, it knows after `ANALYZE`.
    ///
    /// # Panics
    ///
    /// When the database does not explain itself.
    pub async fn growing(&self, tables: &[&str]) -> (usize, Vec<Growing>) {
        let noted = self.journal.0.lock().expect("nobody panics with it").take().unwrap_or_default();
        let mut tx = self.write().await.expect("a transaction");
        let is_sqlite = tx.is_sqlite();
        let partial = partial_indexes(&mut tx).await;
        let leading = if is_sqlite { BTreeMap::new() } else { leading_columns(&mut tx).await };
        if !is_sqlite {
            tx.execute(sql("SET LOCAL enable_seqscan = off")).await.expect("a setting");
        }
        let (mut count, mut found) = (0, Vec::new());
        for (text, values) in noted {
            let is_explained =
                ["SELECT", "UPDATE", "DELETE", "WITH"].iter().any(|verb| text.trim_start().starts_with(verb));
            if !is_explained || text.contains("pg_advisory") {
                continue;
            }
            count += 1;
            let plan = explain(&mut tx, &text, values).await;
            let step = if is_sqlite {
                growing_in_sqlite(&text, &plan, tables, &partial)
            } else {
                growing_in_postgres(&plan, tables, &partial, &leading)
            };
            found.extend(step.map(|step| Growing { statement: text, step, plan }));
        }
        (count, found)
    }
}

async fn explain(tx: &mut Tx, text: &str, values: Vec<Value>) -> Vec<String> {
    let explain = if tx.is_sqlite() { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    let statement = values.into_iter().fold(Statement::of_catalogue(format!("{explain} {text}")), Statement::bind);
    let lines: Vec<Line> = tx.all(statement).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    lines.into_iter().map(|line| line.0).collect()
}

/// Indexes over some of the rows of their tables: to read all of one is what it is for.
async fn partial_indexes(tx: &mut Tx) -> BTreeSet<String> {
    let select = if tx.is_sqlite() {
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"
    } else {
        "SELECT indexname::text AS name FROM pg_indexes WHERE indexdef LIKE '% WHERE %'"
    };
    let names: Vec<Name> = tx.all(sql(select)).await.expect("names");
    names.into_iter().map(|name| name.0).collect()
}

struct Leading(String, String);

impl FromRow for Leading {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(row.get("name")?, row.get("leading_column")?))
    }
}

/// What the indexes of PostgreSQL are sorted by first.
async fn leading_columns(tx: &mut Tx) -> BTreeMap<String, String> {
    let select = "SELECT c.relname::text AS name, pg_get_indexdef(c.oid, 1, true) AS leading_column
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid";
    let indexes: Vec<Leading> = tx.all(sql(select)).await.expect("indexes");
    indexes.into_iter().map(|index| (index.0, index.1)).collect()
}

/// `SCAN x` reads all of it, `x` being a table or what the statement calls it.
fn growing_in_sqlite(text: &str, plan: &[String], tables: &[&str], partial: &BTreeSet<String>) -> Option<String> {
    let words: Vec<_> = text.split(|character: char| !(character.is_alphanumeric() || character == '_')).collect();
    let is_table = |name: &str| {
        let is_alias = |pair: &[&str]| pair[1] == name && tables.contains(&pair[0]);
        tables.contains(&name) || words.windows(2).any(is_alias)
    };
    let sorts = plan.iter().any(|step| step.contains("USE TEMP B-TREE FOR ORDER BY"));
    let is_growing = |step: &&String| {
        let words: Vec<_> = step.split_whitespace().collect();
        let name = words.get(1).copied().unwrap_or_default();
        match words.first() {
            Some(&"SCAN") => is_table(name) && !words.iter().any(|word| partial.contains(*word)),
            // A tenant's whole table, only to be sorted.
            Some(&"SEARCH") => sorts && is_table(name) && step.ends_with("(tenant_id=?)"),
            _ => false,
        }
    };
    plan.iter().find(is_growing).cloned()
}

/// A step is a line with `(cost=`; what narrows it down stands below it. A condition on a later column of an index alone
/// narrows nothing: all of the index is read.
fn growing_in_postgres(
    plan: &[String],
    tables: &[&str],
    partial: &BTreeSet<String>,
    leading: &BTreeMap<String, String>,
) -> Option<String> {
    for (at, step) in plan.iter().enumerate() {
        let Some((what, figures)) = step.split_once("(cost=") else { continue };
        let words: Vec<_> = what.trim_start_matches([' ', '-', '>']).split_whitespace().collect();
        let after = |word: &str| words.iter().position(|one| *one == word).and_then(|place| words.get(place + 1));
        let is_table = after("on").is_some_and(|table| tables.contains(table));
        let below = plan[at + 1..].iter().take_while(|line| !line.contains("(cost="));
        let is_narrowed_by = |index: Option<&&str>| {
            let column = index.and_then(|index| leading.get(*index));
            let mut conditions = below.clone().filter(|line| line.trim_start().starts_with("Index Cond:"));
            conditions.any(|line| column.is_none_or(|column| line.contains(column.as_str())))
        };
        let is_partial = words.iter().any(|word| partial.contains(*word));
        let rows = figures.split("rows=").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
        let is_growing = match words.as_slice() {
            ["Seq", "Scan", ..] => is_table,
            ["Index", ..] => is_table && !is_partial && !is_narrowed_by(after("using")),
            ["Bitmap", "Index", ..] => {
                let heap = plan[..at].iter().rev().find(|line| line.contains("Bitmap Heap Scan on "));
                let is_table = heap.is_some_and(|line| line.split_whitespace().any(|word| tables.contains(&word)));
                is_table && !is_partial && !is_narrowed_by(after("on"))
            }
            ["Sort", ..] => rows.is_some_and(|rows| rows > MAX_SORTED_ROWS),
            _ => false,
        };
        if is_growing {
            return Some(step.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestStore;

    #[tokio::test]
    async fn what_grows_with_its_table_is_found() {
        for database in TestStore::both().await {
            let store = &database.store;
            let mut tx = store.write().await.expect("a transaction");
            for statement in [
                "CREATE TABLE things (id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, made_at BIGINT NOT NULL, open_at BIGINT)",
                "CREATE INDEX things_page ON things (tenant_id, made_at)",
                "CREATE INDEX things_open ON things (id) WHERE open_at IS NULL",
            ] {
                tx.execute(sql(statement)).await.expect("done");
            }
            tx.commit().await.expect("kept");
            store.note_statements();
            let mut tx = store.read().await.expect("a transaction");
            for good in [
                "SELECT id AS name FROM things WHERE id = 'x'",
                "SELECT t.id AS name FROM things t WHERE t.tenant_id = 'x' AND t.made_at > 5 ORDER BY t.made_at LIMIT 3",
                "SELECT id AS name FROM things WHERE open_at IS NULL ORDER BY id LIMIT 3",
            ] {
                tx.all::<Name>(sql(good)).await.expect("rows");
            }
            drop(tx);
            assert_eq!(store.growing(&["things"]).await, (3, Vec::new()));
            store.note_statements();
            let mut tx = store.read().await.expect("a transaction");
            for bad in [
                "SELECT id AS name FROM things WHERE made_at = 7",
                "SELECT t.id AS name FROM things t WHERE t.made_at > 7 ORDER BY t.id LIMIT 3",
            ] {
                tx.all::<Name>(sql(bad)).await.expect("rows");
            }
            drop(tx);
            assert_eq!(store.growing(&["things"]).await.1.len(), 2);
        }
    }
}
