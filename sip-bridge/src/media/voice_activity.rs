// SPDX-License-Identifier: EUPL-1.2
//! Whether somebody speaks, by the small neural network of the crate `earshot`, and whether that is worth being sent on: a
//! silent telephone is neither encoded nor mixed.

use earshot::Detector;

use super::level::level_dbov;
use crate::audio::{FRAME_SAMPLES, Frame};

/// What the network looks at: 16 ms.
const WINDOW: usize = 256;

/// From this score on it is speech. The crate's documentation names it.
const SPEECH_SCORE: f32 = 0.5;

/// Quieter than -60 dBov is silence on any telephone line, and the network need not be asked.
const SPEECH_THRESHOLD_DBOV: u8 = 60;

/// How many frames after the last word still count as speech, so that words keep their ends: 240 ms.
const SPEECH_HANGOVER_FRAMES: u32 = 12;

/// How many frames after the last word are still sent, so that pauses in a sentence stay a part of it: 600 ms.
const SENDING_HANGOVER_FRAMES: u32 = 30;

/// See the [module](self). One for each stream.
pub struct VoiceActivity {
    detector: Box<Detector>,
    window: [i16; WINDOW],
    filled: usize,
    frames_since_speech: u32,
}

impl Default for VoiceActivity {
    fn default() -> Self {
        Self::new()
    }
}

impl VoiceActivity {
    /// Has heard silence.
    pub fn new() -> Self {
        Self {
            detector: Detector::default_boxed(),
            window: [0; WINDOW],
            filled: 0,
            frames_since_speech: SENDING_HANGOVER_FRAMES,
        }
    }

    /// Hears a frame and says whether somebody speaks in it, or has just spoken.
    pub fn hear(&mut self, frame: &Frame) -> bool {
        self.frames_since_speech = self.frames_since_speech.saturating_add(1);
        if level_dbov(frame) < SPEECH_THRESHOLD_DBOV {
            self.ask(frame);
        }
        self.is_speech()
    }

    /// Whether somebody spoke in the last frame, or just before.
    pub fn is_speech(&self) -> bool {
        self.frames_since_speech < SPEECH_HANGOVER_FRAMES
    }

    /// Whether others should hear it: speech, and a pause after it that is short.
    pub fn is_worth_sending(&self) -> bool {
        self.frames_since_speech < SENDING_HANGOVER_FRAMES
    }

    fn ask(&mut self, frame: &Frame) {
        let mut rest = frame.as_slice();
        // At most two windows end in a frame.
        for _ in 0..=FRAME_SAMPLES / WINDOW + 1 {
            let (now, later) = rest.split_at(rest.len().min(WINDOW - self.filled));
            self.window[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            rest = later;
            if self.filled < WINDOW {
                return;
            }
            self.filled = 0;
            if self.detector.predict_i16(&self.window) >= SPEECH_SCORE {
                self.frames_since_speech = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::audio::SILENCE;
    use crate::media::sample_speech::speech;

    #[test]
    fn speech_is_found_and_ends_with_a_hangover() {
        let mut activity = VoiceActivity::new();
        assert!(!activity.is_speech() && !activity.is_worth_sending());
        let frames = speech();
        let spoken = frames.iter().filter(|frame| activity.hear(frame)).count();
        assert!(spoken * 10 > frames.len() * 7, "{spoken} of {}", frames.len());
        let mut quiet = Vec::new();
        for _ in 0..40 {
            quiet.push((activity.hear(&SILENCE), activity.is_worth_sending()));
        }
        let speech_ends = quiet.iter().position(|(is_speech, _)| !is_speech).unwrap();
        let sending_ends = quiet.iter().position(|(_, is_worth)| !is_worth).unwrap();
        assert!(speech_ends <= 12 && sending_ends <= 30 && speech_ends < sending_ends);
    }

    #[test]
    fn noise_is_not_speech() {
        let mut rng = StdRng::seed_from_u64(5);
        let mut activity = VoiceActivity::new();
        let spoken = (0..500)
            .filter(|_| {
                let frame: Frame = std::array::from_fn(|_| rng.random_range(-400..400));
                activity.hear(&frame)
            })
            .count();
        assert!(spoken < 25, "{spoken} of 500");
    }
}
