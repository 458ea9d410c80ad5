// SPDX-License-Identifier: EUPL-1.2
//! Hold music of our own, so that it is nobody else's: eight slow chords with single notes above them, made of sines when the
//! bridge starts, always the same, and of nothing that a telephone would cut off.

use std::sync::Arc;

use super::tones::{self, Shape};
use crate::audio::SAMPLE_RATE_HZ;

/// A chord lasts 3.75 s, and the whole 30 s.
const CHORD_SAMPLES: usize = SAMPLE_RATE_HZ as usize * 15 / 4;

/// How loud it is on average, of a full scale of 32,768: -26 dBFS, the level of telephony's test speech (ITU-T P.56).
const RMS: f32 = 1_642.0;

/// Bass note, the chord's notes from low to high (MIDI numbers), and the order in which single notes are taken from it.
const CHORDS: [(u8, [u8; 4], [usize; 8]); 8] = [
    (50, [62, 66, 69, 73], [0, 2, 1, 3, 2, 1, 0, 2]),
    (47, [59, 62, 66, 69], [3, 1, 2, 0, 1, 2, 3, 1]),
    (43, [55, 59, 62, 66], [1, 2, 3, 2, 0, 1, 3, 2]),
    (45, [57, 61, 64, 66], [2, 0, 1, 3, 2, 1, 2, 0]),
    (42, [54, 57, 61, 64], [3, 2, 1, 2, 0, 2, 3, 1]),
    (43, [55, 59, 62, 66], [0, 1, 2, 3, 1, 3, 2, 1]),
    (40, [55, 59, 62, 64], [3, 1, 0, 2, 3, 2, 1, 0]),
    (45, [57, 62, 64, 67], [1, 3, 2, 0, 2, 1, 3, 2]),
];

/// Overtones of the chords: a saw, but softer.
const SOFT_SAW: [f32; 5] = [1.0, 0.33, 0.17, 0.1, 0.07];
/// Overtones of the single notes: nearly a bell.
const BELL: [f32; 3] = [1.0, 0.25, 0.08];
/// Overtones of the bass. Telephones carry nothing below 300 Hz, where these make up for it.
const BASS: [f32; 4] = [1.0, 0.6, 0.35, 0.15];

/// Music to wait by.
pub struct HoldMusic;

impl HoldMusic {
    /// Makes it: 30 s at 16 kHz, at -26 dBFS, whose beginning follows its end. Takes a tenth of a second, so once is enough.
    pub fn generate() -> Arc<[i16]> {
        let mut canvas = vec![0.0; CHORD_SAMPLES * CHORDS.len()];
        for (number, (bass, chord, order)) in CHORDS.iter().enumerate() {
            let start = number * CHORD_SAMPLES;
            add_chord(&mut canvas, start, chord);
            add_bass(&mut canvas, start, *bass);
            add_notes(&mut canvas, start, chord, order);
        }
        let energy: f32 = canvas.iter().map(|sample| sample * sample).sum();
        let scale = RMS / (energy / canvas.len() as f32).sqrt();
        canvas.iter().map(|sample| (sample * scale) as i16).collect()
    }
}

/// Each note twice, a little apart, so that it moves; longer than its time, so that chords flow into each other.
fn add_chord(canvas: &mut [f32], start: usize, chord: &[u8; 4]) {
    let shape = Shape {
        start,
        length: CHORD_SAMPLES * 7 / 5,
        attack: CHORD_SAMPLES / 3,
        release: CHORD_SAMPLES * 2 / 5,
        decay: None,
    };
    for note in chord {
        let hz = tones::note_hz(*note);
        tones::add_tone(canvas, shape, hz * 0.998_8, 0.16, &SOFT_SAW);
        tones::add_tone(canvas, shape, hz * 1.001_2, 0.16, &SOFT_SAW);
    }
}

fn add_bass(canvas: &mut [f32], start: usize, note: u8) {
    let shape = Shape {
        start,
        length: CHORD_SAMPLES,
        attack: SAMPLE_RATE_HZ as usize / 12,
        release: CHORD_SAMPLES / 4,
        decay: Some(CHORD_SAMPLES),
    };
    tones::add_tone(canvas, shape, tones::note_hz(note), 0.3, &BASS);
}

/// Single notes an octave above the chord, every second one softer.
fn add_notes(canvas: &mut [f32], start: usize, chord: &[u8; 4], order: &[usize; 8]) {
    for (step, index) in order.iter().enumerate() {
        let Some(note) = chord.get(*index) else { continue };
        let shape = Shape {
            start: start + step * CHORD_SAMPLES / order.len(),
            length: SAMPLE_RATE_HZ as usize * 9 / 5,
            attack: SAMPLE_RATE_HZ as usize / 60,
            release: SAMPLE_RATE_HZ as usize / 2,
            decay: Some(SAMPLE_RATE_HZ as usize / 2),
        };
        let amplitude = if step % 2 == 0 { 0.34 } else { 0.2 };
        tones::add_tone(canvas, shape, tones::note_hz(note + 12), amplitude, &BELL);
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    #[test]
    fn it_is_as_loud_as_speech_and_far_from_clipping() {
        let music = HoldMusic::generate();
        assert_eq!(music.len(), 30 * SAMPLE_RATE_HZ as usize);
        let energy: f64 = music.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        let dbfs = 10.0 * (energy / music.len() as f64 / 32_768_f64.powi(2)).log10();
        assert!((-26.2..-25.8).contains(&dbfs), "{dbfs}");
        assert!(music.iter().all(|sample| sample.unsigned_abs() < 10_000));
        for second in music.chunks(SAMPLE_RATE_HZ as usize) {
            let energy: f64 = second.iter().map(|sample| f64::from(*sample).powi(2)).sum();
            let rms = (energy / second.len() as f64).sqrt();
            assert!((700.0..3_000.0).contains(&rms), "calm: no second stands out: {rms}");
        }
    }

    #[test]
    fn it_begins_where_it_ended() {
        let music = HoldMusic::generate();
        let steepest = music.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap();
        assert!(music[0].abs_diff(music[music.len() - 1]) <= steepest);
        let bend = |a: i16, b: i16, c: i16| (i32::from(a) - 2 * i32::from(b) + i32::from(c)).abs();
        let sharpest = music.windows(3).map(|three| bend(three[0], three[1], three[2])).max().unwrap();
        assert!(bend(music[music.len() - 2], music[music.len() - 1], music[0]) <= sharpest);
    }

    #[test]
    fn it_is_always_the_same() {
        assert_eq!(HoldMusic::generate(), HoldMusic::generate());
    }

    #[test]
    fn nothing_of_it_is_above_what_telephones_carry() {
        // A high-pass at 3.5 kHz: a windowed sinc, subtracted from an impulse.
        const HALF: usize = 255;
        let taps: Vec<f64> = (0..=2 * HALF)
            .map(|tap| {
                let at = tap as f64 - HALF as f64;
                let cutoff = 3_500.0 / f64::from(SAMPLE_RATE_HZ);
                let sinc = if tap == HALF { 2.0 * cutoff } else { (2.0 * PI * cutoff * at).sin() / (PI * at) };
                let phase = PI * tap as f64 / HALF as f64;
                let low = sinc * (0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos());
                if tap == HALF { 1.0 - low } else { -low }
            })
            .collect();
        let music = HoldMusic::generate();
        let (mut above, mut all) = (0.0, 0.0);
        for window in music.windows(taps.len()).step_by(7).take(20_000) {
            let high: f64 = window.iter().zip(&taps).map(|(sample, tap)| f64::from(*sample) * tap).sum();
            above += high * high;
            all += f64::from(window[HALF]).powi(2);
        }
        let db = 10.0 * (above / all).log10();
        assert!(db < -55.0, "{db} dB");
    }
}
