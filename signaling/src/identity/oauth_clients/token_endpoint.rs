// SPDX-License-Identifier: EUPL-1.2
//! Where clients get their access tokens (RFC 6749 §4.4). Its errors are OAuth's, not problem documents.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::OauthClient;
use super::{access_token, is_use_noteworthy, table};
use crate::api::context::Anyone;
use crate::api::ids::OauthClientId;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::caller::Actor;
use crate::identity::scopes::Scopes;
use crate::identity::secret;
use crate::records::audit::{self, Cause, Event};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(token))
}

/// What a client asks with. Its name and secret stand here or in the head (HTTP Basic).
#[derive(Serialize, Deserialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used: parameters must not come twice")]
pub(crate) struct TokenRequest {
    /// Always `client_credentials`.
    #[schema(example = "client_credentials")]
    grant_type: String,
    /// The scopes that are wanted, with spaces between them; all that the client has without it.
    #[schema(example = "meetings:read meetings:write")]
    scope: Option<String>,
    /// Its id.
    client_id: Option<String>,
    /// Its secret.
    client_secret: Option<String>,
}

/// An access token.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// The token.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// For how many seconds it can be used.
    expires_in: u64,
    /// What it may be used for, with spaces between.
    scope: String,
}

/// What went wrong (RFC 6749 §5.2).
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenError {
    /// The kind of error.
    #[schema(example = "invalid_client")]
    error: &'static str,
    /// What can be done about it.
    error_description: &'static str,
}

enum Refusal {
    Oauth(StatusCode, TokenError),
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

const fn refusal(error: &'static str, error_description: &'static str) -> Refusal {
    Refusal::Oauth(StatusCode::BAD_REQUEST, TokenError { error, error_description })
}

const UNKNOWN_CLIENT: Refusal = Refusal::Oauth(
    StatusCode::UNAUTHORIZED,
    TokenError { error: "invalid_client", error_description: "The client is not known, or that is not its secret." },
);

/// Gives a client an access token
///
/// OAuth 2.0, client credentials (RFC 6749 §4.4).
#[utoipa::path(post, path = "/oauth/token", tag = "OAuth clients", security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenAnswer), (status = 400, body = TokenError), (status = 401, body = TokenError)))]
async fn token(State(app): State<Arc<App>>, anyone: Anyone, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = match answer(&app, &anyone, &headers, &body).await {
        Ok(answer) => axum::Json(json!(answer)).into_response(),
        Err(Refusal::Oauth(status, error)) => {
            let mut response = (status, axum::Json(json!(error))).into_response();
            if status == StatusCode::UNAUTHORIZED {
                let value = HeaderValue::from_static("Basic realm=\"saal\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
            }
            response
        }
        Err(Refusal::Problem(problem)) => problem.into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer(app: &App, anyone: &Anyone, headers: &HeaderMap, body: &[u8]) -> Result<TokenAnswer, Refusal> {
    let is_form = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value
            .split(';')
            .next()
            .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
    });
    if !is_form {
        return Err(Problem::new(Code::UnsupportedMediaType).into());
    }
    let parameters = parameters(body)?;
    let parameter = |name: &str| parameters.get(name).map(String::as_str);
    let (id, secret) = credentials(headers, &parameters)?;
    match parameter("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(refusal("unsupported_grant_type", "Only client_credentials is supported.")),
        None => return Err(refusal("invalid_request", "grant_type is missing.")),
    }
    let client = client(app, anyone, &id, &secret).await?;
    let scopes = match parameter("scope") {
        None => client.scopes.clone(),
        Some(names) => match Scopes::parse(names) {
            Ok(wanted) if !wanted.0.is_empty() && wanted.intersection(&client.scopes) == wanted => wanted,
            _ => return Err(refusal("invalid_scope", "A scope is not known, or not the client's.")),
        },
    };
    let access_token = access_token::make(app, &client, &scopes).ok_or_else(|| Problem::new(Code::Internal))?;
    let mut tx = app.store.write().await?;
    if is_use_noteworthy(&client) {
        table::note_use(&mut tx, client.id, Utc::now()).await?;
    }
    let event = Event::new("oauth_client.token", client.id).with("scopes", json!(scopes));
    let actor = Actor::OauthClient(client.id);
    let cause = Cause { tenant: client.tenant_id, actor: &actor, request_id: Some(&anyone.request_id) };
    audit::append(&mut tx, cause, &event).await?;
    tx.commit().await?;
    let scope = access_token::names(&scopes);
    Ok(TokenAnswer { access_token, token_type: "Bearer", expires_in: access_token::LIFETIME_S, scope })
}

/// The form. No parameter may come twice (RFC 6749 §3.2).
fn parameters(body: &[u8]) -> Result<HashMap<String, String>, Refusal> {
    let mut parameters = HashMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(refusal("invalid_request", "A parameter comes twice."));
        }
    }
    Ok(parameters)
}

/// The client's id and secret, from the head or the form, but not from both (RFC 6749 §2.3).
fn credentials(headers: &HeaderMap, parameters: &HashMap<String, String>) -> Result<(String, String), Refusal> {
    let in_head = match headers.get(header::AUTHORIZATION) {
        Some(value) => Some(basic(value).ok_or(UNKNOWN_CLIENT)?),
        None => None,
    };
    let (id, secret) = (parameters.get("client_id"), parameters.get("client_secret"));
    match (in_head, id, secret) {
        (Some((known, secret)), id, None) if id.is_none_or(|id| *id == known) => Ok((known, secret)),
        (Some(_), ..) => Err(refusal("invalid_request", "The client names itself twice.")),
        (None, Some(id), Some(secret)) => Ok((id.clone(), secret.clone())),
        (None, ..) => Err(UNKNOWN_CLIENT),
    }
}

/// HTTP Basic (RFC 7617), whose parts OAuth encodes like a form (RFC 6749 §2.3.1).
fn basic(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id)?, decoded(secret)?))
}

/// A value as forms encode it.
fn decoded(text: &str) -> Option<String> {
    form_urlencoded::parse(format!("x={text}").as_bytes()).next().map(|(_, value)| value.into_owned())
}

/// The client, if that is its secret and it may ask from there.
async fn client(app: &App, anyone: &Anyone, id: &str, secret: &str) -> Result<OauthClient, Refusal> {
    let id = OauthClientId::parse(id).ok_or(UNKNOWN_CLIENT)?;
    let mut tx = app.store.read().await?;
    let client = table::find(&mut tx, None, id).await?;
    let known = table::secret_hash(&mut tx, id).await?.unwrap_or_default();
    let is_right = known == secret::hash(secret);
    let is_good =
        |client: &OauthClient| is_right && client.is_valid(Utc::now()) && client.is_allowed_from(anyone.address);
    client.filter(is_good).ok_or(UNKNOWN_CLIENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_the_head_is_decoded_twice() {
        let value = |text: &str| HeaderValue::try_from(format!("Basic {}", STANDARD.encode(text))).expect("a value");
        assert_eq!(basic(&value("id:a%3Ab+c")), Some(("id".to_owned(), "a:b c".to_owned())));
        assert_eq!(basic(&value("no colon")), None);
        assert_eq!(basic(&HeaderValue::from_static("Basic !!")), None);
        assert_eq!(basic(&HeaderValue::from_static("Bearer x")), None);
    }
}
