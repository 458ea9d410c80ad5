// SPDX-License-Identifier: EUPL-1.2

//! Python programs from the Python package index, in environments of their own under `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{install, tree};

/// Where the tests of invitations find their interpreter: see `signaling/tests/front_door/support/mail.rs`.
const TEST_PYTHON: &str = "test-python";

/// What the tests of invitations run: a mail server that keeps what it receives, and independent readers of calendars,
/// with all that these need. One version of each for everyone.
const FOR_TESTS: [&str; 11] = [
    "aiosmtpd==1.4.6",
    "atpublic==9.0.0",
    "attrs==26.1.0",
    "click==8.5.1",
    "icalendar==7.3.0",
    "python-dateutil==2.9.0.post0",
    "recurring-ical-events==3.8.2",
    "six==1.17.0",
    "typing-extensions==4.16.0",
    "tzdata==2026.6",
    "x-wr-timezone==2.0.1",
];

/// Says in an environment's folder what it has.
const INSTALLED: &str = "installed.txt";

/// Makes sure that the tests find their Python programs.
pub(crate) fn for_tests() -> Result<()> {
    environment(TEST_PYTHON, &FOR_TESTS).map(drop)
}

/// An environment with these packages, each as `name==version`. It is made when it is not there yet, and anew when the
/// list is another one. Returns its folder, whose programs are in `bin/`.
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
