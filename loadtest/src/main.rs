// SPDX-License-Identifier: EUPL-1.2
//! Puts load on conferencing servers, and says what it costs them.

mod api;
mod cli;
mod compare;
mod counters;
mod delay;
mod driver;
mod ear;
mod files;
mod floor;
mod interruption;
mod mark;
mod namespaces;
mod number;
mod peer;
mod process;
mod progress;
mod quantile;
mod report;
mod scale;
mod scenario;
mod sdp;
mod signal;
mod size;
mod source;
mod svg;
mod syscalls;
mod telephones;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command, Common, Load};
use interruption::{Interrupter, Interruption};
use progress::Progress;
use scenario::Outcome;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,rtc_dtls=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let (interrupter, interruption) = Interruption::new();
    let result = run(&Cli::parse(), &interrupter, &interruption);
    if let Err(error) = &result {
        eprintln!("loadtest: {error:#}");
    }
    match result {
        _ if interruption.has_come() => ExitCode::from(interruption::EXIT_CODE),
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(cli: &Cli, interrupter: &Interrupter, interruption: &Interruption) -> Result<()> {
    // These two are the measurement, and nothing else may run in their processes.
    match &cli.command {
        Command::FloorSend(options) => return floor::send(options),
        Command::FloorReceive(options) => return floor::receive(options),
        // Nothing of this waits for anything.
        Command::Size(options) => return size::run(options),
        // It begins anew where nobody else hears it.
        Command::Telephones(options) if !options.is_isolated() => return telephones::isolate(),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupts = signal(SignalKind::interrupt())?;
        let impatience = async {
            interrupts.recv().await;
            interrupter.interrupt();
            // A load comes to an end by itself; the next Ctrl-C ends it at once, as the first one does with the others.
            if let Command::Load(_) = cli.command {
                interrupts.recv().await;
            }
        };
        // What is dropped here cleans up behind itself.
        tokio::select! {
            result = work(&cli.command, interruption) => result,
            () = impatience => anyhow::bail!("interrupted"),
            _ = terminate.recv() => anyhow::bail!("told to end"),
        }
    })
}

async fn work(command: &Command, interruption: &Interruption) -> Result<()> {
    match command {
        Command::Load(load) => put(load, interruption).await,
        Command::Compare(options) => compare::run(options).await,
        Command::Floor(options) => floor::run(options).await,
        Command::Scale(options) => scale::run(options).await,
        Command::Api(options) => api::run(options).await,
        Command::Telephones(options) => telephones::run(options).await,
        Command::FloorSend(_) | Command::FloorReceive(_) | Command::Size(_) => Ok(()),
    }
}

/// Puts a load on a server and prints what came of it, before the clients leave: that may take its time.
async fn put(load: &Load, interruption: &Interruption) -> Result<()> {
    let scenario = load.scenario()?;
    let common = load.common();
    let progress = Progress::new(&scenario.name);
    let run = scenario::run(&scenario, common.setting()?, interruption, &progress).await?;
    progress.clear();
    print!("{}", report::table(&run.outcome));
    let written = write_files(common, &run.outcome);
    run.leave(&progress).await;
    written
}

fn write_files(common: &Common, outcome: &Outcome) -> Result<()> {
    if let Some(file) = &common.json {
        files::write_json(file, outcome)?;
    }
    if let Some(file) = &common.chart {
        files::write(file, &report::chart::of(outcome, &common.server))?;
    }
    Ok(())
}
