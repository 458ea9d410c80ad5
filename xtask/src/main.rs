// SPDX-License-Identifier: EUPL-1.2

//! Saal's build, test and check commands: `cargo xtask up`, `build`, `check`, `test`, `instructions` and `compare`.
//!
//! One job per file. Everything a developer or CI runs goes through here, so that both run the same
//! thing; `.ci/run` is one line. It needs no network of its own: package clients fetch what is missing.

mod build;
mod check;
mod compare;
mod console;
mod count;
mod install;
mod instructions;
mod licences;
mod python;
mod service_unit;
mod spelling;
mod steps;
mod test;
mod tidy;
mod tools;
mod tree;
mod up;
mod web;

use std::process::ExitCode;

use clap::Parser;

/// What `cargo xtask` understands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Build, run and test Saal")]
enum Command {
    /// Build Saal with its web client and run it for development
    Up(up::Options),
    /// Build Saal with its web client
    Build(build::Options),
    /// Format, lints, docs, spelling, licences and the shape of the tree
    Check(check::Options),
    /// Everything CI runs: the checks, the Rust tests, what a packet costs, the web tests, the browser tests
    Test(test::Options),
    /// Count what a packet costs the media core, and compare with the figures kept in the tree
    Instructions(instructions::Options),
    /// Measure Saal against Janus and pion on this machine
    Compare(compare::Options),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Up(options) => up::run(&options),
        Command::Build(options) => build::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Instructions(options) => instructions::run(&options),
        Command::Compare(options) => compare::run(&options),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_commands_fit_together() {
        super::Command::command().debug_assert();
    }
}
