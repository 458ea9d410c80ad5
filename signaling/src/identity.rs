// SPDX-License-Identifier: EUPL-1.2
//! Who asks, and what they may do: people who signed in, software with a token, and the secrets that prove it.

pub(crate) mod api_tokens;
pub(crate) mod authentication;
pub(crate) mod caller;
pub(crate) mod keys;
pub(crate) mod passwords;
pub(crate) mod roles;
pub(crate) mod scopes;
pub(crate) mod sessions;
pub(crate) mod tenants;
pub(crate) mod throttle;
pub(crate) mod users;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The API's functions for it.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    api_tokens::routes::routes()
        .merge(sessions::routes::routes())
        .merge(tenants::routes::routes())
        .merge(users::routes::routes())
}
