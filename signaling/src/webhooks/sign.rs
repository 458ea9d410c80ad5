// SPDX-License-Identifier: EUPL-1.2
//! Signatures as Standard Webhooks 1.0 has them: HMAC-SHA-256 over id, time and body.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};

use super::model::Webhook;
use crate::identity::keys::{Keys, Purpose};

/// How secrets begin.
const PREFIX: &str = "whsec_";

/// How long messages are signed with the secret before, too, so that nothing is lost while the receiver is told the new one.
const OVERLAP: Duration = Duration::hours(24);

fn key(keys: &Keys, webhook: &Webhook, generation: i64) -> [u8; 32] {
    let id = webhook.id.to_string();
    keys.derive(Purpose::WebhookSecret, &[id.as_bytes(), &generation.to_be_bytes()])
}

/// What whoever receives the messages checks them with.
pub(super) fn secret(keys: &Keys, webhook: &Webhook) -> String {
    format!("{PREFIX}{}", STANDARD.encode(key(keys, webhook, webhook.secret_generation)))
}

/// The value of `webhook-signature`: one, or for a while two with a blank between them.
pub(super) fn signature(keys: &Keys, webhook: &Webhook, id: &str, time: DateTime<Utc>, body: &str) -> String {
    let with = |generation| sign(&key(keys, webhook, generation), id, time.timestamp(), body);
    let signature = with(webhook.secret_generation);
    match webhook.secret_rotated_at {
        Some(rotated_at) if time - rotated_at < OVERLAP => {
            format!("{signature} {}", with(webhook.secret_generation - 1))
        }
        _ => signature,
    }
}

fn sign(key: &[u8], id: &str, seconds: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in the specification's reference libraries.
    #[test]
    fn the_standards_example_comes_out() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
