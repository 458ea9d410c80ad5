// SPDX-License-Identifier: EUPL-1.2
//! What is kept of what was done, for how long, and how it is shown and erased.

pub(crate) mod audit;
#[cfg(test)]
pub(crate) mod everywhere;
pub(crate) mod jobs;
pub(crate) mod privacy;
pub(crate) mod retention;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The API's functions for it.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    audit::routes::routes().merge(privacy::routes::routes())
}
