// SPDX-License-Identifier: EUPL-1.2
//! One measurement: a fresh server, this program again as its load, and the figures of what came of it.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::time::timeout;

use super::cases::{Case, Contender, WATCHERS};
use super::samples::Reading;
use super::servers::{API_KEY, Running, Servers};
use crate::floor::{self, Method};
use crate::namespaces::{Namespaces, Side};

/// How long joining, waiting for media and leaving may take beside settling and measuring.
const LOAD_PATIENCE: Duration = Duration::from_secs(120);

/// Figures of a run as the report names them, and where a load's result has them.
const FIGURES: [(&str, &str); 14] = [
    ("cpu_us_per_packet", "/server/cpu_us_per_packet"),
    ("context_switches_per_packet", "/server/context_switches_per_packet"),
    ("syscalls_per_packet", "/server/syscalls_per_packet"),
    ("kib_per_participant", "/server/kib_per_participant"),
    ("pss_mib", "/server/pss_mib"),
    ("loss", "/loss"),
    ("packets_per_second", "/packets_per_second"),
    ("broken_frames", "/video/broken_frames"),
    ("join_cpu_ms", "/joins/server_cpu_ms"),
    ("join_p99_ms", "/joins/connected/p99_ms"),
    ("failed_joins", "/joins/failed"),
    ("load_generator_cores", "/own_core_share"),
    ("storm_failed_joins", "/storm/joins/failed"),
    ("storm_join_p99_ms", "/storm/joins/connected/p99_ms"),
];

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) settle: Duration,
    pub(crate) measure: Duration,
    pub(crate) joins_per_second: u32,
}

impl Pace {
    /// How long a whole load may take at this pace. One with a storm is measured twice, before it and with it.
    const fn patience(self) -> Duration {
        LOAD_PATIENCE.saturating_add(self.settle).saturating_add(self.measure).saturating_add(self.measure)
    }
}

/// Where measurements are taken.
pub(super) struct Site<'a> {
    pub(super) namespaces: &'a Namespaces,
    pub(super) servers: &'a Servers,
    pub(super) out: &'a Path,
}

impl Site<'_> {
    /// Lets one contender meet a load, or measures a floor.
    pub(super) async fn measure(
        &self,
        case: &Case,
        contender: Contender,
        pace: Pace,
        counts_syscalls: bool,
    ) -> Result<Reading> {
        let method = match contender {
            Contender::FloorSendmmsg => Method::Sendmmsg,
            Contender::FloorGso => Method::Gso,
            _ => return self.load(case, contender, pace, counts_syscalls).await,
        };
        let floor = floor::measure(self.namespaces, method, WATCHERS, pace.measure, true).await?;
        Ok(Reading::from([("cpu_us_per_packet", floor.cpu_us_per_packet), ("loss", floor.loss)]))
    }

    async fn load(&self, case: &Case, contender: Contender, pace: Pace, counts_syscalls: bool) -> Result<Reading> {
        let server = self.servers.start(self.namespaces, contender).await?;
        let mut words = case.load.to_vec();
        words.extend((contender == Contender::SaalWithoutCoalescing).then_some("--no-coalescing"));
        words.extend(counts_syscalls.then_some("--count-syscalls"));
        Ok(figures_of(&put_load(self.namespaces, server, &words, pace, self.out).await?))
    }
}

/// Puts a load, in the words of this program's command line, on a server that has just been started, and ends the
/// server. Gives the load's result.
pub(crate) async fn put_load(
    namespaces: &Namespaces,
    server: Running,
    words: &[&str],
    pace: Pace,
    out: &Path,
) -> Result<Value> {
    let file = out.join("run.json");
    let own = std::env::current_exe().context("this program does not find itself")?;
    let mut load = namespaces.command(Side::Client, own);
    load.args(words).args(["--server", &server.url, "--server-pid", &server.pid.to_string()]);
    load.args(["--duration", &pace.measure.as_secs_f64().to_string()]);
    load.args(["--settle", &pace.settle.as_secs_f64().to_string()]);
    load.args(["--join-rate", &pace.joins_per_second.to_string(), "--json"]).arg(&file);
    load.env("LOADTEST_API_KEY", API_KEY).stdin(Stdio::null());
    let output = timeout(pace.patience(), load.output()).await;
    server.end().await?;
    let output = output.context("the load did not come to an end")??;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{}", words.lines().last().unwrap_or("the load failed without a word"));
    }
    serde_json::from_slice(&fs::read(&file)?).context("the load's result")
}

fn figures_of(outcome: &Value) -> Reading {
    let at = |path: &str| outcome.pointer(path).and_then(Value::as_f64);
    let mut reading: Reading = FIGURES.iter().filter_map(|(name, path)| Some((*name, at(path)?))).collect();
    let kind = if at("/video/packets").is_some_and(|packets| packets > 0.0) { "video" } else { "audio" };
    for (name, quantile) in [("p50_ms", "p50_ms"), ("p99_ms", "p99_ms"), ("p999_ms", "p999_ms")] {
        reading.extend(at(&format!("/{kind}/delay/{quantile}")).map(|delay| (name, delay)));
    }
    if let (Some(before), Some(during)) = (at("/storm/before/p99_ms"), at("/storm/during/p99_ms")) {
        reading.insert("storm_p99_growth", during / before.max(f64::EPSILON));
    }
    reading
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_load_has_the_time_that_it_is_told_to_take() {
        let (settle, measure) = (Duration::from_secs(10_000), Duration::from_secs(1_000));
        let pace = Pace { settle, measure, joins_per_second: 1 };
        // Before a storm, and with it.
        assert!(pace.patience() > settle + 2 * measure);
    }

    #[test]
    fn figures_are_read_from_a_loads_result() {
        let outcome = json!({
            "loss": 0.25, "server": { "cpu_us_per_packet": 2.0 }, "joins": { "failed": 1 },
            "video": { "packets": 0, "delay": { "p50_ms": 9.0 } },
            "audio": { "packets": 3, "delay": { "p50_ms": 0.5, "p99_ms": 4.0 } },
            "storm": { "before": { "p99_ms": 2.0 }, "during": { "p99_ms": 3.0 } },
        });
        let reading = figures_of(&outcome);
        assert_eq!((reading["loss"], reading["cpu_us_per_packet"], reading["failed_joins"]), (0.25, 2.0, 1.0));
        assert_eq!((reading["p50_ms"], reading["p99_ms"]), (0.5, 4.0), "of the kind that there is");
        assert_eq!(reading["storm_p99_growth"], 1.5);
        assert!(!reading.contains_key("syscalls_per_packet"));
    }
}
