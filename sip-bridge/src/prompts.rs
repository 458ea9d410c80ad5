// SPDX-License-Identifier: EUPL-1.2
//! What callers hear: recordings of sentences and numbers in each language, built into the program; an operator's own
//! recordings take their places one by one. `prompts/README.md` says how both are made.

mod adpcm;
mod catalogue;
mod embedded;
mod numbers;
mod own;
#[cfg(test)]
mod tests;
mod wav;

use std::path::Path;
use std::sync::{Arc, OnceLock};

pub use self::catalogue::{Language, PromptId, SmallNumber};
pub use self::numbers::number;
pub use self::own::PromptError;
use self::own::Recording;
pub use self::wav::WavError;

/// The recordings of all prompts in all languages, each decoded when it is first asked for.
pub struct Prompts {
    /// A language's prompts stand together, in the order of [`PromptId::all`].
    sounds: Vec<OnceLock<Arc<[i16]>>>,
}

impl Prompts {
    /// The recordings that are built in.
    #[must_use]
    pub fn embedded() -> Self {
        Self { sounds: (0..Language::ALL.len() * PromptId::COUNT).map(|_| OnceLock::new()).collect() }
    }

    /// The built-in recordings, with those of a folder in their places: `de/welcome.wav` replaces the German greeting.
    ///
    /// # Errors
    /// When the folder cannot be read, and for a file in it that no prompt is called after or whose format is another
    /// than the bridge's. The message names the file.
    pub fn with_folder(folder: &Path) -> Result<Self, PromptError> {
        let mut prompts = Self::embedded();
        for Recording { language, id, sound } in own::recordings(folder)? {
            if let Some(slot) = prompts.sounds.get_mut(Self::place(language, id)) {
                *slot = OnceLock::from(sound);
            }
        }
        Ok(prompts)
    }

    /// A prompt's samples, at [`crate::audio::SAMPLE_RATE_HZ`].
    #[must_use]
    pub fn sound(&self, language: Language, id: PromptId) -> Arc<[i16]> {
        let decode = || wav::parse(embedded::file(language, id)).map(Arc::from).unwrap_or_default();
        // A built-in file always parses: a test reads every one.
        self.sounds.get(Self::place(language, id)).map_or_else(decode, |slot| slot.get_or_init(decode).clone())
    }

    fn place(language: Language, id: PromptId) -> usize {
        language.index() * PromptId::COUNT + id.index()
    }
}
