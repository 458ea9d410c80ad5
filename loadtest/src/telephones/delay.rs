// SPDX-License-Identifier: EUPL-1.2
//! From mouth to ear: from a caller to somebody in the room and to another caller, and from somebody in a room to a
//! caller. Who speaks says words and whistles, over and over. It counts from the sending of the packet with which a
//! whistle begins until that beginning has arrived and is decoded, its place within the packet included. Mouths and
//! ears are in this process, so one clock tells both.
//!
//! Nothing is subtracted. What is said was encoded before, so that work is not in the figures; what codecs delay is. An
//! encoder of Opus looks 6.5 ms ahead, so a whistle begins by so much later within its packets: in what comes from the
//! room by what people send, and in what is heard in the room by what the bridge sends. The filters of a narrow telephone
//! take 1.8 ms each, where its sound is encoded and where it is decoded. A beginning is found to 5 ms. The 20 ms in which
//! a telephone or a browser fills its packet come on top.
//!
//! Two who whistle in a room could not be told apart, so what comes from the room is measured in rooms of its own.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use super::Options;
use super::call::{CallPlan, Voice};
use super::findings::{Findings, Must};
use super::listening::{delays_ms, streams, whistles};
use super::site::{Site, WELCOME};
use super::sound;
use crate::ear::{Ear, HeardPacket};
use crate::mark::Mark;
use crate::quantile::Sorted;
use sip_bridge::media::codec::PhoneCodec;

/// Rooms of either kind that are measured at the same time: each with a caller who speaks, one who listens and somebody
/// in the room who does, or with somebody in the room who speaks and a caller who listens.
const ROOMS: usize = 4;

/// Calls for a room of each kind.
const CALLS: usize = 3;

/// Frames of words and of the whistle.
const WORDS: usize = 40;
const WHISTLED: usize = 10;

/// Until what was said last is heard.
const TAIL: Duration = Duration::from_secs(1);

/// From one whistle to the next, nearly. What comes later belongs to the next one.
const PATIENCE: Duration = Duration::from_millis(900);

/// What the bridge may add, in milliseconds.
const MUST: f64 = 80.0;

/// Of the whistles, those that must be heard.
const MUST_HEAR: f64 = 0.95;

/// What a telephone or a browser needs to fill a packet, in milliseconds.
const FILLING_MS: f64 = 20.0;

/// What an ear gets.
type Heard = Receiver<HeardPacket>;

pub(super) async fn measure(options: &Options) -> Result<Findings> {
    let rooms = options.calls.map_or(ROOMS, |calls| calls.div_ceil(CALLS));
    let mut site = Site::prepare(options, 2 * rooms).await?;
    let frames = sound::words_and_whistle(WORDS, WHISTLED);
    let (said, spoken) = (sound::encode(PhoneCodec::Pcma, &frames)?, sound::encode(PhoneCodec::Opus, &frames)?);
    let (mut in_room, mut on_phone, mut plans) = (Vec::new(), Vec::new(), Vec::new());
    for room in 0..rooms {
        site.guide(room, 0).await?;
        let (ear, heard) = Ear::new();
        site.join(room, 1, None, Some(ear)).await?;
        in_room.push(heard);
        let (ear, heard) = Ear::new();
        // Not all at the same moment within the bridge's 20 ms.
        let voice = Voice { payloads: said.clone(), first: room * WORDS / rooms, mark: Some(WORDS) };
        plans.push(CallPlan { voice: Some(voice), ..site.plan(room)? });
        plans.push(CallPlan { ear: Some(ear), ..site.plan(room)? });
        on_phone.push(heard);
    }
    let (mut sendings, mut from_room) = (Vec::new(), Vec::new());
    for room in 0..rooms {
        let place = rooms + room;
        site.guide(place, 0).await?;
        let (mark, sent) = Mark::new(WORDS);
        site.join_marked(place, 1, (&spoken, room * WORDS / rooms), mark).await?;
        sendings.push(sent);
        let (ear, heard) = Ear::new();
        plans.push(CallPlan { ear: Some(ear), ..site.plan(place)? });
        from_room.push(heard);
    }
    site.bring(plans).await?;
    site.hush();
    // Jitter buffers have found their place by then, too.
    sleep(WELCOME).await;
    site.callers.reset().await?;
    sendings.iter().for_each(|sent| sent.try_iter().for_each(drop));
    sleep(Duration::from_secs_f64(options.duration)).await;
    let look = site.callers.look().await?;
    let marks_of_people: Vec<Vec<u64>> = sendings.iter().map(|sent| sent.try_iter().collect()).collect();
    sleep(TAIL).await;
    site.end().await?;
    // Of two callers in a room, the one who speaks calls first.
    let marks_of =
        |room: usize| look.marks.iter().find(|(number, _)| *number == room * 2).map(|(_, marks)| marks.clone());
    let marks_of_callers: Option<Vec<Vec<u64>>> = (0..rooms).map(marks_of).collect();
    let marks_of_callers = marks_of_callers.context("a caller has not whistled")?;
    ensure!(marks_of_people.iter().all(|marks| !marks.is_empty()), "somebody in a room has not whistled");
    let mut findings = Findings::default();
    let ways = [
        ("in the room", PhoneCodec::Opus, &marks_of_callers, &in_room),
        ("on the phone", PhoneCodec::Pcma, &marks_of_callers, &on_phone),
        ("from the room to the phone", PhoneCodec::Pcma, &marks_of_people, &from_room),
    ];
    for (way, codec, marks, heard) in ways {
        let (mut delays, mut missing) = (Vec::new(), 0);
        for (marks, heard) in marks.iter().zip(heard) {
            let (some, none) = delays_ms(marks, &heard_whistles(codec, heard)?, PATIENCE);
            delays.extend(some);
            missing += none;
        }
        judge(&mut findings, way, delays, missing);
    }
    Ok(findings)
}

/// How long whistles were under way, and how many were not heard.
fn judge(findings: &mut Findings, way: &str, delays: Vec<f64>, missing: usize) {
    let all = (delays.len() + missing) as f64;
    findings.note(format!("whistles heard {way}"), delays.len() as f64);
    findings.judge(format!("share of whistles heard {way}"), delays.len() as f64 / all, Must::AtLeast(MUST_HEAR));
    let delays = Sorted::new(delays);
    findings.note(format!("mouth to ear {way}, p50, ms"), delays.quantile(0.5));
    findings.judge(format!("mouth to ear {way}, p95, ms"), delays.quantile(0.95), Must::AtMost(MUST));
    findings.note(format!("mouth to ear {way}, most, ms"), delays.quantile(1.0));
    findings.note(format!("p95 with the filling of a packet, {way}, ms"), delays.quantile(0.95) + FILLING_MS);
}

/// Of all streams that somebody hears; only one of them whistles.
fn heard_whistles(codec: PhoneCodec, heard: &Heard) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for stream in streams(heard) {
        all.extend(whistles(codec, &stream)?);
    }
    all.sort_unstable();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_whistles_and_missing_ones_are_not_good_enough() {
        let is_good_enough = |delays: Vec<f64>, missing| {
            let mut findings = Findings::default();
            judge(&mut findings, "somewhere", delays, missing);
            findings.are_good_enough()
        };
        assert!(is_good_enough(vec![50.0; 20], 1));
        assert!(!is_good_enough(vec![50.0; 20], 2));
        assert!(!is_good_enough([vec![50.0; 18], vec![81.0; 2]].concat(), 0));
        assert!(!is_good_enough(Vec::new(), 0), "what was not measured does not hold");
    }
}
