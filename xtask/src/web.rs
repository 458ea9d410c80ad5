// SPDX-License-Identifier: EUPL-1.2

//! The web client's packages. The client itself is built by `signaling/build.rs`, whenever cargo finds it changed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Beyond these, npm prints its manual.
const MOST_ERROR_LINES: usize = 25;

/// A copy of the lock file that was installed last. `signaling/build.rs` reads and writes it too.
const INSTALLED: &str = "node_modules/.saal-lockfile";

/// Installs the packages of the lock file, when others are installed or none.
pub(crate) fn install(folder: &Path) -> Result<()> {
    let lock = fs::read(folder.join("package-lock.json")).context("the web client has no package-lock.json")?;
    let installed = folder.join(INSTALLED);
    if fs::read(&installed).is_ok_and(|known| known == lock) {
        return Ok(());
    }
    npm(folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    fs::write(&installed, lock).with_context(|| format!("writing {}", installed.display()))
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
