// SPDX-License-Identifier: EUPL-1.2
//! All sounds that callers are played, made once and shared by all threads.

use std::sync::Arc;

use crate::caller::Chime;
use crate::mixing::{Chimes, HoldMusic};
use crate::prompts::{Language, PromptId, Prompts};

/// All sounds that callers are played.
pub struct SoundLibrary {
    prompts: Prompts,
    music: Arc<[i16]>,
    chimes: Chimes,
}

impl SoundLibrary {
    /// With these recordings. Making the music takes a tenth of a second.
    #[must_use]
    pub fn new(prompts: Prompts) -> Self {
        Self { prompts, music: HoldMusic::generate(), chimes: Chimes::new() }
    }

    /// As that tenant has it.
    pub(super) fn prompt(&self, tenant: Option<&str>, language: Language, id: PromptId) -> Arc<[i16]> {
        self.prompts.sound_of(tenant, language, id)
    }

    pub(super) fn music(&self) -> Arc<[i16]> {
        self.music.clone()
    }

    pub(super) fn chime(&self, chime: Chime) -> Arc<[i16]> {
        match chime {
            Chime::Unknown => self.chimes.unknown.clone(),
            Chime::Done => self.chimes.done.clone(),
        }
    }
}
