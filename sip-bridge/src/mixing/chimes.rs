// SPDX-License-Identifier: EUPL-1.2
//! Short sounds for what happens in a meeting, for those who see no screen. What rises has come or is open, what falls has
//! gone or is closed; people come and go on high notes, and microphones on low ones. A note that is repeated answers a key.

use std::sync::Arc;

use super::tones::{self, Shape};
use crate::audio::SAMPLE_RATE_HZ;

const MS: usize = SAMPLE_RATE_HZ as usize / 1_000;

/// How loud a note is at most: -20 dBFS, softer than a voice.
const AMPLITUDE: f32 = 3_000.0;

/// A soft bell.
const BELL: [f32; 3] = [1.0, 0.2, 0.05];

/// All of them, at 16 kHz. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Chimes {
    /// Somebody has come.
    pub joined: Arc<[i16]>,
    /// Somebody has gone.
    pub left: Arc<[i16]>,
    /// The caller is not heard any more.
    pub muted: Arc<[i16]>,
    /// The caller is heard again.
    pub unmuted: Arc<[i16]>,
    /// What a key was for has been done.
    pub done: Arc<[i16]>,
    /// A key means nothing, or what it was for goes no further.
    pub unknown: Arc<[i16]>,
}

impl Default for Chimes {
    fn default() -> Self {
        Self::new()
    }
}

impl Chimes {
    /// Makes them. They are always the same.
    pub fn new() -> Self {
        Self {
            joined: two_notes(76, 81, 110, 340),
            left: two_notes(81, 76, 110, 340),
            muted: two_notes(67, 60, 80, 170),
            unmuted: two_notes(60, 67, 80, 170),
            done: two_notes(72, 72, 60, 120),
            unknown: two_notes(55, 55, 110, 140),
        }
    }
}

/// Two notes (MIDI numbers), the second `apart_ms` after the first, both `length_ms` long.
fn two_notes(first: u8, second: u8, apart_ms: usize, length_ms: usize) -> Arc<[i16]> {
    let mut canvas = vec![0.0; (apart_ms + length_ms) * MS];
    for (note, start) in [(first, 0), (second, apart_ms * MS)] {
        let length = length_ms * MS;
        let shape = Shape { start, length, attack: 8 * MS, release: length / 2, decay: Some(length / 3) };
        tones::add_tone(&mut canvas, shape, tones::note_hz(note), AMPLITUDE, &BELL);
    }
    canvas.into_iter().map(|sample| sample as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_short_and_soft_and_do_not_click() {
        let Chimes { joined, left, muted, unmuted, done, unknown } = Chimes::new();
        for chime in [joined, left, muted, unmuted, done, unknown] {
            assert!(chime.len() <= 500 * MS);
            let peak = chime.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((1_500..5_000).contains(&peak), "{peak}");
            assert!(chime[0].unsigned_abs() < 20 && chime[chime.len() - 1].unsigned_abs() < 20);
            assert!(chime.windows(2).all(|pair| pair[0].abs_diff(pair[1]) < 2_500));
        }
    }

    #[test]
    fn all_are_different() {
        let Chimes { joined, left, muted, unmuted, done, unknown } = Chimes::new();
        let all = [joined, left, muted, unmuted, done, unknown];
        for (at, chime) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|other| other != chime));
        }
    }
}
