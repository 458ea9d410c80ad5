// SPDX-License-Identifier: EUPL-1.2
//! Runs of meetings: what is stored of them, the live room that each has, and what moderators do in it.

mod actions;
mod chat;
pub(crate) mod happenings;
pub(crate) mod live;
pub(crate) mod model;
pub(crate) mod removal;
mod rights;
mod routes;
pub(crate) mod rules;
pub(crate) mod table;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The API's functions for them.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    routes::routes().merge(actions::routes()).merge(chat::routes())
}
