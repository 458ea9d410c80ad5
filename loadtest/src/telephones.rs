// SPDX-License-Identifier: EUPL-1.2
//! Measures the bridge for telephones: made-up callers who speak SIP and RTP and key in codes, people in the same rooms who
//! join by WebRTC, and strangers who flood it. Callers say and hear real sound, which is decoded and looked at.

mod call;
mod calls;
mod capacity;
mod delay;
mod exchange;
mod findings;
mod flood;
mod isolation;
mod keypad;
mod listening;
mod loss;
mod messages;
mod server;
mod site;
mod sound;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::files;
pub(crate) use isolation::isolate;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// What to measure.
    #[arg(long, value_enum)]
    case: Case,
    /// Saal's program, built with optimisation.
    #[arg(long, value_name = "FILE", default_value = "target/release/saal")]
    saal: PathBuf,
    /// Processors for the server, as taskset takes them, such as 0. Give the callers others: `taskset -c 1 loadtest …`
    #[arg(long, value_name = "LIST")]
    server_cpus: Option<String>,
    /// Threads of the server for media, and for the sound of calls. Without it, one for each processor.
    #[arg(long)]
    threads: Option<usize>,
    /// How many call. Each case has its own usual number.
    #[arg(long)]
    calls: Option<usize>,
    /// Calls in a second, for `calls`.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// How long each caller stays in the room, in seconds, for `calls`.
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    stay: f64,
    /// How long it is measured, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    duration: f64,
    /// Callers who speak without a pause, for `capacity` and `own-rooms`.
    #[arg(long, default_value_t = 0)]
    speaking_callers: usize,
    /// Unknown INVITEs in a second, for `flood`.
    #[arg(long, default_value_t = 5_000)]
    strangers: u32,
    /// Write the result as JSON to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Case {
    /// Many calls within seconds: how many fail.
    Calls,
    /// One room of callers with three people who speak: callers on one core.
    Capacity,
    /// Each caller in a room of their own, with three people who speak: callers on one core.
    OwnRooms,
    /// From a caller's mouth to the ears of people in the room and of other callers, and from people's mouths to
    /// callers' ears.
    Delay,
    /// What is heard when packets of the telephone get lost.
    Loss,
    /// Strangers who flood the bridge while calls go on.
    Flood,
}

impl Options {
    /// Whether this runs where nobody else hears it.
    pub(crate) fn is_isolated(&self) -> bool {
        isolation::is_here()
    }
}

/// `loadtest telephones`.
///
/// # Errors
///
/// When the server does not start, when callers do not get as far as what is to be measured, or when what was measured is
/// not as good as it must be.
pub(crate) async fn run(options: &Options) -> Result<()> {
    ensure!(options.calls.is_none_or(|calls| (1..=exchange::MAX_CALLS).contains(&calls)), "--calls takes 1 to 16384");
    ensure!(options.rate > 0.0 && options.duration > 0.0, "--rate and --duration take numbers above 0");
    let findings = match options.case {
        Case::Calls => calls::measure(options).await?,
        Case::Capacity => capacity::measure(options, capacity::Rooms::One).await?,
        Case::OwnRooms => capacity::measure(options, capacity::Rooms::Own).await?,
        Case::Delay => delay::measure(options).await?,
        Case::Loss => loss::measure(options).await?,
        Case::Flood => flood::measure(options).await?,
    };
    print!("{}", findings.table());
    if let Some(file) = &options.json {
        files::write_json(file, &findings)?;
    }
    ensure!(findings.are_good_enough(), "not as good as it must be");
    Ok(())
}
