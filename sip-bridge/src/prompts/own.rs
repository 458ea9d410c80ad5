// SPDX-License-Identifier: EUPL-1.2
//! An operator's own recordings: a folder with one folder for each language, whose files are called like the prompts.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::wav::{self, WavError};
use super::{Language, PromptId};

/// More than a minute of PCM, which is longer than a prompt may be.
const MAX_FILE_BYTES: u64 = 2 << 20;

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
    /// A folder that is called after no language.
    #[error("{path} is called after no language; there are de and en", path = .0.display())]
    UnknownLanguage(PathBuf),
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
    pub(super) language: Language,
    pub(super) id: PromptId,
    pub(super) sound: Arc<[i16]>,
}

/// A folder's recordings. Files that do not end in `.wav` are left alone, such as notes and texts.
pub(super) fn recordings(folder: &Path) -> Result<Vec<Recording>, PromptError> {
    let mut found = Vec::new();
    for inner in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let language = Language::ALL.into_iter().find(|language| inner.ends_with(language.tag()));
        let language = language.ok_or_else(|| PromptError::UnknownLanguage(inner.clone()))?;
        for path in entries(&inner)?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "wav")) {
            let id = path.file_stem().and_then(|name| name.to_str()).and_then(PromptId::from_name);
            let id = id.ok_or_else(|| PromptError::UnknownPrompt(path.clone()))?;
            found.push(Recording { language, id, sound: read(&path)? });
        }
    }
    Ok(found)
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
