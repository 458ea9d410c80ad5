// SPDX-License-Identifier: EUPL-1.2
//! From a caller's mouth to the ears of somebody in the room and of another caller. A caller says words and whistles, over and
//! over. It counts from the sending of the packet with which a whistle begins until that beginning has arrived and is decoded,
//! its place within the packet included. Nothing is subtracted; the 20 ms in which a telephone fills its packet come on top.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::Options;
use super::call::{CallPlan, Voice};
use super::findings::{Findings, Must};
use super::listening::{delays_ms, streams, whistles};
use super::site::{Site, WELCOME};
use super::sound;
use crate::ear::{Ear, HeardPacket};
use crate::quantile::Sorted;
use sip_bridge::media::codec::PhoneCodec;

/// Rooms that are measured at the same time, each with a caller who speaks, one who listens, and somebody in the room.
const ROOMS: usize = 4;

/// Frames of words and of the whistle.
const WORDS: usize = 40;
const WHISTLED: usize = 10;

/// Until what was said last is heard.
const TAIL: Duration = Duration::from_secs(1);

/// From one whistle to the next, nearly. What comes later belongs to the next one.
const PATIENCE: Duration = Duration::from_millis(900);

/// What the bridge may add, in milliseconds.
const MUST: f64 = 80.0;

/// What a telephone needs to fill a packet, in milliseconds.
const FILLING_MS: f64 = 20.0;

pub(super) async fn measure(options: &Options) -> Result<Findings> {
    let rooms = options.calls.map_or(ROOMS, |calls| calls.div_ceil(2));
    let mut site = Site::prepare(options, rooms).await?;
    let payloads = sound::encode(PhoneCodec::Pcma, &sound::words_and_whistle(WORDS, WHISTLED))?;
    let (mut in_room, mut on_phone, mut plans) = (Vec::new(), Vec::new(), Vec::new());
    for room in 0..rooms {
        site.guide(room, 0).await?;
        let (ear, heard) = Ear::new();
        site.join(room, 1, None, Some(ear)).await?;
        in_room.push(heard);
        let (ear, heard) = Ear::new();
        // Not all at the same moment within the bridge's 20 ms.
        let voice = Voice { payloads: payloads.clone(), first: room * WORDS / rooms, mark: Some(WORDS) };
        plans.push(CallPlan { voice: Some(voice), ..site.plan(room)? });
        plans.push(CallPlan { ear: Some(ear), ..site.plan(room)? });
        on_phone.push(heard);
    }
    site.bring(plans).await?;
    site.hush();
    // Jitter buffers have found their place by then, too.
    sleep(WELCOME).await;
    site.callers.reset().await?;
    sleep(Duration::from_secs_f64(options.duration)).await;
    let look = site.callers.look().await?;
    sleep(TAIL).await;
    site.end().await?;
    let mut findings = Findings::default();
    let ears = [("in the room", PhoneCodec::Opus, in_room), ("on the phone", PhoneCodec::Pcma, on_phone)];
    for (place, codec, heard) in ears {
        let (mut delays, mut missing) = (Vec::new(), 0);
        for (room, heard) in heard.iter().enumerate() {
            // The one who speaks calls first.
            let marks = look.marks.iter().find(|(number, _)| *number == room * 2).map(|(_, marks)| marks);
            let marks = marks.context("a caller has not whistled")?;
            let (some, none) = delays_ms(marks, &heard_whistles(codec, heard)?, PATIENCE);
            delays.extend(some);
            missing += none;
        }
        findings.note(format!("whistles heard {place}"), delays.len() as f64);
        let all = (delays.len() + missing) as f64;
        findings.judge(format!("share of whistles heard {place}"), delays.len() as f64 / all, Must::AtLeast(0.95));
        let delays = Sorted::new(delays);
        findings.note(format!("mouth to ear {place}, p50, ms"), delays.quantile(0.5));
        findings.judge(format!("mouth to ear {place}, p95, ms"), delays.quantile(0.95), Must::AtMost(MUST));
        findings.note(format!("mouth to ear {place}, most, ms"), delays.quantile(1.0));
        findings.note(format!("p95 with the filling of a packet, {place}, ms"), delays.quantile(0.95) + FILLING_MS);
    }
    Ok(findings)
}

/// Of all streams that somebody hears; only one of them whistles.
fn heard_whistles(codec: PhoneCodec, heard: &Receiver<HeardPacket>) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for stream in streams(heard) {
        all.extend(whistles(codec, &stream)?);
    }
    all.sort_unstable();
    Ok(all)
}
