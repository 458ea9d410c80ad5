// SPDX-License-Identifier: EUPL-1.2

//! `cargo xtask check`: everything about the tree that can be judged without running it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::steps::Steps;
use crate::{licences, service_unit, spelling, tidy, tools, tree, web};

/// What `cargo xtask check` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Run only these
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Check>,
}

/// The checks, in the order they run: the quick ones first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Check {
    Format,
    Tidy,
    Spelling,
    Licences,
    ServiceUnit,
    Web,
    Clippy,
    Docs,
}

impl Check {
    /// Whether it compiles something; the binary carries the web client.
    fn is_build(self) -> bool {
        matches!(self, Self::Web | Self::Clippy | Self::Docs)
    }

    /// The cargo command it runs that does not come with every Rust, and the component that brings it.
    fn cargo_command(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Format => Some(("fmt", "rustfmt")),
            Self::Clippy => Some(("clippy", "clippy")),
            _ => None,
        }
    }
}

/// Runs the chosen checks, or all.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let chosen = if options.only.is_empty() { Check::value_variants() } else { &options.only };
    require_cargo_commands(chosen)?;
    let mut steps = Steps::default();
    if chosen.iter().any(|check| check.is_build()) {
        tools::require_c_compiler()?;
        tools::require_node_and_npm()?;
        steps.prepare("web packages", || web::install(&tree::web_client()));
    }
    for check in chosen {
        one(*check, &mut steps);
    }
    Ok(steps.finish())
}

/// Fails when a check needs what this Rust came without.
pub(crate) fn require_all_cargo_commands() -> Result<()> {
    require_cargo_commands(Check::value_variants())
}

fn require_cargo_commands(checks: &[Check]) -> Result<()> {
    let commands: Vec<_> = checks.iter().filter_map(|check| check.cargo_command()).collect();
    tools::require_cargo_commands(&commands)
}

/// Adds every check to `steps` but that of the docs, which is slow and may come late.
pub(crate) fn all_but_docs(steps: &mut Steps) {
    for check in Check::value_variants().iter().filter(|check| **check != Check::Docs) {
        one(*check, steps);
    }
}

fn one(check: Check, steps: &mut Steps) {
    match check {
        Check::Format => format(steps),
        Check::Tidy => tidy::step(steps),
        Check::Spelling => spelling::step(steps),
        Check::Licences => licences::step(steps),
        Check::ServiceUnit => service_unit::step(steps),
        Check::Web => web_check(steps, &tree::web_client()),
        Check::Clippy => clippy(steps),
        Check::Docs => docs(steps),
    }
}

fn format(steps: &mut Steps) {
    let mut cargo = tree::cargo();
    cargo.args(["fmt", "--all", "--check"]);
    steps.command("format", "cargo fmt --all", cargo);
}

fn clippy(steps: &mut Steps) {
    let mut cargo = tree::cargo();
    cargo.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    steps.command("clippy", "mend what is listed above", cargo);
}

/// Adds that of the docs.
pub(crate) fn docs(steps: &mut Steps) {
    let mut cargo = tree::cargo();
    cargo.args(["doc", "--workspace", "--no-deps", "--document-private-items"]);
    cargo.env("RUSTDOCFLAGS", "-D warnings");
    steps.command("docs", "mend the comments listed above", cargo);
}

fn web_check(steps: &mut Steps, folder: &Path) {
    let npm = web::command(folder, &["run", "check"]);
    steps.command("web check", "npm run check in web-client/ shows the same", npm);
}
