// SPDX-License-Identifier: EUPL-1.2
//! How many callers one core bears: what the whole server uses with them, divided by them. The people in the rooms join by
//! WebRTC and speak without a pause.
//!
//! With one room they are three, and their cost is part of the figure. With a room for each caller they are three for each,
//! whose connections cost more than the call does; then what counts is by how much the server uses more with the callers than
//! with the people alone, which has in it all that there is for the callers' sake: the way of the room's packets to the
//! bridge and of the callers' voices to the people, and for each caller the decoding of three voices.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::sleep;

use super::Options;
use super::findings::{Findings, Must};
use super::site::Site;
use super::sound;
use crate::process::Usage;
use sip_bridge::media::codec::PhoneCodec;

/// People who speak in each room.
const SPEAKERS: usize = 3;

/// Callers of the one room, and rooms with one caller each.
const TOGETHER: usize = 50;
const APART: usize = 20;

/// Callers that a core must bear.
const MUST_TOGETHER: f64 = 200.0;
const MUST_APART: f64 = 100.0;

/// Frames of words, and of the whistle that follows them.
const WORDS: usize = 170;
const WHISTLED: usize = 15;

/// Until what callers' entering cost is over.
const SETTLING: Duration = Duration::from_secs(5);

/// Packets of a telephone in a second.
const PACKETS_A_SECOND: f64 = 50.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rooms {
    One,
    Own,
}

pub(super) async fn measure(options: &Options, rooms: Rooms) -> Result<Findings> {
    let (usual, must) = if rooms == Rooms::One { (TOGETHER, MUST_TOGETHER) } else { (APART, MUST_APART) };
    let calls = options.calls.unwrap_or(usual);
    let places = if rooms == Rooms::One { 1 } else { calls };
    let mut site = Site::prepare(options, places).await?;
    let frames = sound::words_and_whistle(WORDS, WHISTLED);
    let (spoken, said) = (sound::encode(PhoneCodec::Opus, &frames)?, sound::encode(PhoneCodec::Pcma, &frames)?);
    for place in 0..places {
        for person in 0..SPEAKERS {
            site.join(place, person, Some((&spoken, person * WORDS / SPEAKERS)), None).await?;
        }
    }
    sleep(SETTLING).await;
    let time = Duration::from_secs_f64(options.duration);
    let (without, _) = cost_of(&site, time).await?;
    let mut plans = Vec::with_capacity(calls);
    for caller in 0..calls {
        let is_speaking = caller < options.speaking_callers;
        let first = caller * 7;
        plans.push(if is_speaking {
            site.speaking_plan(caller % places, &said, first)?
        } else {
            site.plan(caller % places)?
        });
    }
    site.bring(plans).await?;
    sleep(SETTLING).await;
    site.callers.reset().await?;
    let (with, seconds) = cost_of(&site, time).await?;
    let look = site.callers.look().await?;
    site.end().await?;
    let mut findings = Findings::default();
    findings.note("callers", calls as f64);
    findings.note("of these speaking", options.speaking_callers as f64);
    findings.note("cores of the server with them", with);
    findings.note("cores of the server with the people alone", without);
    let (of_all, of_more) = (calls as f64 / with, calls as f64 / (with - without).max(f64::EPSILON));
    let names = ["callers on a core, of all that the server uses", "callers on a core, without what people cost alone"];
    match rooms {
        Rooms::One => {
            findings.judge(names[0], of_all, Must::AtLeast(must));
            findings.note(names[1], of_more);
        }
        Rooms::Own => {
            findings.note(names[0], of_all);
            findings.judge(names[1], of_more, Must::AtLeast(must));
        }
    }
    findings.note("CPU for a second of a call, µs", with * 1e6 / calls as f64);
    let expected = PACKETS_A_SECOND * seconds * calls as f64;
    findings.judge("RTP that callers received, of what is due", look.received as f64 / expected, Must::AtLeast(0.99));
    Ok(findings)
}

/// Cores that the server keeps busy, over about that time.
async fn cost_of(site: &Site, time: Duration) -> Result<(f64, f64)> {
    let (began, before): (Instant, Usage) = (Instant::now(), site.server.process.usage()?);
    sleep(time).await;
    let cost = site.server.process.usage()?.since(&before);
    let seconds = began.elapsed().as_secs_f64();
    Ok((cost.cpu_seconds / seconds, seconds))
}
