// SPDX-License-Identifier: EUPL-1.2
//! Asking whether there is room, before scheduling.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Expected, Span, alternatives, entries, peak};
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::path::Query;
use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::meetings::schedule::MAX_DURATION;
use crate::meetings::tenant;

pub(in crate::meetings) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(availability))
}

/// For when and for how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// The beginning.
    from: DateTime<Utc>,
    /// The end, at most a week later.
    to: DateTime<Utc>,
    /// How many are expected in all.
    #[param(minimum = 0, maximum = 100_000, default = 1)]
    participants: Option<u32>,
    /// How many of them by telephone.
    #[param(minimum = 0, maximum = 100_000, default = 0)]
    phone: Option<u32>,
}

/// Whether there is room.
#[derive(Debug, Serialize, ToSchema)]
struct Availability {
    /// Whether that many fit.
    is_available: bool,
    /// The most that are scheduled at once then, without those who are asked for.
    scheduled: Load,
    /// The most that the tenant may have at once; null is as much as the machines carry.
    limits: LoadLimits,
    /// The next starts at which they would fit, if they do not.
    alternatives: Vec<DateTime<Utc>>,
}

/// How many.
#[derive(Debug, Serialize, ToSchema)]
struct Load {
    /// In all.
    participants: i64,
    /// By telephone.
    phone: i64,
}

/// How many at most.
#[derive(Debug, Serialize, ToSchema)]
struct LoadLimits {
    /// In all.
    participants: Option<u32>,
    /// By telephone.
    phone: Option<u32>,
}

/// Says whether there is room at a time
#[utoipa::path(get, path = "/availability", tag = "Meetings", params(Wanted, ("tenant_id" = Option<String>, Query, format = Uuid)),
    security(("api_token" = ["meetings:read"])), responses((status = 200, body = Availability)))]
async fn availability(context: Context, Query(wanted): Query<Wanted>) -> Result<Response, Problem> {
    context.require(Scope::MeetingsRead)?;
    let tenant_id = context.tenant()?;
    let mut invalid = Invalid::default();
    if wanted.to <= wanted.from {
        invalid.add("query/to", "before-start");
    } else if wanted.to - wanted.from > MAX_DURATION {
        invalid.add_with("query/to", "too-large", wanted.from + MAX_DURATION);
    }
    let (total, phone) = (wanted.participants.unwrap_or(1), wanted.phone.unwrap_or(0));
    for (pointer, number) in [("query/participants", total), ("query/phone", phone)] {
        if number > 100_000 {
            invalid.add_with(pointer, "too-large", 100_000);
        }
    }
    // Times so far from now that sums with them overflow are no times of meetings.
    let is_plausible = |time: DateTime<Utc>| (time - Utc::now()).num_days().abs() < 36_600;
    for (pointer, time) in [("query/from", wanted.from), ("query/to", wanted.to)] {
        if !is_plausible(time) {
            invalid.add(pointer, "invalid");
        }
    }
    invalid.finish()?;
    let mut tx = context.read().await?;
    let limits = tenant::find(&mut tx, tenant_id).await?.ok_or(Code::NotFound)?.settings.limits;
    let span = Span { from: wanted.from, to: wanted.to };
    let expected = Expected { total: total.into(), phone: phone.into() };
    let scheduled = peak(&entries(&mut tx, tenant_id, span, None).await?, span);
    let is_available = scheduled.plus(expected).fits(&limits);
    let alternatives =
        if is_available { Vec::new() } else { alternatives(&mut tx, &limits, tenant_id, None, span, expected).await? };
    let limits =
        LoadLimits { participants: limits.max_concurrent_participants, phone: limits.max_concurrent_phone_calls };
    let scheduled = Load { participants: scheduled.total, phone: scheduled.phone };
    Ok(Answer::ok(&Availability { is_available, scheduled, limits, alternatives })?.into_response())
}
