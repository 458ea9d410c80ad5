// SPDX-License-Identifier: EUPL-1.2
//! What all steps of a caller's way share: what goes out, what is playing, in which language, and how many codes were wrong.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::output::{Chime, Output, PlayToken};
use super::settings::CallerSettings;
use crate::prompts::{Language, PromptId};
use bus::phone::{CheckToken, Digits};

/// The longest an own recording may be (`prompts/`), so that nothing is given up that is still playing.
const LONGEST_PROMPT: Duration = Duration::from_secs(60);

/// Times further away than that are not told apart.
const FAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// One step gives no more than a few, and they are polled after each.
const MAX_OUTPUTS: usize = 64;

/// A time that is `after` from now. Durations from elsewhere may be of any length.
pub(super) fn later(now: Instant, after: Duration) -> Instant {
    now + after.min(FAR)
}

struct Playing {
    token: PlayToken,
    /// When nobody waits for its end any more.
    lost_at: Instant,
}

pub(super) struct Line {
    pub(super) settings: CallerSettings,
    pub(super) language: Language,
    /// Wrong numbers and PINs.
    pub(super) tries: u8,
    /// Times that nothing was keyed in.
    pub(super) silences: u8,
    /// Whether more came out than anybody polled. The call ends then: none of what comes out may be left out.
    pub(super) is_overrun: bool,
    outputs: VecDeque<Output>,
    playing: Option<Playing>,
    last_play: u32,
    last_check: u32,
    is_music_on: bool,
}

impl Line {
    pub(super) fn new(settings: CallerSettings) -> Self {
        let language = settings.languages.first().copied().unwrap_or(Language::German);
        Self {
            settings,
            language,
            tries: 0,
            silences: 0,
            is_overrun: false,
            outputs: VecDeque::new(),
            playing: None,
            last_play: 0,
            last_check: 0,
            is_music_on: false,
        }
    }

    /// Adds an output. When the queue is full, the call is at its end: see `is_overrun`.
    pub(super) fn push(&mut self, output: Output) {
        if self.outputs.len() < MAX_OUTPUTS {
            self.outputs.push_back(output);
        } else {
            self.is_overrun = true;
        }
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Forgets what is not polled yet.
    pub(super) fn clear(&mut self) {
        self.outputs.clear();
        self.playing = None;
    }

    /// Plays something. Whether a key ends it is seen to by whoever hears the keys.
    pub(super) fn play(&mut self, now: Instant, prompts: Vec<PromptId>) {
        self.stop();
        self.last_play = self.last_play.wrapping_add(1);
        let token = PlayToken(self.last_play);
        let longest = LONGEST_PROMPT.saturating_mul(u32::try_from(prompts.len()).unwrap_or(u32::MAX));
        self.playing = Some(Playing { token, lost_at: later(now, longest) });
        self.push(Output::Play { language: self.language, prompts, token });
    }

    /// Stops what is playing, if anything is.
    pub(super) fn stop(&mut self) {
        if self.playing.take().is_some() {
            self.push(Output::StopPlaying);
        }
    }

    pub(super) const fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Whether that ends what is playing; the end of something that was stopped may arrive late.
    pub(super) fn finish(&mut self, token: PlayToken) -> bool {
        self.playing.take_if(|playing| playing.token == token).is_some()
    }

    /// Whether the end of what is playing will not be reported any more.
    pub(super) fn has_lost(&mut self, now: Instant) -> bool {
        let is_lost = self.playing.as_ref().is_some_and(|playing| now >= playing.lost_at);
        if is_lost {
            self.stop();
        }
        is_lost
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.playing.as_ref().map(|playing| playing.lost_at)
    }

    pub(super) fn music(&mut self, is_on: bool) {
        if self.is_music_on != is_on {
            self.is_music_on = is_on;
            self.push(Output::Music(is_on));
        }
    }

    pub(super) fn chime(&mut self, chime: Chime) {
        self.push(Output::Chime(chime));
    }

    pub(super) fn check_room(&mut self) {
        let check = self.next_check();
        self.push(Output::CheckRoom { check });
    }

    pub(super) fn check_id(&mut self, digits: Digits) {
        let check = self.next_check();
        self.push(Output::CheckId { check, digits });
    }

    pub(super) fn check_pin(&mut self, digits: Option<Digits>) {
        let check = self.next_check();
        self.push(Output::CheckPin { check, digits });
    }

    fn next_check(&mut self) -> CheckToken {
        self.last_check = self.last_check.wrapping_add(1);
        CheckToken(self.last_check)
    }

    /// Whether a verdict is about the last check.
    pub(super) const fn is_last(&self, check: CheckToken) -> bool {
        check.0 == self.last_check
    }
}
