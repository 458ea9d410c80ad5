// SPDX-License-Identifier: EUPL-1.2

//! Opens the database that the settings name.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};

use anyhow::{Context, Result};
use store::{Location, Store};

use crate::config::Settings;

/// Opens it, made if it is not there and brought up to date.
pub(crate) async fn open(settings: &Settings) -> Result<Store> {
    let location = prepared(settings)?;
    Store::open(&location).await.with_context(|| opening(&location))
}

/// Opens one that is there, and leaves its tables as they are.
pub(crate) async fn open_as_it_is(settings: &Settings) -> Result<Store> {
    let location = settings.database()?;
    Store::open_as_it_is(&location).await.with_context(|| opening(&location))
}

/// Where it is. The data folder and the file are made if they are not there, for nobody else to look into: links, cookies and
/// tokens are derived from a secret that is in it. SQLite gives its journal the rights of the file.
pub(crate) fn prepared(settings: &Settings) -> Result<Location> {
    let location = settings.database()?;
    if let Location::Sqlite(file) = &location {
        let folder = &settings.data_dir;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("making the data folder {}", folder.display()))?;
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        match made {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("making the database {}", file.display()));
            }
            _ => {}
        }
    }
    Ok(location)
}

fn opening(location: &Location) -> String {
    match location {
        Location::Sqlite(file) => format!("opening the database {}", file.display()),
        Location::Postgres(_) => "reaching the PostgreSQL server of database.url".to_owned(),
    }
}
