// SPDX-License-Identifier: EUPL-1.2
//! Puts load on conferencing servers, and says what it costs them.

mod cli;
mod compare;
mod counters;
mod delay;
mod driver;
mod floor;
mod namespaces;
mod number;
mod peer;
mod process;
mod progress;
mod report;
mod scale;
mod scenario;
mod sdp;
mod signal;
mod size;
mod source;
mod svg;
mod syscalls;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command, Load};
use progress::Progress;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,rtc_dtls=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    // These two are the measurement, and nothing else may run in their processes.
    match &cli.command {
        Command::FloorSend(options) => return floor::send(options),
        Command::FloorReceive(options) => return floor::receive(options),
        // Nothing of this waits for anything.
        Command::Size(options) => return size::run(options),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        // What is dropped here cleans up behind itself.
        tokio::select! {
            result = work(&cli.command) => result,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
            _ = terminate.recv() => anyhow::bail!("told to end"),
        }
    })
}

async fn work(command: &Command) -> Result<()> {
    match command {
        Command::Load(load) => put(load).await,
        Command::Compare(options) => compare::run(options).await,
        Command::Floor(options) => floor::run(options).await,
        Command::Scale(options) => scale::run(options).await,
        Command::FloorSend(_) | Command::FloorReceive(_) | Command::Size(_) => Ok(()),
    }
}

/// Puts a load on a server and prints what came of it.
async fn put(load: &Load) -> Result<()> {
    let scenario = load.scenario()?;
    let common = load.common();
    let progress = Progress::new(&scenario.name);
    let outcome = scenario::run(&scenario, common.setting()?, &progress).await?;
    drop(progress);
    print!("{}", report::table(&outcome));
    if let Some(file) = &common.json {
        write(file, serde_json::to_string_pretty(&outcome)? + "\n")?;
    }
    if let Some(file) = &common.chart {
        write(file, report::chart::of(&outcome, &common.server))?;
    }
    Ok(())
}

fn write(file: &Path, text: String) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}
