// SPDX-License-Identifier: EUPL-1.2
//! Room tokens: JWTs (RFC 7519) signed with HS256 that carry LiveKit's claims. Any of LiveKit's server SDKs makes them.
//!
//! No other algorithm is accepted and a token must expire. Whatever is wrong with a token, its bearer hears the same.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, dangerous};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::grants::{SipGrants, VideoGrants};
use super::secret::ApiKey;

/// How far the clocks of those who sign may be off.
const LEEWAY: Duration = Duration::from_secs(60);

/// What [`mint`] puts into a token.
#[derive(Clone, Debug)]
pub struct RoomTokenRequest {
    /// The only room that the token opens.
    pub room: String,
    /// Who the bearer is; unique in the room.
    pub identity: String,
    /// What others read; empty for none.
    pub name: String,
    /// May also mute and remove others, and make and delete the room.
    pub admin: bool,
    /// For how long.
    pub valid_for: Duration,
    /// From when.
    pub now: SystemTime,
}

/// A token could not be signed.
#[derive(Debug, Error)]
#[error("signing the token: {0}")]
pub struct MintError(#[from] jsonwebtoken::errors::Error);

/// Signs a token with which its bearer can join a room.
///
/// # Errors
///
/// Fails when the claims cannot be written.
pub fn mint(key: &str, secret: &str, request: &RoomTokenRequest) -> Result<String, MintError> {
    mint_with(key, &EncodingKey::from_secret(secret.as_bytes()), request)
}

fn mint_with(key: &str, signing: &EncodingKey, request: &RoomTokenRequest) -> Result<String, MintError> {
    let video = VideoGrants {
        room_join: true,
        room: request.room.clone(),
        room_admin: request.admin,
        room_create: request.admin,
        ..VideoGrants::default()
    };
    let claims = Claims {
        sub: Some(request.identity.clone()),
        name: request.name.clone(),
        video: Some(video),
        ..Claims::default()
    };
    sign(key, signing, claims, request.now, request.valid_for)
}

fn sign(
    key: &str,
    signing: &EncodingKey,
    mut claims: Claims,
    now: SystemTime,
    valid_for: Duration,
) -> Result<String, MintError> {
    let issued = unix_seconds(now);
    claims.iss = key.to_owned();
    claims.iat = claims.iat.or(Some(issued));
    claims.nbf = Some(issued);
    claims.exp = issued + valid_for.as_secs_f64().floor();
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, signing)?)
}

fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64().floor()
}

/// The claims as they stand in a token. Times are `NumericDate`s, which may have a fraction.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Claims {
    #[serde(default)]
    iss: String,
    exp: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind_details: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) metadata: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attributes: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    video: Option<VideoGrants>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sip: Option<SipGrants>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) room_config: Option<RoomConfig>,
}

/// How a room shall be when the bearer is the one who makes it. LiveKit's clients write either spelling.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RoomConfig {
    #[serde(alias = "empty_timeout", skip_serializing_if = "is_zero")]
    pub(crate) empty_timeout: u32,
    #[serde(alias = "departure_timeout", skip_serializing_if = "is_zero")]
    pub(crate) departure_timeout: u32,
    #[serde(alias = "max_participants", skip_serializing_if = "is_zero")]
    pub(crate) max_participants: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) metadata: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// The token is not one of ours, or not any more. Deliberately says no more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("invalid authorization token")]
pub(crate) struct InvalidToken;

/// A token that has been found genuine and current.
#[derive(Clone, Debug)]
pub(crate) struct RoomToken {
    pub(crate) claims: Claims,
    pub(crate) grants: VideoGrants,
}

impl RoomToken {
    /// Whom it names; may be empty.
    pub(crate) fn identity(&self) -> &str {
        self.claims.sub.as_deref().filter(|sub| !sub.is_empty()).or(self.claims.jti.as_deref()).unwrap_or_default()
    }

    /// What it grants of telephones.
    pub(crate) fn sip(&self) -> SipGrants {
        self.claims.sip.unwrap_or_default()
    }

    /// When it was issued, in whole seconds since 1970; 0 when it does not say.
    pub(crate) fn issued_at(&self) -> u64 {
        let issued = self.claims.iat.or(self.claims.nbf).unwrap_or_default();
        // Saturates; a negative time becomes 0.
        issued as u64
    }

    /// When it ends.
    pub(crate) fn expires_at(&self) -> SystemTime {
        // A lifetime beyond what a clock can show ends with the clock.
        let seconds = Duration::try_from_secs_f64(self.claims.exp).unwrap_or_default();
        UNIX_EPOCH.checked_add(seconds).unwrap_or(UNIX_EPOCH)
    }
}

struct Signer {
    key: String,
    verify: DecodingKey,
    sign: EncodingKey,
}

/// What the token of somebody says who was let into a meeting.
#[derive(Clone, Debug)]
pub(crate) struct AdmittedTo {
    pub(crate) identity: String,
    pub(crate) name: String,
    pub(crate) metadata: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) grants: VideoGrants,
    /// In seconds since 1970. Later than the tokens that are not honoured any more.
    pub(crate) issued_at: u64,
    pub(crate) now: SystemTime,
    pub(crate) valid_for: Duration,
}

/// The keys that tokens are verified and signed with.
pub(crate) struct TokenKeys(Vec<Signer>);

/// A key without a name or secret would let anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an API key has an empty name or secret")]
pub(crate) struct EmptyKey;

impl TokenKeys {
    pub(crate) fn new(keys: &[ApiKey]) -> Result<Self, EmptyKey> {
        let signers = keys.iter().map(|ApiKey { key, secret }| {
            if key.is_empty() || secret.expose().is_empty() {
                return Err(EmptyKey);
            }
            let secret = secret.expose().as_bytes();
            let (verify, sign) = (DecodingKey::from_secret(secret), EncodingKey::from_secret(secret));
            Ok(Signer { key: key.clone(), verify, sign })
        });
        signers.collect::<Result<_, _>>().map(Self)
    }

    /// Checks signature, issuer and times. What the token grants is for the caller to look at.
    pub(crate) fn verify(&self, token: &str) -> Result<RoomToken, InvalidToken> {
        #[derive(Deserialize)]
        struct Issuer {
            iss: String,
        }
        // Only to choose the key: nothing of it is believed before the signature is checked.
        let Issuer { iss } = dangerous::insecure_decode_claims(token).map_err(|_| InvalidToken)?;
        let signer = self.0.iter().find(|signer| signer.key == iss).ok_or(InvalidToken)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.set_issuer(&[&signer.key]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        let token = jsonwebtoken::decode::<Claims>(token, &signer.verify, &validation).map_err(|_| InvalidToken)?;
        let mut claims = token.claims;
        let grants = claims.video.take().unwrap_or_default();
        Ok(RoomToken { claims, grants })
    }

    /// Signs the claims of `token`, changed by the caller, anew with the key that it was signed with. The time of issue
    /// stays (RFC 7519 §4.1.6): who may no longer use the one may not use the other.
    pub(crate) fn renew(
        &self,
        token: &RoomToken,
        grants: VideoGrants,
        now: SystemTime,
        valid_for: Duration,
    ) -> Result<String, MintError> {
        let signer = self.0.iter().find(|signer| signer.key == token.claims.iss);
        let signer = signer.ok_or(MintError(jsonwebtoken::errors::ErrorKind::InvalidIssuer.into()))?;
        let issued = token.issued_at() as f64;
        let claims = Claims { video: Some(grants), iat: Some(issued), ..token.claims.clone() };
        sign(&signer.key, &signer.sign, claims, now, valid_for)
    }

    /// Signs a token for somebody who was let into a meeting, with the first key, if there is one.
    pub(crate) fn mint_admitted(&self, admitted: &AdmittedTo) -> Option<Result<String, MintError>> {
        let claims = Claims {
            sub: Some(admitted.identity.clone()),
            name: admitted.name.clone(),
            metadata: admitted.metadata.clone(),
            attributes: Some(admitted.attributes.clone()),
            video: Some(admitted.grants.clone()),
            iat: Some(admitted.issued_at as f64),
            ..Claims::default()
        };
        self.0.first().map(|signer| sign(&signer.key, &signer.sign, claims, admitted.now, admitted.valid_for))
    }

    /// Signs a token with the first key, if there is one.
    pub(crate) fn mint_with_first(&self, request: &RoomTokenRequest) -> Option<Result<String, MintError>> {
        self.0.first().map(|signer| mint_with(&signer.key, &signer.sign, request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
    use serde_json::{Value, json};

    const SECRET: &str = "a secret of at least thirty-two bytes";

    fn keys() -> TokenKeys {
        let key = |key: &str, secret: &str| ApiKey { key: key.into(), secret: secret.into() };
        TokenKeys::new(&[key("key", SECRET), key("other", "another secret of thirty-two bytes")]).expect("good keys")
    }

    fn now() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
    }

    /// A token with these claims over those of a good one, signed as `algorithm` with `secret`.
    fn token(algorithm: Algorithm, secret: &str, changed: Value) -> String {
        let mut claims = json!({ "iss": "key", "sub": "ann", "exp": now() + 600, "nbf": now(),
            "video": { "roomJoin": true, "room": "r" } });
        for (name, value) in changed.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        jsonwebtoken::encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret.as_bytes()))
            .expect("a token")
    }

    fn check(changed: Value) -> Result<RoomToken, InvalidToken> {
        keys().verify(&token(Algorithm::HS256, SECRET, changed))
    }

    #[test]
    fn a_minted_token_opens_its_room() {
        let request = RoomTokenRequest {
            room: "r".into(),
            identity: "ann".into(),
            name: "Ann".into(),
            admin: false,
            valid_for: Duration::from_secs(60),
            now: SystemTime::now(),
        };
        let token = keys().verify(&mint("key", SECRET, &request).expect("a token")).expect("a good token");
        assert_eq!((token.identity(), token.claims.name.as_str(), token.grants.room.as_str()), ("ann", "Ann", "r"));
        assert!(token.grants.room_join && !token.grants.room_admin);
        assert_eq!(token.issued_at(), unix_seconds(request.now) as u64);
        let admin = mint("key", SECRET, &RoomTokenRequest { admin: true, ..request }).expect("a token");
        assert!(keys().verify(&admin).expect("a good token").grants.room_admin);
    }

    #[test]
    fn clocks_may_be_a_minute_off() {
        assert!(check(json!({ "exp": now() - 30 })).is_ok());
        assert!(check(json!({ "nbf": now() + 30 })).is_ok());
        assert!(check(json!({ "exp": now() - 90 })).is_err());
        assert!(check(json!({ "nbf": now() + 90 })).is_err());
    }

    #[test]
    fn a_token_must_say_when_it_ends_and_in_numbers() {
        assert!(check(json!({ "exp": null })).is_err());
        assert!(check(json!({ "exp": "9999999999" })).is_err());
        assert!(check(json!({ "nbf": "9999999999" })).is_err());
        assert!(check(json!({ "exp": (now() + 600) as f64 + 0.5 })).is_ok());
        assert!(check(json!({ "exp": 1e300 })).is_err());
    }

    #[test]
    fn only_known_keys_sign() {
        assert!(check(json!({ "iss": "other" })).is_err());
        assert!(check(json!({ "iss": "stranger" })).is_err());
        assert!(check(json!({ "iss": ["key"] })).is_err());
        assert!(keys().verify(&token(Algorithm::HS256, "", json!({}))).is_err());
        assert_eq!(TokenKeys::new(&[ApiKey { key: "key".into(), secret: "".into() }]).err(), Some(EmptyKey));
    }

    #[test]
    fn no_other_algorithm_is_accepted() {
        assert!(keys().verify(&token(Algorithm::HS384, SECRET, json!({}))).is_err());
        let good = token(Algorithm::HS256, SECRET, json!({}));
        let mut parts = good.split('.');
        let (_, claims, signature) = (parts.next(), parts.next().expect("claims"), parts.next().expect("signature"));
        for algorithm in ["none", "None", "RS256", "EdDSA"] {
            let header = BASE64.encode(json!({ "alg": algorithm, "typ": "JWT" }).to_string());
            assert!(keys().verify(&format!("{header}.{claims}.")).is_err());
            assert!(keys().verify(&format!("{header}.{claims}.{signature}")).is_err());
        }
        let header = BASE64.encode(json!({ "alg": "HS256", "kid": "../../dev/null' OR 1=1" }).to_string());
        assert!(keys().verify(&format!("{header}.{claims}.{signature}")).is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        for nonsense in ["", ".", "..", "a.b.c", "ä", &"x".repeat(100_000)] {
            assert!(keys().verify(nonsense).is_err());
        }
    }

    #[test]
    fn the_identity_may_stand_in_the_token_id() {
        assert_eq!(check(json!({ "sub": "", "jti": "bob" })).expect("a good token").identity(), "bob");
        assert_eq!(check(json!({ "sub": null })).expect("a good token").identity(), "");
    }

    #[test]
    fn a_renewed_token_keeps_what_it_does_not_change() {
        let issued = now() - 50;
        let claims = json!({ "metadata": "m", "attributes": { "a": "b" }, "iss": "key", "nbf": issued });
        let token = check(claims).expect("a good token");
        let grants = token.grants.clone();
        let renewed = keys().renew(&token, grants, SystemTime::now(), Duration::from_secs(600)).expect("a token");
        let renewed = keys().verify(&renewed).expect("a good token");
        assert_eq!((renewed.identity(), renewed.claims.metadata.as_str()), ("ann", "m"));
        assert!(renewed.grants.room_join);
        assert_eq!(renewed.issued_at(), issued, "it is revoked together with the one it stands for");
        let (mut silent, grants) = (token.clone(), token.grants.clone());
        (silent.claims.nbf, silent.claims.iat) = (None, None);
        let renewed = keys().renew(&silent, grants, SystemTime::now(), Duration::from_secs(600)).expect("a token");
        assert_eq!(keys().verify(&renewed).expect("a good token").issued_at(), 0);
    }
}
