// SPDX-License-Identifier: EUPL-1.2
//! By which a guest's browser is known again: a cookie with a secret and the proof that we made it. What is derived from
//! it differs from meeting to meeting, so nobody is followed from one to the next.

use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::venue::Venue;
use crate::app::App;
use crate::identity::keys::Purpose;
use crate::identity::sessions::cookie;

const NAME: &str = "saal_guest";

/// Bytes of the secret.
const SECRET_BYTES: usize = 16;

/// How long a browser is known: 30 days after it was here last.
const LIFE_SECONDS: u32 = 30 * 24 * 3600;

/// A guest's browser.
pub(super) struct GuestBrowser {
    secret: String,
}

impl GuestBrowser {
    /// The one that sends this, if it has been here before.
    pub(super) fn known(app: &App, headers: &HeaderMap) -> Option<Self> {
        let name = cookie::name(app, NAME);
        cookie::all(headers, &name).filter_map(|value| value.split_once('.')).find_map(|(secret, proof)| {
            let is_ours = app.installation.is_derived(proof, Purpose::GuestBrowser, &[b"cookie", secret.as_bytes()]);
            is_ours.then(|| Self { secret: secret.to_owned() })
        })
    }

    /// One that has not.
    pub(super) fn new() -> Self {
        Self { secret: URL_SAFE_NO_PAD.encode(rand::random::<[u8; SECRET_BYTES]>()) }
    }

    /// What it is to keep.
    pub(super) fn cookie(&self, app: &App) -> HeaderValue {
        let secret = &self.secret;
        let proof = app.installation.derive_text(Purpose::GuestBrowser, &[b"cookie", secret.as_bytes()]);
        cookie::set(app, NAME, &format!("{secret}.{proof}"), Some(LIFE_SECONDS))
    }

    /// What it is known by at a venue.
    pub(super) fn mark(&self, app: &App, venue: &Venue) -> String {
        let parts = [b"person".as_slice(), venue.id().as_bytes(), self.secret.as_bytes()].map(<[u8]>::to_vec);
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        app.installation.derive_text(Purpose::GuestBrowser, &parts)
    }
}
