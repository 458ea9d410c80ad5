// SPDX-License-Identifier: EUPL-1.2
//! One caller in a room's mix: what they say, and what they alone hear.

use super::CallerId;
use super::fade;
use super::limiter::Limiter;
use super::loudest::Loudness;
use crate::audio::{FRAME_SAMPLES, Frame, SILENCE};

/// Steps from the usual volume to the loudest and to the quietest.
pub const MAX_VOLUME_STEPS: i8 = 4;

/// One step: 3 dB.
const VOLUME_STEP: f32 = 1.412_537_5;

/// A caller.
pub(super) struct RoomCaller {
    pub(super) id: CallerId,
    /// What the caller says in this tick, faded where it comes and goes. Before the tick, what came for it.
    voice: Frame,
    has_frame: bool,
    level_dbov: Option<u8>,
    loudness: Loudness,
    /// Whether the last tick's voice was in the mix, up to its end.
    was_heard: bool,
    /// Whether this tick's is.
    speaks: bool,
    heard: Frame,
    has_own_mix: bool,
    limiter: Limiter,
    volume: f32,
    wanted_volume: f32,
    is_leaving: bool,
}

impl RoomCaller {
    pub(super) fn new(id: CallerId) -> Self {
        Self {
            id,
            voice: SILENCE,
            has_frame: false,
            level_dbov: None,
            loudness: Loudness::default(),
            was_heard: false,
            speaks: false,
            heard: SILENCE,
            has_own_mix: false,
            limiter: Limiter::default(),
            volume: 1.0,
            wanted_volume: 1.0,
            is_leaving: false,
        }
    }

    /// What the caller says in the tick that comes.
    pub(super) fn handle_frame(&mut self, frame: Option<&Frame>, is_sound: bool, level_dbov: u8) {
        self.level_dbov = None;
        let Some(frame) = frame else { return };
        self.voice = *frame;
        self.has_frame = true;
        // Noise of the line does not ask to be heard, but belongs to who is: cut out between words, it would be noticed.
        self.level_dbov = is_sound.then_some(level_dbov);
    }

    pub(super) fn set_volume(&mut self, steps: i8) {
        self.wanted_volume = VOLUME_STEP.powi(i32::from(steps.clamp(-MAX_VOLUME_STEPS, MAX_VOLUME_STEPS)));
    }

    /// The caller has hung up. What was heard of them still fades out.
    pub(super) fn leave(&mut self) {
        self.is_leaving = true;
        self.has_frame = false;
        self.level_dbov = None;
        self.loudness.silence();
    }

    /// Takes back that the caller has left.
    pub(super) fn return_to_room(&mut self) {
        *self = Self { was_heard: self.was_heard, voice: self.voice, ..Self::new(self.id) };
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_leaving && !self.was_heard
    }

    pub(super) fn has_left(&self) -> bool {
        self.is_leaving
    }

    /// Begins a tick: how loud the caller is by now.
    pub(super) fn tick_loudness(&mut self) -> Loudness {
        let level = self.level_dbov.take();
        if !self.is_leaving {
            self.loudness.tick(level);
        }
        self.loudness
    }

    /// What the caller adds to the mix in this tick, if they are heard, or were and fade out.
    pub(super) fn tick_voice(&mut self, is_heard: bool) -> Option<&Frame> {
        let has_frame = std::mem::take(&mut self.has_frame);
        self.speaks = self.was_heard || is_heard && has_frame;
        if !self.speaks {
            return None;
        }
        if !has_frame {
            // Nothing came any more. The last frame backwards goes on where it ended, so that its end does not click.
            self.voice.reverse();
        }
        if !self.was_heard {
            fade::fade_in(&mut self.voice);
        }
        self.was_heard = is_heard && has_frame;
        if !self.was_heard {
            fade::fade_out(&mut self.voice);
        }
        Some(&self.voice)
    }

    /// Makes what this caller hears, if it is not what all hear. `shared` is the limiter of what all hear as it was when this
    /// tick began.
    pub(super) fn tick_mix(&mut self, sum: &[i32; FRAME_SAMPLES], shared: &Limiter) {
        let volume = (self.volume, self.wanted_volume);
        let is_as_for_all = !self.speaks && volume == (1.0, 1.0);
        // Who had a mix of their own goes back to that of all once both are limited alike: a step of the gain would click.
        if is_as_for_all && (!self.has_own_mix || self.limiter.is_like(shared)) {
            self.has_own_mix = false;
            return;
        }
        if !self.has_own_mix {
            self.limiter = *shared;
        }
        self.has_own_mix = true;
        self.volume = self.wanted_volume;
        if self.speaks {
            let mut others = *sum;
            for (others, own) in others.iter_mut().zip(&self.voice) {
                *others -= i32::from(*own);
            }
            self.limiter.process(&others, volume, &mut self.heard);
        } else {
            self.limiter.process(sum, volume, &mut self.heard);
        }
    }

    /// Nobody is heard in this tick.
    pub(super) fn rest(&mut self) {
        self.has_own_mix = false;
        self.volume = self.wanted_volume;
        self.limiter.rest();
    }

    /// What this caller alone hears, if that differs from what all hear.
    pub(super) fn own_mix(&self) -> Option<&Frame> {
        self.has_own_mix.then_some(&self.heard)
    }
}
