// SPDX-License-Identifier: EUPL-1.2
//! Short sounds that answer a key, for those who see no screen: a note that is repeated, high for what has been done and low for
//! what has not.

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
        Self { done: note_twice(72, 60, 120), unknown: note_twice(55, 110, 140) }
    }
}

/// A note (its MIDI number) of `length_ms`, and again `apart_ms` after it has begun.
fn note_twice(note: u8, apart_ms: usize, length_ms: usize) -> Arc<[i16]> {
    let mut canvas = vec![0.0; (apart_ms + length_ms) * MS];
    for start in [0, apart_ms * MS] {
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
        let Chimes { done, unknown } = Chimes::new();
        for chime in [done, unknown] {
            assert!(chime.len() <= 500 * MS);
            let peak = chime.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((1_500..5_000).contains(&peak), "{peak}");
            assert!(chime[0].unsigned_abs() < 20 && chime[chime.len() - 1].unsigned_abs() < 20);
            assert!(chime.windows(2).all(|pair| pair[0].abs_diff(pair[1]) < 2_500));
        }
    }

    #[test]
    fn they_are_different() {
        let Chimes { done, unknown } = Chimes::new();
        assert_ne!(done, unknown);
    }
}
