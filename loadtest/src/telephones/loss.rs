// SPDX-License-Identifier: EUPL-1.2
//! What is heard when packets on a telephone's way get lost, in both directions, with the same calls without loss beside it.
//! What is said is speech without pauses and of one level, so that a frame that is much quieter than the others is a gap.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::Options;
use super::call::CallPlan;
use super::findings::{Findings, Must};
use super::listening::{dips, levels_of_opus, levels_of_telephone, streams};
use super::site::{Site, WELCOME};
use super::sound;
use crate::ear::{Ear, HeardPacket};
use sip_bridge::media::codec::PhoneCodec;

/// Packets that get lost.
const LOSS: f64 = 0.05;

/// Frames that loss may turn into dips.
const MUST: f64 = 0.02;

/// Calls with loss, and as many without, in each direction.
const PAIRS: usize = 4;

/// Of which kind somebody is, and what they hear.
type Listener = (usize, Receiver<HeardPacket>);

/// Frames at the beginning that do not count: until jitter buffers and levels have found their place.
const BEGIN: usize = 150;

pub(super) async fn measure(options: &Options) -> Result<Findings> {
    let losses = [0.0, LOSS];
    let mut site = Site::prepare(options, losses.len() * 2 * PAIRS).await?;
    let even = sound::even_speech()?;
    let (said, spoken) = (sound::encode(PhoneCodec::Pcma, &even)?, sound::encode(PhoneCodec::Opus, &even)?);
    let (mut of_callers, mut of_people, mut plans) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, loss) in losses.into_iter().enumerate() {
        for pair in 0..PAIRS {
            // A caller speaks and somebody in the room listens; in another room, the other way round.
            let room = (kind * PAIRS + pair) * 2;
            site.guide(room, 0).await?;
            let (ear, heard) = Ear::new();
            site.join(room, 1, None, Some(ear)).await?;
            of_callers.push((kind, heard));
            plans.push(CallPlan { loss, ..site.speaking_plan(room, &said, pair * 17)? });
            site.guide(room + 1, 0).await?;
            site.join(room + 1, 1, Some((&spoken, pair * 17)), None).await?;
            let (ear, heard) = Ear::new();
            plans.push(CallPlan { loss, ear: Some(ear), ..site.plan(room + 1)? });
            of_people.push((kind, heard));
        }
    }
    site.bring(plans).await?;
    site.hush();
    // What was heard of the whistle is not looked at, nor the room under what callers are told.
    sleep(WELCOME).await;
    of_callers.iter().chain(&of_people).for_each(|(_, heard)| heard.try_iter().for_each(drop));
    sleep(Duration::from_secs_f64(options.duration)).await;
    site.end().await?;
    let mut findings = Findings::default();
    findings.note("packets lost, %", LOSS * 100.0);
    let directions: [(&str, &[Listener], Levels); 2] = [
        ("a caller in the room", &of_callers, levels_of_opus),
        ("the room on the phone", &of_people, levels_of_telephone),
    ];
    for (direction, heard, levels) in directions {
        let [without, with] = [0, 1].map(|kind| {
            let of_kind = heard.iter().filter(|(other, _)| *other == kind);
            mean_dips(of_kind.map(|(_, heard)| heard), levels)
        });
        let ((without, frames), (with, _)) = (without?, with?);
        findings.note(format!("frames heard of {direction}"), frames as f64);
        findings.note(format!("dips of {direction} without loss, %"), without * 100.0);
        findings.note(format!("dips of {direction} with loss, %"), with * 100.0);
        // What is quiet in any case, by the codecs, is no gap.
        let added = (with - without) * 100.0;
        findings.judge(format!("dips of {direction} that loss adds, %"), added, Must::AtMost(MUST * 100.0));
    }
    Ok(findings)
}

type Levels = fn(&[HeardPacket]) -> Result<Vec<u8>>;

/// Over the streams of one kind; and how many frames there are.
fn mean_dips<'a>(heard: impl Iterator<Item = &'a Receiver<HeardPacket>>, levels: Levels) -> Result<(f64, usize)> {
    let (mut frames, mut dipped) = (0, 0.0);
    for heard in heard {
        // Who is hushed sends nothing any more.
        let Some(stream) = streams(heard).into_iter().max_by_key(Vec::len) else { continue };
        let levels = levels(&stream)?;
        let counted = levels.len().saturating_sub(BEGIN);
        frames += counted;
        dipped += dips(&levels, BEGIN) * counted as f64;
    }
    Ok((dipped / frames as f64, frames))
}
