// SPDX-License-Identifier: EUPL-1.2
//! By what receivers know that an event comes from here: a token signed with one of the API keys, about that very body.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::auth::secret::ApiKey;

/// How long a receiver may take a token for good. LiveKit's figure.
const LIFE: Duration = Duration::from_secs(5 * 60);

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    nbf: u64,
    exp: u64,
    /// Of the body, in base64.
    sha256: String,
}

/// Signs bodies.
pub(super) struct Signer {
    key: String,
    secret: EncodingKey,
}

impl Signer {
    pub(super) fn new(key: &ApiKey) -> Self {
        Self { key: key.key.clone(), secret: EncodingKey::from_secret(key.secret.expose().as_bytes()) }
    }

    /// The token for a body.
    pub(super) fn token(&self, body: &[u8], now: SystemTime) -> Result<String, jsonwebtoken::errors::Error> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let sha256 = STANDARD.encode(Sha256::digest(body));
        let claims = Claims { iss: &self.key, nbf: now, exp: now + LIFE.as_secs(), sha256 };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.secret)
    }
}
