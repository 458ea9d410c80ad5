// SPDX-License-Identifier: EUPL-1.2
//! Figures about use, per day and tenant: how much, and never who. They come from the runs of meetings, so they reach
//! back as far as a tenant keeps these.

use std::sync::Arc;

use axum::response::Response;
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use store::{FromRow, Row, StoreError, Tx, sql};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::context::Context;
use crate::api::ids::TenantId;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Query;
use crate::api::problem::{Invalid, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;

/// Longest time that is asked about: a year with its leap day.
const MAX_DAYS: i64 = 366;

/// Days that are shown of which nothing was said.
const DEFAULT_DAYS: i64 = 30;

/// What a page ends with: a tenant and a day.
type Key = (TenantId, NaiveDate);

/// The API's functions for it.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(usage))
}

/// Which days are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Days {
    /// The first day, in UTC; thirty days before the last without it.
    from: Option<NaiveDate>,
    /// The last day, in UTC; today without it. At most 366 days are shown.
    to: Option<NaiveDate>,
}

/// What a tenant used on a day. A run counts on the day on which it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
struct UsageDay {
    /// The tenant.
    tenant_id: TenantId,
    /// The day, in UTC.
    day: NaiveDate,
    /// Meetings and permanent rooms in which people were.
    meetings: i64,
    /// Runs of them: a meeting that everybody left and came back to has two.
    sessions: i64,
    /// People who were let in, added up over the runs.
    participants: i64,
    /// How many of them as guests.
    guests: i64,
    /// Most people at once in one run.
    peak_participants: i64,
    /// How long the runs took together, in minutes; those that go on, until now.
    minutes: i64,
}

impl FromRow for UsageDay {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let day: i64 = row.get("day")?;
        let senseless = || StoreError::Senseless("a day".to_owned());
        let start = DateTime::from_timestamp(day.saturating_mul(86_400), 0).ok_or_else(senseless)?;
        Ok(Self {
            tenant_id: row.get("tenant_id")?,
            day: start.date_naive(),
            meetings: row.get("meetings")?,
            sessions: row.get("sessions")?,
            participants: row.get("participants")?,
            guests: row.get("guests")?,
            peak_participants: row.get("peak")?,
            minutes: row.get("minutes")?,
        })
    }
}

/// Tells how much was used
///
/// For each tenant and each day on which there was anything, by tenant and day. Whoever belongs to the installation sees
/// all tenants.
#[utoipa::path(get, path = "/stats/usage", tag = "Statistics",
    params(Days, PageRequest, ("tenant_id" = Option<String>, Query, format = Uuid)),
    security(("api_token" = ["stats:read"])), responses((status = 200, body = PageOf<UsageDay>)))]
async fn usage(context: Context, Query(days): Query<Days>, page: Page<Key>) -> Result<Response, Problem> {
    context.require(Scope::StatsRead)?;
    let tenant = context.tenant_filter()?;
    let now = Utc::now();
    let span = span(&days, now.date_naive())?;
    let found = days_of_use(&mut context.read().await?, tenant, span, &page, now).await?;
    PageOf::new(found, page.limit, |day: &UsageDay| (day.tenant_id, day.day))?.answer(&context.uri)
}

/// The first and the last day.
fn span(days: &Days, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), Problem> {
    let mut invalid = Invalid::default();
    let last = days.to.unwrap_or(today);
    // A year with five digits is no day of use, and sums with it overflow.
    let is_plausible = |day: NaiveDate| (day - today).num_days().abs() < 36_600;
    let first = days.from.or(last.checked_sub_signed(Duration::days(DEFAULT_DAYS))).unwrap_or(last);
    for (pointer, _) in [("query/from", first), ("query/to", last)].into_iter().filter(|(_, day)| !is_plausible(*day)) {
        invalid.add(pointer, "invalid");
    }
    if last < first {
        invalid.add("query/to", "before-start");
    } else if (last - first).num_days() >= MAX_DAYS {
        invalid.add_with("query/to", "too-large", format!("{MAX_DAYS} d"));
    }
    invalid.finish()?;
    Ok((first, last))
}

async fn days_of_use(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    (first, last): (NaiveDate, NaiveDate),
    page: &Page<Key>,
    now: DateTime<Utc>,
) -> Result<Vec<UsageDay>, StoreError> {
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    // From the tenants on, so that an index finds the runs of each between two times.
    let mut select = sql("SELECT t.id AS tenant_id, s.started_at / 86400000 AS day,
             COUNT(DISTINCT COALESCE(s.meeting_id, s.room_id)) AS meetings, COUNT(*) AS sessions,
             CAST(SUM(s.total_participants) AS BIGINT) AS participants,
             CAST(SUM(s.guest_participants) AS BIGINT) AS guests, MAX(s.peak_participants) AS peak,
             CAST(SUM((COALESCE(s.ended_at, $1) - s.started_at + 59999) / 60000) AS BIGINT) AS minutes
         FROM tenants t CROSS JOIN meeting_sessions s
         WHERE s.tenant_id = t.id AND s.started_at >= $2 AND s.started_at < $3")
    .bind(now)
    .bind(midnight(first))
    .bind(midnight(last) + Duration::days(1));
    if let Some(tenant) = tenant {
        select.push_bound(" AND t.id = ", tenant);
    }
    if let Some((tenant, day)) = page.after {
        // Cursors come from outside, with any day.
        let next = midnight(day).checked_add_signed(Duration::days(1)).unwrap_or(DateTime::<Utc>::MAX_UTC);
        select.push_bound(" AND (t.id > ", tenant).push_bound(" OR (t.id = ", tenant);
        select.push_bound(" AND s.started_at >= ", next).push("))");
    }
    select.push_bound(" GROUP BY t.id, s.started_at / 86400000 ORDER BY t.id, day LIMIT ", page.probe());
    tx.all(select).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_shown_at_most() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let today = day("2026-11-22");
        let of = |from: Option<&str>, to: Option<&str>| {
            let span = span(&Days { from: from.map(day), to: to.map(day) }, today);
            span.map(|(first, last)| (last - first).num_days()).ok()
        };
        assert_eq!((of(None, None), of(Some("2026-11-22"), None)), (Some(30), Some(0)));
        assert_eq!(of(Some("2025-11-22"), Some("2026-11-22")), Some(365));
        assert_eq!(of(Some("2025-11-21"), Some("2026-11-22")), None);
        assert_eq!(of(Some("2026-11-23"), None), None, "it ends before it begins");
        assert_eq!(of(Some("0001-01-01"), Some("0001-01-02")), None);
    }
}
