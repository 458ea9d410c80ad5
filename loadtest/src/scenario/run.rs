// SPDX-License-Identifier: EUPL-1.2
//! Runs a load: joins, waits until everything flows, measures, and ends it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::drivers::Drivers;
use super::joining::{Joined, join_groups, wait_for_media};
use super::outcome::{Joins, Outcome, Storm};
use super::recorder::Recorder;
use super::{Event, Group, Scenario, switching};
use crate::counters;
use crate::interruption::Interruption;
use crate::process::{Process, Usage};
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

/// A load that is over, but for its clients, who are still there.
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    clients: Vec<Joined>,
    drivers: Arc<Drivers>,
}

impl Run {
    /// Lets all clients say good-bye.
    pub(crate) async fn leave(self, progress: &Progress) {
        progress.stage("leaving", 0);
        futures_util::future::join_all(self.clients.into_iter().map(|joined| joined.client.leave())).await;
        // Without them the clients would have vanished before.
        drop(self.drivers);
    }
}

/// Puts a load on a server and says what came of it. An interruption ends it early, with what was measured until then.
///
/// # Errors
///
/// When the server cannot be reached or has no word for what the load does, when nobody gets in, when media does not
/// begin to flow, or when it is interrupted before anything is measured.
pub(crate) async fn run(
    scenario: &Scenario,
    setting: Setting,
    interruption: &Interruption,
    progress: &Progress,
) -> Result<Run> {
    if matches!(scenario.event, Some(Event::SwitchLayers(_))) && !setting.server.lets_choose_layers() {
        bail!("{} works only by LiveKit's protocol: give --server an address of ws:// or wss://", scenario.name);
    }
    let setting = Arc::new(setting);
    let drivers = Arc::new(Drivers::start(&setting)?);
    let site = Site { scenario, setting: &setting, drivers: &drivers, interruption, progress };
    let empty = site.usage()?;
    let run = format!("load-{:08x}", rand::random::<u32>());
    let Some(entered) = interruption.or(site.enter(&run, empty.as_ref())).await else {
        bail!("interrupted before anything was measured");
    };
    let (clients, joins) = entered?;
    let outcome = site.measure(&run, &clients, joins, empty.as_ref()).await?;
    // Nothing counts any more.
    drivers.hush();
    Ok(Run { outcome, clients, drivers })
}

/// What all stages of a run work with.
struct Site<'a> {
    scenario: &'a Scenario,
    setting: &'a Arc<Setting>,
    drivers: &'a Arc<Drivers>,
    interruption: &'a Interruption,
    progress: &'a Progress,
}

impl Site<'_> {
    fn usage(&self) -> Result<Option<Usage>> {
        self.setting.process.as_ref().map(Process::usage).transpose()
    }

    /// Lets everybody in, and some time pass until they have settled.
    async fn enter(&self, run: &str, empty: Option<&Usage>) -> Result<(Vec<Joined>, Joins)> {
        let Self { scenario, setting, drivers, progress, .. } = self;
        progress.stage("joining", scenario.participants());
        let (mut clients, mut joins) = join_groups(scenario, setting, drivers, run, progress).await?;
        wait_for_media(&mut clients, &mut joins, progress).await?;
        if let (Some(before), Some(after)) = (empty, self.usage()?) {
            let joined = joins.asked - joins.failed;
            joins.server_cpu_ms = Some(after.since(before).cpu_seconds * 1_000.0 / joined.max(1) as f64);
        }
        progress.stage("settling", 0);
        if let Some(Event::SwitchLayers(_)) = scenario.event {
            switching::begin(&clients).await?;
        }
        tokio::time::sleep(scenario.settle).await;
        Ok((clients, joins))
    }

    async fn measure(&self, run: &str, clients: &[Joined], joins: Joins, empty: Option<&Usage>) -> Result<Outcome> {
        let Self { scenario, setting, drivers, interruption, progress } = self;
        let mut recorder = Recorder::start(drivers, setting.process.as_ref(), progress).await?;
        let storm_before = match scenario.event {
            Some(Event::JoinStorm { .. }) => {
                progress.stage("before the storm", 0);
                let calm = async { Ok(interruption.or(tokio::time::sleep(scenario.measure)).await) };
                let before = recorder.during(calm).await?;
                if before.result.is_none() {
                    let series = recorder.series();
                    return Ok(Outcome::new(scenario, before.seconds, &before.report, joins, series).ended_early());
                }
                Some(before.report.delays(Kind::Video))
            }
            _ => None,
        };
        let syscalls = match &setting.process {
            Some(process) if setting.count_syscalls => Some(Count::start(process.pid())?),
            _ => None,
        };
        let metrics = setting.metrics.as_deref();
        // Who does not want to wait for them does not want to measure, either.
        let counted_before = interruption.or(counters::read_if_asked(metrics)).await.transpose()?.flatten();
        let before = self.usage()?;
        progress.stage("measuring", 0);
        let work = pass_time(scenario, setting, run, clients, progress);
        let measured = recorder.during(async { interruption.or(work).await.transpose() }).await?;
        let is_early = measured.result.is_none();
        let mut left_out = Vec::new();
        let after = unless_early(is_early, self.usage(), &mut left_out)?;
        let counted = match &counted_before {
            // What was measured is worth no less without them.
            Some(_) => or_left_out(counters::read_if_asked(metrics).await, &mut left_out),
            None => None,
        };
        let storm = measured.result.flatten();
        if let Some(storm) = &storm {
            recorder.note("storm", storm.began, storm.ended);
        }
        let mut outcome = Outcome::new(scenario, measured.seconds, &measured.report, joins, recorder.series());
        if let (Some(empty), Some(before), Some(after)) = (empty, before, after) {
            let empty_pss_mib = empty.since(empty).pss_mib;
            outcome = outcome.with_server(after.since(&before), empty_pss_mib);
        }
        if let (Some(before), Some(after)) = (counted_before, counted) {
            outcome.counters = after.growth_since(&before);
        }
        if let Some(count) = syscalls
            && let Some(per_second) = unless_early(is_early, count.stop().await.map(Some), &mut left_out)?
        {
            outcome.note_syscalls(per_second);
        }
        if let (Some(storm), Some(before)) = (storm, storm_before) {
            outcome.storm = Some(Storm { joins: storm.joins, before, during: outcome.video.delay });
        }
        outcome.left_out = left_out;
        Ok(if is_early { outcome.ended_early() } else { outcome })
    }
}

/// Leaves out what cannot be read at an early end: the Ctrl-C that caused it may have ended the server, too, and the rest
/// is worth no less.
fn unless_early<T>(is_early: bool, read: Result<Option<T>>, left_out: &mut Vec<String>) -> Result<Option<T>> {
    if is_early { Ok(or_left_out(read, left_out)) } else { read }
}

/// Leaves out what cannot be read, and notes why.
fn or_left_out<T>(read: Result<Option<T>>, left_out: &mut Vec<String>) -> Option<T> {
    read.unwrap_or_else(|error| {
        left_out.push(format!("{error:#}"));
        None
    })
}

/// A storm of joins that is over: from the first request until the last one had what it came for.
struct PastStorm {
    joins: Joins,
    began: Instant,
    ended: Instant,
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
        Some(Event::SwitchLayers(interval)) => switching::go_on(clients, interval, end).await?,
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
