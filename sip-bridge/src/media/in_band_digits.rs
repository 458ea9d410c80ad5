// SPDX-License-Identifier: EUPL-1.2
//! Keys heard as tones, for telephones that do not send telephone events (RFC 4733). To be used only then: speech can sound
//! like a key, and whoever hears the tones of a recording would press keys by it.
//!
//! Limits follow ITU-T Q.24: both tones within 1.5 % of their frequency are taken and beyond 3.5 % not, 40 ms are enough,
//! a row may be 8 dB louder than its column and 4 dB less loud.

use std::f64::consts::{PI, TAU};

use super::keypad::{COLUMNS_HZ, KEYS, ROWS_HZ};
use super::resample::Halver;
use crate::audio::{FRAME_SAMPLES, Frame};

#[cfg(test)]
mod tests;

/// Keys have all they need below 4 kHz.
const RATE_HZ: f64 = 8000.0;

/// What is looked at: 24 ms, so that a tone of 40 ms fills two windows.
const WINDOW: usize = 192;

/// How far windows are apart: 8 ms.
const HOP: usize = 64;

/// A key is one when it is found in so many windows in a row, and over when it is missing in so many.
const WINDOWS_TO_BEGIN: u32 = 2;
const WINDOWS_TO_END: u32 = 4;

/// Halfway between 1.5 % and 3.5 %.
const TOLERANCE: f64 = 0.025;

/// The distance from a tone's frequency at which it is compared on both sides, in Hz: with the tolerance of the highest
/// column within the window's main lobe, 83 Hz.
const BESIDE_HZ: f64 = 25.0;

/// The share of all power that both tones together must have. Speech has more beside them, a line 10 dB of noise.
const LEAST_SHARE: f32 = 0.82;

/// Limits of the row's power over the column's: 8 dB and -4 dB, with 1 dB for what the window costs.
const ROW_OVER_COLUMN: f32 = 7.9;
const COLUMN_OVER_ROW: f32 = 3.2;

/// Each tone must be louder than -39 dBFS: Q.24 asks for -25 dBm0 or less, which is -28 dBFS, and lines lose some more.
const LEAST_AMPLITUDE: f32 = 370.0;

/// A window 10 dB below the loudest of its key belongs to the pause after it.
const PAUSE_SHARE: f32 = 0.1;

/// One frequency of the keypad, with the two beside it.
struct Probe {
    below: f32,
    middle: f32,
    above: f32,
    /// How much power on one side may be over that on the other.
    lopsided: f32,
}

impl Probe {
    fn new(hz: f64) -> Self {
        let coefficient = |hz: f64| (2.0 * (TAU * hz / RATE_HZ).cos()) as f32;
        let off = hz * TOLERANCE;
        let near = lobe(off - BESIDE_HZ);
        let far = lobe(off + BESIDE_HZ);
        Self {
            below: coefficient(hz - BESIDE_HZ),
            middle: coefficient(hz),
            above: coefficient(hz + BESIDE_HZ),
            lopsided: ((near / far) * (near / far)) as f32,
        }
    }

    /// The tone's power, if it is at this frequency.
    fn power(&self, sound: &[f32; WINDOW]) -> Option<f32> {
        let (below, middle, above) =
            (goertzel(sound, self.below), goertzel(sound, self.middle), goertzel(sound, self.above));
        let is_near = below <= above * self.lopsided && above <= below * self.lopsided;
        is_near.then_some(below.max(middle).max(above))
    }
}

/// A Hann window's response at a distance from a tone, in parts of what it has there.
fn lobe(off_hz: f64) -> f64 {
    let bins = off_hz * WINDOW as f64 / RATE_HZ;
    let sinc = if bins == 0.0 { 1.0 } else { (PI * bins).sin() / (PI * bins) };
    sinc / (1.0 - bins * bins)
}

/// The power at one frequency, by Goertzel's recursion.
fn goertzel(sound: &[f32; WINDOW], coefficient: f32) -> f32 {
    let (mut last, mut before) = (0.0f32, 0.0f32);
    for sample in sound {
        let now = sample + coefficient * last - before;
        before = last;
        last = now;
    }
    last * last + before * before - coefficient * last * before
}

/// See the [module](self). One for each stream.
pub struct InBandDigits {
    halver: Halver,
    sound: [f32; WINDOW],
    filled: usize,
    window: [f32; WINDOW],
    rows: [Probe; 4],
    columns: [Probe; 4],
    /// What the last window had, how often in a row.
    candidate: Option<char>,
    in_a_row: u32,
    /// The key that is down, how loud it was at most, and in how many windows it is missing.
    pressed: Option<(char, f32)>,
    missing: u32,
}

impl Default for InBandDigits {
    fn default() -> Self {
        Self::new()
    }
}

impl InBandDigits {
    /// Has heard nothing.
    pub fn new() -> Self {
        Self {
            halver: Halver::new(),
            sound: [0.0; WINDOW],
            filled: WINDOW - HOP,
            window: std::array::from_fn(|n| (0.5 - 0.5 * (TAU * (n as f64 + 0.5) / WINDOW as f64).cos()) as f32),
            rows: ROWS_HZ.map(Probe::new),
            columns: COLUMNS_HZ.map(Probe::new),
            candidate: None,
            in_a_row: 0,
            pressed: None,
            missing: 0,
        }
    }

    /// Hears a frame. A key is told once, when it has been heard for about 40 ms.
    pub fn hear(&mut self, frame: &Frame) -> Option<char> {
        let mut narrow = [0; FRAME_SAMPLES / 2];
        self.halver.process(frame, &mut narrow);
        let mut found = None;
        for sample in narrow {
            self.sound[self.filled] = f32::from(sample);
            self.filled += 1;
            if self.filled == WINDOW {
                found = found.or(self.look());
                self.sound.copy_within(HOP.., 0);
                self.filled = WINDOW - HOP;
            }
        }
        found
    }

    /// Looks at one window.
    fn look(&mut self) -> Option<char> {
        let (key, power) = self.key_in_window();
        if key.is_some() && key == self.candidate {
            self.in_a_row = self.in_a_row.saturating_add(1);
        } else {
            self.in_a_row = 1;
        }
        self.candidate = key;
        if let Some((pressed, loudest)) = self.pressed {
            if key == Some(pressed) && power > loudest * PAUSE_SHARE {
                self.pressed = Some((pressed, loudest.max(power)));
                self.missing = 0;
                return None;
            }
            self.missing += 1;
            if self.missing >= WINDOWS_TO_END {
                self.pressed = None;
                // What fades out after a key is not its beginning.
                self.in_a_row = 0;
            }
            if key == Some(pressed) {
                return None;
            }
        }
        let begun = key.filter(|_| self.in_a_row >= WINDOWS_TO_BEGIN)?;
        self.pressed = Some((begun, power));
        self.missing = 0;
        Some(begun)
    }

    /// The key whose two tones make up the window, and their power.
    fn key_in_window(&self) -> (Option<char>, f32) {
        let mut sound = self.sound;
        for (sample, weight) in sound.iter_mut().zip(&self.window) {
            *sample *= weight;
        }
        let all: f32 = sound.iter().map(|sample| sample * sample).sum();
        // A sine of amplitude 1 has 3/16 of the window's samples in this sum.
        let least = LEAST_AMPLITUDE * LEAST_AMPLITUDE * 3.0 / 16.0 * WINDOW as f32;
        if all < 2.0 * least {
            return (None, 0.0);
        }
        let (Some(row), Some(column)) = (loudest(&self.rows, &sound), loudest(&self.columns, &sound)) else {
            return (None, 0.0);
        };
        // From the spectrum's square to the sum over samples, for a Hann window.
        let scale = 3.0 / WINDOW as f32;
        let (row_power, column_power) = (row.1 * scale, column.1 * scale);
        let is_key = row_power >= least
            && column_power >= least
            && row_power <= column_power * ROW_OVER_COLUMN
            && column_power <= row_power * COLUMN_OVER_ROW
            && row_power + column_power >= all * LEAST_SHARE;
        (is_key.then_some(KEYS[row.0][column.0]), row_power + column_power)
    }
}

/// The strongest of four frequencies, if the tone is near enough to it.
fn loudest(probes: &[Probe; 4], sound: &[f32; WINDOW]) -> Option<(usize, f32)> {
    let (index, probe) =
        probes.iter().enumerate().max_by(|a, b| goertzel(sound, a.1.middle).total_cmp(&goertzel(sound, b.1.middle)))?;
    Some((index, probe.power(sound)?))
}
