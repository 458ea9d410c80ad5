// SPDX-License-Identifier: EUPL-1.2
//! The secret by which a browser asks how it stands in the lobby. Stored as a hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::records::audit::hex;

/// How every ticket begins, so that it is not taken for somebody's token.
pub(crate) const PREFIX: &str = "lobby_";

/// A new one.
pub(crate) fn make() -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

/// What is stored of it.
pub(crate) fn hash(ticket: &str) -> String {
    hex(&Sha256::digest(ticket))
}
