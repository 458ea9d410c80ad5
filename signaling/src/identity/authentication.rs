// SPDX-License-Identifier: EUPL-1.2
//! Finds out who asks, by what the request shows: a token, or a browser's cookie.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};

use super::caller::Caller;
use super::{api_tokens, oauth_clients, oidc, on_behalf_of, room_tokens, sessions};
use crate::api::Proof;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::lobby::ticket;

/// Somebody who is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authenticated {
    /// Who it is.
    pub(crate) caller: Caller,
    /// How they proved it.
    pub(crate) proof: ProvenBy,
}

/// How somebody proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProvenBy {
    /// By a token, which no browser sends by itself.
    Token,
    /// By a cookie, which browsers send with every request. Changes need this proof beside it.
    Cookie {
        /// What the header must say.
        csrf: String,
    },
}

/// What a request shows of who asks, as it is remembered: a token or a cookie, which may be wrong. None shows nothing that must
/// be looked up.
pub(crate) fn proof(app: &App, headers: &HeaderMap) -> Option<Proof> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return sessions::hash_in(app, headers).map(|hash| Sha256::digest(hash).into());
    };
    let is_of_stranger =
        authorization.to_str().ok().and_then(|value| value.split_once(' ')).is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("basic") || token.trim().starts_with(ticket::PREFIX)
        });
    (!is_of_stranger).then(|| Sha256::digest(authorization.as_bytes()).into())
}

/// Who asks. None is a stranger, who shows nothing at all; whoever shows something wrong fails.
pub(crate) async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    address: Option<IpAddr>,
) -> Result<Option<Authenticated>, Problem> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return sessions::authenticate(app, headers).await;
    };
    let authorization = authorization.to_str().map_err(|_| Code::Unauthenticated)?;
    let (scheme, token) = authorization.split_once(' ').ok_or(Code::Unauthenticated)?;
    // A client that asks for its token. Anywhere else it is a stranger.
    if scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Code::Unauthenticated.into());
    }
    let caller = match token.trim() {
        token if token.starts_with(api_tokens::token::PREFIX) => api_tokens::caller(app, token, address).await?,
        // Whoever waits in the lobby is a stranger, with a ticket for the lobby alone.
        token if token.starts_with(ticket::PREFIX) => return Ok(None),
        token if oauth_clients::is_ours(token) => oauth_clients::caller(app, token, address).await?,
        token => match oidc::caller(app, token).await? {
            Some(caller) => Some(caller),
            None => room_tokens::caller(app, token),
        },
    };
    let caller = on_behalf_of::narrowed(app, headers, caller.ok_or(Code::Unauthenticated)?).await?;
    Ok(Some(Authenticated { caller, proof: ProvenBy::Token }))
}
