// SPDX-License-Identifier: EUPL-1.2
//! Whether somebody speaks, by the small neural network of the crate `earshot`, and whether that is worth being sent on: a
//! silent telephone, or one with nothing but noise around it, is neither encoded nor mixed. Tones that somebody plays or whistles
//! are sent on as well, most of which the network takes for noise.

use earshot::Detector;

use super::level::level_dbov;
use super::pure_tone::is_pure_tone;
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

/// Quieter than -40 dBov nobody plays a tone to others: that is something that whines in the background.
const TONE_THRESHOLD_DBOV: u8 = 40;

/// For so many frames a tone must last: 40 ms.
const TONE_FRAMES: u32 = 2;

/// See the [module](self). One for each stream.
pub struct VoiceActivity {
    detector: Box<Detector>,
    window: [i16; WINDOW],
    filled: usize,
    frames_since_speech: u32,
    /// How long a tone has lasted.
    tone_frames: u32,
    frames_since_tone: u32,
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
            tone_frames: 0,
            frames_since_tone: SENDING_HANGOVER_FRAMES,
        }
    }

    /// Hears a frame and says whether somebody speaks in it, or has just spoken.
    pub fn hear(&mut self, frame: &Frame) -> bool {
        self.frames_since_speech = self.frames_since_speech.saturating_add(1);
        let level = level_dbov(frame);
        if level < SPEECH_THRESHOLD_DBOV {
            self.ask(frame);
        }
        // Of speech it is known that it is worth it.
        let is_tone = level < TONE_THRESHOLD_DBOV && self.frames_since_speech > 0 && is_pure_tone(frame);
        self.tone_frames = if is_tone { self.tone_frames.saturating_add(1) } else { 0 };
        let lasts = self.tone_frames >= TONE_FRAMES;
        self.frames_since_tone = if lasts { 0 } else { self.frames_since_tone.saturating_add(1) };
        self.is_speech()
    }

    /// Whether somebody spoke in the last frame, or just before.
    pub fn is_speech(&self) -> bool {
        self.frames_since_speech < SPEECH_HANGOVER_FRAMES
    }

    /// Whether a tone sounded in the last frame, or just before.
    pub fn is_tone(&self) -> bool {
        self.frames_since_tone < SPEECH_HANGOVER_FRAMES
    }

    /// Whether others should hear it: speech or a tone, and a pause after it that is short.
    pub fn is_worth_sending(&self) -> bool {
        self.frames_since_speech.min(self.frames_since_tone) < SENDING_HANGOVER_FRAMES
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
    fn tones_are_sent_and_not_learnt_from() {
        let mut activity = VoiceActivity::new();
        for hertz in [500.0f32, 1_000.0, 3_000.0, 5_000.0, 7_000.0] {
            for _ in 0..50 {
                activity.hear(&SILENCE);
            }
            assert!(!activity.is_worth_sending());
            let (mut spoken, mut sent) = (0, 0);
            for frame in 0..50 {
                let angle = |n| std::f32::consts::TAU * hertz * (frame * FRAME_SAMPLES + n) as f32 / 16_000.0;
                let tone: Frame = std::array::from_fn(|n| (9_000.0 * angle(n).sin()) as i16);
                spoken += usize::from(activity.hear(&tone));
                sent += usize::from(activity.is_worth_sending());
            }
            assert!(spoken < 25, "{spoken} of 50 at {hertz} Hz are taken for speech");
            assert!(sent > 45, "{sent} of 50 at {hertz} Hz are sent");
        }
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
