// SPDX-License-Identifier: EUPL-1.2
//! The quiet noise that shows a line is alive: as the sender describes it in a pause (RFC 3389), or our own towards
//! telephones when nobody speaks.

use rand::Rng;

use super::resample::Upsampler;
use crate::audio::{FRAME_SAMPLES, Frame};

/// Reflection coefficients that are used; a description may have more, whose part is not heard. RFC 3389 §3.2 suggests 10.
const MAX_ORDER: usize = 12;

/// The loudest noise that a sender may ask for: -30 dBov, twice as loud as a noisy office. RFC 3389 allows 0, full scale.
const LOUDEST_DBOV: u8 = 30;

/// What a telephone hears when nobody speaks.
pub const TOWARDS_PHONES_DBOV: u8 = 66;

/// Coefficients are not taken beyond this: nearer to 1 the filter rings like a bell.
const LARGEST_REFLECTION: f32 = 0.95;

/// Noise has no peaks beyond four times its root mean square, whatever coefficients come.
const PEAK: f32 = 4.0;

/// Noise of 16 kHz, described at 8 kHz as RFC 3389 does for G.711. Made by a lattice filter from white noise.
pub struct ComfortNoise {
    state: u32,
    /// The white noise's root mean square: now, and where it is going.
    excitation: f32,
    next_excitation: f32,
    /// What comes out, root mean square.
    amplitude: f32,
    reflections: [f32; MAX_ORDER],
    backward: [f32; MAX_ORDER + 1],
    upsampler: Upsampler,
}

impl ComfortNoise {
    /// White noise of this level, which counts downwards from full scale. Of `rng` only a seed is taken.
    pub fn new(dbov: u8, rng: &mut impl Rng) -> Self {
        let mut noise = Self {
            // This generator never leaves zero.
            state: rng.random::<u32>() | 1,
            excitation: 0.0,
            next_excitation: 0.0,
            amplitude: 0.0,
            reflections: [0.0; MAX_ORDER],
            backward: [0.0; MAX_ORDER + 1],
            upsampler: Upsampler::new(),
        };
        noise.describe(&[dbov]);
        noise
    }

    /// Takes a description, the payload of type 13: the level, then reflection coefficients (RFC 3389 §3). An empty one
    /// changes nothing.
    pub fn describe(&mut self, payload: &[u8]) {
        let Some((level, coefficients)) = payload.split_first() else {
            return;
        };
        self.reflections = [0.0; MAX_ORDER];
        let mut left = 1.0;
        for (reflection, coded) in self.reflections.iter_mut().zip(coefficients) {
            // RFC 3389 §3.2; 255 is not used.
            let coefficient = 258.0 * (f32::from((*coded).min(254)) - 127.0) / 32_768.0;
            *reflection = coefficient.clamp(-LARGEST_REFLECTION, LARGEST_REFLECTION);
            left *= 1.0 - *reflection * *reflection;
        }
        // The highest bit is reserved.
        let dbov = (level & 0x7f).max(LOUDEST_DBOV);
        self.amplitude = 32_768.0 * 10f32.powf(-f32::from(dbov) / 20.0);
        self.next_excitation = self.amplitude * left.sqrt();
    }

    /// Makes the next 20 ms.
    pub fn fill(&mut self, frame: &mut Frame) {
        let mut narrow = [0; FRAME_SAMPLES / 2];
        let slope = (self.next_excitation - self.excitation) / narrow.len() as f32;
        for sample in &mut narrow {
            self.excitation += slope;
            *sample = self.next_sample().round() as i16;
        }
        self.excitation = self.next_excitation;
        self.upsampler.process(&narrow, frame);
    }

    fn next_sample(&mut self) -> f32 {
        // Evenly spread noise of this width has a root mean square of 1.
        let mut forward = self.white() * 3f32.sqrt() * self.excitation;
        let bound = self.amplitude * PEAK;
        for order in (0..MAX_ORDER).rev() {
            forward -= self.reflections[order] * self.backward[order];
            let backward = self.backward[order] + self.reflections[order] * forward;
            self.backward[order + 1] = backward.clamp(-bound, bound);
        }
        self.backward[0] = forward.clamp(-bound, bound);
        self.backward[0]
    }

    /// From -1 to 1, by Marsaglia's xorshift: quality does not matter, and it is asked 8000 times a second.
    fn white(&mut self) -> f32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        self.state as i32 as f32 / 2_147_483_648.0
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::audio::SILENCE;
    use crate::media::level::level_dbov;

    fn levels(noise: &mut ComfortNoise) -> Vec<u8> {
        let mut frame = SILENCE;
        (0..50)
            .map(|_| {
                noise.fill(&mut frame);
                level_dbov(&frame)
            })
            .skip(2)
            .collect()
    }

    #[test]
    fn the_level_is_what_was_asked_for() {
        let mut noise = ComfortNoise::new(60, &mut StdRng::seed_from_u64(1));
        assert!(levels(&mut noise).iter().all(|level| (58..=62).contains(level)));
        noise.describe(&[45]);
        assert!(levels(&mut noise).iter().all(|level| (43..=47).contains(level)));
        noise.describe(&[0x80 | 45]);
        assert!(levels(&mut noise).iter().all(|level| (43..=47).contains(level)));
    }

    #[test]
    fn colour_does_not_change_the_level() {
        let mut noise = ComfortNoise::new(50, &mut StdRng::seed_from_u64(2));
        noise.describe(&[50, 40, 180, 110, 130, 120]);
        let levels = levels(&mut noise);
        let mean = levels.iter().map(|level| f32::from(*level)).sum::<f32>() / levels.len() as f32;
        assert!((48.0..=52.0).contains(&mean), "{mean}");
    }

    #[test]
    fn nobody_can_ask_for_loud_noise() {
        let mut noise = ComfortNoise::new(0, &mut StdRng::seed_from_u64(3));
        assert!(levels(&mut noise).iter().all(|level| *level >= 28));
        for payload in [&[0u8; 200][..], &[255; 200], &[0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0], &[]] {
            noise.describe(payload);
            let levels = levels(&mut noise);
            assert!(levels.iter().all(|level| *level >= 15), "{levels:?}");
        }
    }
}
