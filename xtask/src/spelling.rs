// SPDX-License-Identifier: EUPL-1.2

//! Spelling, by `typos` from the Python package index, pinned and kept under `target/`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::steps::Steps;
use crate::{python, tree};

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
    let folder = python::environment(&format!("typos-{VERSION}"), &[&format!("typos=={VERSION}")])?;
    Ok(folder.join("bin/typos"))
}
