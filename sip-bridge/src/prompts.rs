// SPDX-License-Identifier: EUPL-1.2
//! What callers hear: recordings of sentences and numbers in each language, built into the program; an operator's own
//! recordings take their places one by one, for everybody or for those who call one tenant. `prompts/README.md` says how both
//! are made.

mod adpcm;
mod catalogue;
mod embedded;
mod numbers;
mod own;
#[cfg(test)]
mod tests;
mod wav;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub use self::catalogue::{Language, PromptId, SmallNumber};
pub use self::numbers::number;
pub use self::own::PromptError;
use self::own::{MAX_TOTAL_BYTES, Recording};
pub use self::wav::WavError;

/// The recordings of all prompts in all languages, each decoded when it is first asked for.
pub struct Prompts {
    /// A language's prompts stand together, in the order of [`PromptId::all`].
    sounds: Vec<OnceLock<Arc<[i16]>>>,
    /// What tenants have in place of these, by their slugs. A tenant has few of its own, such as the greeting.
    of_tenants: HashMap<String, OwnSounds>,
}

/// A tenant's own recordings.
type OwnSounds = HashMap<(Language, PromptId), Arc<[i16]>>;

impl Prompts {
    /// The recordings that are built in.
    #[must_use]
    pub fn embedded() -> Self {
        let sounds = (0..Language::ALL.len() * PromptId::COUNT).map(|_| OnceLock::new()).collect();
        Self { sounds, of_tenants: HashMap::new() }
    }

    /// The built-in recordings, with those of a folder in their places: `de/welcome.wav` replaces the German greeting, and
    /// `ministry-a/de/welcome.wav` the one that is heard by who calls the tenant with that slug.
    ///
    /// # Errors
    /// When the folder cannot be read or has too much in it, and for a file in it that no prompt is called after or whose
    /// format is another than the bridge's. The message names the file.
    pub fn with_folder(folder: &Path) -> Result<Self, PromptError> {
        Self::with_at_most(folder, MAX_TOTAL_BYTES)
    }

    /// The same, with so many bytes of recordings.
    fn with_at_most(folder: &Path, bytes: usize) -> Result<Self, PromptError> {
        let mut prompts = Self::embedded();
        for Recording { tenant, language, id, sound } in own::recordings(folder, bytes)? {
            if let Some(tenant) = tenant {
                prompts.of_tenants.entry(tenant).or_default().insert((language, id), sound);
            } else if let Some(slot) = prompts.sounds.get_mut(Self::place(language, id)) {
                *slot = OnceLock::from(sound);
            }
        }
        Ok(prompts)
    }

    /// A prompt's samples, at [`crate::audio::SAMPLE_RATE_HZ`], as a tenant has them. One that has none of its own, or is not
    /// known here, has the installation's.
    #[must_use]
    pub fn sound_of(&self, tenant: Option<&str>, language: Language, id: PromptId) -> Arc<[i16]> {
        let own = tenant.and_then(|tenant| self.of_tenants.get(tenant)?.get(&(language, id)));
        own.map_or_else(|| self.sound(language, id), Arc::clone)
    }

    /// The installation's samples of a prompt.
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
