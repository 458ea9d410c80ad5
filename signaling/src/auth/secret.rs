// SPDX-License-Identifier: EUPL-1.2
//! Text that must not be seen: it prints as dots and is only read by name.

use std::fmt;
use std::sync::Arc;

/// A secret. It never shows in `Debug` output.
#[derive(Clone, PartialEq, Eq)]
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
        f.write_str("•••")
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
    fn a_secret_never_prints() {
        let key = ApiKey { key: "key".into(), secret: "hush".into() };
        let printed = format!("{key:?} {key:#?}");
        assert!(!printed.contains("hush"));
        assert_eq!(key.secret.expose(), "hush");
    }
}
