// SPDX-License-Identifier: EUPL-1.2
//! Keys as telephones send them, at the limits of ITU-T Q.24, and sound that is no key.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::audio::SILENCE;
use crate::media::codec::{OpusSettings, PhoneCodec, PhoneDecoder, PhoneEncoder};
use crate::media::key_tone::{KeyTone, place_of};
use crate::media::sample_speech::speech;

/// A tone pair: how far off its frequencies are, and how loud (peak) row and column are.
struct Press {
    row: usize,
    column: usize,
    off: f64,
    amplitudes: [f64; 2],
    ms: usize,
}

impl Press {
    fn new(key: char) -> Self {
        let (row, column) = place_of(key);
        Self { row, column, off: 0.0, amplitudes: [5000.0; 2], ms: 60 }
    }

    fn sample(&self, n: usize) -> f64 {
        let at = TAU * n as f64 / 16_000.0 * (1.0 + self.off);
        self.amplitudes[0] * (at * ROWS_HZ[self.row]).sin() + self.amplitudes[1] * (at * COLUMNS_HZ[self.column]).sin()
    }
}

/// Presses after each other, with as long a pause, beginning somewhere within a frame.
fn hear(presses: &[Press], pause_ms: usize, offset: usize) -> String {
    let mut sound = vec![0i16; offset + 800];
    for press in presses {
        sound.extend((0..press.ms * 16).map(|n| press.sample(n).round() as i16));
        sound.extend(vec![0; pause_ms * 16]);
    }
    sound.extend([0; 1600]);
    let mut digits = InBandDigits::new();
    sound.chunks_exact(FRAME_SAMPLES).filter_map(|frame| digits.hear(frame.try_into().unwrap())).collect()
}

fn check(change: impl Fn(&mut Press), is_heard: bool) {
    for key in KEYS.into_iter().flatten() {
        for offset in [0, 37, 111, 200, 290] {
            let mut press = Press::new(key);
            change(&mut press);
            let expected = if is_heard { key.to_string() } else { String::new() };
            assert_eq!(hear(&[press], 50, offset), expected, "{key} at {offset}");
        }
    }
}

#[test]
fn every_key_is_heard_once_however_it_lies_in_the_frames() {
    check(|_| {}, true);
    check(|press| press.ms = 1000, true);
}

#[test]
fn forty_milliseconds_are_enough_and_twenty_are_not() {
    check(|press| press.ms = 40, true);
    check(|press| press.ms = 18, false);
}

#[test]
fn frequencies_may_be_off_by_one_and_a_half_percent_but_not_by_three_and_a_half() {
    for sign in [-1.0, 1.0] {
        check(|press| press.off = sign * 0.015, true);
        check(|press| press.off = sign * 0.035, false);
    }
}

#[test]
fn a_row_may_be_8_db_louder_and_4_db_less_loud() {
    let db = |db: f64| 10f64.powf(db / 20.0);
    check(|press| press.amplitudes[1] /= db(8.0), true);
    check(|press| press.amplitudes[0] /= db(4.0), true);
    check(|press| press.amplitudes[1] /= db(12.0), false);
    check(|press| press.amplitudes[0] /= db(8.0), false);
}

#[test]
fn quiet_keys_are_heard_and_single_tones_are_not() {
    check(|press| press.amplitudes = [600.0; 2], true);
    check(|press| press.amplitudes = [15_000.0; 2], true);
    check(|press| press.amplitudes[1] = 0.0, false);
    check(|press| press.amplitudes[0] = 0.0, false);
    check(|press| press.amplitudes = [100.0; 2], false);
}

#[test]
fn the_same_key_twice_is_two_keys() {
    for offset in [0, 50, 130, 250] {
        let keys = || "1155#".chars().map(Press::new).collect::<Vec<_>>();
        assert_eq!(hear(&keys(), 45, offset), "1155#");
    }
}

#[test]
fn a_key_that_is_interrupted_for_a_moment_is_one_key() {
    for offset in (0..320).step_by(20) {
        let press = Press { ms: 120, ..Press::new('7') };
        let mut sound = vec![0i16; offset];
        sound.extend((0..press.ms * 16).map(|n| press.sample(n).round() as i16));
        // 8 ms.
        sound[offset + 900..offset + 1028].fill(0);
        sound.extend([0; 1600]);
        let mut digits = InBandDigits::new();
        let heard: String =
            sound.chunks_exact(FRAME_SAMPLES).filter_map(|frame| digits.hear(frame.try_into().unwrap())).collect();
        assert_eq!(heard, "7", "at {offset}");
    }
}

#[test]
fn keys_are_heard_through_noise_and_every_codec() {
    let mut rng = StdRng::seed_from_u64(3);
    for codec in [PhoneCodec::Pcma, PhoneCodec::Pcmu, PhoneCodec::G722] {
        let mut encoder = PhoneEncoder::new(codec, OpusSettings::default()).unwrap();
        let mut decoder = PhoneDecoder::new(codec).unwrap();
        let mut digits = InBandDigits::new();
        let mut heard = String::new();
        for key in KEYS.into_iter().flatten() {
            let mut tone = KeyTone::new(key, Duration::from_millis(80));
            for _ in 0..8 {
                let mut frame = SILENCE;
                tone.fill(&mut frame);
                // 20 dB below the key.
                let frame = frame.map(|sample| sample + rng.random_range(-1200..1200));
                let mut payload = Vec::new();
                encoder.encode(&frame, &mut payload).unwrap();
                let mut frame = SILENCE;
                decoder.decode(&payload, &mut frame).unwrap();
                heard.extend(digits.hear(&frame));
            }
        }
        assert_eq!(heard, "123A456B789C*0#D", "{codec:?}");
    }
}

#[test]
fn speech_presses_no_keys() {
    // At many speeds, which makes many voices of one: some 250 seconds.
    let sound = speech().concat();
    let mut heard = String::new();
    for speed in 0..60 {
        let speed = 0.6 + 0.015 * f64::from(speed);
        let mut digits = InBandDigits::new();
        let resampled: Vec<i16> = (0..(sound.len() as f64 / speed) as usize - 1)
            .map(|n| {
                let at = n as f64 * speed;
                let (whole, part) = (at as usize, at.fract());
                let next = sound[(whole + 1).min(sound.len() - 1)];
                (f64::from(sound[whole]) * (1.0 - part) + f64::from(next) * part) as i16
            })
            .collect();
        for frame in resampled.chunks_exact(FRAME_SAMPLES) {
            heard.extend(digits.hear(frame.try_into().unwrap()));
        }
    }
    assert_eq!(heard, "");
}
