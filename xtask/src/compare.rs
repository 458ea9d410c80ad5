// SPDX-License-Identifier: EUPL-1.2

//! `cargo xtask compare`: installs the rivals, builds Saal and the load generator with optimisation, and lets all of
//! them meet the same loads. The report is in `target/compare/`.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::build;
use crate::{install, tree};

/// What `cargo xtask compare` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Fewer and shorter rounds: under five minutes, and less certain
    #[arg(long)]
    quick: bool,
    /// Handed to loadtest compare as they are
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Returns success when the whole table was measured, whatever it says.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    install::rivals()?;
    let Some(saal) = build::saal(&build::Options { release: true })? else { return Ok(ExitCode::FAILURE) };
    println!("building the load generator");
    let mut cargo = tree::cargo();
    cargo.args(["build", "--locked", "--release", "--package", "loadtest"]);
    if !cargo.status().context("starting cargo")?.success() {
        return Ok(ExitCode::FAILURE);
    }
    let prefix =
        install::privilege().context("not root, and sudo asks for a password: network namespaces need root")?;
    let loadtest = tree::target().join("release/loadtest");
    let mut words: Vec<_> = prefix.iter().map(|word| std::ffi::OsString::from(*word)).collect();
    words.extend([loadtest.into(), "compare".into()]);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg("--saal").arg(saal).arg("--out").arg(tree::target().join("compare"));
    if options.quick {
        command.arg("--quick");
    }
    let status = command.args(&options.arguments).current_dir(tree::root()).status();
    let status = status.context("starting the load generator")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
