// SPDX-License-Identifier: EUPL-1.2

//! `cargo xtask test`: what CI runs, from a fresh clone, without a terminal.

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::steps::Steps;
use crate::{check, install, instructions, python, tools, tree, web};

/// The browser suites, driven by the web client's own runner.
const BROWSER_RUNNER: &str = "web-client/test/e2e/run.mjs";

/// The identity provider of the tests.
const OIDC_PROVIDER: &str = "signaling/tests/oidc-provider";

/// What `cargo xtask test` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Run only these
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Suite>,
}

/// The parts of a whole run, in their order.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// No tests: installs what those of `cargo test` need
    Packages,
    /// What `cargo xtask check` runs
    Check,
    /// The Rust tests of the whole workspace
    Unit,
    /// What a packet costs the media core, in instructions
    Instructions,
    /// The web client's own tests
    Web,
    /// Real browsers against a real saal
    E2e,
}

/// Runs the chosen suites, or all.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let wants = |suite| options.only.is_empty() || options.only.contains(&suite);
    tools::require_c_compiler()?;
    if wants(Suite::Check) {
        check::require_all_cargo_commands()?;
    }
    let mut steps = Steps::default();
    tools::require_node_and_npm()?;
    steps.prepare("web packages", || web::install(&tree::web_client()));
    if wants(Suite::Check) {
        check::all(&mut steps);
    }
    if wants(Suite::Packages) || wants(Suite::Unit) {
        let is_complete = packages(&mut steps);
        if wants(Suite::Unit) {
            unit(&mut steps, is_complete);
        }
    }
    // After the tests, whose dependencies it shares.
    if wants(Suite::Instructions) {
        instructions::step(&mut steps);
    }
    if wants(Suite::Web) {
        web_tests(&mut steps);
    }
    if wants(Suite::E2e) {
        browser_tests(&mut steps);
    }
    Ok(steps.finish())
}

/// What `cargo test` starts. Returns whether all of it is there.
fn packages(steps: &mut Steps) -> bool {
    let has_provider = steps.prepare("test packages", || web::install(&tree::root().join(OIDC_PROVIDER)));
    steps.prepare("mail server", python::for_tests) && has_provider
}

fn unit(steps: &mut Steps, is_complete: bool) {
    if !is_complete {
        return steps.skip("unit", "what it needs is missing, see above");
    }
    let mut cargo = tree::cargo();
    // One failing crate must not hide another.
    cargo.args(["test", "--workspace", "--no-fail-fast"]);
    steps.command("unit", "cargo test --workspace shows the same", cargo);
}

fn web_tests(steps: &mut Steps) {
    let npm = web::command(&tree::web_client(), &["test"]);
    steps.command("web", "npm test in web-client/ shows the same", npm);
}

fn browser_tests(steps: &mut Steps) {
    let mut cargo = tree::cargo();
    cargo.args(["build", "--package", "saal", "--bin", "saal"]);
    if !steps.command("saal", "cargo build shows the same", cargo)
        || !steps.prepare("browsers", install::for_browser_tests)
    {
        return steps.skip("e2e", "what it needs is missing, see above");
    }
    let saal = tree::target().join("debug").join("saal");
    let mut node = Command::new("node");
    node.arg(BROWSER_RUNNER).arg("--saal").arg(&saal);
    node.current_dir(tree::root()).env("CI", "true").env("NO_COLOR", "1");
    let fix = format!("node {BROWSER_RUNNER} --saal {} shows the same", saal.display());
    steps.command("e2e", &fix, node);
}
