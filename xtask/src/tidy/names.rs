// SPDX-License-Identifier: EUPL-1.2

//! A file is named after its one job. Some names say only that nobody knew which.

use super::Source;

const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "manager", "managers", "misc", "stuff"];

/// A line when the file's name, or a word of it, says nothing.
pub(super) fn problem(file: Source<'_>) -> Option<String> {
    let name = file.path.rsplit('/').next().unwrap_or(file.path);
    let stem = name.split('.').next().unwrap_or(name);
    let word = words(stem).into_iter().find(|word| EMPTY_NAMES.contains(&word.as_str()))?;
    Some(format!("{}: {word:?} says nothing about the file's job", file.path))
}

/// `keyframe_requests`, `keyframe-requests` and `KeyframeRequests` are two words each.
fn words(stem: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in stem.chars() {
        if letter.is_uppercase() || letter == '_' || letter == '-' {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_empty_name(path: &str) -> bool {
        problem(Source { path, text: "" }).is_some()
    }

    #[test]
    fn names_without_a_job_are_refused() {
        for path in ["src/utils.rs", "src/room_manager.rs", "web-client/src/dateHelpers.ts"] {
            assert!(is_empty_name(path), "{path}");
        }
    }

    #[test]
    fn the_words_may_be_part_of_others() {
        for path in ["src/utility_rates.rs", "sfu/media/src/pacing.rs", "Cargo.toml"] {
            assert!(!is_empty_name(path), "{path}");
        }
    }
}
