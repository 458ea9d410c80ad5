// SPDX-License-Identifier: EUPL-1.2

//! Installs and builds the web client, when something changed since the last time.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

/// Folders of the web client that a build does not read.
const NO_SOURCES: [&str; 3] = ["node_modules", "dist", "test"];

/// Beyond these, npm prints its manual.
const MOST_ERROR_LINES: usize = 25;

/// Installs the packages of the lock file and builds `dist/`, each only when it is out of date.
pub(crate) fn build(folder: &Path) -> Result<()> {
    install(folder)?;
    let built = modified(&folder.join("dist/index.html"));
    if built.is_none() || built < newest_source(folder)? {
        npm(folder, &["run", "build"])?;
    }
    Ok(())
}

/// Installs the packages of the lock file when the installed ones are older than it.
pub(crate) fn install(folder: &Path) -> Result<()> {
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    if installed.is_none() || installed < modified(&folder.join("package-lock.json")) {
        npm(folder, &["ci", "--no-audit", "--no-fund"])?;
    }
    Ok(())
}

/// An npm command in the web client's folder, without questions and colours.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(folder).env("CI", "true").env("NO_COLOR", "1");
    npm
}

fn npm(folder: &Path, arguments: &[&str]) -> Result<()> {
    let words = arguments.join(" ");
    let output =
        command(folder, arguments).stdin(Stdio::null()).output().with_context(|| format!("starting npm {words}"))?;
    if !output.status.success() {
        let output = [output.stdout, output.stderr].concat();
        bail!("npm {words} failed\n{}", what_went_wrong(&String::from_utf8_lossy(&output)));
    }
    Ok(())
}

/// npm marks its errors and follows them with its whole manual; other tools end with what went wrong.
fn what_went_wrong(output: &str) -> String {
    let marked: Vec<&str> = output.lines().filter(|line| line.starts_with("npm error")).collect();
    if marked.len() <= MOST_ERROR_LINES { output.to_owned() } else { marked[..MOST_ERROR_LINES].join("\n") }
}

fn newest_source(folder: &Path) -> Result<Option<SystemTime>> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_source = !NO_SOURCES.iter().any(|name| entry.file_name() == *name);
        let time = match entry.file_type()? {
            kind if kind.is_dir() && is_source => newest_source(&entry.path())?,
            kind if kind.is_file() => modified(&entry.path()),
            _ => None,
        };
        newest = newest.max(time);
    }
    Ok(newest)
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}
