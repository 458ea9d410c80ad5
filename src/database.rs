// SPDX-License-Identifier: EUPL-1.2

//! Opens the database that the settings name.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};
use store::{Location, Store};

use crate::config::Settings;

/// What a command wants of the tables.
#[derive(Clone, Copy)]
pub(crate) enum Tables {
    /// Made if they are not there, and brought up to date.
    UpToDate,
    /// Left as they are.
    AsTheyAre,
}

/// Does a command's work on the database.
pub(crate) fn with<T>(settings: &Settings, tables: Tables, work: impl AsyncFnOnce(&Store) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = match tables {
            Tables::UpToDate => open(settings).await?,
            Tables::AsTheyAre => open_as_it_is(settings).await?,
        };
        let result = work(&store).await;
        store.close().await;
        result
    })
}

/// Opens it, made if it is not there and brought up to date.
async fn open(settings: &Settings) -> Result<Store> {
    let location = prepared(settings)?;
    Store::open(&location).await.with_context(|| opening(&location))
}

/// The same for a service, which starts with the machine and perhaps before its database: one that is away is waited for.
pub(crate) async fn open_patiently(settings: &Settings) -> Result<Store> {
    let location = prepared(settings)?;
    store::patiently(async || Store::open(&location).await).await.with_context(|| opening(&location))
}

/// Opens one that is there, and leaves its tables as they are.
async fn open_as_it_is(settings: &Settings) -> Result<Store> {
    let location = settings.database()?;
    if let Location::Sqlite(file) = &location {
        check_owner(file)?;
    }
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
        check_owner(folder)?;
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        match made {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("making the database {}", file.display()));
            }
            _ => check_owner(file)?,
        }
    }
    Ok(location)
}

/// The superuser could open anybody's database, and the files that are made with it would be the superuser's: the service
/// could not write any more.
fn check_owner(file: &Path) -> Result<()> {
    let Ok(found) = file.metadata() else { return Ok(()) };
    let owner = Uid::from_raw(found.uid());
    if would_spoil(Uid::effective(), owner) {
        let name = User::from_uid(owner).ok().flatten().map_or_else(|| format!("'#{owner}'"), |user| user.name);
        bail!(
            "{} belongs to {name}; run this as that user: runuser -u {name} -- saal …, or sudo -u {name} saal …",
            file.display()
        );
    }
    Ok(())
}

/// Whether files that this user makes beside the owner's would keep the owner out.
fn would_spoil(me: Uid, owner: Uid) -> bool {
    me.is_root() && owner != me
}

fn opening(location: &Location) -> String {
    match location {
        Location::Sqlite(file) => format!("opening the database {}", file.display()),
        Location::Postgres(_) => "reaching the PostgreSQL server of database.url".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_superuser_keeps_away_from_what_belongs_to_others() {
        let (root, service, other) = (Uid::from_raw(0), Uid::from_raw(990), Uid::from_raw(1000));
        assert!(would_spoil(root, service));
        assert!(!would_spoil(root, root), "a container has nobody else");
        assert!(!would_spoil(service, service));
        assert!(!would_spoil(other, service), "the file's rights keep others out");
    }
}
