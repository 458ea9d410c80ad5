// SPDX-License-Identifier: EUPL-1.2
//! The secret by which a browser asks how it stands in the lobby. Stored as a hash.

use crate::identity::secret;

/// How every ticket begins, so that it is not taken for somebody's token.
pub(crate) const PREFIX: &str = "lobby_";

/// A new one.
pub(crate) fn make() -> String {
    secret::make(PREFIX)
}
