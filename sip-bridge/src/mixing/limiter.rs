// SPDX-License-Identifier: EUPL-1.2
//! Keeps the sum of several voices within what a sample can hold, without clipping and without being heard.
//!
//! The gain goes down ahead of a peak, as far as the frame lets one see it coming, and comes back slowly. What is too loud
//! in the first millisecond of a frame cannot be seen coming; it is bent into the last decibel by a smooth curve.

use crate::audio::{FRAME_SAMPLES, Frame};

/// The gain is decided for each millisecond.
const BLOCK_SAMPLES: usize = 16;
const BLOCKS: usize = FRAME_SAMPLES / BLOCK_SAMPLES;

/// Up to here nothing is touched: -1 dBFS.
const CEILING: f32 = 29_200.0;

/// What is above the ceiling is bent into this range, and never reaches its end.
const KNEE: f32 = 3_000.0;

/// By how much the gain falls in a millisecond at most where a peak is seen coming: 1.5 dB.
const ATTACK: f32 = 1.19;

/// By how much the gain comes back in a millisecond: 0.02 dB, 20 dB a second. Faster would pump.
const RELEASE: f32 = 1.002_3;

/// A limiter's memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limiter {
    gain: f32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { gain: 1.0 }
    }
}

impl Limiter {
    /// Limits a frame. `volume` is what the sum is multiplied with before: at the start and at the end of the frame.
    pub(super) fn process(&mut self, sum: &[i32; FRAME_SAMPLES], volume: (f32, f32), out: &mut Frame) {
        if volume == (1.0, 1.0) && self.gain == 1.0 && sum.iter().all(|sample| sample.unsigned_abs() as f32 <= CEILING)
        {
            for (out, sample) in out.iter_mut().zip(sum) {
                *out = *sample as i16;
            }
            return;
        }
        let mut loud = [0.0_f32; FRAME_SAMPLES];
        let step = (volume.1 - volume.0) / FRAME_SAMPLES as f32;
        for (at, (loud, sample)) in loud.iter_mut().zip(sum).enumerate() {
            *loud = *sample as f32 * (volume.0 + step * at as f32);
        }
        let gains = self.gains(&loud);
        for (block, (loud, out)) in
            loud.chunks_exact(BLOCK_SAMPLES).zip(out.chunks_exact_mut(BLOCK_SAMPLES)).enumerate()
        {
            let slope = (gains[block + 1] - gains[block]) / BLOCK_SAMPLES as f32;
            for (at, (loud, out)) in loud.iter().zip(out).enumerate() {
                *out = bend(loud * (gains[block] + slope * at as f32)) as i16;
            }
        }
        self.gain = gains[BLOCKS];
    }

    /// Goes on by a frame of silence.
    pub(super) fn rest(&mut self) {
        self.gain = 1.0;
    }

    /// Whether two will do the same to the same sound, as far as one can hear.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.gain - other.gain).abs() < 0.002
    }

    /// The gain at the start of each block and at the end of the last.
    fn gains(&self, loud: &[f32; FRAME_SAMPLES]) -> [f32; BLOCKS + 1] {
        let mut allowed = [1.0_f32; BLOCKS];
        for (allowed, block) in allowed.iter_mut().zip(loud.chunks_exact(BLOCK_SAMPLES)) {
            let peak = block.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            if peak > CEILING {
                *allowed = CEILING / peak;
            }
        }
        let mut gains = [self.gain; BLOCKS + 1];
        for at in 1..=BLOCKS {
            let both = allowed[at - 1].min(*allowed.get(at).unwrap_or(&1.0));
            gains[at] = (gains[at - 1] * RELEASE).min(both).min(1.0);
        }
        // From the back: where it must be low, it begins to fall earlier. The first is what the last frame ended with.
        for at in (1..BLOCKS).rev() {
            gains[at] = gains[at].min(gains[at + 1] * ATTACK);
        }
        gains
    }
}

/// Leaves what is below the ceiling, and bends what is above so that it never gets to the end of the scale.
fn bend(sample: f32) -> f32 {
    let over = sample.abs() - CEILING;
    if over <= 0.0 {
        return sample;
    }
    (CEILING + over / (1.0 + over / KNEE)).copysign(sample)
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    const UNCHANGED: (f32, f32) = (1.0, 1.0);

    fn tone(frame: usize, hz: f32, amplitude: f32) -> [i32; FRAME_SAMPLES] {
        std::array::from_fn(|at| {
            let time = (frame * FRAME_SAMPLES + at) as f32 / 16_000.0;
            (amplitude * (TAU * hz * time).sin()) as i32
        })
    }

    fn limited(frames: usize, sum: impl Fn(usize) -> [i32; FRAME_SAMPLES]) -> Vec<i16> {
        let mut limiter = Limiter::default();
        let mut out = Vec::new();
        for frame in 0..frames {
            let mut limited = [0; FRAME_SAMPLES];
            limiter.process(&sum(frame), UNCHANGED, &mut limited);
            out.extend(limited);
        }
        out
    }

    #[test]
    fn what_is_not_too_loud_is_not_touched() {
        let sum = tone(0, 440.0, 29_000.0);
        assert_eq!(limited(1, |_| sum), sum.map(|sample| sample as i16));
    }

    #[test]
    fn nothing_reaches_the_end_of_the_scale() {
        for amplitude in [33_000.0, 60_000.0, 330_000.0, 1e9] {
            let out = limited(
                20,
                |frame| if frame < 5 { tone(frame, 300.0, 1_000.0) } else { tone(frame, 300.0, amplitude) },
            );
            assert!(out.iter().all(|sample| sample.unsigned_abs() < 32_300), "{amplitude}");
        }
    }

    #[test]
    fn a_loud_tone_stays_a_tone() {
        let out = limited(50, |frame| tone(frame, 440.0, 90_000.0));
        let steady = &out[25 * FRAME_SAMPLES..];
        let (mut sine, mut cosine, mut energy) = (0.0_f64, 0.0, 0.0);
        for (at, sample) in steady.iter().enumerate() {
            let phase = std::f64::consts::TAU * 440.0 * at as f64 / 16_000.0;
            sine += f64::from(*sample) * phase.sin();
            cosine += f64::from(*sample) * phase.cos();
            energy += f64::from(*sample).powi(2);
        }
        let tone = (sine * sine + cosine * cosine) * 2.0 / steady.len() as f64;
        assert!(tone / energy > 0.999, "distortion above 3 %: {}", 1.0 - tone / energy);
    }

    #[test]
    fn the_gain_comes_back_slowly_and_completely() {
        let out = limited(120, |frame| tone(frame, 440.0, if frame < 10 { 60_000.0 } else { 10_000.0 }));
        let peak = |frame: usize| {
            out[frame * FRAME_SAMPLES..(frame + 1) * FRAME_SAMPLES]
                .iter()
                .map(|sample| sample.unsigned_abs())
                .max()
                .unwrap()
        };
        assert!((4_800..5_400).contains(&peak(10)), "{}", peak(10));
        for frame in 10..119 {
            let (now, next) = (f32::from(peak(frame)), f32::from(peak(frame + 1)));
            assert!(next >= now * 0.999 && next < now * 1.06, "0.4 dB a frame, {frame}: {now} {next}");
        }
        assert!(peak(119) > 9_900);
    }

    #[test]
    fn a_changed_volume_is_reached_within_the_frame() {
        let mut limiter = Limiter::default();
        let mut out = [0; FRAME_SAMPLES];
        limiter.process(&[10_000; FRAME_SAMPLES], (1.0, 0.5), &mut out);
        assert_eq!(out[0], 10_000);
        assert!((5_000..5_030).contains(&out[FRAME_SAMPLES - 1]));
        assert!(out.windows(2).all(|pair| pair[0] - pair[1] < 20));
    }
}
