// SPDX-License-Identifier: EUPL-1.2

//! `cargo xtask test`: what CI runs, from a fresh clone, without a terminal.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::steps::Steps;
use crate::{check, install, instructions, python, tools, tree, web};

/// The browser suites, driven by the web client's own runner.
const BROWSER_RUNNER: &str = "web-client/test/e2e/run.mjs";

/// The identity provider of the tests.
const OIDC_PROVIDER: &str = "signaling/tests/oidc-provider";

/// Makes up requests to a running Saal.
const CONTRACT_RUNNER: &str = "tests/contract/run.py";

/// What `cargo xtask test` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Run only these
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Suite>,
    /// How long made-up requests are sent by each caller; a long run has all callers on both databases
    #[arg(long, value_name = "SECONDS", default_value_t = CONTRACT_SECONDS)]
    contract_seconds: u32,
}

/// Enough for each operation to succeed, for most of its cases and for some sequences.
const CONTRACT_SECONDS: u32 = 75;

/// How long damaged messages are sent to the telephones' bridge, where that is chosen.
const FUZZ_SECONDS: &str = "SAAL_FUZZ_SECONDS";

/// For how long in CI.
const FUZZ_SECONDS_IN_CI: &str = "60";

/// The parts of a whole run, in their order.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// No tests: installs what those of `cargo test` need
    Packages,
    /// What `cargo xtask check` runs
    Check,
    /// The Rust tests of the whole workspace
    Unit,
    /// Made-up requests to the REST API, whose answers must be as documented
    Contract,
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
    // What is fetched meanwhile is there when it is needed.
    let fetch = |steps: &mut Steps| {
        if wants(Suite::Packages) || wants(Suite::Unit) {
            packages(steps);
        }
        if wants(Suite::Contract) {
            contract_packages(steps);
        }
        if wants(Suite::E2e) {
            browsers(steps);
        }
    };
    if wants(Suite::Check) {
        steps.beside(check::all_but_docs, fetch);
    } else {
        fetch(&mut steps);
    }
    if wants(Suite::Unit) {
        unit(&mut steps);
    }
    let saal =
        if wants(Suite::Contract) || wants(Suite::E2e) { build_saal(&mut steps, wants(Suite::Unit)) } else { None };
    if wants(Suite::Contract) {
        contract(&mut steps, saal.as_deref(), options.contract_seconds);
    }
    // Counting leaves a core idle, and its build shares the dependencies of the tests. What cargo builds is all in one lane, since
    // whoever builds keeps the others waiting; what sends damaged messages is built already.
    let count_and_document = |steps: &mut Steps| {
        if wants(Suite::Instructions) {
            instructions::step(steps);
        }
        if wants(Suite::Check) {
            check::docs(steps);
        }
    };
    let send_and_watch = |steps: &mut Steps| {
        if wants(Suite::Unit) {
            fuzz_sip(steps);
        }
        if wants(Suite::Web) {
            web_tests(steps);
        }
    };
    steps.beside(count_and_document, send_and_watch);
    if wants(Suite::E2e) {
        browser_tests(&mut steps, saal.as_deref());
    }
    Ok(steps.finish())
}

/// What `cargo test` starts. Returns whether all of it is there.
fn packages(steps: &mut Steps) -> bool {
    let has_provider = steps.prepare("test packages", provider);
    let has_postgres = steps.prepare("PostgreSQL", install::postgres);
    let has_peers = steps.prepare("SIP peers", install::sip_peers);
    steps.prepare("mail server", python::for_tests) && has_provider && has_postgres && has_peers
}

/// The packages of the identity provider.
fn provider() -> Result<()> {
    web::install(&tree::root().join(OIDC_PROVIDER))
}

/// The program that the later suites run.
fn build_saal(steps: &mut Steps, has_tested: bool) -> Option<PathBuf> {
    let mut cargo = tree::cargo();
    // Tests have built the program already; alone it would be built anew, since they switch on features.
    let arguments: &[&str] =
        if has_tested { &["test", "--workspace", "--no-run"] } else { &["build", "--package", "saal"] };
    cargo.args(arguments);
    let is_built = steps.command("saal", "cargo build shows the same", cargo);
    is_built.then(|| tree::target().join("debug").join("saal"))
}

/// What sends made-up requests.
fn contract_packages(steps: &mut Steps) -> Option<PathBuf> {
    let mut environment = None;
    steps.prepare("schemathesis", || {
        install::postgres()?;
        environment = Some(python::for_contract()?);
        Ok(())
    });
    environment
}

/// Runs for about as long as it is told, with all callers at the same time.
fn contract(steps: &mut Steps, saal: Option<&Path>, seconds: u32) {
    let (Some(saal), Some(environment)) = (saal, contract_packages(steps)) else {
        return steps.skip("contract", "what it needs is missing, see above");
    };
    let reports = tree::target().join("xtask").join("contract");
    let mut python = Command::new(environment.join("bin/python"));
    python.arg(CONTRACT_RUNNER).arg("--saal").arg(saal).arg("--reports").arg(&reports);
    python.args(["--seconds", &seconds.to_string()]).current_dir(tree::root());
    if seconds > CONTRACT_SECONDS {
        python.arg("--all-callers");
    }
    let seeds = "or plant in tests/contract/seeds.py what a request lacks";
    let fix = format!("mend the document or the answer, {seeds}; what was answered is in {}", reports.display());
    steps.command("contract", &fix, python);
}

fn unit(steps: &mut Steps) {
    if !packages(steps) {
        return steps.skip("unit", "what it needs is missing, see above");
    }
    let mut cargo = tree::cargo();
    // One failing crate must not hide another.
    // Where the time of compiling goes is in `target/cargo-timings/` afterwards.
    cargo.args(["test", "--workspace", "--no-fail-fast", "--timings"]);
    // Many tests wait for somebody, as callers wait for an answer, and leave their core to others.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cargo.env("RUST_TEST_THREADS", (2 * cores).to_string());
    steps.command("unit", "cargo test --workspace shows the same", cargo);
}

/// Sends damaged messages to the telephones' bridge once more and for longer, in CI.
fn fuzz_sip(steps: &mut Steps) {
    let chosen = env::var_os(FUZZ_SECONDS);
    let Some(seconds) = fuzz_seconds(env::var_os("CI").as_deref(), chosen.as_deref()) else { return };
    let mut cargo = tree::cargo();
    // Of the whole workspace, so that it is built as it was for the tests.
    cargo.args(["test", "--workspace", "--test", "hostile", "damaged_messages"]).env(FUZZ_SECONDS, seconds);
    let fix =
        format!("{FUZZ_SECONDS}={seconds} cargo test -p sip-bridge --test hostile damaged_messages shows the same");
    steps.command("SIP fuzz", &fix, cargo);
}

/// For how long, where nobody has chosen: CI has more time than who waits for the result.
fn fuzz_seconds(ci: Option<&OsStr>, chosen: Option<&OsStr>) -> Option<&'static str> {
    (chosen.is_none() && ci.is_some_and(|ci| ci == "true")).then_some(FUZZ_SECONDS_IN_CI)
}

fn web_tests(steps: &mut Steps) {
    let npm = web::command(&tree::web_client(), &["test"]);
    steps.command("web", "npm test in web-client/ shows the same", npm);
}

/// What opens pages, and whom they sign in at. Returns whether all of it is there.
fn browsers(steps: &mut Steps) -> bool {
    let has_browsers = steps.prepare("browsers", install::for_browser_tests);
    steps.prepare("test packages", provider) && has_browsers
}

fn browser_tests(steps: &mut Steps, saal: Option<&Path>) {
    let (Some(saal), true) = (saal, browsers(steps)) else {
        return steps.skip("e2e", "what it needs is missing, see above");
    };
    let mut node = Command::new("node");
    node.arg(BROWSER_RUNNER).arg("--saal").arg(saal);
    node.current_dir(tree::root()).env("CI", "true").env("NO_COLOR", "1");
    let fix = format!("node {BROWSER_RUNNER} --saal {} shows the same", saal.display());
    steps.command("e2e", &fix, node);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_messages_are_sent_for_longer_in_ci_unless_somebody_says_how_long() {
        let seconds = |ci: Option<&'static str>, chosen: Option<&'static str>| {
            fuzz_seconds(ci.map(OsStr::new), chosen.map(OsStr::new))
        };
        assert_eq!(seconds(Some("true"), None), Some("60"));
        assert_eq!(seconds(Some("true"), Some("5")), None, "what is chosen stays");
        assert_eq!(seconds(Some("false"), None), None);
        assert_eq!(seconds(None, None), None);
    }
}
