// SPDX-License-Identifier: EUPL-1.2
//! API tokens: how software of the organisation proves who it is. Shown once, stored as a hash, always expiring.

pub(crate) mod model;
pub(crate) mod routes;
mod table;
pub(crate) mod token;

use std::net::IpAddr;

use chrono::{Duration, Utc};
use store::{StoreError, Tx};

use self::model::ApiToken;
use super::caller::{Actor, Caller};
use crate::api::ids::ApiTokenId;
use crate::api::problem::Problem;
use crate::app::App;
use crate::identity::secret;

pub(crate) use self::table::insert;

/// The one with that id.
pub(super) async fn find(tx: &mut Tx, id: ApiTokenId) -> Result<Option<ApiToken>, StoreError> {
    table::find(tx, None, id).await
}

/// How exactly the last use is noted: more often would be a write for each request.
const USE_NOTED_EVERY: Duration = Duration::minutes(10);

/// Whose token it is, if it is valid and used from where it may be.
pub(crate) async fn caller(app: &App, token: &str, address: Option<IpAddr>) -> Result<Option<Caller>, Problem> {
    let now = Utc::now();
    let mut tx = app.store.read().await?;
    let found = table::by_hash(&mut tx, &secret::hash(token)).await?;
    drop(tx);
    let Some(found) = found.filter(|found| found.is_valid(now) && found.is_allowed_from(address)) else {
        return Ok(None);
    };
    if found.last_used_at.is_none_or(|used| now - used >= USE_NOTED_EVERY) {
        let mut tx = app.store.write().await?;
        table::note_use(&mut tx, found.id, now).await?;
        tx.commit().await?;
    }
    let (actor, tenant, scopes) = (Actor::ApiToken(found.id), found.tenant_id, found.scopes);
    let own_scopes = scopes.clone();
    Ok(Some(Caller { actor, tenant, role: None, on_behalf_of: None, scopes, own_scopes, acr: None }))
}
