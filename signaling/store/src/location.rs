// SPDX-License-Identifier: EUPL-1.2
//! Where the database is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use thiserror::Error;

/// Where the database is.
#[derive(Clone)]
pub enum Location {
    /// In a file of this machine.
    Sqlite(PathBuf),
    /// On a server. The options hold a password.
    Postgres(Box<PgConnectOptions>),
}

/// Why a text names no database. It does not repeat the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected postgres://USER:PASSWORD@HOST/DATABASE")]
pub struct UnknownLocation;

impl FromStr for Location {
    type Err = UnknownLocation;

    fn from_str(text: &str) -> Result<Self, UnknownLocation> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(UnknownLocation);
        }
        text.parse().map(|options| Self::Postgres(Box::new(options))).map_err(|_| UnknownLocation)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let location: Location = "postgres://saal:hush@db.example.org/saal".parse().expect("a location");
        assert!(!format!("{location:?}").contains("hush"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "saal", "mysql://saal@db/saal", "http://example.org", "postgres://["] {
            assert!(text.parse::<Location>().is_err(), "{text}");
        }
    }
}
