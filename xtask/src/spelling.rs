// SPDX-License-Identifier: EUPL-1.2

//! Spelling, by `typos` from the Python package index, pinned and kept under `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::steps::Steps;
use crate::{install, tree};

/// One version for everyone: a newer dictionary finds more, and that must be a change of its own.
const VERSION: &str = "1.52.0";

/// Adds the check to `steps`.
pub(crate) fn step(steps: &mut Steps) {
    let mut typos = PathBuf::new();
    let fetched = steps.prepare("typos", || {
        typos = program()?;
        Ok(())
    });
    if !fetched {
        return steps.skip("spelling", "typos is missing, see above");
    }
    let mut command = Command::new(typos);
    command.arg("--format=brief").current_dir(tree::root());
    let fix = "correct the word, or allow it in typos.toml with the reason";
    steps.command("spelling", fix, command);
}

/// The program, installed when it is not there yet.
fn program() -> Result<PathBuf> {
    let folder = tree::target().join("tools").join(format!("typos-{VERSION}"));
    let program = folder.join("bin/typos");
    if !program.is_file() {
        create_environment(&folder)?;
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        run(pip.arg(format!("typos=={VERSION}")))?;
    }
    Ok(program)
}

fn create_environment(folder: &Path) -> Result<()> {
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
