// SPDX-License-Identifier: EUPL-1.2
//! What is scheduled: meetings, when they happen, what they allow, who is invited, and by which numbers one gets in.
//!
//! Others find a meeting by [`table::find`] and [`table::by_code`], what it allows by
//! [`policies::effective`], who is invited by [`invitees::of_meeting`] and as what by [`invited`]; `changes` tells them what became of it.

mod batch;
mod capacity;
pub(crate) mod changes;
pub(crate) mod codes;
pub(crate) mod expansion;
mod input;
pub(crate) mod invited;
pub(crate) mod invitees;
mod listing;
pub(crate) mod model;
pub(crate) mod occurrences;
pub(crate) mod one_tap;
mod people;
pub(crate) mod permanent_rooms;
pub(crate) mod phone_pins;
pub(crate) mod policies;
pub(crate) mod recurrence;
pub(crate) mod rights;
mod routes;
mod schedule;
mod search;
mod status;
pub(crate) mod table;
pub(crate) mod tenant;
pub(crate) mod view;
pub(crate) mod words;
mod write;

use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub(crate) use self::write::cancel;

/// Now, as the database has it: whoever reads again what was answered sees the same.
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

/// The API's functions for it.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    routes::routes()
        .merge(occurrences::routes::routes())
        .merge(invitees::routes::routes())
        .merge(phone_pins::routes::routes())
        .merge(capacity::routes::routes())
        .merge(batch::routes())
        .merge(policies::routes::routes())
        .merge(permanent_rooms::routes::routes())
}
