// SPDX-License-Identifier: EUPL-1.2
//! An operator's own recordings: a folder with one folder for each language, whose files are called like the prompts; and with
//! one for each tenant that has recordings of its own, in which there are folders for languages again.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::wav::{self, WavError};
use super::{Language, PromptId};

/// More than a minute of PCM, which is longer than a prompt may be.
const MAX_FILE_BYTES: u64 = 2 << 20;

/// All recordings of a folder together, which are kept in memory: four and a half hours. All prompts in both languages take about
/// 30 MiB, and a greeting of a tenant's own 200 KiB.
pub(super) const MAX_TOTAL_BYTES: usize = 512 << 20;

/// Why a folder of recordings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The folder or a file of it cannot be read.
    #[error("reading {path}: {error}", path = path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// A folder of recordings that is called after no language.
    #[error("{path} is called after no language; there are de and en, also in the folder of a tenant", path = .0.display())]
    UnknownLanguage(PathBuf),
    /// A folder with folders in it that is not called as tenants can be.
    #[error("{path} has folders in it, and is not called like a tenant: by its slug, such as ministry-a", path = .0.display())]
    NoTenant(PathBuf),
    /// There are more recordings than are kept in memory.
    #[error("{path} does not fit: all recordings together may take 512 MiB, which are four hours", path = .0.display())]
    TooMuch(PathBuf),
    /// A recording that is called after no prompt, which nobody would ever hear.
    #[error("{path} is called after no prompt; prompts/README.md says where their names are", path = .0.display())]
    UnknownPrompt(PathBuf),
    /// A recording that the bridge cannot play.
    #[error("{path} cannot be played: {error}; it must be WAV, 16 bit PCM, 16000 samples a second, one channel",
        path = path.display())]
    Format {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        error: WavError,
    },
}

/// A prompt's sound in a language.
pub(super) struct Recording {
    /// Whose it is, by the slug; everybody's without.
    pub(super) tenant: Option<String>,
    pub(super) language: Language,
    pub(super) id: PromptId,
    pub(super) sound: Arc<[i16]>,
}

/// A folder's recordings, of so many bytes at most. Files that do not end in `.wav` are left alone, such as notes and texts.
pub(super) fn recordings(folder: &Path, bytes: usize) -> Result<Vec<Recording>, PromptError> {
    let mut found = Found { recordings: Vec::new(), bytes_left: bytes };
    for inner in folders(folder)? {
        // A tenant may be called like a language. So what is in a folder says what it is: recordings stand in those of languages.
        let of_tenant = folders(&inner)?;
        if let Some(language) = language_of(&inner) {
            found.add(None, language, &inner)?;
        } else if of_tenant.is_empty() || !recordings_in(&inner)?.is_empty() {
            return Err(PromptError::UnknownLanguage(inner));
        }
        for path in of_tenant {
            let language = language_of(&path).ok_or_else(|| PromptError::UnknownLanguage(path.clone()))?;
            found.add(Some(slug_of(&inner)?), language, &path)?;
        }
    }
    Ok(found.recordings)
}

/// What was found so far.
struct Found {
    recordings: Vec<Recording>,
    /// What there is still room for.
    bytes_left: usize,
}

impl Found {
    /// Adds what is in the folder of a language.
    fn add(&mut self, tenant: Option<&str>, language: Language, folder: &Path) -> Result<(), PromptError> {
        for path in recordings_in(folder)? {
            let id = path.file_stem().and_then(|name| name.to_str()).and_then(PromptId::from_name);
            let id = id.ok_or_else(|| PromptError::UnknownPrompt(path.clone()))?;
            let sound = read(&path)?;
            let left = self.bytes_left.checked_sub(size_of_val(&*sound));
            self.bytes_left = left.ok_or_else(|| PromptError::TooMuch(path.clone()))?;
            self.recordings.push(Recording { tenant: tenant.map(str::to_owned), language, id, sound });
        }
        Ok(())
    }
}

fn language_of(folder: &Path) -> Option<Language> {
    Language::ALL.into_iter().find(|language| folder.ends_with(language.tag()))
}

/// The tenant that a folder is called after.
fn slug_of(folder: &Path) -> Result<&str, PromptError> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    // As slugs are written: another one would never be called.
    let is_slug = (1..=63).contains(&name.len())
        && name.bytes().all(|byte| is_plain(byte) || byte == b'-')
        && [name.bytes().next(), name.bytes().next_back()].into_iter().flatten().all(is_plain);
    if is_slug { Ok(name) } else { Err(PromptError::NoTenant(folder.to_owned())) }
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, PromptError> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

fn recordings_in(folder: &Path) -> Result<Vec<PathBuf>, PromptError> {
    let is_recording = |path: &PathBuf| !path.is_dir() && path.extension().is_some_and(|end| end == "wav");
    Ok(entries(folder)?.into_iter().filter(is_recording).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, PromptError> {
    let unreadable = |error| PromptError::Unreadable { path: folder.to_owned(), error };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(unreadable)?;
    // So that the same file is named each time when several are wrong.
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<Arc<[i16]>, PromptError> {
    let unreadable = |error| PromptError::Unreadable { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)).map_err(unreadable)?;
    wav::parse(&bytes).map(Arc::from).map_err(|error| PromptError::Format { path: path.to_owned(), error })
}
