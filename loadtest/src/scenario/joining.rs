// SPDX-License-Identifier: EUPL-1.2
//! Lets clients join, and waits until each of them receives what it should.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Scenario;
use super::drivers::Drivers;
use super::outcome::{Joins, Spread};
use super::run::Setting;
use crate::progress::Progress;
use crate::sdp::Kind;
use crate::signal::{Client, Plan};

/// How long one join may take.
const JOIN_PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take after the last join until all media flows.
const FLOW_PATIENCE: Duration = Duration::from_secs(30);
/// Failures whose reasons are kept.
const KEPT_FAILURES: usize = 5;

/// A client that is in, with what it took to get there.
pub(super) struct Joined {
    pub(super) client: Client,
    streams: usize,
    asked: Instant,
}

/// Lets everybody join, group by group, so that publishers are there before those who wait for them.
pub(super) async fn join_groups(
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
pub(super) async fn wait_for_media(clients: &mut [Joined], joins: &mut Joins, progress: &Progress) -> Result<()> {
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
