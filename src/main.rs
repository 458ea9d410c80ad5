// SPDX-License-Identifier: EUPL-1.2

//! The one binary: reads the settings and runs the roles they ask for.
//!
//! Nothing here knows media or rooms; `serve.rs` puts the crates together that do.

mod api_token;
mod audit;
mod backup;
mod bridge;
mod cli;
mod config;
mod database;
mod duration;
mod health;
mod linked;
mod logging;
mod mail_reply;
mod monitoring;
mod output;
mod ports;
mod running;
mod serve;
mod telephones;
mod token;
mod user;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("saal: {error:#}");
            ExitCode::FAILURE
        }
    }
}
