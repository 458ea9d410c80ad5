// SPDX-License-Identifier: EUPL-1.2
//! Measures what each kind of work costs Saal on this machine: loads that differ in what they are rich in, and the costs
//! that explain best what all of them took.

mod cases;
mod fit;
mod report;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::cli::seconds;
use crate::compare::{Machine, Pace, Saal, put_load};
use crate::files;
use crate::namespaces::Namespaces;
use crate::number::MIB_BYTES;
use crate::size::{Costs, Work, simulate};
use cases::{CASES, Case};
use report::Report;

/// Where a load is too much for a shard, chance decides who is on which one; this many placements give the mean.
const PLACEMENTS: usize = 200;

const JOINS_PER_SECOND: u32 = 100;

/// A load of which so much more or less was sent, or so much was lost, is not what it is called. Keyframes alone make a
/// few percent.
const MOST_DEVIATION: f64 = 0.1;
const MOST_LOSS: f64 = 0.001;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Numbers of shards to measure with. They share the rooms; only a room that is too much for a shard is handed over.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "1,2")]
    shards: Vec<usize>,
    /// How often each load is measured.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// How long each load is measured, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    measure: f64,
    /// How long each load runs before, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    settle: f64,
    /// Only these loads, by their names in the report.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// The folder for the report. `loadtest size --costs` takes the file scale.json in it.
    #[arg(long, value_name = "FOLDER", default_value = "target/scale")]
    out: PathBuf,
    /// Saal's program, built with optimisation.
    #[arg(long, value_name = "FILE", default_value = "target/release/saal")]
    saal: PathBuf,
}

/// What one load took.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Measured {
    case: &'static str,
    shards: usize,
    /// CPU seconds of the server in a second.
    cores: f64,
    memory_bytes: f64,
    /// What the server had to do by its own counters; by the model where it does not count.
    work: Work,
    /// What it should have had to do.
    expected: Work,
    /// What is wrong with the measurement.
    faults: Vec<String>,
}

/// `loadtest scale`.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let chosen = options.cases()?;
    ensure!(!options.shards.contains(&0), "--shards takes numbers from 1 on");
    ensure!(options.rounds > 0, "--rounds takes a number from 1 on");
    let pace = Pace {
        settle: seconds("--settle", options.settle)?,
        measure: seconds("--measure", options.measure)?,
        joins_per_second: JOINS_PER_SECOND,
    };
    std::fs::create_dir_all(&options.out).with_context(|| format!("no folder {}", options.out.display()))?;
    let out = options.out.canonicalize()?;
    let (saal, metrics_url) = (Saal::prepare(&options.saal, &out)?, Saal::metrics_url());
    let mut machine = Machine::look();
    let namespaces = Namespaces::create()?;
    let measure = async |case: &Case, shards| {
        let server = saal.start(&namespaces, Some(shards)).await?;
        let outcome = put_load(&namespaces, server, &words_of(case, &metrics_url), pace, &out).await?;
        Measured::new(case, shards, &outcome)
    };
    let measured = options.measure_all(&chosen, measure).await;
    machine.look_again();
    ensure!(!measured.is_empty(), "no load could be measured");
    let report = Report { machine, costs: costs_of(&measured), cases: measured };
    let file = out.join("scale.json");
    files::write_json(&file, &report)?;
    print!("{}", report.table());
    println!("written to {}", file.display());
    Ok(())
}

impl Options {
    /// The loads to measure, in the order of the table.
    fn cases(&self) -> Result<Vec<&'static Case>> {
        if let Some(name) = self.only.iter().find(|name| CASES.iter().all(|case| case.name != **name)) {
            bail!("--only takes names of {}, not {name}", CASES.map(|case| case.name).join(", "));
        }
        let is_chosen = |case: &&Case| self.only.is_empty() || self.only.iter().any(|name| name == case.name);
        Ok(CASES.iter().filter(is_chosen).collect())
    }

    /// Measures them with each number of shards. What fails is said and left out, and the others are worth no less.
    async fn measure_all(
        &self,
        cases: &[&Case],
        mut measure: impl AsyncFnMut(&Case, usize) -> Result<Measured>,
    ) -> Vec<Measured> {
        let mut measured = Vec::new();
        for _ in 0..self.rounds {
            for case in cases {
                for &shards in &self.shards {
                    let name = format!("{}, shards: {shards}", case.name);
                    eprintln!("{name}");
                    match measure(case, shards).await {
                        Ok(one) => measured.push(one),
                        Err(error) => eprintln!("{name} FAILED: {error:#}"),
                    }
                }
            }
        }
        measured
    }
}

fn words_of<'a>(case: &Case, metrics_url: &'a str) -> Vec<&'a str> {
    case.load.iter().copied().chain(["--metrics", metrics_url]).collect()
}

impl Measured {
    fn new(case: &Case, shards: usize, outcome: &Value) -> Result<Self> {
        let at = |path: &str| {
            outcome.pointer(path).and_then(Value::as_f64).with_context(|| format!("the load's result has no {path}"))
        };
        let expected = simulate(&case.rooms()?, shards, PLACEMENTS, &Costs::default()).work;
        let work = observed(&expected, outcome)?;
        let mut faults = Vec::new();
        let sent_share = work.sent / expected.sent.max(f64::EPSILON);
        if (sent_share - 1.0).abs() > MOST_DEVIATION {
            faults.push(format!("{:.0} % of the expected packets were sent", sent_share * 100.0));
        }
        if at("/loss")? > MOST_LOSS {
            faults.push(format!("{:.2} % of the packets were lost", at("/loss")? * 100.0));
        }
        if at("/joins/failed")? > 0.0 {
            faults.push(format!("{} joins failed", at("/joins/failed")?));
        }
        if at("/own_core_share")? > 0.9 {
            faults.push("the load generator was at its limit".to_owned());
        }
        Ok(Self {
            case: case.name,
            shards,
            cores: at("/server/cpu_seconds")? / at("/seconds")?.max(f64::EPSILON),
            memory_bytes: at("/server/pss_mib")? * MIB_BYTES,
            work,
            expected,
            faults,
        })
    }
}

/// What the server counted that it did in a second.
fn observed(expected: &Work, outcome: &Value) -> Result<Work> {
    let counters = outcome.get("counters").and_then(Value::as_object).context("the server's counters are missing")?;
    let of = |name: &str| {
        counters.get(name).and_then(Value::as_f64).with_context(|| format!("the server has no counter {name}"))
    };
    let dropped = |reason: &str| of(&format!("sfu_dropped_packets_total{{reason=\"{reason}\"}}"));
    let (received, sent) = (of("sfu_received_packets_total")?, of("sfu_forwarded_packets_total")?);
    Ok(Work {
        received,
        sent,
        skipped: dropped("other_layer")? + dropped("paused")? + dropped("awaits_keyframe")?,
        turns: of("sfu_turns_total")?,
        // These are not counted, but are in step with what is.
        handed_over: expected.handed_over * received / expected.received.max(f64::EPSILON),
        runs: expected.runs * sent / expected.sent.max(f64::EPSILON),
        ..*expected
    })
}

/// The costs that explain best what was measured. What no load had anything of keeps its default.
fn costs_of(measured: &[Measured]) -> Costs {
    let times: Vec<_> = measured.iter().map(|one| (one.work.kinds(), one.cores * 1e6)).collect();
    let memory: Vec<_> = measured.iter().map(|one| (one.work.memory_kinds(one.shards), one.memory_bytes)).collect();
    let default = Costs::default();
    default
        .with_kinds(fit::non_negative(&times, default.of_kinds()))
        .with_bytes_of_memory(fit::non_negative(&memory, default.bytes_of_memory()))
}

#[cfg(test)]
mod tests;
