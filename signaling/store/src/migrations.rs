// SPDX-License-Identifier: EUPL-1.2
//! Brings the tables up to date. Two folders hold the same steps, one for each database's types.

use sqlx::migrate::{MigrateError, Migrator};

use crate::backends::Backend;
use crate::error::StoreError;
use crate::row::{FromRow, Row};
use crate::statement::sql;
use crate::transaction::Tx;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Runs those of the wanted steps that have not run. Fails when others have. Several processes that start at once wait
/// for each other.
pub(crate) async fn run(backend: &Backend, is_wanted: impl Fn(i64) -> bool) -> Result<(), StoreError> {
    let wanted = |all: &Migrator| {
        Migrator::with_migrations(all.iter().filter(|step| is_wanted(step.version)).cloned().collect())
    };
    let result = match backend {
        Backend::Sqlite { writer, .. } => wanted(&SQLITE).run(writer).await,
        Backend::Postgres(pool) => wanted(&POSTGRES).run(pool).await,
    };
    result.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => StoreError::TooNew,
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        error => StoreError::Senseless(error.to_string()),
    })
}

/// Whether there is such a step.
pub(crate) fn is_known(version: i64) -> bool {
    SQLITE.version_exists(version)
}

struct Applied(i64);

impl FromRow for Applied {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("version").map(Self)
    }
}

/// The steps that have run.
pub(crate) async fn applied(tx: &mut Tx) -> Result<Vec<i64>, StoreError> {
    let found: Vec<Applied> = tx.all(sql("SELECT version FROM _sqlx_migrations ORDER BY version")).await?;
    Ok(found.into_iter().map(|step| step.0).collect())
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
