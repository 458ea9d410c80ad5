// SPDX-License-Identifier: EUPL-1.2
//! Whether 20 ms are one tone and hardly anything else: a whistle, a signal that somebody plays, a sweep by which a line is measured.
//! What tells speech from noise takes most of these for noise. Music is none, nor is noise; and where exchanges have their dial and
//! busy tones, nothing is found, for these are for whoever has called alone.
//!
//! The autocorrelation of a tone is a cosine, to which noise adds at the smallest lags alone. So it is looked which cosine it is,
//! how much of the power it accounts for, and how well it fits.

use crate::audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};

/// What is subtracted of the sample before, so that hum and rumble count for little.
const EMPHASIS: f32 = 0.95;

/// The lags that are looked at, in samples: up to 5 ms. What follows from the emphasis ends before.
const FIRST_LAG: usize = 2;
const LAGS: usize = 81;

/// So much of the power is the tone's at least.
const TONE_SHARE: f32 = 0.7;

/// So much of the autocorrelation's power is something else than the cosine at most.
const MISFIT: f32 = 0.1;

/// Dial and busy tones of most of the world's exchanges are at 400, 425, 440 or 450 Hz (ITU-T E.180), with what our estimate and
/// their tolerances add.
const OF_EXCHANGES_HZ: std::ops::Range<f32> = 380.0..480.0;

/// Below that it is hum.
const LOWEST_HZ: f32 = 150.0;

/// See the [module](self).
pub(super) fn is_pure_tone(frame: &Frame) -> bool {
    tone_hz(frame).is_some_and(|hertz| hertz >= LOWEST_HZ && !OF_EXCHANGES_HZ.contains(&hertz))
}

/// The frequency of the one tone that there is.
fn tone_hz(frame: &Frame) -> Option<f32> {
    let correlation = autocorrelation(&emphasised(frame));
    let power = *correlation.first()?;
    if power <= 0.0 {
        return None;
    }
    // Of each cosine, the neighbours of a value add up to its multiple by twice the cosine of the step.
    let (mut product, mut square) = (0.0, 0.0);
    for lags in correlation.get(FIRST_LAG..)?.windows(3) {
        product += lags[1] * (lags[0] + lags[2]);
        square += lags[1] * lags[1];
    }
    if square <= 0.0 {
        return None;
    }
    let step = (product / (2.0 * square)).clamp(-1.0, 1.0).acos();
    let (mut along, mut of_cosine, mut all) = (0.0, 0.0, 0.0);
    for (lag, value) in correlation.iter().enumerate().skip(FIRST_LAG) {
        let cosine = (step * lag as f32).cos();
        along += value * cosine;
        of_cosine += cosine * cosine;
        all += value * value;
    }
    if of_cosine <= 0.0 {
        return None;
    }
    let amplitude = along / of_cosine;
    let misfit = all - amplitude * along;
    let is_tone = amplitude >= TONE_SHARE * power && misfit <= MISFIT * all;
    is_tone.then_some(step * SAMPLE_RATE_HZ as f32 / std::f32::consts::TAU)
}

fn emphasised(frame: &Frame) -> [f32; FRAME_SAMPLES] {
    // As if it had been like that before, or the step would count as sound of its own.
    let mut before = f32::from(frame[0]);
    frame.map(|sample| {
        let sample = f32::from(sample);
        sample - EMPHASIS * std::mem::replace(&mut before, sample)
    })
}

/// The mean product of samples that are so far apart.
fn autocorrelation(sound: &[f32; FRAME_SAMPLES]) -> [f32; LAGS] {
    std::array::from_fn(|lag| sum_of_products(sound, &sound[lag..]) / (FRAME_SAMPLES - lag) as f32)
}

/// This is most of the work, and done for each caller who is not silent: many sums side by side are
/// what a processor can do at once.
fn sum_of_products(one: &[f32], other: &[f32]) -> f32 {
    const SUMS: usize = 16;
    let one = &one[..other.len()];
    let (mut sums, mut rest) = ([0.0; SUMS], 0.0);
    for (one, other) in one.chunks_exact(SUMS).zip(other.chunks_exact(SUMS)) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += one * other;
        }
    }
    for (one, other) in one.chunks_exact(SUMS).remainder().iter().zip(other.chunks_exact(SUMS).remainder()) {
        rest += one * other;
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::audio::SILENCE;
    use crate::media::codec::{OpusSettings, PhoneCodec, PhoneDecoder, PhoneEncoder};
    use crate::media::sample_speech::speech;

    /// So many frames of what is at each moment, in seconds.
    fn frames(count: usize, mut sound: impl FnMut(f32) -> f32) -> Vec<Frame> {
        let mut sample = 0;
        let mut next = |_| {
            sample += 1;
            sound(sample as f32 / SAMPLE_RATE_HZ as f32).round() as i16
        };
        (0..count).map(|_| std::array::from_fn(&mut next)).collect()
    }

    fn wave(hertz: f32, at: f32) -> f32 {
        (std::f32::consts::TAU * hertz * at).sin()
    }

    fn share(frames: &[Frame]) -> f32 {
        frames.iter().filter(|frame| is_pure_tone(frame)).count() as f32 / frames.len() as f32
    }

    #[test]
    fn tones_are_found_at_each_frequency_and_level() {
        // Frames begin at all phases of most of them.
        for hertz in [203.7, 317.3, 500.0, 537.3, 1_000.0, 2_013.0, 3_000.0, 4_007.0, 5_000.0, 6_000.0, 6_991.0] {
            for amplitude in [300.0, 3_000.0, 30_000.0] {
                let tone = frames(20, |at| amplitude * wave(hertz, at));
                assert!(share(&tone) > 0.99, "{hertz} Hz at {amplitude}");
            }
        }
    }

    #[test]
    fn a_sweep_is_a_tone_all_the_way() {
        // From 300 Hz to 7 kHz in five seconds.
        let sweep = frames(250, |at| 6_000.0 * wave(300.0 + 670.0 * at, at));
        let away = sweep.iter().filter(|frame| !is_pure_tone(frame)).count();
        assert!(away <= 6, "{away} of 250, those where exchanges have their tones among them");
    }

    #[test]
    fn the_noise_of_codecs_hides_no_tone() {
        for (codec, highest) in [(PhoneCodec::G722, 7_000.0), (PhoneCodec::Pcma, 3_300.0)] {
            for hertz in [500.0, 1_000.0, 3_000.0, highest] {
                let mut encoder = PhoneEncoder::new(codec, OpusSettings::default()).unwrap();
                let mut decoder = PhoneDecoder::new(codec).unwrap();
                let tone = frames(50, |at| 9_000.0 * wave(hertz, at));
                let mut heard = Vec::new();
                for frame in &tone {
                    let mut payload = Vec::new();
                    encoder.encode(frame, &mut payload).unwrap();
                    let mut decoded = [0; 8 * FRAME_SAMPLES];
                    let samples = decoder.decode(&payload, &mut decoded).unwrap();
                    heard.push(<Frame>::try_from(&decoded[..samples]).unwrap());
                }
                assert!(share(&heard[2..]) > 0.95, "{codec:?} {hertz}: {}", share(&heard[2..]));
            }
        }
    }

    #[test]
    fn tones_of_exchanges_hum_noise_and_music_are_none() {
        let mut rng = StdRng::seed_from_u64(7);
        let noise = frames(200, |_| rng.random_range(-3_000.0..3_000.0));
        let mut rng = StdRng::seed_from_u64(8);
        let mut level = 0.0;
        let rumble = frames(200, |_| {
            level = level * 0.99 + rng.random_range(-300.0..300.0);
            level
        });
        let chord = |at: f32| wave(523.25, at) + wave(659.25, at) + wave(783.99, at);
        for (what, sound) in [
            ("busy in Britain", frames(50, |at| 9_000.0 * wave(400.0, at) + 100.0 * wave(3_123.0, at))),
            ("busy in Germany", frames(50, |at| 9_000.0 * wave(425.0, at))),
            ("busy in China", frames(50, |at| 9_000.0 * wave(450.0, at) + 100.0 * wave(2_711.0, at))),
            ("dial tone of America", frames(50, |at| 5_000.0 * (wave(350.0, at) + wave(440.0, at)))),
            ("hum", frames(50, |at| 5_000.0 * (wave(50.0, at) + 0.3 * wave(150.0, at)))),
            ("noise", noise),
            ("rumble", rumble),
            ("a chord", frames(50, |at| 3_000.0 * chord(at))),
            ("a key", frames(50, |at| 5_000.0 * (wave(770.0, at) + wave(1_336.0, at)))),
            ("silence", vec![SILENCE; 5]),
        ] {
            assert!(share(&sound) < 0.05, "{what}: {}", share(&sound));
        }
        assert!(share(&speech()) < 0.2, "{}", share(&speech()));
    }
}
