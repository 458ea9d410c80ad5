// SPDX-License-Identifier: EUPL-1.2
//! What a query returns.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo as _};

use crate::error::StoreError;
use crate::value::Textual;

/// A row of either database.
#[derive(Debug)]
pub struct Row(pub(crate) AnyRow);

#[derive(Debug)]
pub(crate) enum AnyRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a row can be read as.
pub trait FromRow: Sized {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// Fails when a column is missing or holds something else.
    fn from_row(row: &Row) -> Result<Self, StoreError>;
}

/// What a column can be read as.
pub trait Column: Sized {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// Fails when there is no such column or it holds something else.
    fn from_column(row: &Row, name: &str) -> Result<Self, StoreError>;
}

impl Row {
    /// The value of a column.
    ///
    /// # Errors
    ///
    /// Fails when there is no such column or it holds something else.
    pub fn get<T: Column>(&self, name: &str) -> Result<T, StoreError> {
        T::from_column(self, name)
    }

    /// The document in a column.
    ///
    /// # Errors
    ///
    /// Fails when there is no such column or it holds something else.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        let text: String = self.get(name)?;
        serde_json::from_str(&text).map_err(|_| StoreError::Senseless(format!("the JSON in {name}")))
    }
}

/// The only column of a row, whatever it is called: for counts, and for what is there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Single<T>(pub T);

impl<T: Column> FromRow for Single<T> {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let name = match &row.0 {
            AnyRow::Sqlite(row) => only(row.columns()),
            AnyRow::Postgres(row) => only(row.columns()),
        };
        let name = name.ok_or_else(|| StoreError::Senseless("a row of another width than one".to_owned()))?;
        row.get(&name).map(Self)
    }
}

fn only<C: sqlx::Column>(columns: &[C]) -> Option<String> {
    match columns {
        [column] => Some(column.name().to_owned()),
        _ => None,
    }
}

/// All columns of a row, as JSON: for showing what is stored without knowing what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Object(pub serde_json::Map<String, serde_json::Value>);

impl FromRow for Object {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let columns: Vec<(String, String)> = match &row.0 {
            AnyRow::Sqlite(row) => row.columns().iter().map(described).collect(),
            AnyRow::Postgres(row) => row.columns().iter().map(described).collect(),
        };
        let mut object = serde_json::Map::new();
        for (name, kind) in columns {
            let value = match kind.as_str() {
                "TEXT" => row.get::<Option<String>>(&name)?.into(),
                "BOOLEAN" | "BOOL" => row.get::<Option<bool>>(&name)?.into(),
                _ => row.get::<Option<i64>>(&name)?.into(),
            };
            object.insert(name, value);
        }
        Ok(Self(object))
    }
}

fn described(column: &impl sqlx::Column) -> (String, String) {
    (column.name().to_owned(), column.type_info().name().to_owned())
}

macro_rules! columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn from_column(row: &Row, name: &str) -> Result<Self, StoreError> {
                let value = match &row.0 {
                    AnyRow::Sqlite(row) => row.try_get(name),
                    AnyRow::Postgres(row) => row.try_get(name),
                };
                Ok(value?)
            }
        }
    )*};
}

columns!(String, Option<String>, i64, Option<i64>, bool, Option<bool>, Vec<u8>, Option<Vec<u8>>);

impl Column for DateTime<Utc> {
    fn from_column(row: &Row, name: &str) -> Result<Self, StoreError> {
        moment(row.get(name)?, name)
    }
}

impl Column for Option<DateTime<Utc>> {
    fn from_column(row: &Row, name: &str) -> Result<Self, StoreError> {
        row.get::<Option<i64>>(name)?.map(|millis| moment(millis, name)).transpose()
    }
}

impl<T: Textual> Column for T {
    fn from_column(row: &Row, name: &str) -> Result<Self, StoreError> {
        textual(&row.get::<String>(name)?, name)
    }
}

impl<T: Textual> Column for Option<T> {
    fn from_column(row: &Row, name: &str) -> Result<Self, StoreError> {
        row.get::<Option<String>>(name)?.map(|text| textual(&text, name)).transpose()
    }
}

impl Column for u32 {
    fn from_column(row: &Row, name: &str) -> Result<Self, StoreError> {
        row.get::<i64>(name)?.try_into().map_err(|_| StoreError::Senseless(format!("the number in {name}")))
    }
}

fn textual<T: Textual>(text: &str, name: &str) -> Result<T, StoreError> {
    T::from_text(text).ok_or_else(|| StoreError::Senseless(format!("the text in {name}")))
}

fn moment(millis: i64, name: &str) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| StoreError::Senseless(format!("the time in {name}")))
}
