// SPDX-License-Identifier: EUPL-1.2
//! Text that must not be seen: it is printed, logged and written as `(hidden)`, and only read by name.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// What stands in place of a secret.
const HIDDEN: &str = "(hidden)";

/// A secret. Neither `Debug` nor `Display` nor serialisation shows it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Arc<str>>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Where there is none there is nothing to hide, and that is good to know.
        serializer.serialize_str(if self.0.is_empty() { "" } else { HIDDEN })
    }
}

/// A key that room tokens are signed with. Whoever holds it may enter and administer every room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name, the token's issuer.
    pub key: String,
    /// What signs.
    pub secret: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_of_printing_shows_a_secret() {
        let key = ApiKey { key: "key".into(), secret: "hush".into() };
        let json = serde_json::to_string(&key.secret).unwrap();
        for shown in [format!("{key:?}"), format!("{key:#?}"), key.secret.to_string(), json] {
            assert!(shown.contains(HIDDEN) && !shown.contains("hush"), "{shown}");
        }
        assert_eq!(key.secret.expose(), "hush");
    }
}
