// SPDX-License-Identifier: EUPL-1.2
//! The text of a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::records::audit::hex;

/// How all of them begin, so that people and secret scanners recognise them.
pub(crate) const PREFIX: &str = "saal_";

/// Characters that are shown in lists.
const SHOWN_CHARS: usize = PREFIX.len() + 6;

/// A new one: 256 random bits.
pub(crate) fn make() -> String {
    let secret: [u8; 32] = rand::random();
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret))
}

/// What is stored of it. A fast hash will do: nobody guesses 256 bits.
pub(crate) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token))
}

/// By what people recognise it.
pub(crate) fn shown(token: &str) -> String {
    token.chars().take(SHOWN_CHARS).collect()
}
