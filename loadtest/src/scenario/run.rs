// SPDX-License-Identifier: EUPL-1.2
//! Runs a load: joins, waits until everything flows, measures, and ends it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::drivers::Drivers;
use super::joining::{Joined, join_groups, wait_for_media};
use super::outcome::{Joins, Outcome, Storm};
use super::recorder::Recorder;
use super::{Event, Group, Scenario};
use crate::counters;
use crate::process::Process;
use crate::progress::Progress;
use crate::sdp::Kind;
use crate::signal::Server;
use crate::syscalls::Count;

/// Where a load is put.
pub(crate) struct Setting {
    pub(crate) server: Server,
    /// The server's process, when it runs on this machine.
    pub(crate) process: Option<Process>,
    /// Count the system calls of that process, too.
    pub(crate) count_syscalls: bool,
    /// Where the server shows its counters.
    pub(crate) metrics: Option<String>,
    /// Threads that carry media.
    pub(crate) threads: usize,
    /// Let the kernel hand runs of datagrams over in one piece.
    pub(crate) coalesce: bool,
}

/// Puts a load on a server and says what came of it.
///
/// # Errors
///
/// When the server cannot be reached, when nobody gets in, or when media does not begin to flow.
pub(crate) async fn run(scenario: &Scenario, setting: Setting, progress: &Progress) -> Result<Outcome> {
    let setting = Arc::new(setting);
    let drivers = Arc::new(Drivers::start(&setting)?);
    let usage = || setting.process.as_ref().map(Process::usage).transpose();
    let empty = usage()?;
    progress.stage("joining", scenario.participants());
    let run = format!("load-{:08x}", rand::random::<u32>());
    let (mut clients, mut joins) = join_groups(scenario, &setting, &drivers, &run, progress).await?;
    wait_for_media(&mut clients, &mut joins, progress).await?;
    if let (Some(before), Some(after)) = (empty, usage()?) {
        let joined = joins.asked - joins.failed;
        joins.server_cpu_ms = Some(after.since(&before).cpu_seconds * 1_000.0 / joined.max(1) as f64);
    }
    progress.stage("settling", 0);
    tokio::time::sleep(scenario.settle).await;
    let mut recorder = Recorder::start(&drivers, setting.process.as_ref(), progress).await?;
    let storm_before = match scenario.event {
        Some(Event::JoinStorm { .. }) => {
            progress.stage("before the storm", 0);
            let before = recorder.during(pass(scenario.measure)).await?;
            Some(before.report.delays(Kind::Video))
        }
        _ => None,
    };
    let syscalls = match &setting.process {
        Some(process) if setting.count_syscalls => Some(Count::start(process.pid())?),
        _ => None,
    };
    let counted_before = counters::read_if_asked(setting.metrics.as_deref()).await?;
    let before = usage()?;
    progress.stage("measuring", 0);
    let measured = recorder.during(pass_time(scenario, &setting, &run, &clients, progress)).await?;
    let after = usage()?;
    let counted = counters::read_if_asked(setting.metrics.as_deref()).await?;
    let storm = measured.result;
    if let Some(storm) = &storm {
        recorder.note("storm", storm.began, storm.ended);
    }
    let mut outcome = Outcome::new(scenario, measured.seconds, &measured.report, joins, recorder.series());
    if let (Some(empty), Some(before), Some(after)) = (empty, before, after) {
        let empty_pss_mib = empty.since(&empty).pss_mib;
        outcome = outcome.with_server(after.since(&before), empty_pss_mib);
    }
    if let (Some(before), Some(after)) = (counted_before, counted) {
        outcome.counters = after.growth_since(&before, measured.seconds);
    }
    if let Some(count) = syscalls {
        outcome.note_syscalls(count.stop().await?);
    }
    if let (Some(storm), Some(before)) = (storm, storm_before) {
        outcome.storm = Some(Storm { joins: storm.joins, before, during: outcome.video.delay });
    }
    progress.stage("leaving", 0);
    futures_util::future::join_all(clients.into_iter().map(|joined| joined.client.leave())).await;
    Ok(outcome)
}

/// A storm of joins that is over: from the first request until the last one had what it came for.
struct PastStorm {
    joins: Joins,
    began: Instant,
    ended: Instant,
}

/// Lets time pass.
async fn pass(time: Duration) -> Result<()> {
    tokio::time::sleep(time).await;
    Ok(())
}

/// Lets the measured time pass, with what happens meanwhile.
async fn pass_time(
    scenario: &Scenario,
    setting: &Arc<Setting>,
    run: &str,
    clients: &[Joined],
    progress: &Progress,
) -> Result<Option<PastStorm>> {
    let end = tokio::time::Instant::now() + scenario.measure;
    match scenario.event {
        None => tokio::time::sleep_until(end).await,
        Some(Event::SwitchLayers(rhythm)) => {
            let mut rhythm = tokio::time::interval(rhythm);
            for layer in [0, 2, 1].into_iter().cycle() {
                tokio::select! {
                    () = tokio::time::sleep_until(end) => break,
                    _ = rhythm.tick() => {}
                }
                for joined in clients {
                    joined.client.choose_layer(layer).await?;
                }
            }
        }
        Some(Event::JoinStorm { joins, within }) => {
            let storm = storm_of(scenario, joins, within);
            // Clients of its own, so that their media is not counted as the meeting's.
            let own = Arc::new(Drivers::start(setting)?);
            progress.stage("in the storm", storm.participants());
            let began = Instant::now();
            let (mut newcomers, mut joins) =
                join_groups(&storm, setting, &own, &format!("{run}-storm"), progress).await?;
            wait_for_media(&mut newcomers, &mut joins, progress).await?;
            let ended = Instant::now();
            progress.stage("after the storm", 0);
            tokio::time::sleep_until(end).await;
            futures_util::future::join_all(newcomers.into_iter().map(|joined| joined.client.leave())).await;
            return Ok(Some(PastStorm { joins, began, ended }));
        }
    }
    Ok(None)
}

/// A storm of people who hear one that says nothing: what it costs is joining.
fn storm_of(scenario: &Scenario, joins: usize, within: Duration) -> Scenario {
    Scenario {
        groups: vec![Group::host(), Group::guests("newcomer", joins)],
        rooms: 1,
        joins_per_second: joins as f64 / within.as_secs_f64(),
        event: None,
        ..scenario.clone()
    }
}
