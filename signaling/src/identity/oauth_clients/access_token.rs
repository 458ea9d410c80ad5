// SPDX-License-Identifier: EUPL-1.2
//! Access tokens of OAuth clients: JWTs (RFC 9068) signed with a key that is derived from the installation's secret.

use chrono::Utc;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::model::OauthClient;
use crate::api::ids::OauthClientId;
use crate::app::App;
use crate::identity::keys::Purpose;
use crate::identity::scopes::Scopes;

/// For how long one can be used.
pub(super) const LIFETIME_S: u64 = 600;

/// How far the clocks of our own processes may be off.
const LEEWAY_S: u64 = 10;

/// What tells them from other tokens (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    scope: String,
    iat: u64,
    exp: u64,
    jti: String,
}

/// Signs one.
pub(super) fn make(app: &App, client: &OauthClient, scopes: &Scopes) -> Option<String> {
    let now = u64::try_from(Utc::now().timestamp()).ok()?;
    let id = client.id.to_string();
    let claims = Claims {
        iss: app.config.public_url.clone(),
        aud: audience(app),
        sub: id.clone(),
        client_id: id,
        scope: names(scopes),
        iat: now,
        exp: now + LIFETIME_S,
        jti: uuid::Uuid::now_v7().to_string(),
    };
    let header = Header { typ: Some(TYPE.to_owned()), ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&key(app))).ok()
}

/// Whether `token` says that it is one of these. It may not be genuine.
pub(crate) fn is_ours(token: &str) -> bool {
    jsonwebtoken::decode_header(token)
        .is_ok_and(|header| header.alg == Algorithm::HS256 && header.typ.as_deref() == Some(TYPE))
}

/// Whose it is and what it may be used for, if it is genuine and current.
pub(super) fn verify(app: &App, token: &str) -> Option<(OauthClientId, Scopes)> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = LEEWAY_S;
    validation.set_issuer(&[&app.config.public_url]);
    validation.set_audience(&[audience(app)]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(&key(app)), &validation).ok()?.claims;
    Some((OauthClientId::parse(&claims.sub)?, Scopes::parse(&claims.scope).ok()?))
}

/// The names of scopes as OAuth writes them (RFC 6749 §3.3).
pub(super) fn names(scopes: &Scopes) -> String {
    scopes.0.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

fn audience(app: &App) -> String {
    format!("{}/api/v1", app.config.public_url)
}

fn key(app: &App) -> [u8; 32] {
    app.installation.derive(Purpose::AccessToken, &[])
}
