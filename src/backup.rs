// SPDX-License-Identifier: EUPL-1.2

//! `saal backup` and `saal restore`: all that must survive, in one file.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use signaling::commands::audit::verify_audit;
use signaling::commands::end_all_sessions;
use store::backup::{BackupError, Summary, back_up, restore};

use crate::cli::{BackupFlags, RestoreFlags};
use crate::config::Purpose;
use crate::database::{self, Tables};
use crate::{audit, output};

/// Bytes that are written to the disk at once.
const WRITE_BYTES: usize = 256 * 1024;

/// `saal backup`: writes the file. One of that name is replaced once the new one is whole.
pub(crate) fn run(flags: &BackupFlags) -> Result<()> {
    let settings = flags.settings.settings(Purpose::Read)?;
    let unfinished = Unfinished::beside(&flags.file)?;
    let writing = || format!("writing {}", unfinished.path.display());
    let summary = database::with(&settings, Tables::AsTheyAre, async |store| {
        let mut file = BufWriter::with_capacity(WRITE_BYTES, &unfinished.file);
        let summary = back_up(store, &mut file, SystemTime::now().into()).await.with_context(writing)?;
        file.flush().with_context(writing)?;
        Ok(summary)
    })?;
    unfinished.finish(&flags.file)?;
    output::print(format_args!("{}: {}", flags.file.display(), describe(&summary)))
}

/// `saal restore`: puts a backup into an empty database, then looks whether the audit log is intact.
pub(crate) fn restore_from(flags: &RestoreFlags) -> Result<()> {
    let settings = flags.settings.settings(Purpose::Read)?;
    let file = File::open(&flags.file).with_context(|| format!("opening {}", flags.file.display()))?;
    let location = database::prepared(&settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let reports = runtime.block_on(async {
        let restored = restore(&location, BufReader::new(file), flags.force).await;
        let (store, summary) = restored.map_err(|error| match error {
            BackupError::NotEmpty => anyhow::anyhow!(
                "the database is not empty: restore into another one, or give --force to delete what is in it"
            ),
            error => anyhow::Error::new(error).context(format!("restoring {}", flags.file.display())),
        })?;
        output::print(format_args!("restored {}", describe(&summary)))?;
        if !flags.keep_sessions {
            // Who signed out since the backup was made, or was signed out, must not be signed in again.
            let ended = end_all_sessions(&store).await?;
            output::print(format_args!("browsers signed out: {ended}"))?;
        }
        let reports = verify_audit(&store, None, &[]).await?;
        store.close().await;
        anyhow::Ok(reports)
    })?;
    for report in &reports {
        output::print(format_args!("audit log of {}", audit::describe(report)))?;
    }
    if reports.iter().any(|report| !report.is_intact()) {
        bail!("everything was restored, but the audit log is broken, as it was in the backup");
    }
    Ok(())
}

fn describe(summary: &Summary) -> String {
    let time = summary.created_at.format("%Y-%m-%d %H:%M:%S UTC");
    format!("{} rows of {} tables, as they were at {time}", summary.rows, summary.tables)
}

/// A file that gets its name when it is whole. Only its owner can read it: it holds secrets.
struct Unfinished {
    file: File,
    path: PathBuf,
    is_finished: bool,
}

impl Unfinished {
    fn beside(target: &Path) -> Result<Self> {
        let Some(name) = target.file_name() else { bail!("{} names no file", target.display()) };
        let mut name = name.to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let path = target.with_file_name(name);
        // One of that name is of a process that is gone.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing {}", path.display()));
            }
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("making {}", path.display()))?;
        Ok(Self { file, path, is_finished: false })
    }

    /// Gives it its name, for good: neither a crash nor a power failure takes it back.
    fn finish(mut self, target: &Path) -> Result<()> {
        let naming = || format!("naming {}", target.display());
        self.file.sync_all().with_context(naming)?;
        fs::rename(&self.path, target).with_context(naming)?;
        self.is_finished = true;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(naming)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_finished {
            // Nobody can do anything about it.
            let _ = fs::remove_file(&self.path);
        }
    }
}
