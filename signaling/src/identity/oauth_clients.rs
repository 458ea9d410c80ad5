// SPDX-License-Identifier: EUPL-1.2
//! OAuth 2.0 clients: software that asks for a token with its name and secret (RFC 6749 §4.4), and uses that for ten
//! minutes.

mod access_token;
pub(crate) mod model;
pub(crate) mod routes;
mod table;
mod token_endpoint;

use std::net::IpAddr;

use chrono::Utc;
use store::{StoreError, Tx};

use self::model::OauthClient;
use super::caller::{Actor, Caller};
use crate::api::ids::OauthClientId;
use crate::api::problem::Problem;
use crate::app::App;

pub(crate) use self::access_token::is_ours;

/// The one with that id.
pub(super) async fn find(tx: &mut Tx, id: OauthClientId) -> Result<Option<OauthClient>, StoreError> {
    table::find(tx, None, id).await
}

/// Whose access token it is, if it is genuine and current, and its client still is one. A client that is withdrawn can use
/// none of them from then on.
pub(crate) async fn caller(app: &App, token: &str, address: Option<IpAddr>) -> Result<Option<Caller>, Problem> {
    let Some((id, scopes)) = access_token::verify(app, token) else { return Ok(None) };
    let found = table::find(&mut app.store.read().await?, None, id).await?;
    let Some(client) = found.filter(|client| client.is_valid(Utc::now()) && client.is_allowed_from(address)) else {
        return Ok(None);
    };
    let scopes = scopes.intersection(&client.scopes);
    Ok(Some(Caller {
        actor: Actor::OauthClient(id),
        tenant: client.tenant_id,
        role: None,
        on_behalf_of: None,
        own_scopes: scopes.clone(),
        scopes,
        acr: None,
    }))
}

/// How exactly the last use is noted.
const USE_NOTED_EVERY: chrono::Duration = chrono::Duration::minutes(10);

/// Whether a use now is to be noted.
fn is_use_noteworthy(client: &model::OauthClient) -> bool {
    client.last_used_at.is_none_or(|used| Utc::now() - used >= USE_NOTED_EVERY)
}
