// SPDX-License-Identifier: EUPL-1.2
//! What callers are called, in each language.

mod de;
mod en;

use crate::api::language::Language;

/// Somebody at the telephone.
pub(crate) const fn telephone(language: Language) -> &'static str {
    match language {
        Language::De => de::TELEPHONE,
        Language::En => en::TELEPHONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_word() {
        assert_ne!(telephone(Language::De), telephone(Language::En));
    }
}
