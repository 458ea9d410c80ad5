// SPDX-License-Identifier: EUPL-1.2
//! What can be handed to a statement.

use chrono::{DateTime, Utc};

/// A value for a placeholder. Its kind is known even where it is `NULL`: PostgreSQL asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `TEXT`
    Text(Option<String>),
    /// `BIGINT`
    Integer(Option<i64>),
    /// `BOOLEAN`
    Boolean(Option<bool>),
    /// `BYTEA` in PostgreSQL, `BLOB` in SQLite
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($type:ty => $kind:ident, $convert:expr;)*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$kind(Some($convert(value)))
            }
        }

        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$kind(value.map($convert))
            }
        }
    )*};
}

values! {
    String => Text, |text| text;
    &str => Text, |text: &str| text.to_owned();
    &String => Text, |text: &String| text.clone();
    i64 => Integer, |number| number;
    u32 => Integer, i64::from;
    bool => Boolean, |flag| flag;
    Vec<u8> => Bytes, |bytes| bytes;
    &[u8] => Bytes, |bytes: &[u8]| bytes.to_vec();
    // Milliseconds are what is stored: finer times must not be compared with what comes back.
    DateTime<Utc> => Integer, |time: DateTime<Utc>| time.timestamp_millis();
    &serde_json::Value => Text, |json: &serde_json::Value| json.to_string();
}

/// What is stored as text in a form of its own, such as an id or the name of a role.
pub trait Textual: Sized {
    /// The text.
    fn to_text(&self) -> String;

    /// Reads it.
    fn from_text(text: &str) -> Option<Self>;
}

impl<T: Textual> From<T> for Value {
    fn from(value: T) -> Self {
        Self::Text(Some(value.to_text()))
    }
}

impl<T: Textual> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        Self::Text(value.map(|value| value.to_text()))
    }
}
