// SPDX-License-Identifier: EUPL-1.2
//! The recordings that are built into the program. A prompt without a file fails to compile.

use super::catalogue::{Language, PromptId, sentence_files};

/// The recordings of a language's folder, in the order of [`PromptId::all`].
macro_rules! number_files {
    ($folder:literal: $($number:literal)*) => {
        [$(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/prompts/", $folder, "/number_", $number, ".wav")).as_slice()),*]
    };
}

/// Both languages have the same numbers.
macro_rules! numbers_below_100 {
    ($folder:literal) => {
        number_files!($folder:
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33
            34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66
            67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99)
    };
}

const NUMBERS: usize = super::SmallNumber::COUNT as usize;
const SENTENCES: usize = PromptId::COUNT - NUMBERS;

static GERMAN: ([&[u8]; SENTENCES], [&[u8]; NUMBERS]) = (sentence_files!("de"), numbers_below_100!("de"));
static ENGLISH: ([&[u8]; SENTENCES], [&[u8]; NUMBERS]) = (sentence_files!("en"), numbers_below_100!("en"));

/// A built-in WAV file, whole.
pub(super) fn file(language: Language, id: PromptId) -> &'static [u8] {
    let (sentences, numbers) = match language {
        Language::German => &GERMAN,
        Language::English => &ENGLISH,
    };
    sentences.iter().chain(numbers).nth(id.index()).copied().unwrap_or_default()
}
