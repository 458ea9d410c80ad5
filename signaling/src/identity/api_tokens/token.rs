// SPDX-License-Identifier: EUPL-1.2
//! The text of a token.

use crate::identity::secret;

/// How all of them begin, so that people and secret scanners recognise them.
pub(crate) const PREFIX: &str = "saal_";

/// Characters that are shown in lists.
const SHOWN_CHARS: usize = PREFIX.len() + 6;

/// A new one.
pub(crate) fn make() -> String {
    secret::make(PREFIX)
}

/// By what people recognise it.
pub(crate) fn shown(token: &str) -> String {
    token.chars().take(SHOWN_CHARS).collect()
}
