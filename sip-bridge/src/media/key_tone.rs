// SPDX-License-Identifier: EUPL-1.2
//! A key as a telephone sounds it, for tests.

use std::f64::consts::TAU;
use std::time::Duration;

use super::keypad::{COLUMNS_HZ, KEYS, ROWS_HZ};
use crate::audio::{Frame, SAMPLE_RATE_HZ};

/// The peak of each of the two tones: -13 dBFS, about -9 dBm0, as telephones send it.
const AMPLITUDE: f64 = 7300.0;

/// How long a tone takes to begin and to end, in samples: 2 ms, or it would click.
const RAMP: u64 = 32;

/// Makes the tones of a key that is pressed once, frame by frame.
pub(crate) struct KeyTone {
    frequencies_hz: [f64; 2],
    /// How many samples it lasts, and how many have been made.
    samples: u64,
    at: u64,
}

impl KeyTone {
    pub(crate) fn new(key: char, pressed: Duration) -> Self {
        let (row, column) = place_of(key);
        let samples = pressed.as_millis() as u64 * u64::from(SAMPLE_RATE_HZ) / 1000;
        Self { frequencies_hz: [ROWS_HZ[row], COLUMNS_HZ[column]], samples, at: 0 }
    }

    /// Makes the next 20 ms; after the end, silence.
    pub(crate) fn fill(&mut self, frame: &mut Frame) {
        for sample in frame {
            *sample = self.sample();
            self.at += 1;
        }
    }

    fn sample(&self) -> i16 {
        let ramp = self.at.min(self.samples.saturating_sub(self.at)).min(RAMP) as f64 / RAMP as f64;
        let time = self.at as f64 / f64::from(SAMPLE_RATE_HZ);
        let sum: f64 = self.frequencies_hz.iter().map(|hz| (TAU * hz * time).sin()).sum();
        (sum * AMPLITUDE * ramp).round() as i16
    }
}

/// The row and column of a key.
pub(crate) fn place_of(key: char) -> (usize, usize) {
    let column = |keys: &[char; 4]| keys.iter().position(|other| *other == key);
    KEYS.iter().enumerate().find_map(|(row, keys)| Some((row, column(keys)?))).unwrap()
}
