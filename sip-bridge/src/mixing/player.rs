// SPDX-License-Identifier: EUPL-1.2
//! Plays to one caller: prompts one after the other, and hold music under them. What the meeting says, and the music, step
//! back while a prompt speaks.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use super::fade;
use super::limiter::Limiter;
use crate::audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};

/// Sounds that wait. A number is read out by as many sounds as it has digits, and a sentence has a few more.
const MAX_QUEUE: usize = 64;

/// What the meeting and the music are multiplied with under a prompt: -12 dB.
const DUCKED: f32 = 0.251_188_6;

/// By how much that changes from sample to sample on the way down (60 ms) ...
const DUCK_STEP: f32 = (1.0 - DUCKED) / (3 * FRAME_SAMPLES) as f32;

/// ... and on the way up (400 ms).
const UNDUCK_STEP: f32 = (1.0 - DUCKED) / (20 * FRAME_SAMPLES) as f32;

/// A sound's first and last 2 ms are faded: a recording may be cut anywhere.
const EDGE_SAMPLES: usize = 32;

/// Music comes, goes, and makes place for other music within half a second.
const LOOP_FADE_STEP: f32 = 2.0 / SAMPLE_RATE_HZ as f32;

/// Names a sound towards whoever had it played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SoundToken(pub u64);

/// The sound has been played to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished(pub SoundToken);

/// So many sounds wait already that no other is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many sounds wait to be played")]
pub struct PlayerFull;

#[derive(Debug)]
struct Queued {
    sound: Arc<[i16]>,
    token: SoundToken,
    at: usize,
    /// Whether the meeting and the music step back for it.
    ducks: bool,
}

#[derive(Debug)]
struct Looping {
    sound: Arc<[i16]>,
    at: usize,
    gain: f32,
}

/// What one caller is played.
#[derive(Debug)]
pub struct Player {
    queue: VecDeque<Queued>,
    stopped: Option<Queued>,
    music: Option<Looping>,
    music_before: Option<Looping>,
    duck: f32,
    finished: VecDeque<SoundToken>,
    limiter: Limiter,
}

impl Default for Player {
    fn default() -> Self {
        Self::new()
    }
}

impl Player {
    /// Plays nothing yet.
    pub fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            stopped: None,
            music: None,
            music_before: None,
            duck: 1.0,
            finished: VecDeque::new(),
            limiter: Limiter::default(),
        }
    }

    /// Plays a prompt (16 kHz, one channel) after those that wait, with the meeting stepping back.
    ///
    /// # Errors
    ///
    /// Too many wait; this one is not played.
    pub fn play(&mut self, sound: Arc<[i16]>, token: SoundToken) -> Result<(), PlayerFull> {
        self.enqueue(Queued { sound, token, at: 0, ducks: true })
    }

    /// Plays a short sound like [`Self::play`], but the meeting goes on beside it as it is.
    ///
    /// # Errors
    ///
    /// Too many wait; this one is not played.
    pub fn chime(&mut self, sound: Arc<[i16]>, token: SoundToken) -> Result<(), PlayerFull> {
        self.enqueue(Queued { sound, token, at: 0, ducks: false })
    }

    /// Ends what is played and forgets what waits, at once but without a click: the caller has pressed a key. None of it
    /// is reported as finished. Music goes on.
    pub fn stop(&mut self) {
        if let Some(begun) = self.queue.pop_front().filter(|first| first.at > 0) {
            self.stopped = Some(begun);
        }
        self.queue.clear();
    }

    /// Plays music over and over, until [`Self::stop_music`]. It was made so that its beginning follows its end. Other music that
    /// plays makes place for it.
    pub fn start_music(&mut self, sound: Arc<[i16]>) {
        if sound.is_empty() {
            return self.stop_music();
        }
        self.stop_music();
        self.music = Some(Looping { sound, at: 0, gain: 0.0 });
    }

    /// Lets the music fade out.
    pub fn stop_music(&mut self) {
        // Should one be fading out still, it is cut for that which was heard later and is louder.
        if let Some(music) = self.music.take() {
            self.music_before = Some(music);
        }
    }

    /// Whether a prompt is played.
    pub fn is_playing(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether there is music that was not stopped.
    pub fn has_music(&self) -> bool {
        self.music.is_some()
    }

    /// Whether the caller hears the meeting just as it is, so that [`Self::tick`] would change nothing.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
            && self.stopped.is_none()
            && self.music.is_none()
            && self.music_before.is_none()
            && self.duck == 1.0
            && self.limiter == Limiter::default()
    }

    /// The next sound that was played to its end.
    pub fn poll_finished(&mut self) -> Option<Finished> {
        self.finished.pop_front().map(Finished)
    }

    /// Goes on by 20 ms: `out` becomes what the caller hears over what the `meeting` says, if it says anything. False if
    /// there is nothing to hear; `out` is silence then.
    pub fn tick(&mut self, meeting: Option<&Frame>, out: &mut Frame) -> bool {
        if self.is_idle() || self.is_idle_but_for_gains() && meeting.is_none() {
            self.duck = 1.0;
            self.limiter.rest();
            out.fill(0);
            if let Some(meeting) = meeting {
                out.copy_from_slice(meeting);
            }
            return meeting.is_some();
        }
        let mut sum = meeting.map_or([0.0; FRAME_SAMPLES], |meeting| meeting.map(f32::from));
        if let Some(music) = &mut self.music {
            music.add(&mut sum, 1.0);
        }
        if let Some(music) = &mut self.music_before {
            music.add(&mut sum, 0.0);
            if music.gain == 0.0 {
                self.music_before = None;
            }
        }
        self.step_back(&mut sum);
        let mut sum = sum.map(|sample| sample as i32);
        self.add_stopped(&mut sum);
        self.add_queue(&mut sum);
        self.limiter.process(&sum, (1.0, 1.0), out);
        true
    }

    fn enqueue(&mut self, queued: Queued) -> Result<(), PlayerFull> {
        if self.queue.len() >= MAX_QUEUE {
            return Err(PlayerFull);
        }
        self.queue.push_back(queued);
        Ok(())
    }

    fn is_idle_but_for_gains(&self) -> bool {
        self.queue.is_empty() && self.stopped.is_none() && self.music.is_none() && self.music_before.is_none()
    }

    /// Makes what is under a prompt quieter, and after it louder again.
    fn step_back(&mut self, sum: &mut [f32; FRAME_SAMPLES]) {
        let target = if self.queue.iter().any(|queued| queued.ducks) { DUCKED } else { 1.0 };
        for sample in sum {
            self.duck = if self.duck > target {
                (self.duck - DUCK_STEP).max(target)
            } else {
                (self.duck + UNDUCK_STEP).min(target)
            };
            *sample *= self.duck;
        }
    }

    fn add_stopped(&mut self, sum: &mut [i32; FRAME_SAMPLES]) {
        let Some(Queued { sound, at, .. }) = self.stopped.take() else { return };
        for (index, sum) in sum.iter_mut().enumerate() {
            *sum += (edged(&sound, at + index) * (1.0 - fade::rise(index))) as i32;
        }
    }

    fn add_queue(&mut self, sum: &mut [i32; FRAME_SAMPLES]) {
        let mut rest = &mut sum[..];
        // Each round fills the frame or shortens the queue.
        while let Some(Queued { sound, at, .. }) = self.queue.front_mut() {
            let left = sound.len().saturating_sub(*at);
            for (index, sum) in rest.iter_mut().take(left).enumerate() {
                *sum += edged(sound, *at + index) as i32;
            }
            *at += left.min(rest.len());
            if left > rest.len() {
                return;
            }
            rest = &mut rest[left..];
            if let Some(Queued { token, .. }) = self.queue.pop_front() {
                if self.finished.len() >= MAX_QUEUE {
                    // Nobody asks. Who waits for the newest is helped better than who waited for the oldest.
                    self.finished.pop_front();
                }
                self.finished.push_back(token);
            }
        }
    }
}

impl Looping {
    fn add(&mut self, sum: &mut [f32; FRAME_SAMPLES], target: f32) {
        for sum in sum {
            self.gain = if self.gain > target {
                (self.gain - LOOP_FADE_STEP).max(target)
            } else {
                (self.gain + LOOP_FADE_STEP).min(target)
            };
            *sum += self.next_sample() * self.gain;
        }
    }

    fn next_sample(&mut self) -> f32 {
        let sample = self.sound.get(self.at).copied().map_or(0.0, f32::from);
        self.at += 1;
        if self.at >= self.sound.len() {
            self.at = 0;
        }
        sample
    }
}

/// A sound's sample, with its edges faded; after its end, nothing.
fn edged(sound: &[i16], at: usize) -> f32 {
    let Some(sample) = sound.get(at) else { return 0.0 };
    let from_edge = (at + 1).min(sound.len() - at);
    let edge = (from_edge as f32 / (EDGE_SAMPLES + 1) as f32).min(1.0);
    f32::from(*sample) * edge
}
