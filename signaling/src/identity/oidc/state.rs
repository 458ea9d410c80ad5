// SPDX-License-Identifier: EUPL-1.2
//! What a browser keeps while somebody is at the identity provider. One secret, from which `state`, `nonce` and the verifier
//! of PKCE are derived: so nothing is stored, and a cookie that somebody else made is worth nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::identity::keys::Purpose;
use crate::identity::secret;

/// The cookie.
pub(super) const COOKIE: &str = "saal_sign_in";

/// For how long somebody may take.
pub(super) const LIFETIME_S: u32 = 900;

/// Longest path to come back to.
const MAX_PATH_CHARS: usize = 500;

/// A sign-in that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignIn {
    secret: String,
    begun_at_s: i64,
    /// Where somebody wants to go.
    pub(super) return_to: String,
}

impl SignIn {
    pub(super) fn new(return_to: &str) -> Self {
        Self { secret: secret::make(""), begun_at_s: Utc::now().timestamp(), return_to: own_path(return_to).to_owned() }
    }

    /// The cookie's value.
    pub(super) fn seal(&self, app: &App) -> String {
        let Self { secret, begun_at_s, return_to } = self;
        let return_to = URL_SAFE_NO_PAD.encode(return_to);
        let text = format!("{secret}.{begun_at_s}.{return_to}");
        let seal = derive(app, "seal", &text);
        format!("{text}.{seal}")
    }

    /// Reads a cookie of ours that is not too old.
    pub(super) fn open(app: &App, cookie: &str) -> Option<Self> {
        let (text, seal) = cookie.rsplit_once('.')?;
        if !app.installation.is_derived(seal, Purpose::SignInState, &[b"seal", text.as_bytes()]) {
            return None;
        }
        let mut parts = text.splitn(3, '.');
        let (secret, begun_at_s, return_to) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let age_s = Utc::now().timestamp() - begun_at_s;
        let return_to = String::from_utf8(URL_SAFE_NO_PAD.decode(return_to).ok()?).ok()?;
        let sign_in = Self { secret: secret.to_owned(), begun_at_s, return_to };
        (0..=i64::from(LIFETIME_S)).contains(&age_s).then_some(sign_in)
    }

    /// Tells the answer to this sign-in from others.
    pub(super) fn state(&self, app: &App) -> String {
        derive(app, "state", &self.secret)
    }

    /// Tells the ID token of this sign-in from others.
    pub(super) fn nonce(&self, app: &App) -> String {
        derive(app, "nonce", &self.secret)
    }

    /// Proves that whoever fetches the tokens is who began (RFC 7636 §4.1).
    pub(super) fn verifier(&self, app: &App) -> String {
        derive(app, "verifier", &self.secret)
    }

    /// What the provider is shown of the verifier (RFC 7636 §4.2).
    pub(super) fn challenge(&self, app: &App) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier(app)))
    }
}

fn derive(app: &App, what: &str, secret: &str) -> String {
    app.installation.derive_text(Purpose::SignInState, &[what.as_bytes(), secret.as_bytes()])
}

/// The path, if it is one on this server; browsers take `//` and `/\` for the beginning of another server's name.
fn own_path(path: &str) -> &str {
    let is_own = path.starts_with('/') && !path[1..].starts_with(['/', '\\']);
    let is_plain = path.chars().count() <= MAX_PATH_CHARS
        && path.chars().all(|character| character.is_ascii_graphic() && character != '\\');
    if is_own && is_plain { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_server() {
        for good in ["/", "/m/abc?x=1#y", "/a//b"] {
            assert_eq!(own_path(good), good);
        }
        for bad in ["", "//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a\r\nb", "/a b", "/ä"] {
            assert_eq!(own_path(bad), "/", "{bad:?}");
        }
    }
}
