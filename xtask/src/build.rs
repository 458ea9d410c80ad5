// SPDX-License-Identifier: EUPL-1.2

//! `cargo xtask build`: the web client, and the binary that carries it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::console::say;
use crate::{tools, tree, web};

/// What `cargo xtask build` takes.
#[derive(Args)]
#[group(id = "build")]
pub(crate) struct Options {
    /// Build with optimisation: for an installation, and for measurements
    #[arg(long)]
    pub(crate) release: bool,
}

/// Builds, and says where the binary is.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let Some(saal) = saal(options)? else { return Ok(ExitCode::FAILURE) };
    say(format_args!("built {}", saal.display()));
    Ok(ExitCode::SUCCESS)
}

/// Builds with Cargo's progress on the screen; `None` when Cargo has said what is wrong.
pub(crate) fn saal(options: &Options) -> Result<Option<PathBuf>> {
    tools::require_c_compiler()?;
    tools::require_node_and_npm()?;
    say("installing the web client's packages, if they changed");
    web::install(&tree::web_client())?;
    say("building saal and the web client in it (the first time takes some minutes)");
    let mut cargo = tree::cargo();
    cargo.args(["build", "--locked", "--package", "saal", "--bin", "saal"]);
    if options.release {
        cargo.arg("--release");
    }
    let status = cargo.status().context("starting cargo")?;
    let profile = if options.release { "release" } else { "debug" };
    Ok(status.success().then(|| tree::target().join(profile).join("saal")))
}
