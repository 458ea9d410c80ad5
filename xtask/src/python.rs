// SPDX-License-Identifier: EUPL-1.2

//! Python programs from the Python package index, in environments of their own under `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{install, tree};

/// What the tests of invitations run: a mail server that keeps what it receives, and independent readers of calendars.
/// One version for everyone.
const FOR_TESTS: [&str; 3] = ["aiosmtpd==1.4.6", "icalendar==7.3.0", "recurring-ical-events==3.8.2"];

/// Says in an environment's folder what it has.
const INSTALLED: &str = "installed.txt";

/// Makes sure that the tests find their Python programs.
pub(crate) fn for_tests() -> Result<()> {
    environment("test-python", &FOR_TESTS).map(drop)
}

/// An environment with these packages, made when it is not there yet. Returns its folder.
pub(crate) fn environment(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = tree::target().join("tools").join(name);
    let wanted = packages.join("\n");
    if fs::read_to_string(folder.join(INSTALLED)).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    create(&folder)?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(packages))?;
    fs::write(folder.join(INSTALLED), wanted).context("noting what is installed")?;
    Ok(folder)
}

fn create(folder: &Path) -> Result<()> {
    let create = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if create().is_ok() {
        return Ok(());
    }
    // Debian ships Python without what `venv` needs.
    let _ = fs::remove_dir_all(folder);
    install::debian_packages(&["python3", "python3-venv"])?;
    create()
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting {program}"))?;
    ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
