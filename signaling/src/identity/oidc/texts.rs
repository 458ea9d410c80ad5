// SPDX-License-Identifier: EUPL-1.2
//! The words of the pages around signing in. They stand in HTML as they are.

mod de;
mod en;

use super::page::Refusal;
use crate::api::language::Language;

/// A heading, and what can be done.
pub(super) struct Text {
    pub(super) title: &'static str,
    pub(super) body: &'static str,
}

/// Why somebody does not get in.
pub(super) fn refusal(refusal: Refusal, language: Language) -> Text {
    let (title, body) = match language {
        Language::De => de::refusal(refusal),
        Language::En => en::refusal(refusal),
    };
    Text { title, body }
}

/// The link to begin again.
pub(super) fn again(language: Language) -> &'static str {
    match language {
        Language::De => de::AGAIN,
        Language::En => en::AGAIN,
    }
}

/// The page with the button to sign out: what it asks, and what the button says.
pub(super) fn sign_out(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::De => de::SIGN_OUT,
        Language::En => en::SIGN_OUT,
    }
}
