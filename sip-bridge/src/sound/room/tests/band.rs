// SPDX-License-Identifier: EUPL-1.2
//! How high a sound may be that gets through the bridge: tones between telephones with G.722 and the room, as they are
//! after all that the bridge does with them.

use std::f64::consts::TAU;
use std::net::SocketAddr;
use std::ops::Range;

use ropus::{Application, Bitrate, Channels, Encoder};

use super::*;
use crate::audio::SILENCE;
use crate::media::codec::{PhoneCodec, PhoneDecoder};
use crate::media::sample_speech::speech;
use crate::sound::testing::{WIDEBAND, power_at};

/// From the middle of a voice, against which the others are measured, to the end of what G.722 is made for.
const TONES_HZ: [f64; 4] = [1_000.0, 3_000.0, 5_000.0, 7_000.0];

/// How far a tone may be from the first, in dB: half of what wideband telephones may lose at 7 kHz. G.722 and Opus by
/// themselves lose less than 1 dB.
const MOST_DB: f64 = 3.0;

/// A first tone that is quieter has not got through: 13 dB down, of which the level control may take 12.
const LEAST_POWER: f64 = PEAK * PEAK / 2.0 / 20.0;

/// How high tones swing, as [`whistle`] has it.
const PEAK: f64 = 6_000.0;

/// Ticks of words before the tone: a tone alone is not taken for a voice, one that follows on words belongs to them. And
/// the level control has learnt the same before each of the tones.
const WORDS: usize = 200;

/// Ticks of the tone that are measured: once it is through, and before it may be taken for noise, 12 ticks after words.
const MEASURED: Range<usize> = WORDS + 6..WORDS + 12;

/// Where the telephones are.
const TELEPHONE: &str = "192.0.2.1:4000";

/// How loud a tone of a caller is in the room, after Opus, and on another caller's telephone, after the mix.
fn of_a_caller(hz: f64, lines: &str, phone: fn() -> Phone) -> [f64; 2] {
    let mut rig = Rig::new();
    let mut calls = [1, 2].map(|number| (rig.take_call(number, "RM_1", lines), phone()));
    let mut in_room = PhoneDecoder::new(PhoneCodec::Opus).unwrap();
    let from: SocketAddr = TELEPHONE.parse().unwrap();
    let (sentence, mut opus, mut heard) = (speech(), Vec::new(), [Vec::new(), Vec::new()]);
    for tick in 0..MEASURED.end {
        let now = rig.now;
        // The first seconds of the sentence have no long pause.
        let words = if tick < WORDS { sentence[10 + tick % 50] } else { whistle(tick, hz) };
        let mut packet = calls[0].1.say(&words);
        calls[0].0.handle_datagram(now, from, &mut packet);
        for (number, (sound, _)) in (1..).zip(&mut calls) {
            sound.listen(now);
            rig.rooms.listen_to(call(number), sound.said());
        }
        let mut frames = [SILENCE; 2];
        for (key, meeting) in rig.tick(&[]) {
            let (sound, phone) = &mut calls[key.0 as usize - 1];
            sound.speak(now, meeting.as_ref(), &mut Vec::new(), |_, packet| {
                if let Some(frame) = phone.hear(packet).filter(|_| key == call(2)) {
                    frames[1] = frame;
                }
            });
        }
        if let Some((_, packet)) = rig.rooms.voice_packet(call(1), calls[0].0.said(), &mut opus).unwrap() {
            in_room.decode(&packet.payload, &mut frames[0]).unwrap();
        }
        for (heard, frame) in heard.iter_mut().zip(frames) {
            heard.push(frame);
        }
    }
    heard.map(|frames| power_of(&frames[MEASURED], hz))
}

/// How loud a tone of somebody in a browser is on the telephone.
fn of_the_room(hz: f64) -> f64 {
    let mut rig = Rig::new();
    let (mut sound, mut phone) = (rig.take_call(1, "RM_1", WIDEBAND), Phone::wideband());
    rig.hear(1, ANNAS);
    // As browsers have it for a microphone.
    let mut encoder = Encoder::builder(48_000, Channels::Mono, Application::Voip)
        .bitrate(Bitrate::Bits(32_000))
        .complexity(9)
        .build()
        .unwrap();
    let mut heard = Vec::new();
    for tick in 0..MEASURED.end {
        let sample = |at: usize| PEAK * (TAU * hz * (tick * 960 + at) as f64 / 48_000.0).sin();
        let pcm: Vec<i16> = (0..960).map(|at| sample(at) as i16).collect();
        let mut payload = vec![0; 1_276];
        let length = encoder.encode(&pcm, &mut payload).unwrap();
        payload.truncate(length);
        rig.anna_sends(960, payload);
        let now = rig.now;
        sound.listen(now);
        let meeting = rig.tick(&[]).pop().and_then(|(_, frame)| frame);
        sound.speak(now, meeting.as_ref(), &mut Vec::new(), |_, packet| heard.extend(phone.hear(packet)));
    }
    power_of(&heard[MEASURED], hz)
}

fn power_of(frames: &[Frame], hz: f64) -> f64 {
    frames.iter().map(|frame| power_at(frame, hz)).sum::<f64>() / frames.len() as f64
}

/// How loud each of the tones is against the first, in dB.
fn levels_db(way: &str, powers: [f64; TONES_HZ.len()]) -> [f64; TONES_HZ.len()] {
    assert!(powers[0] > LEAST_POWER, "{way}: the first tone has a mean square of {}", powers[0]);
    let levels = powers.map(|power| 10.0 * (power / powers[0]).log10());
    println!("{way}: {levels:.2?} dB at {TONES_HZ:?} Hz");
    levels
}

fn check(way: &str, powers: [f64; TONES_HZ.len()]) {
    let levels = levels_db(way, powers);
    assert!(levels.iter().all(|level| level.abs() < MOST_DB), "{way}: {levels:?} dB at {TONES_HZ:?} Hz");
}

#[test]
fn a_wideband_caller_is_heard_up_to_7_khz() {
    let powers = TONES_HZ.map(|hz| of_a_caller(hz, WIDEBAND, Phone::wideband));
    check("a caller in the room", powers.map(|[in_room, _]| in_room));
    check("a caller on another telephone", powers.map(|[_, on_phone]| on_phone));
}

#[test]
fn a_wideband_caller_hears_the_room_up_to_7_khz() {
    check("the room on the telephone", TONES_HZ.map(of_the_room));
}

#[test]
fn what_does_not_get_through_is_missed() {
    let powers = TONES_HZ.map(|hz| of_a_caller(hz, USUAL, Phone::new));
    for (way, place) in [("a narrow caller in the room", 0), ("a narrow caller on another telephone", 1)] {
        let [_, lower, high, higher] = levels_db(way, powers.map(|heard| heard[place]));
        assert!(lower.abs() < MOST_DB && high < -20.0 && higher < -20.0, "{way}: {lower} {high} {higher} dB");
    }
}
