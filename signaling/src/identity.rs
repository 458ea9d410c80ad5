// SPDX-License-Identifier: EUPL-1.2
//! Who asks, and what they may do: people who signed in, software with a token, and the secrets that prove it.

pub(crate) mod api_tokens;
pub(crate) mod authentication;
mod bounds;
pub(crate) mod caller;
pub(crate) mod keys;
pub(crate) mod oauth_clients;
pub(crate) mod oidc;
mod on_behalf_of;
pub(crate) mod passwords;
pub(crate) mod roles;
mod room_tokens;
pub(crate) mod scopes;
pub(crate) mod secret;
pub(crate) mod sessions;
pub(crate) mod tenants;
pub(crate) mod throttle;
pub(crate) mod users;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Whether people in the organisation can have a role of that name.
#[must_use]
pub fn is_role(name: &str) -> bool {
    roles::Role::parse(name).is_some()
}

/// The API's functions for it.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    api_tokens::routes::routes()
        .merge(oauth_clients::routes::routes())
        .merge(sessions::routes::routes())
        .merge(tenants::routes::routes())
        .merge(users::routes::routes())
}
