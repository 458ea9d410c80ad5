// SPDX-License-Identifier: EUPL-1.2
//! Tones from which our own sounds are put together: sums of sines, none of which a telephone could not carry.

use std::f64::consts::TAU;

use crate::audio::SAMPLE_RATE_HZ;

/// The classic telephone carries up to 3.4 kHz (ITU-T G.712); what is above would only be missing there.
pub(super) const MAX_HZ: f64 = 3_300.0;

/// When a tone sounds: it swells within `attack`, and is faded out over the last `release`, all in samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) start: usize,
    pub(super) length: usize,
    pub(super) attack: usize,
    pub(super) release: usize,
    /// After so many samples it has decayed to 37 %; none for a tone that lasts.
    pub(super) decay: Option<usize>,
}

/// Adds a tone and some of its overtones, each with its part of the amplitude, beginning with the tone itself. What is longer
/// than the canvas goes on at its beginning, so that the whole can be played over and over.
pub(super) fn add_tone(canvas: &mut [f32], shape: Shape, hz: f64, amplitude: f32, overtones: &[f32]) {
    if canvas.is_empty() {
        return;
    }
    for (number, part) in overtones.iter().enumerate() {
        let hz = hz * (number + 1) as f64;
        if hz > MAX_HZ {
            break;
        }
        // A pointer that turns by the same angle for each sample: two multiplications instead of a sine.
        let (turn_sine, turn_cosine) = (TAU * hz / f64::from(SAMPLE_RATE_HZ)).sin_cos();
        let (mut sine, mut cosine) = (0.0_f64, 1.0_f64);
        let fall = shape.decay.map_or(1.0, |samples| (-1.0 / samples as f32).exp());
        let mut level = amplitude * part;
        let mut at = shape.start % canvas.len();
        for sample in 0..shape.length {
            let swell = swell(sample + 1, shape.attack) * swell(shape.length - sample, shape.release);
            canvas[at] += sine as f32 * level * swell;
            (sine, cosine) = (sine * turn_cosine + cosine * turn_sine, cosine * turn_cosine - sine * turn_sine);
            level *= fall;
            at += 1;
            if at == canvas.len() {
                at = 0;
            }
        }
    }
}

/// How far something has come that takes `whole` samples, 0 to 1, without a bend at either end.
fn swell(samples: usize, whole: usize) -> f32 {
    if samples >= whole {
        return 1.0;
    }
    let at = samples as f32 / whole as f32;
    at * at * (3.0 - 2.0 * at)
}

/// A note's frequency, by its MIDI number: 69 is 440 Hz, and each step a semitone.
pub(super) fn note_hz(note: u8) -> f64 {
    440.0 * ((f64::from(note) - 69.0) / 12.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_has_its_frequency() {
        let mut canvas = vec![0.0; 16_000];
        let shape = Shape { start: 0, length: 16_000, attack: 1, release: 1, decay: None };
        add_tone(&mut canvas, shape, 1_000.0, 1.0, &[1.0]);
        let crossings = canvas.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        assert!((998..=1_001).contains(&crossings), "{crossings}");
        assert!(canvas.iter().all(|sample| sample.abs() < 1.000_1));
    }

    #[test]
    fn overtones_above_the_telephone_are_left_out() {
        let shape = Shape { start: 0, length: 1_000, attack: 10, release: 10, decay: None };
        let (mut two, mut many) = (vec![0.0; 1_000], vec![0.0; 1_000]);
        add_tone(&mut two, shape, 1_200.0, 1.0, &[1.0, 0.5]);
        add_tone(&mut many, shape, 1_200.0, 1.0, &[1.0, 0.5, 0.5, 0.5]);
        assert_eq!(two, many);
    }

    #[test]
    fn what_is_too_long_goes_on_at_the_beginning() {
        let mut canvas = vec![0.0; 1_000];
        let shape = Shape { start: 900, length: 200, attack: 10, release: 10, decay: None };
        add_tone(&mut canvas, shape, 440.0, 1.0, &[1.0]);
        assert!(canvas[..100].iter().any(|sample| sample.abs() > 0.5));
        assert!(canvas[100..900].iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn notes_have_their_pitch() {
        assert!((note_hz(69) - 440.0).abs() < 1e-9);
        assert!((note_hz(60) - 261.626).abs() < 1e-3);
    }
}
