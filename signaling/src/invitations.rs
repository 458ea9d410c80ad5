// SPDX-License-Identifier: EUPL-1.2
//! Invitations: what people who are invited are told, by mail and as iCalendar, and what they answer.
//!
//! [`invitation::Invitation`] is the seam: all that a mail and an .ics say to one person. `compose` puts it together from
//! a meeting; `ical` and `mail` write it in the `words` of a language; `outbox` sends it. `answers` are what comes back,
//! `feed` is a calendar to subscribe to.

pub(crate) mod answers;
mod compose;
mod deliveries;
mod feed;
mod ical;
mod invitation;
mod mail;
pub(crate) mod outbox;
mod rights;
mod routes;
#[cfg(test)]
mod samples;
mod token;
mod visitors;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Its part of the REST API.
pub(crate) fn api_routes() -> OpenApiRouter<Arc<App>> {
    routes::routes().merge(feed::api_routes()).merge(answers::own::routes()).merge(deliveries::routes())
}

/// What people and calendars open by a link.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    answers::page::routes().merge(feed::routes()).layer(from_fn_with_state(app.clone(), visitors::check))
}
