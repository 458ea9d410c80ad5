// SPDX-License-Identifier: EUPL-1.2
//! Tokens as an application would sign them, good and bad ones.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "key";
pub(crate) const SECRET: &str = "a secret of at least thirty-two bytes";

/// The claims of a token that is about to be signed.
#[derive(Clone)]
pub(crate) struct Token(Value);

/// Now, in seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

impl Token {
    /// Lets somebody into a room.
    pub(crate) fn join(room: &str, identity: &str) -> Self {
        Self(json!({ "iss": KEY, "sub": identity, "name": identity.to_uppercase(), "nbf": now(), "exp": now() + 600,
            "video": { "roomJoin": true, "room": room } }))
    }

    /// Lets somebody administer a room, and make and list rooms.
    pub(crate) fn admin(room: &str) -> Self {
        Self(json!({ "iss": KEY, "nbf": now(), "exp": now() + 600,
            "video": { "roomAdmin": true, "room": room, "roomCreate": true, "roomList": true } }))
    }

    /// With a claim changed; `null` takes it away.
    pub(crate) fn with(mut self, claim: &str, value: Value) -> Self {
        self.0[claim] = value;
        self.0.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        self
    }

    /// With a grant changed.
    pub(crate) fn granting(mut self, grant: &str, value: Value) -> Self {
        self.0["video"][grant] = value;
        self
    }

    pub(crate) fn sign(&self) -> String {
        self.sign_as(Algorithm::HS256, SECRET)
    }

    pub(crate) fn sign_as(&self, algorithm: Algorithm, secret: &str) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), &self.0, &key).expect("a token")
    }
}
