// SPDX-License-Identifier: EUPL-1.2
//! Brings the tables up to date. Two folders hold the same steps, one for each database's types.

use std::sync::LazyLock;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::backends::Backend;
use crate::error::StoreError;
use crate::row::{FromRow, Row};
use crate::statement::sql;
use crate::transaction::Tx;

/// A step: the name of its file, and its statements for SQLite and for PostgreSQL.
struct Step {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Embeds the named steps of both folders.
macro_rules! steps {
    ($($name:literal),* $(,)?) => {
        &[$(Step {
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),*]
    };
}

/// All of them, in the order in which they run. A new file must be named here.
const STEPS: &[Step] = steps![
    "0001_identity",
    "0002_records",
    "0003_meetings",
    "0010_logout_tokens",
    "0020_meeting_changes",
    "0021_meeting_words",
    "0030_mails",
    "0031_calendars",
    "0040_live",
    "0041_token_revocations",
    "0050_jobs",
    "0051_webhooks",
    "0052_privacy",
    "0053_retention",
    "0054_webhook_rotation",
    "0070_kept_answers",
    "0071_oauth_client_expiry",
    "0080_held_runs",
    "0090_phone_callers",
    "0091_callers_in_meetings",
    "0092_trunks",
    "0093_calls_out",
    "0094_phone_budgets",
    "0095_dial_attempts",
    "0096_exposed_pins",
    "0097_users_phone",
];

static SQLITE: LazyLock<Migrator> = LazyLock::new(|| migrator(|step| step.sqlite));
static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| migrator(|step| step.postgres));

/// The steps as the database library wants them. (Its macro for that needs a second build of the library and of SQLite, for
/// the compiler's own use.)
fn migrator(statements: impl Fn(&Step) -> &'static str) -> Migrator {
    let migration = |step: &Step| {
        let (number, words) = step.name.split_once('_').unwrap_or((step.name, ""));
        // A name without a number would be no step at all; a test sees to it that there is none.
        let version = number.parse().unwrap_or_default();
        let statements = statements(step).into_sql_str();
        Migration::new(version, words.replace('_', " ").into(), MigrationType::Simple, statements, false)
    };
    Migrator::with_migrations(STEPS.iter().map(migration).collect())
}

/// Runs those of the wanted steps that have not run. Fails when others have. Several processes that start at once wait
/// for each other.
pub(crate) async fn run(backend: &Backend, is_wanted: impl Fn(i64) -> bool) -> Result<(), StoreError> {
    let wanted = |all: &Migrator| {
        Migrator::with_migrations(all.iter().filter(|step| is_wanted(step.version)).cloned().collect())
    };
    let result = match backend {
        // Here the library takes no lock of its own. Whoever holds this transaction is alone with the tables.
        Backend::Sqlite { writer, .. } => {
            let mut tx = writer.pool().begin_with("BEGIN IMMEDIATE").await?;
            match wanted(&SQLITE).run_direct(None, &mut *tx, false).await {
                Ok(()) => tx.commit().await.map_err(MigrateError::Execute),
                Err(error) => Err(error),
            }
        }
        Backend::Postgres { pool, .. } => wanted(&POSTGRES).run(pool).await,
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
    fn each_step_has_a_number_of_its_own_and_comes_after_those_before_it() {
        let versions: Vec<_> = SQLITE.iter().map(|step| step.version).collect();
        assert!(versions.is_sorted_by(|before, after| before < after), "{versions:?}");
        assert!(versions.iter().all(|version| *version > 0), "{versions:?}");
    }

    #[test]
    fn every_file_of_both_folders_is_a_step() {
        let listed: Vec<_> = STEPS.iter().map(|step| format!("{}.sql", step.name)).collect();
        for folder in ["migrations/sqlite", "migrations/postgres"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let files = std::fs::read_dir(&folder).unwrap();
            let mut files: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
            files.sort_unstable();
            assert_eq!(files, listed, "{}", folder.display());
        }
    }
}
