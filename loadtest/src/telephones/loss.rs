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

/// Frames that may be dips in spite of it.
const MUST: f64 = 0.02;

/// Of the packets that are due to each listener, those that must come: the loss itself, and as much for what is not heard at the
/// edges.
const MUST_HEAR: f64 = 0.9;

/// Packets of sound in a second.
const PACKETS_A_SECOND: f64 = 50.0;

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
            Heard::of(of_kind.map(|(_, heard)| heard), levels)
        });
        judge(&mut findings, direction, [without?, with?], options.duration);
    }
    Ok(findings)
}

type Levels = fn(&[HeardPacket]) -> Result<Vec<u8>>;

/// What the listeners of one kind have heard.
#[derive(Clone, Copy, Debug)]
struct Heard {
    /// The share of frames that are dips. Not a number when there are none that count.
    dips: f64,
    /// Frames that count, of all of them.
    frames: usize,
    /// Packets that came to the one who got the fewest.
    fewest: usize,
}

impl Heard {
    fn of<'a>(listeners: impl Iterator<Item = &'a Receiver<HeardPacket>>, levels: Levels) -> Result<Self> {
        let (mut frames, mut dipped, mut fewest) = (0, 0.0, usize::MAX);
        for heard in listeners {
            // Who is hushed sends nothing any more.
            let stream = streams(heard).into_iter().max_by_key(Vec::len).unwrap_or_default();
            fewest = fewest.min(stream.len());
            let levels = levels(&stream)?;
            let counted = levels.len().saturating_sub(BEGIN);
            // Who has heard next to nothing has no dips either. That is judged by itself.
            if counted > 0 {
                frames += counted;
                dipped += dips(&levels, BEGIN) * counted as f64;
            }
        }
        Ok(Self { dips: dipped / frames as f64, frames, fewest })
    }
}

/// Those who listened to calls without loss, and to calls with it, for so long.
fn judge(findings: &mut Findings, direction: &str, [without, with]: [Heard; 2], seconds: f64) {
    findings.note(format!("frames heard of {direction}"), without.frames as f64);
    let fewest = without.fewest.min(with.fewest) as f64;
    let due = seconds * PACKETS_A_SECOND;
    findings.judge(format!("packets heard of {direction}, the fewest"), fewest, Must::AtLeast(MUST_HEAR * due));
    findings.note(format!("dips of {direction} without loss, %"), without.dips * 100.0);
    findings.judge(format!("dips of {direction} with loss, %"), with.dips * 100.0, Must::AtMost(MUST * 100.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether that is good enough for 20 s.
    fn is_good_enough(without: Heard, with: Heard) -> bool {
        let mut findings = Findings::default();
        judge(&mut findings, "somebody", [without, with], 20.0);
        findings.are_good_enough()
    }

    #[test]
    fn dips_count_with_loss_whatever_there_is_without_it() {
        let good = Heard { dips: 0.01, frames: 3_400, fewest: 950 };
        assert!(is_good_enough(good, good));
        let dipped = Heard { dips: 0.03, ..good };
        assert!(!is_good_enough(good, dipped));
        assert!(!is_good_enough(dipped, dipped), "the room may not be worse because it always is");
    }

    #[test]
    fn who_hears_nothing_among_others_who_do_is_not_passed_over() {
        let [(ear, one), (_, nobody)] = [Ear::new(), Ear::new()];
        let even = sound::encode(PhoneCodec::Pcma, &sound::even_speech().unwrap()).unwrap();
        for (number, payload) in (0_u32..1_000).zip(even.iter().cycle()) {
            ear.hear(HeardPacket {
                arrived_nanos: u64::from(number) * 20_000_000,
                ssrc: 1,
                seq_no: number as u16,
                rtp_timestamp: number * 160,
                payload: payload.clone(),
            });
        }
        let alone = Heard::of([&one].into_iter(), levels_of_telephone).unwrap();
        assert_eq!(alone.fewest, 1_000);
        assert!(is_good_enough(alone, alone), "{alone:?}");
        let with_nobody =
            Heard { fewest: Heard::of([&nobody].into_iter(), levels_of_telephone).unwrap().fewest, ..alone };
        assert_eq!(with_nobody.fewest, 0);
        assert!(!is_good_enough(with_nobody, alone) && !is_good_enough(alone, with_nobody));
    }
}
