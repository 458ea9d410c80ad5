// SPDX-License-Identifier: EUPL-1.2
//! What problems are called in words. The codes are for software, these are for people.

mod de;
mod en;

use super::language::Language;
use super::problem::Code;

/// A title, and what can be done about it.
pub(super) fn problem(code: Code, language: Language) -> (&'static str, &'static str) {
    match language {
        Language::De => de::problem(code),
        Language::En => en::problem(code),
    }
}

/// What is wrong with a field. `value` is what the words need to know.
pub(super) fn field(code: &str, value: Option<&str>, language: Language) -> String {
    let words = match language {
        Language::De => de::field(code),
        Language::En => en::field(code),
    };
    words.replace("{}", value.unwrap_or("?"))
}

#[cfg(test)]
mod tests;
