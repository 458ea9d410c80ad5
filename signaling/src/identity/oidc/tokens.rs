// SPDX-License-Identifier: EUPL-1.2
//! Tokens that the provider signs, and what must be right about them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use jsonwebtoken::{Algorithm, Header, Validation, dangerous};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::Provider;
use super::claims::Claims;
use super::keys::ALGORITHMS;
use super::page::Refusal;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::caller::{Actor, Caller};
use crate::identity::roles::Role;
use crate::identity::scopes::{Scope, Scopes};
use crate::identity::users;

/// How far the provider's clock may be off.
const LEEWAY_S: u64 = 60;

/// Longest token that is looked at.
const MAX_CHARS: usize = 32 * 1024;

impl Provider {
    /// What a token says, once its signature, issuer, audience and times have been found right.
    pub(super) async fn verify(&self, token: &str, audience: &str) -> Result<(Header, Claims), Refusal> {
        if token.len() > MAX_CHARS {
            return Err(Refusal::BadToken);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::BadToken)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Refusal::BadToken);
        }
        let metadata = self.metadata().await?;
        let key = self.keys.find(&self.client, &metadata.jwks_uri, &header).await?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let token = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation);
        let claims = Claims(token.map_err(|_| Refusal::BadToken)?.claims);
        let issued_at_s = claims.seconds("iat").ok_or(Refusal::BadToken)?;
        if issued_at_s > Utc::now().timestamp() as f64 + LEEWAY_S as f64 {
            return Err(Refusal::BadToken);
        }
        Ok((header, claims))
    }

    /// What an ID token says (OpenID Connect Core 1.0 §3.1.3.7), for the sign-in with that nonce.
    pub(super) async fn verify_id_token(
        &self,
        token: &str,
        nonce: &str,
        access_token: Option<&str>,
    ) -> Result<Claims, Refusal> {
        let client_id = &self.settings.client_id;
        let (header, claims) = self.verify(token, client_id).await?;
        let has_others = claims.texts("aud").len() > 1;
        let is_ours = match claims.text("azp") {
            Some(party) => party == client_id,
            None => !has_others,
        };
        let is_of_access_token = match (claims.text("at_hash"), access_token) {
            (Some(hash), Some(token)) => at_hash(header.alg, token).as_deref() == Some(hash),
            _ => true,
        };
        let is_good = is_ours && is_of_access_token && claims.text("nonce") == Some(nonce);
        if is_good && claims.text("sub").is_some() { Ok(claims) } else { Err(Refusal::BadToken) }
    }
}

/// The left half of the hash that belongs to the signature (OpenID Connect Core 1.0 §3.1.3.6).
fn at_hash(algorithm: Algorithm, access_token: &str) -> Option<String> {
    let left = |hash: &[u8]| URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2]);
    Some(match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 => left(&Sha256::digest(access_token)),
        Algorithm::ES384 => left(&Sha384::digest(access_token)),
        Algorithm::EdDSA => left(&Sha512::digest(access_token)),
        _ => return None,
    })
}

/// Whose software shows an access token of the provider (RFC 9068). None when it is no such token, or they are not taken.
pub(crate) async fn caller(app: &App, token: &str) -> Result<Option<Caller>, Problem> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    let Some(provider) = app.oidc.as_ref().filter(|provider| !provider.settings.api_audience.is_empty()) else {
        return Ok(None);
    };
    // Only to tell whose it is: nothing of it is believed before the signature is checked.
    let issuer = dangerous::insecure_decode_claims::<Issuer>(token);
    if !issuer.is_ok_and(|Issuer { iss }| iss == provider.settings.issuer) {
        return Ok(None);
    }
    let claims = match provider.verify(token, &provider.settings.api_audience).await {
        Ok((header, claims)) if is_access_token(&header, &claims) => claims,
        Ok(_) => return Err(Code::Unauthenticated.into()),
        Err(Refusal::ProviderAway) => return Err(Code::Unavailable.into()),
        Err(_) => return Err(Code::Unauthenticated.into()),
    };
    // Whoever has to sign in strongly has to do so for their software as well (RFC 9470).
    if !provider.settings.is_strong_enough(claims.text("acr")) {
        return Err(Code::Unauthenticated.into());
    }
    let subject = claims.text("sub").ok_or(Code::Unauthenticated)?;
    let found = users::table::by_subject(&mut app.store.read().await?, &provider.settings.issuer, subject).await?;
    let user = found.filter(|user| !user.input.disabled).ok_or(Code::Unauthenticated)?;
    let role = user.input.role;
    let scopes = narrowed(role.scopes(), claims.text("scope").unwrap_or_default());
    Ok(Some(Caller {
        actor: Actor::User(user.id),
        tenant: (role != Role::SystemAdmin).then_some(user.tenant_id),
        role: Some(role),
        on_behalf_of: None,
        own_scopes: scopes.clone(),
        scopes,
        acr: claims.text("acr").map(str::to_owned),
    }))
}

/// Whether it is an access token (RFC 9068 §4) and no ID or logout token for a client of that name. Not all providers say the
/// type.
fn is_access_token(header: &Header, claims: &Claims) -> bool {
    let known = ["at+jwt", "application/at+jwt", "jwt"];
    let is_of_type = header.typ.as_ref().is_none_or(|typ| known.iter().any(|known| typ.eq_ignore_ascii_case(known)));
    is_of_type && !["nonce", "events", "at_hash"].iter().any(|name| claims.0.contains_key(*name))
}

/// What the role allows; where the token names scopes of ours, only those of them.
fn narrowed(scopes: Scopes, named: &str) -> Scopes {
    let named: Scopes = named.split(' ').flat_map(Scope::named).collect();
    if named.0.is_empty() { scopes } else { scopes.intersection(&named) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_an_access_token_is_that_of_the_standards_example() {
        // OpenID Connect Core 1.0, appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(at_hash(Algorithm::RS256, token).as_deref(), Some("77QmUPtjPfzWtF2AnpK9RQ"));
        assert_eq!(at_hash(Algorithm::HS256, token), None);
    }

    #[test]
    fn scopes_of_a_token_narrow_what_a_role_allows() {
        let role = Role::Organizer.scopes();
        assert_eq!(narrowed(role.clone(), "openid profile"), role);
        let narrow = narrowed(role, "openid meetings:read users:write");
        assert_eq!(narrow, [Scope::MeetingsRead].into_iter().collect());
    }
}
