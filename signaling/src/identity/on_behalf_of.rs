// SPDX-License-Identifier: EUPL-1.2
//! Software that acts for a person: it may do then what both may, and sees what the person sees.

use axum::http::HeaderMap;

use super::caller::{Actor, Caller};
use super::roles::Role;
use super::users;
use crate::api::problem::{Code, Problem};
use crate::app::App;

/// Where software says for whom it acts: an id or an address.
const HEADER: &str = "saal-on-behalf-of";

/// Whom the problem document names.
const POINTER: &str = "header/Saal-On-Behalf-Of";

/// The caller as it acts for the person that the request names, if it names one.
pub(crate) async fn narrowed(app: &App, headers: &HeaderMap, caller: Caller) -> Result<Caller, Problem> {
    let Some(name) = headers.get(HEADER) else { return Ok(caller) };
    if !matches!(caller.actor, Actor::ApiToken(_) | Actor::OauthClient(_)) {
        return Err(Code::Forbidden.into());
    }
    let name = name.to_str().map_err(|_| Code::Malformed)?;
    let found = users::named(&mut app.store.read().await?, caller.tenant, name.trim()).await?;
    let Some(user) = found.filter(|user| !user.input.disabled) else {
        return Err(Problem::field(POINTER, "unknown-reference"));
    };
    let role = user.input.role;
    // A tenant's software stays in its tenant, whomever it acts for.
    let tenant = caller.tenant.or((role != Role::SystemAdmin).then_some(user.tenant_id));
    let scopes = caller.scopes.intersection(&role.scopes());
    Ok(Caller { tenant, role: Some(role), on_behalf_of: Some(user.id), scopes, ..caller })
}
