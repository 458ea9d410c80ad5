// SPDX-License-Identifier: EUPL-1.2
//! Brings the tables up to date. Two folders hold the same steps, one for each database's types.

use sqlx::migrate::{MigrateError, Migrator};

use crate::backends::Backend;
use crate::error::StoreError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Runs what has not run. Several processes that start at once wait for each other.
pub(crate) async fn run(backend: &Backend) -> Result<(), StoreError> {
    let result = match backend {
        Backend::Sqlite { writer, .. } => SQLITE.run(writer).await,
        Backend::Postgres(pool) => POSTGRES.run(pool).await,
    };
    result.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => StoreError::TooNew,
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        error => StoreError::Senseless(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_steps() {
        let steps = |migrator: &Migrator| -> Vec<_> {
            migrator.iter().map(|step| (step.version, step.description.to_string())).collect()
        };
        assert_eq!(steps(&SQLITE), steps(&POSTGRES));
    }
}
