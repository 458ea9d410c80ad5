// SPDX-License-Identifier: EUPL-1.2
//! Seeing when meetings happen, and moving or cancelling single times.

use std::sync::Arc;

use axum::response::Response;
use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use serde::Deserialize;
use store::Tx;
use utoipa::{IntoParams, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CalendarEntry, OccurrenceInput, OccurrenceView, input, one, views};
use super::own;
use super::table::{self, Entry, Key, Span};
use crate::api::answer::Answer;
use crate::api::body::Patch;
use crate::api::context::Context;
use crate::api::etag;
use crate::api::ids::MeetingId;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::{Path, Query};
use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::meetings::capacity;
use crate::meetings::changes::ChangeKind;
use crate::meetings::model::{Meeting, MeetingStatus, Occurrence, OccurrenceStatus, RecurrenceId};
use crate::meetings::rights::Viewer;
use crate::meetings::routes::Force;
use crate::meetings::schedule::MAX_DURATION;
use crate::meetings::status::Goings;
use crate::meetings::{expansion, invitees, table as meetings, tenant, write};
use crate::records::audit::Event;

pub(in crate::meetings) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Schemas::openapi())
        .routes(routes!(list))
        .routes(routes!(get, patch, cancel))
        .routes(routes!(calendar))
}

/// What patches of an occurrence make, which no request sends whole.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(OccurrenceInput)))]
struct Schemas;

/// Which starts are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SpanQuery {
    /// Those that begin then or later.
    starts_after: Option<DateTime<Utc>>,
    /// Those that begin earlier.
    starts_before: Option<DateTime<Utc>>,
}

/// Whose calendar is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MineQuery {
    /// Only what the caller holds or is invited to, also for those who see more.
    #[serde(default)]
    mine: bool,
}

impl From<SpanQuery> for Span {
    fn from(query: SpanQuery) -> Self {
        Self { after: query.starts_after, before: query.starts_before }
    }
}

/// Lists when a meeting happens
///
/// In the order of the rule, those that were cancelled included. What lies more than 400 days ahead is not written down
/// yet, and neither are times of drafts.
#[utoipa::path(get, path = "/meetings/{meeting_id}/occurrences", tag = "Occurrences",
    params(("meeting_id" = MeetingId, Path), SpanQuery, PageRequest), security(("api_token" = ["meetings:read"])),
    responses((status = 200, body = PageOf<OccurrenceView>)))]
async fn list(
    context: Context,
    Path(meeting_id): Path<MeetingId>,
    Query(span): Query<SpanQuery>,
    page: Page<i64>,
) -> Result<Response, Problem> {
    context.require(Scope::MeetingsRead)?;
    let mut tx = context.read().await?;
    let meeting = Viewer::of(&context, &mut tx).await?.see(&mut tx, meeting_id).await?;
    let found = table::page(&mut tx, meeting.id, span.into(), &page).await?;
    let items = views(&mut tx, &found, Utc::now()).await?;
    let key = |item: &OccurrenceView| item.recurrence_id.0.timestamp_millis();
    PageOf::new(items, page.limit, key)?.answer(&context.uri)
}

/// Lists what happens when, of all meetings
///
/// The calendar: each time that a meeting happens, with those that begin first at the top. Cancelled ones are left out.
/// Who is no administrator sees what they hold and what they are invited to.
#[utoipa::path(get, path = "/occurrences", tag = "Occurrences",
    params(SpanQuery, MineQuery, PageRequest, ("tenant_id" = Option<String>, Query, format = Uuid)),
    security(("api_token" = ["meetings:read"])), responses((status = 200, body = PageOf<CalendarEntry>)))]
async fn calendar(
    context: Context,
    Query(span): Query<SpanQuery>,
    Query(MineQuery { mine }): Query<MineQuery>,
    page: Page<Key>,
) -> Result<Response, Problem> {
    context.require(Scope::MeetingsRead)?;
    let mut tx = context.read().await?;
    let viewer =
        if mine { Viewer::person(&context, &mut tx).await? } else { Viewer::of_list(&context, &mut tx).await? };
    let found: Vec<Entry> = tx.all(table::calendar(&viewer, span.into(), &page)).await?;
    let own = own::parts(&mut tx, context.caller.person(), &found).await?;
    let now = Utc::now();
    let meetings: Vec<_> = found.iter().map(|entry| entry.occurrence.meeting_id).collect();
    let goings = Goings::at(&mut tx, &meetings, now).await?;
    let entry = |entry: Entry| CalendarEntry {
        own: own.of(&entry),
        occurrence: OccurrenceView::new(&entry.occurrence, &goings, now),
        meeting_title: entry.meeting_title,
        organizer_name: entry.organizer_name,
        join_url: context.app.config.join_url(&entry.code),
    };
    let items = found.into_iter().map(entry).collect();
    let key = |entry: &CalendarEntry| {
        let occurrence = &entry.occurrence;
        let id = occurrence.recurrence_id.0.timestamp_millis();
        (occurrence.starts_at.timestamp_millis(), occurrence.meeting_id, id)
    };
    PageOf::new(items, page.limit, key)?.answer(&context.uri)
}

/// Shows one time that a meeting happens
///
/// Its ETag is the meeting's.
#[utoipa::path(get, path = "/meetings/{meeting_id}/occurrences/{recurrence_id}", tag = "Occurrences",
    params(("meeting_id" = MeetingId, Path), ("recurrence_id" = RecurrenceId, Path),
        ("If-None-Match" = Option<String>, Header)),
    security(("api_token" = ["meetings:read"])), responses((status = 200, body = OccurrenceView), (status = 304)))]
async fn get(context: Context, Path((meeting_id, id)): Path<(MeetingId, RecurrenceId)>) -> Result<Response, Problem> {
    context.require(Scope::MeetingsRead)?;
    let mut tx = context.read().await?;
    let meeting = Viewer::of(&context, &mut tx).await?.see(&mut tx, meeting_id).await?;
    let occurrence = table::find(&mut tx, meeting.id, id).await?.ok_or(Code::NotFound)?;
    etag::unless_known(&context.headers, meeting.revision, Answer::ok(&one(&mut tx, &occurrence, Utc::now()).await?)?)
}

/// Moves one time that a meeting happens, or lets it differ otherwise
///
/// An exception of the series (RECURRENCE-ID): its start, end, title, rules, or whether it takes place. `If-Match` is
/// about the meeting's revision.
#[utoipa::path(patch, path = "/meetings/{meeting_id}/occurrences/{recurrence_id}", tag = "Occurrences",
    request_body(content = ref("#/components/schemas/OccurrencePatch"), content_type = "application/merge-patch+json"),
    params(("meeting_id" = MeetingId, Path), ("recurrence_id" = RecurrenceId, Path), Force, ("If-Match" = String, Header)),
    security(("api_token" = ["meetings:write"])), responses((status = 200, body = OccurrenceView)))]
async fn patch(
    context: Context,
    Path((meeting_id, id)): Path<(MeetingId, RecurrenceId)>,
    Query(force): Query<Force>,
    patch: Patch,
) -> Result<Response, Problem> {
    context.require(Scope::MeetingsWrite)?;
    let mut tx = context.write().await?;
    let (meeting, current) = open(&context, &mut tx, meeting_id, id).await?;
    let wanted: OccurrenceInput = patch.apply(&context.app, &input(&current))?;
    let changed = changed(&current, &wanted)?;
    let is_later = changed.starts_at != current.starts_at || changed.ends_at != current.ends_at;
    let is_back = current.status == OccurrenceStatus::Cancelled && changed.status == OccurrenceStatus::Scheduled;
    if force.force && !context.caller.sees_whole_tenant() {
        return Err(Code::Forbidden.into());
    }
    if (is_later || is_back) && !force.force {
        let tenant = tenant::find(&mut tx, meeting.tenant_id).await?.ok_or(Code::NotFound)?;
        let limits = &tenant.settings.limits;
        let longest = limits.max_meeting_minutes.map(|minutes| Duration::minutes(minutes.into()));
        if longest.is_some_and(|longest| changed.ends_at - changed.starts_at > longest) {
            return Err(Problem::field("/ends_at", "too-large"));
        }
        let invited = invitees::table::count(&mut tx, meeting.id).await?;
        let span = capacity::Span { from: changed.starts_at, to: changed.ends_at };
        capacity::check(&mut tx, limits, &meeting, &[span], invited, Utc::now()).await?;
    }
    let changed = store(&mut tx, &meeting, &current, changed).await?;
    let shown = one(&mut tx, &changed.occurrence, Utc::now()).await?;
    let answer = Answer::ok(&shown)?.with_etag(changed.revision);
    let event = Event::new("meeting.update_occurrence", meeting.id).changing(&changed.fields);
    let event = event.with("recurrence_id", id.to_string().into());
    let events = if changed.fields.is_empty() { Vec::new() } else { vec![event] };
    context.commit_all(tx, Some(meeting.tenant_id), &events, answer).await
}

/// Cancels one time that a meeting happens
///
/// `If-Match` is about the meeting's revision.
#[utoipa::path(delete, path = "/meetings/{meeting_id}/occurrences/{recurrence_id}", tag = "Occurrences",
    params(("meeting_id" = MeetingId, Path), ("recurrence_id" = RecurrenceId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["meetings:write"])), responses((status = 204)))]
async fn cancel(
    context: Context,
    Path((meeting_id, id)): Path<(MeetingId, RecurrenceId)>,
) -> Result<Response, Problem> {
    context.require(Scope::MeetingsWrite)?;
    let mut tx = context.write().await?;
    let (meeting, current) = open(&context, &mut tx, meeting_id, id).await?;
    let cancelled = Occurrence { status: OccurrenceStatus::Cancelled, ..current.clone() };
    let stored = store(&mut tx, &meeting, &current, cancelled).await?;
    let event = Event::new("meeting.cancel_occurrence", meeting.id).with("recurrence_id", id.to_string().into());
    let events = if stored.fields.is_empty() { Vec::new() } else { vec![event] };
    context.commit_all(tx, Some(meeting.tenant_id), &events, Answer::no_content()).await
}

/// A time of a meeting that they may change and that takes place.
async fn open(
    context: &Context,
    tx: &mut Tx,
    meeting_id: MeetingId,
    id: RecurrenceId,
) -> Result<(Meeting, Occurrence), Problem> {
    let meeting = Viewer::of(context, tx).await?.change(tx, meeting_id).await?;
    let current = table::find(tx, meeting.id, id).await?.ok_or(Code::NotFound)?;
    etag::check_if_match(&context.headers, meeting.revision)?;
    // One that happens once is moved and cancelled itself.
    if meeting.status != MeetingStatus::Scheduled || meeting.recurrence_rule.is_none() {
        return Err(Code::Conflict.into());
    }
    Ok((meeting, current))
}

fn changed(current: &Occurrence, wanted: &OccurrenceInput) -> Result<Occurrence, Problem> {
    let starts_at = wanted.starts_at.trunc_subsecs(0);
    let by_duration = wanted.duration_minutes.map(|minutes| starts_at + Duration::minutes(minutes.into()));
    let by_end = wanted.ends_at.map(|end| end.trunc_subsecs(0));
    let mut invalid = Invalid::default();
    if by_duration.is_some_and(|end| by_end.is_some_and(|other| other != end)) {
        invalid.add_with("/duration_minutes", "contradiction", "ends_at");
    }
    let ends_at = by_end.or(by_duration).unwrap_or(starts_at + (current.ends_at - current.starts_at));
    if ends_at <= starts_at {
        invalid.add("/ends_at", "before-start");
    } else if ends_at - starts_at > MAX_DURATION {
        invalid.add_with("/ends_at", "too-large", format!("{} min", MAX_DURATION.num_minutes()));
    }
    // An exception stays near its series, as calendars show it.
    if (starts_at - current.recurrence_id.0).abs() > expansion::HORIZON {
        invalid.add_with("/starts_at", "too-large", (current.recurrence_id.0 + expansion::HORIZON).to_rfc3339());
    }
    wanted.policy_overrides.check("/policy_overrides", &mut invalid);
    invalid.finish()?;
    Ok(Occurrence {
        starts_at,
        ends_at,
        status: wanted.status,
        title: wanted.title.clone(),
        policy_overrides: wanted.policy_overrides.clone(),
        ..current.clone()
    })
}

struct Stored {
    occurrence: Occurrence,
    /// The meeting's.
    revision: i64,
    fields: Vec<String>,
}

async fn store(tx: &mut Tx, meeting: &Meeting, old: &Occurrence, new: Occurrence) -> Result<Stored, Problem> {
    let fields = [
        ("starts_at", old.starts_at != new.starts_at),
        ("ends_at", old.ends_at != new.ends_at),
        ("status", old.status != new.status),
        ("title", old.title != new.title),
        ("policy_overrides", old.policy_overrides != new.policy_overrides),
    ];
    let fields: Vec<_> = fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect();
    if fields.is_empty() {
        return Ok(Stored { occurrence: new, revision: meeting.revision, fields });
    }
    let is_moved = fields.iter().any(|field| ["starts_at", "ends_at", "status"].contains(&field.as_str()));
    let now = crate::meetings::now();
    let changed = Meeting {
        sequence: meeting.sequence + i64::from(is_moved),
        revision: meeting.revision + 1,
        updated_at: now,
        ..meeting.clone()
    };
    if !meetings::update(tx, &changed).await? {
        return Err(Code::EtagMismatch.into());
    }
    let occurrence = Occurrence { is_exception: true, sequence: changed.sequence, ..new };
    table::update(tx, &occurrence).await?;
    expansion::note_end(tx, meeting.id).await?;
    let kind = ChangeKind::OccurrenceChanged { recurrence_id: old.recurrence_id, fields: fields.clone() };
    write::note(tx, meeting.tenant_id, meeting.id, kind).await?;
    Ok(Stored { occurrence, revision: changed.revision, fields })
}
