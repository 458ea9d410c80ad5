// SPDX-License-Identifier: EUPL-1.2
//! Many calls within seconds. Each dials, keys in the codes, hears the room, stays and hangs up; anything else is a failure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Options;
use super::call::{CallPlan, Ended};
use super::findings::{Findings, Must};
use super::site::Site;
use crate::number::MIB_BYTES;
use crate::quantile::Sorted;

/// What is asked for.
const CALLS: usize = 1_000;

/// Callers of one room.
const PER_ROOM: usize = 50;

/// From the last INVITE to the end of the last call, beside the stay: more than a call waits for anything.
const END_PATIENCE: Duration = Duration::from_secs(90);

pub(super) async fn measure(options: &Options) -> Result<Findings> {
    let calls = options.calls.unwrap_or(CALLS);
    let rooms = calls.div_ceil(PER_ROOM);
    let mut site = Site::prepare(options, rooms).await?;
    for room in 0..rooms {
        site.guide(room, 0).await?;
    }
    let before = site.server.process.usage()?;
    let stay = Duration::from_secs_f64(options.stay);
    let pause = Duration::from_secs_f64(1.0 / options.rate);
    let mut rhythm = interval(pause);
    // Late ones are made up for, so that the rate is what it is called.
    rhythm.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let began = Instant::now();
    for number in 0..calls {
        rhythm.tick().await;
        let plan = site.plan(number % rooms)?;
        site.callers.dial(CallPlan { stay: Some(stay), ..plan })?;
    }
    // It is answered after all of them have dialled.
    let at_once = site.callers.look().await?;
    let dialling = began.elapsed() + pause;
    let mut ended = Vec::with_capacity(calls);
    while ended.len() < calls {
        let next = timeout(END_PATIENCE + stay, site.callers.ended.recv()).await;
        ended.push(next.context("calls do not end")?.context("the callers' thread has ended")?);
    }
    let cost = site.server.process.usage()?.since(&before);
    let own = site.callers.look().await?;
    site.end().await?;
    let mut findings = Findings::default();
    findings.judge_load("calls in a second", options.rate, calls as f64 / dialling.as_secs_f64());
    judge(&mut findings, &ended);
    findings.note("callers in their rooms when the last one dialled", at_once.in_room as f64);
    findings.note("CPU of the server for a call, ms", cost.cpu_seconds * 1e3 / calls as f64);
    findings.note("memory of the server afterwards, MiB", cost.pss_mib);
    findings.note("memory of the server before, MiB", before.pss_bytes as f64 / MIB_BYTES);
    findings.note("CPU of the callers, s", own.cpu_seconds);
    Ok(findings)
}

fn judge(findings: &mut Findings, ended: &[Ended]) {
    let failed: Vec<_> = ended.iter().filter_map(|call| call.failure).collect();
    findings.note("calls", ended.len() as f64);
    findings.judge("failed calls", failed.len() as f64, Must::AtMost(0.0));
    let mut reasons = BTreeMap::new();
    for failure in failed {
        *reasons.entry(failure).or_insert(0_u32) += 1;
    }
    for (failure, count) in reasons {
        findings.note(format!("  of these {failure:?}"), f64::from(count));
    }
    let millis = |of: &dyn Fn(&Ended) -> Option<Duration>| {
        Sorted::new(ended.iter().filter_map(of).map(|time| time.as_secs_f64() * 1e3).collect())
    };
    let answered = millis(&|call| call.answered);
    findings.note("INVITE to 200, p50, ms", answered.quantile(0.5));
    findings.note("INVITE to 200, p99, ms", answered.quantile(0.99));
    let heard = millis(&|call| call.heard);
    findings.note("INVITE until the room is heard, p50, ms", heard.quantile(0.5));
    findings.note("INVITE until the room is heard, p99, ms", heard.quantile(0.99));
    let (expected, lost) = ended
        .iter()
        .fold((0, 0), |(expected, lost), call| (expected + call.reception.expected, lost + call.reception.lost()));
    findings.note("RTP of the server that did not come, %", 100.0 * lost as f64 / (expected.max(1)) as f64);
}
