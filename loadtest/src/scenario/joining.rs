// SPDX-License-Identifier: EUPL-1.2
//! Lets clients join, and waits until each of them receives what it should.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;

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
/// Clients that are named when media does not begin to flow.
const NAMED_CLIENTS: usize = 3;

/// A client that is in, with what it took to get there.
pub(super) struct Joined {
    pub(super) client: Client,
    /// By which people find it.
    name: String,
    streams: usize,
    asked: Instant,
}

/// Lets everybody join, group by group, so that publishers are there before those who wait for them. When this is given
/// up on the way, everybody vanishes: those who are in, and those who are about to be.
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
        let mut pending = JoinSet::new();
        for room in 0..scenario.rooms {
            for place in 0..group.count {
                rhythm.tick().await;
                let plan = scenario.plan(group, format!("{run}-{room}"), place);
                let name = name_of(&plan.identity, scenario.rooms, room);
                let number = joins.asked;
                joins.asked += 1;
                pending.spawn(join_one(setting.clone(), drivers.clone(), plan, name, number, streams));
                while let Some(done) = pending.try_join_next() {
                    note(done?, &mut clients, &mut joins, progress);
                }
            }
        }
        while let Some(done) = pending.join_next().await {
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
    name: String,
    number: usize,
    streams: usize,
) -> Result<Joined> {
    let asked = Instant::now();
    let join = setting.server.join(drivers.of(number), plan);
    let joined = tokio::time::timeout(JOIN_PATIENCE, join).await;
    let mut client = joined.context("joining took too long").flatten().with_context(|| name.clone())?;
    let connected = client.wait_for(|progress| progress.connected.is_some());
    let Ok(connected) = tokio::time::timeout(JOIN_PATIENCE, connected).await else {
        bail!("{name}: connecting took too long: {}", client.progress().lack(streams));
    };
    connected.with_context(|| name.clone())?;
    Ok(Joined { client, name, streams, asked })
}

/// Rooms are named only where there are several.
fn name_of(identity: &str, rooms: usize, room: usize) -> String {
    if rooms > 1 { format!("{identity} of room {room}") } else { identity.to_owned() }
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
    for place in 0..clients.len() {
        let joined = &mut clients[place];
        let streams = joined.streams;
        let flows = joined.client.wait_for(|progress| progress.streams >= streams);
        let Ok(reached) = tokio::time::timeout_at(deadline, flows).await else {
            bail!("{}", complaint(clients.len(), clients.iter().filter_map(lack_of)));
        };
        let reached = reached.with_context(|| joined.name.clone())?;
        let since = |at: Instant| at.saturating_duration_since(joined.asked).as_secs_f64();
        connected.extend(reached.connected.map(since));
        first_media.extend([reached.first_audio, reached.first_video].into_iter().flatten().min().map(since));
        progress.advance();
    }
    joins.connected = Spread::of(connected);
    joins.first_media = Spread::of(first_media);
    Ok(())
}

/// What a client lacks, when it is something.
fn lack_of(joined: &Joined) -> Option<String> {
    let progress = joined.client.progress();
    (progress.streams < joined.streams).then(|| format!("{}: {}", joined.name, progress.lack(joined.streams)))
}

/// One sentence, however many of `clients` lack something.
fn complaint(clients: usize, lacks: impl Iterator<Item = String>) -> String {
    let mut named: Vec<String> = lacks.collect();
    let lacking = named.len();
    named.truncate(NAMED_CLIENTS);
    if lacking > NAMED_CLIENTS {
        named.push(format!("and {} more", lacking - NAMED_CLIENTS));
    }
    format!(
        "{lacking} of {clients} clients do not receive what they should, {} s after the last join: {}",
        FLOW_PATIENCE.as_secs(),
        named.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::scenario::Group;
    use crate::signal::Server;

    #[tokio::test]
    async fn who_is_about_to_join_goes_with_the_one_who_waits_for_it() {
        // It takes connections and answers nothing.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::OfferPost { url: format!("http://{}", silent.local_addr().unwrap()) };
        let setting =
            Setting { server, process: None, count_syscalls: false, metrics: None, threads: 1, coalesce: false };
        let scenario = Scenario {
            name: "x".to_owned(),
            description: String::new(),
            rooms: 1,
            groups: vec![Group::host()],
            joins_per_second: 1.0,
            settle: Duration::ZERO,
            measure: Duration::ZERO,
            event: None,
        };
        let (drivers, setting) = (Arc::new(Drivers::start(&setting).unwrap()), Arc::new(setting));
        let progress = Progress::new("x");
        let (mut connection, _) = tokio::select! {
            _ = join_groups(&scenario, &setting, &drivers, "run", &progress) => panic!("nobody lets it in"),
            accepted = silent.accept() => accepted.unwrap(),
        };
        // Far less than a join may take.
        let gone = tokio::time::timeout(JOIN_PATIENCE / 5, connection.read_to_end(&mut Vec::new())).await;
        assert!(gone.is_ok(), "it still waits for an answer");
    }

    #[test]
    fn a_complaint_names_the_first_and_counts_the_others() {
        let lacks = |count: usize| (0..count).map(|place| format!("{}: nothing came", name_of("guest-1", 2, place)));
        let one = complaint(101, lacks(1));
        assert!(one.starts_with("1 of 101 clients ") && one.ends_with(": guest-1 of room 0: nothing came"), "{one}");
        let many = complaint(5_000, lacks(4_000));
        assert!(many.starts_with("4000 of 5000 clients ") && many.ends_with("; and 3997 more"), "{many}");
        assert_eq!(many.matches("nothing came").count(), 3, "{many}");
        assert_eq!(name_of("watcher-7", 1, 0), "watcher-7");
    }
}
