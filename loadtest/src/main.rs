// SPDX-License-Identifier: EUPL-1.2
//! Puts load on conferencing servers, and says what it costs them.

mod cli;
mod delay;
mod driver;
mod peer;
mod process;
mod progress;
mod report;
mod scenario;
mod sdp;
mod signal;
mod source;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::Cli;
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
    let scenario = cli.command.scenario()?;
    let common = cli.command.common();
    let setting = common.setting()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(async {
        let progress = Progress::new(&scenario.name);
        tokio::select! {
            outcome = scenario::run(&scenario, setting, &progress) => outcome,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        }
    })?;
    print!("{}", report::table(&outcome));
    if let Some(file) = &common.json {
        let json = serde_json::to_string_pretty(&outcome)?;
        std::fs::write(file, json + "\n").with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}
