// SPDX-License-Identifier: EUPL-1.2
//! Measures Saal, Janus and a small SFU on pion side by side. Each load meets the servers in turns, several times, and
//! what counts are the ratios within a round: absolute figures belong to the machine and its mood.

mod about;
mod cases;
mod report;
mod rivals;
mod round;
mod samples;
mod servers;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::namespaces::Namespaces;
use cases::{CASES, Case, Contender, JOIN, JOIN_CASE, SERVERS};
use report::Report;
use round::Site;
use samples::Samples;
use servers::Servers;

pub(crate) use about::Machine;
pub(crate) use round::{Pace, put_load};
pub(crate) use servers::Saal;

const PACE: Pace = Pace { settle: Duration::from_secs(2), measure: Duration::from_secs(8), joins_per_second: 50 };
const QUICK_PACE: Pace =
    Pace { settle: Duration::from_millis(500), measure: Duration::from_secs(2), joins_per_second: 100 };
/// System calls are counted in a round of their own, because counting costs something.
const SYSCALL_PACE: Pace =
    Pace { settle: Duration::from_millis(500), measure: Duration::from_secs(2), joins_per_second: 100 };

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// How often each server meets each load.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Fewer and shorter rounds: under five minutes, and less certain.
    #[arg(long)]
    quick: bool,
    /// Only these loads, by their names in the report.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// The folder for the report.
    #[arg(long, value_name = "FOLDER", default_value = "target/compare")]
    out: PathBuf,
    /// Saal's program, built with optimisation.
    #[arg(long, value_name = "FILE", default_value = "target/release/saal")]
    saal: PathBuf,
}

/// What was measured of one case.
struct Measured {
    case: Case,
    contenders: Vec<(Contender, Samples)>,
}

impl Measured {
    fn samples(&self, wanted: Contender) -> Option<&Samples> {
        self.contenders.iter().find(|(contender, _)| *contender == wanted).map(|(_, samples)| samples)
    }
}

/// `loadtest compare`.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let chosen: Vec<&Case> =
        CASES.iter().filter(|case| options.only.is_empty() || options.only.iter().any(|n| n == case.name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        bail!("--only takes names of {}", names.join(", "));
    }
    std::fs::create_dir_all(&options.out).with_context(|| format!("no folder {}", options.out.display()))?;
    let out = options.out.canonicalize()?;
    let mut machine = Machine::look();
    eprintln!("preparing Janus and building the SFU on pion");
    let servers = Servers::prepare(&options.saal, &out).await?;
    let notes = about::servers(&options.saal).await;
    let namespaces = Namespaces::create()?;
    let site = Site { namespaces: &namespaces, servers: &servers, out: &out };
    let mut results = Vec::new();
    for case in chosen {
        let measured = measure(&site, case, options).await;
        if case.name == JOIN_CASE {
            results.push(Measured { case: JOIN, contenders: measured.contenders.clone() });
        }
        results.push(measured);
    }
    machine.look_again();
    let report = Report { machine, servers: notes, is_quick: options.quick, results };
    report.write(&out)?;
    println!("{}", report.markdown());
    println!("written to {}", out.display());
    Ok(())
}

/// Lets all contenders of a case meet it, in turns.
async fn measure(site: &Site<'_>, case: &Case, options: &Options) -> Measured {
    let mut contenders: Vec<_> = case.contenders.iter().map(|one| (*one, Samples::default())).collect();
    let (rounds, pace) = if options.quick { (case.quick_rounds, QUICK_PACE) } else { (options.rounds, PACE) };
    for round in 0..rounds {
        // Nobody is always the first.
        contenders.rotate_left(round % case.contenders.len());
        for (contender, samples) in &mut contenders {
            let result = site.measure(case, *contender, pace, false).await;
            let result = result.map_err(|error| format!("round {}: {error:#}", round + 1));
            let place = format!("{} {}/{rounds}: {}", case.name, round + 1, contender.name());
            match &result {
                Ok(reading) => {
                    let figure = reading.get(case.metric).copied().unwrap_or_default();
                    eprintln!("{place} {figure:.2} {}", case.metric);
                }
                Err(fault) => eprintln!("{place} FAILED: {fault}"),
            }
            samples.add(result);
        }
        contenders.rotate_right(round % case.contenders.len());
    }
    if case.counts_syscalls || !options.quick {
        for (contender, samples) in contenders.iter_mut().filter(|(contender, _)| SERVERS.contains(contender)) {
            eprintln!("{}: counting system calls of {}", case.name, contender.name());
            match site.measure(case, *contender, SYSCALL_PACE, true).await {
                Ok(reading) => samples.syscalls_per_packet = reading.get("syscalls_per_packet").copied(),
                Err(error) => samples.faults.push(format!("system calls: {error:#}")),
            }
        }
    }
    Measured { case: *case, contenders }
}
