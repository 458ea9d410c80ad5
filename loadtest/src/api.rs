// SPDX-License-Identifier: EUPL-1.2
//! Measures how long Saal's REST API takes, with few meetings stored and with many. All that is stored comes by the API,
//! and one request is sent after the other: what counts is how long each takes, and that the table's size does not.

pub(crate) mod client;
mod report;
mod requests;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::files;
use crate::progress::Progress;
use crate::signal::http::Base;
use client::Client;
use report::{Measured, Report};
use requests::{Kind, Known};

/// Meetings that one request makes: as many as a batch takes.
const BATCH: usize = 100;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7880")]
    server: String,
    /// An API token of a tenant that is there for this alone: `saal api-token create --name loadtest --scopes
    /// 'meetings:*,invitees:*'`.
    #[arg(long, env = "LOADTEST_API_TOKEN", hide_env_values = true)]
    token: String,
    /// How many meetings are to be stored when it is measured, in growing numbers. The tenant keeps them.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "1000,100000")]
    meetings: Vec<usize>,
    /// How often each request is sent to be measured.
    #[arg(long, default_value_t = 500)]
    requests: usize,
    /// How often each is sent before, so that caches are as in daily use.
    #[arg(long, default_value_t = 50)]
    warm_up: usize,
    /// Measures only requests whose name has this text in it, such as `list` or `join`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// What the server stores in, for the report.
    #[arg(long, default_value = "a database")]
    database: String,
    /// Write the result as JSON to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Fills the server and measures it at each size.
///
/// # Errors
///
/// When the server cannot be reached, or answers otherwise than it should.
pub(crate) async fn run(options: &Options) -> Result<()> {
    ensure!(options.meetings.is_sorted(), "--meetings takes growing numbers");
    ensure!(options.requests > 0, "--requests takes at least 1");
    ensure!(Kind::ALL.iter().any(|kind| kind.name().contains(&options.only)), "--only names no request");
    let base = Base::of(&options.server).await?;
    let progress = Progress::new("api");
    let mut client = Client::new(base, &options.token);
    let mut report = Report::new(options.database.clone(), options.requests);
    for size in &options.meetings {
        // Those that were there before, or were made to measure how long it takes.
        let there = Known::find(&mut client).await?.count();
        ensure!(there <= *size, "there are {there} meetings already, more than {size}");
        let missing = size - there;
        progress.stage("making meetings", missing.div_ceil(BATCH));
        let mut left = missing;
        while left > 0 {
            let count = left.min(BATCH);
            requests::make(&mut client, count).await?;
            left -= count;
            progress.advance();
        }
        // How many there are, and where they are, is read from the server: a page after the other.
        let known = Known::find(&mut client).await?;
        ensure!(known.count() == *size, "{} meetings are listed, not {size}", known.count());
        let mut measured = Measured::of(*size);
        for kind in Kind::ALL.into_iter().filter(|kind| kind.name().contains(&options.only)) {
            progress.stage(kind.name(), options.warm_up + options.requests);
            measured.add(kind, requests::measure(&mut client, kind, &known, options, &progress).await?);
        }
        report.add(measured);
    }
    progress.clear();
    print!("{}", report.table());
    match &options.json {
        Some(file) => files::write_json(file, &report),
        None => Ok(()),
    }
}
