// SPDX-License-Identifier: EUPL-1.2

//! Opens the database that the settings name.

use std::os::unix::fs::DirBuilderExt as _;

use anyhow::{Context, Result};
use store::{Location, Store};

use crate::config::Settings;

/// Opens it. The data folder is made if it is not there, for nobody else to look into.
pub(crate) async fn open(settings: &Settings) -> Result<Store> {
    let location = settings.database()?;
    let what = match &location {
        Location::Sqlite(file) => {
            let folder = &settings.data_dir;
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.with_context(|| format!("making the data folder {}", folder.display()))?;
            format!("opening the database {}", file.display())
        }
        Location::Postgres(_) => "reaching the PostgreSQL server of database.url".to_owned(),
    };
    Store::open(&location).await.context(what)
}
