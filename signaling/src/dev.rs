// SPDX-License-Identifier: EUPL-1.2
//! What our own browser client asks first; and, on a developer's machine, a token for everybody.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::auth::room_token::RoomTokenRequest;
use crate::meeting_sessions::model::session_of_room;
use crate::rooms::details::MAX_NAME_BYTES;

/// How long a developer's token lives.
const TOKEN_LIFE: Duration = Duration::from_secs(6 * 3600);

/// Longest request for a token.
const MAX_BODY_BYTES: usize = 16 * 1024;

pub(crate) fn routes(is_dev: bool) -> Router<Arc<App>> {
    let routes = Router::new().route("/api/v1/config", get(config));
    if is_dev {
        let token = post(token).layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
        routes.route("/api/v1/dev/token", token)
    } else {
        routes
    }
}

#[derive(Serialize)]
struct ConfigAnswer {
    version: &'static str,
    dev: bool,
    sign_in: WaysToSignIn,
}

/// What the sign-in page offers. Passwords are taken in any case: they are for when the provider is away.
#[derive(Serialize)]
struct WaysToSignIn {
    password: bool,
    provider: bool,
}

async fn config(State(app): State<Arc<App>>) -> Json<ConfigAnswer> {
    let provider = app.config.oidc.as_ref();
    let sign_in = WaysToSignIn {
        password: provider.is_none_or(|provider| provider.offer_passwords),
        provider: provider.is_some(),
    };
    Json(ConfigAnswer { version: env!("CARGO_PKG_VERSION"), dev: app.config.dev, sign_in })
}

#[derive(Deserialize)]
struct TokenRequest {
    room: String,
    identity: String,
    #[serde(default)]
    name: String,
}

#[derive(Serialize)]
struct TokenAnswer {
    token: String,
}

async fn token(
    State(app): State<Arc<App>>,
    request: Result<Json<TokenRequest>, JsonRejection>,
) -> Result<Json<TokenAnswer>, Problem> {
    let Json(request) = request.map_err(|_| Code::Malformed)?;
    let mut invalid = Invalid::default();
    for (pointer, text) in [("/room", &request.room), ("/identity", &request.identity)] {
        if text.is_empty() {
            invalid.add(pointer, "required");
        }
    }
    for (pointer, text) in [("/room", &request.room), ("/identity", &request.identity), ("/name", &request.name)] {
        if text.len() > MAX_NAME_BYTES {
            invalid.add_with(pointer, "too-long", MAX_NAME_BYTES);
        }
    }
    if session_of_room(&request.room).is_some() {
        invalid.add("/room", "forbidden-value");
    }
    invalid.finish()?;
    let request = RoomTokenRequest {
        room: request.room,
        identity: request.identity,
        name: request.name,
        admin: false,
        valid_for: TOKEN_LIFE,
        now: SystemTime::now(),
    };
    let token = app.keys.mint_with_first(&request).ok_or(Code::Unavailable)?;
    let token = token.map_err(|error| {
        error!(%error, "a token cannot be signed");
        Code::Internal
    })?;
    Ok(Json(TokenAnswer { token }))
}
