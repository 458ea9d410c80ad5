// SPDX-License-Identifier: EUPL-1.2
//! Room tokens as LiveKit's server SDKs make them: JWTs (RFC 7519) with HS256.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::Plan;

const LIFE: Duration = Duration::from_secs(24 * 3_600);

/// A token that lets the plan's client into its room.
pub(super) fn mint(api_key: &str, api_secret: &str, plan: &Plan) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "iss": api_key,
        "sub": plan.identity,
        "nbf": now,
        "exp": now + LIFE.as_secs(),
        "video": { "roomJoin": true, "room": plan.room, "canPublish": true, "canSubscribe": true },
    });
    let key = EncodingKey::from_secret(api_secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).context("the token cannot be signed")
}
