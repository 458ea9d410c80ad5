// SPDX-License-Identifier: EUPL-1.2
//! Runs a load: joins, waits until everything flows, measures, and ends it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::drivers::Drivers;
use super::outcome::{Joins, Outcome, Spread, Storm};
use super::recorder::Recorder;
use super::{Event, Group, Scenario};
use crate::counters;
use crate::process::Process;
use crate::progress::Progress;
use crate::sdp::Kind;
use crate::signal::{Client, Plan, Server};
use crate::syscalls::Count;

/// How long one join may take.
const JOIN_PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take after the last join until all media flows.
const FLOW_PATIENCE: Duration = Duration::from_secs(30);
/// Failures whose reasons are kept.
const KEPT_FAILURES: usize = 5;

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

/// A client that is in, with what it took to get there.
struct Joined {
    client: Client,
    streams: usize,
    asked: Instant,
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

/// Lets everybody join, group by group, so that publishers are there before those who wait for them.
async fn join_groups(
    scenario: &Scenario,
    setting: &Arc<Setting>,
    drivers: &Arc<Drivers>,
    run: &str,
    progress: &Progress,
) -> Result<(Vec<Joined>, Joins)> {
    let interval = Duration::from_secs_f64(1.0 / scenario.joins_per_second.max(0.1));
    let mut rhythm = tokio::time::interval(interval);
    rhythm.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut clients, mut joins) = (Vec::new(), Joins::default());
    for group in &scenario.groups {
        let streams = Kind::ALL.into_iter().map(|kind| scenario.streams_of(group, kind)).sum();
        let mut pending = FuturesUnordered::new();
        for room in 0..scenario.rooms {
            for place in 0..group.count {
                rhythm.tick().await;
                let plan = scenario.plan(group, format!("{run}-{room}"), place);
                let number = joins.asked;
                joins.asked += 1;
                pending.push(tokio::spawn(join_one(setting.clone(), drivers.clone(), plan, number, streams)));
                while let Some(Some(done)) = futures_util::FutureExt::now_or_never(pending.next()) {
                    note(done?, &mut clients, &mut joins, progress);
                }
            }
        }
        while let Some(done) = pending.next().await {
            note(done?, &mut clients, &mut joins, progress);
        }
    }
    if clients.is_empty() && joins.asked > 0 {
        bail!("nobody got in: {}", joins.failures.join("; "));
    }
    Ok((clients, joins))
}

async fn join_one(
    setting: Arc<Setting>,
    drivers: Arc<Drivers>,
    plan: Plan,
    number: usize,
    streams: usize,
) -> Result<Joined> {
    let asked = Instant::now();
    let join = setting.server.join(drivers.of(number), plan);
    let mut client = tokio::time::timeout(JOIN_PATIENCE, join).await.context("joining took too long")??;
    let connected = client.wait_for(|progress| progress.connected.is_some());
    tokio::time::timeout(JOIN_PATIENCE, connected).await.context("connecting took too long")??;
    Ok(Joined { client, streams, asked })
}

fn note(done: Result<Joined>, clients: &mut Vec<Joined>, joins: &mut Joins, progress: &Progress) {
    progress.advance();
    match done {
        Ok(joined) => clients.push(joined),
        Err(error) => {
            joins.failed += 1;
            if joins.failures.len() < KEPT_FAILURES {
                joins.failures.push(format!("{error:#}"));
            }
        }
    }
}

/// Waits until everybody receives all that they should, and notes how long that took.
async fn wait_for_media(clients: &mut [Joined], joins: &mut Joins, progress: &Progress) -> Result<()> {
    progress.stage("waiting for media", clients.len());
    let deadline = tokio::time::Instant::now() + FLOW_PATIENCE;
    let (mut connected, mut first_media) = (Vec::new(), Vec::new());
    for joined in clients.iter_mut() {
        let streams = joined.streams;
        let flows = joined.client.wait_for(|progress| progress.streams >= streams);
        let Ok(reached) = tokio::time::timeout_at(deadline, flows).await else {
            let seen = joined.client.wait_for(|_| true).await?.streams;
            bail!("somebody receives {seen} of {streams} streams, {} s after the last join", FLOW_PATIENCE.as_secs());
        };
        let reached = reached?;
        let since = |at: Instant| at.saturating_duration_since(joined.asked).as_secs_f64();
        connected.extend(reached.connected.map(since));
        first_media.extend([reached.first_audio, reached.first_video].into_iter().flatten().min().map(since));
        progress.advance();
    }
    joins.connected = Spread::of(connected);
    joins.first_media = Spread::of(first_media);
    Ok(())
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
