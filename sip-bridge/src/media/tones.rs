// SPDX-License-Identifier: EUPL-1.2
//! The tones of the telephone network: keys (ITU-T Q.23), and what is heard while a call is set up (ITU-T E.180, with the
//! frequency and the rhythm that are used in Germany and most of Europe).

use std::f64::consts::TAU;
use std::time::Duration;

use crate::audio::{Frame, SAMPLE_RATE_HZ};

/// The rows and columns of a keypad, in Hz.
pub const ROWS_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
/// See [`ROWS_HZ`].
pub const COLUMNS_HZ: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

/// The keys, row by row.
pub const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// What signals in a call are made of.
const SIGNAL_HZ: f64 = 425.0;

/// The peak of each tone of a key: -13 dBFS, about -9 dBm0, as telephones send it.
const KEY_AMPLITUDE: f64 = 7300.0;

/// The peak of signals: -20 dBFS.
const SIGNAL_AMPLITUDE: f64 = 3280.0;

/// How long a tone takes to begin and to end, in samples: 2 ms, or it would click.
const RAMP: u64 = 32;

/// Makes one tone or signal, frame by frame.
#[derive(Clone, Debug)]
pub struct ToneGenerator {
    frequencies_hz: [f64; 2],
    amplitude: f64,
    on: u64,
    off: u64,
    repeats: bool,
    at: u64,
}

impl ToneGenerator {
    /// A key, once. `None`: there is no such key.
    pub fn key(key: char, on: Duration) -> Option<Self> {
        let (row, column) = place_of(key)?;
        let frequencies_hz = [ROWS_HZ[row], COLUMNS_HZ[column]];
        Some(Self { frequencies_hz, amplitude: KEY_AMPLITUDE, on: samples(on), off: 0, repeats: false, at: 0 })
    }

    /// The other telephone rings: one second of five.
    pub fn ringing() -> Self {
        Self::signal(1000, 4000)
    }

    /// The other telephone is busy.
    pub fn busy() -> Self {
        Self::signal(480, 480)
    }

    /// The call cannot be made.
    pub fn congestion() -> Self {
        Self::signal(240, 240)
    }

    fn signal(on_ms: u64, off_ms: u64) -> Self {
        Self {
            frequencies_hz: [SIGNAL_HZ, 0.0],
            amplitude: SIGNAL_AMPLITUDE,
            on: samples(Duration::from_millis(on_ms)),
            off: samples(Duration::from_millis(off_ms)),
            repeats: true,
            at: 0,
        }
    }

    /// Whether all of it has been made, so that only silence follows.
    pub fn is_over(&self) -> bool {
        !self.repeats && self.at >= self.on
    }

    /// Makes the next 20 ms.
    pub fn fill(&mut self, frame: &mut Frame) {
        for sample in frame {
            *sample = self.sample();
            self.at += 1;
        }
    }

    fn sample(&self) -> i16 {
        let within = if self.repeats { self.at % (self.on + self.off).max(1) } else { self.at };
        let Some(left) = self.on.checked_sub(within).filter(|left| *left > 0) else {
            return 0;
        };
        let ramp = within.min(left).min(RAMP) as f64 / RAMP as f64;
        let time = self.at as f64 / f64::from(SAMPLE_RATE_HZ);
        let sum: f64 = self.frequencies_hz.iter().map(|hz| (TAU * hz * time).sin()).sum();
        (sum * self.amplitude * ramp).round() as i16
    }
}

/// The row and column of a key.
pub fn place_of(key: char) -> Option<(usize, usize)> {
    KEYS.iter().enumerate().find_map(|(row, keys)| Some((row, keys.iter().position(|other| *other == key)?)))
}

fn samples(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / SAMPLE_RATE_HZ as u64) * u64::from(SAMPLE_RATE_HZ)
        / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{FRAME_SAMPLES, SILENCE};

    #[test]
    fn a_key_sounds_for_as_long_as_it_is_pressed() {
        let mut tone = ToneGenerator::key('5', Duration::from_millis(50)).unwrap();
        let mut sound = Vec::new();
        let mut frame = SILENCE;
        while !tone.is_over() {
            tone.fill(&mut frame);
            sound.extend(frame);
        }
        assert_eq!(sound.len(), 3 * FRAME_SAMPLES);
        assert!(sound[800..].iter().all(|sample| *sample == 0));
        assert!(sound[760..800].iter().any(|sample| sample.abs() > 1000));
        assert!(ToneGenerator::key('x', Duration::from_millis(50)).is_none());
    }

    #[test]
    fn busy_has_its_rhythm() {
        let mut tone = ToneGenerator::busy();
        let mut frame = SILENCE;
        let loud: Vec<bool> = (0..96)
            .map(|_| {
                tone.fill(&mut frame);
                frame.iter().any(|sample| sample.abs() > 3000)
            })
            .collect();
        assert!(loud.chunks(24).zip([true, false, true, false]).all(|(part, on)| part.iter().all(|loud| *loud == on)));
        assert!(!tone.is_over());
    }

    #[test]
    fn every_key_has_its_place() {
        assert_eq!(place_of('1'), Some((0, 0)));
        assert_eq!(place_of('#'), Some((3, 2)));
        assert_eq!(place_of('E'), None);
    }
}
