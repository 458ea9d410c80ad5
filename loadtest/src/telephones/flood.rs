// SPDX-License-Identifier: EUPL-1.2
//! Strangers send INVITEs from addresses that are no trunk's, as fast as they are told to, while calls go on and others come.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::Options;
use super::findings::{Findings, Must};
use super::isolation::stranger;
use super::messages::Dialog;
use super::site::Site;
use super::sound;
use crate::number::MIB_BYTES;
use sip_bridge::media::codec::PhoneCodec;

/// Calls that go on.
const CALLS: usize = 20;

/// Calls that begin while the flood goes on.
const NEWCOMERS: usize = 5;

/// Addresses that the flood comes from, each of a network of its own.
const ADDRESSES: u32 = 256;

/// What running calls may lose, as a share, and what memory may grow by, in MiB.
const MUST_LOSS: f64 = 0.005;
const MUST_MEMORY: f64 = 50.0;

/// How exactly INVITEs leave.
const TICK: Duration = Duration::from_millis(1);

/// How often the server's memory is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Packets of a telephone in a second.
const PACKETS_A_SECOND: f64 = 50.0;

pub(super) async fn measure(options: &Options) -> Result<Findings> {
    let calls = options.calls.unwrap_or(CALLS);
    let mut site = Site::prepare(options, 2).await?;
    let frames = sound::words_and_whistle(100, 15);
    let (spoken, said) = (sound::encode(PhoneCodec::Opus, &frames)?, sound::encode(PhoneCodec::Pcma, &frames)?);
    for room in 0..2 {
        site.join(room, 0, Some((&spoken, 0)), None).await?;
    }
    let mut plans = Vec::new();
    for caller in 0..calls {
        // One in each room speaks, too.
        plans.push(if caller < 2 { site.speaking_plan(caller, &said, 50)? } else { site.plan(caller % 2)? });
    }
    site.bring(plans).await?;
    let time = Duration::from_secs_f64(options.duration);
    let calm = losses(&site, time, calls).await?;
    let memory = site.server.process.usage()?;
    let flood = Flood::start(site.server.sip()?, options.strangers)?;
    let storm = losses(&site, time, calls).await?;
    // Callers still get in.
    let mut newcomers = Vec::new();
    for caller in 0..NEWCOMERS {
        newcomers.push(site.plan(caller % 2)?);
    }
    let look = site.bring(newcomers).await?;
    let (sent, seconds) = flood.end()?;
    let cpu = site.server.process.usage()?.since(&memory).cpu_seconds;
    site.end().await?;
    let mut findings = Findings::default();
    findings.judge_load("INVITEs of strangers in a second", f64::from(options.strangers), sent as f64 / seconds);
    findings.note("cores of the server in the flood", cpu / seconds);
    findings.note("calls that go on", calls as f64);
    findings.note("RTP lost before, to telephones, %", calm.to_telephones * 100.0);
    findings.note("RTP lost before, from telephones, %", calm.from_telephones * 100.0);
    findings.judge("RTP lost in the flood, to telephones", storm.to_telephones, Must::AtMost(MUST_LOSS));
    findings.judge("RTP lost in the flood, from telephones", storm.from_telephones, Must::AtMost(MUST_LOSS));
    let growth = (storm.most_bytes.saturating_sub(memory.pss_bytes)) as f64 / MIB_BYTES;
    findings.judge("memory of the server, growth, MiB", growth, Must::AtMost(MUST_MEMORY));
    findings.judge("callers in their rooms at the end", look.in_room as f64, Must::AtLeast((calls + NEWCOMERS) as f64));
    Ok(findings)
}

struct Losses {
    /// What telephones did not receive, of what is due to them.
    to_telephones: f64,
    /// What the bridge reports that it did not receive, of what was sent.
    from_telephones: f64,
    /// The server's memory at its most.
    most_bytes: u64,
}

async fn losses(site: &Site, time: Duration, calls: usize) -> Result<Losses> {
    let reported_before = site.callers.look().await?.reported_lost;
    site.callers.reset().await?;
    let began = Instant::now();
    let mut most_bytes = 0;
    while began.elapsed() < time {
        sleep(LOOK_INTERVAL).await;
        most_bytes = most_bytes.max(site.server.process.time_and_memory()?.1);
    }
    let look = site.callers.look().await?;
    let due = PACKETS_A_SECOND * began.elapsed().as_secs_f64() * calls as f64;
    // What is missing at the end may only be on its way: a packet of each call.
    let missing = (due - look.received as f64 - calls as f64).max(look.lost as f64).max(0.0);
    let reported = (look.reported_lost - reported_before).max(0) as f64;
    Ok(Losses { to_telephones: missing / due, from_telephones: reported / look.sent.max(1) as f64, most_bytes })
}

/// A thread of strangers.
struct Flood {
    is_over: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: JoinHandle<()>,
    began: Instant,
}

impl Flood {
    fn start(bridge: SocketAddr, per_second: u32) -> Result<Self> {
        let sockets: Vec<UdpSocket> = (0..ADDRESSES)
            .map(|number| UdpSocket::bind((stranger(number), 0)))
            .collect::<Result<_, _>>()
            .context("no socket at a stranger's address")?;
        let (is_over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (told, count) = (is_over.clone(), sent.clone());
        let flood = move || {
            let (began, mut number) = (Instant::now(), 0);
            while !told.load(Ordering::Relaxed) {
                let due = (began.elapsed().as_secs_f64() * f64::from(per_second)) as u64;
                while number < due {
                    let is_sent = send_invite(&sockets, bridge, number);
                    count.fetch_add(u64::from(is_sent), Ordering::Relaxed);
                    number += 1;
                }
                std::thread::sleep(TICK);
            }
        };
        let thread = std::thread::Builder::new().name("strangers".to_owned()).spawn(flood)?;
        Ok(Self { is_over, sent, thread, began: Instant::now() })
    }

    /// How many INVITEs were sent, and over how many seconds.
    fn end(self) -> Result<(u64, f64)> {
        self.is_over.store(true, Ordering::Relaxed);
        let seconds = self.began.elapsed().as_secs_f64();
        self.thread.join().ok().context("the strangers' thread has panicked")?;
        Ok((self.sent.load(Ordering::Relaxed), seconds))
    }
}

/// Whether the kernel has taken it.
fn send_invite(sockets: &[UdpSocket], bridge: SocketAddr, number: u64) -> bool {
    let place = number as usize % sockets.len();
    let Some(Ok(local)) = sockets.get(place).map(UdpSocket::local_addr) else { return false };
    let call_id = format!("flood-{number}");
    let dialog = Dialog { bridge, sip: local, rtp: local, number: place, call_id, remote_tag: None };
    sockets[place].send_to(dialog.invite().as_bytes(), bridge).is_ok()
}
