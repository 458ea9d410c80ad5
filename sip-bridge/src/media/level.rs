// SPDX-License-Identifier: EUPL-1.2
//! How loud a telephone is, and that all are about equally loud: a slow control towards -20 dBFS that only learns from speech
//! and does not raise the noise of pauses, and a limiter that never clips.

use crate::audio::{FRAME_SAMPLES, Frame};

/// The level of speech that is aimed at, as an amplitude: -20 dBFS (root mean square).
const TARGET_AMPLITUDE: f32 = 3276.8;

/// Within these limits, -12 and +18 dB, the control works: beyond, it would raise a room's noise to a voice.
const SMALLEST_GAIN: f32 = 0.25;
const LARGEST_GAIN: f32 = 8.0;

/// How much of each frame of speech is learnt: about a second's worth is remembered.
const LEARNT_SHARE: f32 = 0.02;

/// Frames of speech quieter than this part of the level learnt so far (-15 dB in power) are the ends of words and no
/// measure of how loud somebody is.
const WORTH_LEARNING: f32 = 0.03;

/// How the gain moves towards what it should be, each frame: 3 dB a second upwards, 10 dB a second downwards.
const RISE: f32 = 1.006_93;
const FALL: f32 = 0.977_24;

/// How the gate opens and closes, each frame: within 40 ms, and within half a second.
const OPEN_SHARE: f32 = 0.7;
const CLOSE_SHARE: f32 = 0.1;

/// What comes out is never larger: -1 dBFS.
const LIMIT: f32 = 29_204.0;

/// The limiter reckons in pieces of 2.5 ms and looks one of them ahead.
const PIECE: usize = 40;

/// How much the limiter lets go each piece: 20 dB in 250 ms.
const RELEASE: f32 = 1.023_3;

/// By how many samples the control delays: 2.5 ms.
pub const LATENCY_SAMPLES: usize = PIECE;

/// Silence, as a level of RFC 6464 §3 says it: 127 dB below overload.
pub const SILENT_DBOV: u8 = 127;

/// A frame's level as RFC 6464 §3 tells it: 0 is the loudest, 127 is silence. The unit is -dBov, root mean square.
pub fn level_dbov(frame: &Frame) -> u8 {
    let power = power(frame);
    if power < 1.0 / FRAME_SAMPLES as f32 {
        return SILENT_DBOV;
    }
    let dbov = 10.0 * (power / (32_768.0 * 32_768.0)).log10();
    // The cast saturates.
    (-dbov).round().clamp(0.0, f32::from(SILENT_DBOV)) as u8
}

/// The mean square.
pub(super) fn power(sound: &[i16]) -> f32 {
    let sum: i64 = sound.iter().map(|sample| i64::from(*sample) * i64::from(*sample)).sum();
    sum as f32 / sound.len().max(1) as f32
}

/// See the [module](self). One for each stream.
pub struct LevelControl {
    /// What speech has been like, mean square. `None`: nobody has spoken.
    speech_power: Option<f32>,
    /// What speech is multiplied by.
    gain: f32,
    /// What the last sample was multiplied by: the gain, or less in a pause.
    applied: f32,
    limiter: Limiter,
}

impl Default for LevelControl {
    fn default() -> Self {
        Self::new()
    }
}

impl LevelControl {
    /// Leaves the level as it is until somebody speaks.
    pub fn new() -> Self {
        Self { speech_power: None, gain: 1.0, applied: 1.0, limiter: Limiter::new() }
    }

    /// What speech is multiplied by at present.
    pub fn gain(&self) -> f32 {
        self.gain
    }

    /// Changes the frame; it comes out [`LATENCY_SAMPLES`] later.
    pub fn process(&mut self, frame: &mut Frame, is_speech: bool) {
        if is_speech {
            self.learn(power(frame));
        }
        // In a pause noise is at most as loud as it came.
        let (towards, share) = if is_speech { (self.gain, OPEN_SHARE) } else { (self.gain.min(1.0), CLOSE_SHARE) };
        let applied = self.applied + (towards - self.applied) * share;
        let slope = (applied - self.applied) / FRAME_SAMPLES as f32;
        let mut loud = [0.0; FRAME_SAMPLES];
        for (n, (loud, sample)) in loud.iter_mut().zip(frame.iter()).enumerate() {
            *loud = f32::from(*sample) * (self.applied + slope * (n + 1) as f32);
        }
        self.applied = applied;
        self.limiter.process(&loud, frame);
    }

    fn learn(&mut self, power: f32) {
        let known = self.speech_power.unwrap_or(power);
        if power < known * WORTH_LEARNING || power < 1.0 {
            return;
        }
        let known = known + (power - known) * LEARNT_SHARE;
        self.speech_power = Some(known);
        let wanted = (TARGET_AMPLITUDE / known.sqrt()).clamp(SMALLEST_GAIN, LARGEST_GAIN);
        self.gain = if wanted > self.gain { (self.gain * RISE).min(wanted) } else { (self.gain * FALL).max(wanted) };
    }
}

/// Between two pieces the gain is small enough for both, and within a piece it goes straight from one to the other: so no
/// sample gets over the limit.
struct Limiter {
    waiting: [f32; PIECE],
    /// What the waiting piece may be multiplied by at most.
    waiting_gain: f32,
    gain: f32,
}

impl Limiter {
    fn new() -> Self {
        Self { waiting: [0.0; PIECE], waiting_gain: 1.0, gain: 1.0 }
    }

    fn process(&mut self, sound: &[f32; FRAME_SAMPLES], out: &mut Frame) {
        for (piece, out) in sound.chunks_exact(PIECE).zip(out.chunks_exact_mut(PIECE)) {
            let peak = piece.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            let piece_gain = if peak > LIMIT { LIMIT / peak } else { 1.0 };
            let end = self.waiting_gain.min(piece_gain).min(self.gain * RELEASE);
            let slope = (end - self.gain) / PIECE as f32;
            for (n, (sample, out)) in self.waiting.iter().zip(out).enumerate() {
                *out = (sample * (self.gain + slope * (n + 1) as f32)).round() as i16;
            }
            self.waiting.copy_from_slice(piece);
            self.waiting_gain = piece_gain;
            self.gain = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::SILENCE;
    use crate::media::sample_speech::speech;

    fn sine(amplitude: f64, at: usize) -> Frame {
        std::array::from_fn(|n| (amplitude * ((at * FRAME_SAMPLES + n) as f64 * 0.2).sin()).round() as i16)
    }

    fn db(sound: &[Frame]) -> f32 {
        let mean = sound.iter().map(|frame| power(frame)).sum::<f32>() / sound.len() as f32;
        10.0 * (mean / (32_768.0 * 32_768.0)).log10()
    }

    #[test]
    fn levels_are_those_of_rfc_6464() {
        assert_eq!(level_dbov(&SILENCE), 127);
        assert_eq!(level_dbov(&[i16::MIN; FRAME_SAMPLES]), 0);
        assert_eq!(level_dbov(&[3277; FRAME_SAMPLES]), 20);
        assert_eq!(level_dbov(&sine(32_767.0, 0)), 3, "a full sine is 3 dB below a full square");
        assert_eq!(level_dbov(&[1; FRAME_SAMPLES]), 90);
    }

    #[test]
    fn quiet_and_loud_speech_come_out_alike() {
        let check = |scale: f32| {
            let mut control = LevelControl::new();
            let mut out = Vec::new();
            for _ in 0..6 {
                out.clear();
                for frame in speech() {
                    let mut frame = frame.map(|sample| (f32::from(sample) * scale) as i16);
                    let is_speech = level_dbov(&frame) < 60;
                    control.process(&mut frame, is_speech);
                    out.push(frame);
                }
            }
            db(&out)
        };
        for scale in [0.15, 0.4, 1.0, 1.5] {
            let level = check(scale);
            assert!((-23.5..=-18.0).contains(&level), "scaled by {scale}: {level} dBFS");
        }
    }

    #[test]
    fn noise_in_pauses_is_not_raised() {
        let mut control = LevelControl::new();
        for at in 0..500 {
            control.process(&mut sine(800.0, at), true);
        }
        assert!(control.gain() > 4.0, "{}", control.gain());
        let mut last = SILENCE;
        for at in 0..50 {
            last = sine(30.0, at);
            control.process(&mut last, false);
        }
        assert!(last.iter().all(|sample| sample.abs() <= 31), "{last:?}");
    }

    #[test]
    fn nothing_gets_over_the_limit_however_sudden() {
        let mut control = LevelControl::new();
        for at in 0..800 {
            control.process(&mut sine(400.0, at), true);
        }
        assert!(control.gain() > 7.0);
        for at in 0..50 {
            let mut frame = sine(if at % 7 == 0 { 32_767.0 } else { 200.0 }, at);
            control.process(&mut frame, true);
            assert!(frame.iter().all(|sample| f32::from(sample.abs()) <= LIMIT + 1.0));
        }
    }

    #[test]
    fn the_limiter_bends_a_sine_without_flattening_it() {
        let mut limiter = Limiter::new();
        let mut out = SILENCE;
        for at in 0..40 {
            let loud: [f32; FRAME_SAMPLES] =
                std::array::from_fn(|n| (60_000.0 * ((at * FRAME_SAMPLES + n) as f64 * 0.2).sin()) as f32);
            limiter.process(&loud, &mut out);
        }
        let flat = out.windows(3).filter(|three| three[0] == three[1] && three[1] == three[2]).count();
        assert_eq!(flat, 0);
        assert!(out.iter().any(|sample| *sample > 27_000));
    }
}
