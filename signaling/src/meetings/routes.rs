// SPDX-License-Identifier: EUPL-1.2
//! Scheduling, listing, changing and cancelling meetings.

use std::sync::Arc;

use axum::response::Response;
use chrono::Utc;
use serde::Deserialize;
use store::Tx;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::input::MeetingInput;
use super::listing::{self, Filter, Key};
use super::model::{Meeting, MeetingStatus};
use super::rights::Viewer;
use super::tenant::Tenant;
use super::view::{self, MeetingView};
use super::write::{self, Writer, Written};
use super::{invitees, occurrences, table, tenant};
use crate::api::answer::Answer;
use crate::api::body::{Body, Patch};
use crate::api::context::Context;
use crate::api::etag;
use crate::api::ids::{MeetingId, TenantId};
use crate::api::paging::{MAX_LIMIT, Page, PageOf, PageRequest};
use crate::api::path::{Path, Query};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::records::audit::Event;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, put, patch, cancel))
        .routes(routes!(put_by_external_id))
}

/// What is shown with each meeting.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Expand {
    /// `invitees`, `occurrences`, or both with a comma between them.
    #[param(max_length = 50, example = "invitees,occurrences")]
    expand: Option<String>,
    /// Most occurrences of each meeting.
    #[param(minimum = 1, maximum = 200, default = 10)]
    occurrence_limit: Option<i64>,
}

/// Whether to schedule where there is no room.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Force {
    /// Schedules although there is no room. For administrators of the tenant.
    #[serde(default)]
    pub(super) force: bool,
}

impl Expand {
    fn has(&self, name: &str) -> bool {
        self.expand.iter().flat_map(|names| names.split(',')).any(|known| known.trim() == name)
    }

    fn limit(&self) -> Result<i64, Problem> {
        let limit = self.occurrence_limit.unwrap_or(10);
        let names = self.expand.iter().flat_map(|names| names.split(',')).map(str::trim);
        if names.into_iter().any(|name| !["", "invitees", "occurrences"].contains(&name)) {
            return Err(Problem::field("query/expand", "unknown-value"));
        }
        if (1..=MAX_LIMIT).contains(&limit) {
            Ok(limit)
        } else {
            Err(Problem::field("query/occurrence_limit", "invalid"))
        }
    }
}

/// Lists meetings
///
/// Those that begin first are first. With `updated_since`, those that were changed first; with `status` and no time, those
/// that are over first. Who is no administrator sees what they hold and what they are invited to. For what happens in a
/// certain week, see `/occurrences`.
#[utoipa::path(get, path = "/meetings", tag = "Meetings",
    params(Filter, Expand, PageRequest, ("tenant_id" = Option<String>, Query, format = Uuid)),
    security(("api_token" = ["meetings:read"])), responses((status = 200, body = PageOf<MeetingView>)))]
async fn list(
    context: Context,
    Query(filter): Query<Filter>,
    Query(expand): Query<Expand>,
    page: Page<Key>,
) -> Result<Response, Problem> {
    context.require(Scope::MeetingsRead)?;
    expand.limit()?;
    let now = Utc::now();
    let mut tx = context.read().await?;
    let viewer = Viewer::of_list(&context, &mut tx).await?;
    let select = listing::select(&mut tx, &viewer, &filter, &page, now).await?;
    let found: Vec<Meeting> = tx.all(select).await?;
    let page = PageOf::new(found, page.limit, |meeting| filter.key(meeting))?;
    let mut items = view::views(&context.app, &mut tx, &page.items, now).await?;
    for (item, meeting) in items.iter_mut().zip(&page.items) {
        expand_one(&context, &mut tx, &viewer, &expand, meeting, item).await?;
    }
    PageOf { items, next_cursor: page.next_cursor }.answer(&context.uri)
}

/// Schedules a meeting
///
/// With its invitees, if they are named. `409 capacity-exhausted` names the next starts at which there is room.
#[utoipa::path(post, path = "/meetings", tag = "Meetings", request_body = MeetingInput,
    params(Force, ("tenant_id" = Option<String>, Query, format = Uuid)),
    security(("api_token" = ["meetings:write"])), responses((status = 201, body = MeetingView)))]
async fn create(
    context: Context,
    Query(force): Query<Force>,
    Body(input): Body<MeetingInput>,
) -> Result<Response, Problem> {
    context.require(Scope::MeetingsWrite)?;
    make(&context, MeetingId::new(), &input, &force).await
}

/// Makes a meeting of that id.
async fn make(context: &Context, id: MeetingId, input: &MeetingInput, force: &Force) -> Result<Response, Problem> {
    let mut tx = context.write().await?;
    let viewer = Viewer::of(context, &mut tx).await?;
    let tenant = own_tenant(context, &mut tx).await?;
    let writer = writer(context, &viewer, &tenant, force)?;
    let written = writer.create(&mut tx, id, input).await?;
    answer_made(context, tx, &written).await
}

async fn answer_made(context: &Context, mut tx: Tx, written: &Written) -> Result<Response, Problem> {
    let meeting = &written.meeting;
    let shown = view::one(&context.app, &mut tx, meeting, meeting.updated_at).await?;
    let answer = Answer::created(format!("/api/v1/meetings/{}", meeting.id), &shown)?.with_etag(meeting.revision);
    let answer = answer.kept_as(&shown.without_pin())?;
    context.commit(tx, Some(meeting.tenant_id), &Event::new("meeting.create", meeting.id), answer).await
}

/// Shows a meeting
#[utoipa::path(get, path = "/meetings/{meeting_id}", tag = "Meetings",
    params(("meeting_id" = MeetingId, Path), Expand, ("If-None-Match" = Option<String>, Header)),
    security(("api_token" = ["meetings:read"])), responses((status = 200, body = MeetingView), (status = 304)))]
async fn get(context: Context, Path(id): Path<MeetingId>, Query(expand): Query<Expand>) -> Result<Response, Problem> {
    context.require(Scope::MeetingsRead)?;
    expand.limit()?;
    let mut tx = context.read().await?;
    let viewer = Viewer::of(&context, &mut tx).await?;
    let meeting = viewer.see(&mut tx, id).await?;
    let mut shown = view::one(&context.app, &mut tx, &meeting, Utc::now()).await?;
    expand_one(&context, &mut tx, &viewer, &expand, &meeting, &mut shown).await?;
    etag::unless_known(&context.headers, meeting.revision, Answer::ok(&shown)?)
}

/// Replaces a meeting, or makes one of an id of your own
///
/// With `If-Match` it must be there, with `If-None-Match: *` it must not.
#[utoipa::path(put, path = "/meetings/{meeting_id}", tag = "Meetings", request_body = MeetingInput,
    params(("meeting_id" = MeetingId, Path), Force, ("If-Match" = Option<String>, Header),
        ("If-None-Match" = Option<String>, Header), ("tenant_id" = Option<String>, Query, format = Uuid)),
    security(("api_token" = ["meetings:write"])),
    responses((status = 200, body = MeetingView), (status = 201, body = MeetingView)))]
async fn put(
    context: Context,
    Path(id): Path<MeetingId>,
    Query(force): Query<Force>,
    Body(input): Body<MeetingInput>,
) -> Result<Response, Problem> {
    context.require(Scope::MeetingsWrite)?;
    if etag::wants_new(&context.headers)? {
        let mut tx = context.read().await?;
        let tenant = own_tenant(&context, &mut tx).await?;
        if table::find(&mut tx, Some(tenant.id), id).await?.is_some() {
            return Err(Code::EtagMismatch.into());
        }
        drop(tx);
        return make(&context, id, &input, &force).await;
    }
    change(&context, id, &force, |_| Ok(Wish::whole(input))).await
}

/// Changes a meeting
#[utoipa::path(patch, path = "/meetings/{meeting_id}", tag = "Meetings",
    request_body(content = ref("#/components/schemas/MeetingPatch"), content_type = "application/merge-patch+json"),
    params(("meeting_id" = MeetingId, Path), Force, ("If-Match" = String, Header)),
    security(("api_token" = ["meetings:write"])), responses((status = 200, body = MeetingView)))]
async fn patch(
    context: Context,
    Path(id): Path<MeetingId>,
    Query(force): Query<Force>,
    patch: Patch,
) -> Result<Response, Problem> {
    context.require(Scope::MeetingsWrite)?;
    let app = context.app.clone();
    change(&context, id, &force, |meeting| {
        let mut current = view::input(meeting);
        let organizer = meeting.organizer_id.map(|id| id.to_string()).unwrap_or_default();
        if patch.differs_at("/organizer/user_id", &organizer)
            || patch.differs_at("/organizer/email", &meeting.organizer_email)
        {
            // Somebody else does not get the name of who was it before.
            current.organizer = None;
        }
        let (names_exclusions, names_length) =
            (patch.names("excluded_dates"), patch.names("ends_at") || patch.names("duration_minutes"));
        let mut input = patch.apply(&app, &current)?;
        if !names_length {
            view::keep_length(&mut input, meeting);
        }
        Ok(Wish { input, keeps_exclusions: !names_exclusions })
    })
    .await
}

/// What somebody wants a meeting to be.
struct Wish {
    input: MeetingInput,
    /// Whether they did not name the excluded dates.
    keeps_exclusions: bool,
}

impl Wish {
    /// All of it is named.
    const fn whole(input: MeetingInput) -> Self {
        Self { input, keeps_exclusions: false }
    }
}

async fn change(
    context: &Context,
    id: MeetingId,
    force: &Force,
    wish: impl FnOnce(&Meeting) -> Result<Wish, Problem>,
) -> Result<Response, Problem> {
    let mut tx = context.write().await?;
    let viewer = Viewer::of(context, &mut tx).await?;
    let meeting = viewer.change(&mut tx, id).await?;
    etag::check_if_match(&context.headers, meeting.revision)?;
    let wish = wish(&meeting)?;
    replace(context, tx, &viewer, &meeting, &wish, force).await
}

async fn replace(
    context: &Context,
    mut tx: Tx,
    viewer: &Viewer,
    meeting: &Meeting,
    wish: &Wish,
    force: &Force,
) -> Result<Response, Problem> {
    let tenant = tenant::find(&mut tx, meeting.tenant_id).await?.ok_or(Code::NotFound)?;
    let writer = Writer { keeps_exclusions: wish.keeps_exclusions, ..writer(context, viewer, &tenant, force)? };
    let written = writer.replace(&mut tx, meeting, &wish.input).await?;
    let mut shown = view::one(&context.app, &mut tx, &written.meeting, writer.now).await?;
    shown.dropped_exceptions = written.dropped;
    let answer = Answer::ok(&shown)?.with_etag(written.meeting.revision);
    let event = Event::new("meeting.update", meeting.id).changing(&written.fields);
    let events = if written.fields.is_empty() { Vec::new() } else { vec![event] };
    context.commit_all(tx, Some(meeting.tenant_id), &events, answer).await
}

/// Cancels a meeting
///
/// It stays, with the status `cancelled`. A draft, of which nobody was told, is gone.
#[utoipa::path(delete, path = "/meetings/{meeting_id}", tag = "Meetings",
    params(("meeting_id" = MeetingId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["meetings:write"])), responses((status = 204)))]
async fn cancel(context: Context, Path(id): Path<MeetingId>) -> Result<Response, Problem> {
    context.require(Scope::MeetingsWrite)?;
    let mut tx = context.write().await?;
    let meeting = Viewer::of(&context, &mut tx).await?.change(&mut tx, id).await?;
    etag::check_if_match(&context.headers, meeting.revision)?;
    let is_new = write::cancel(&mut tx, &meeting, super::now()).await?;
    let events = if is_new { vec![Event::new("meeting.cancel", meeting.id)] } else { Vec::new() };
    context.commit_all(tx, Some(meeting.tenant_id), &events, Answer::no_content()).await
}

/// Makes or replaces the meeting that other software calls so
///
/// So software can repeat what it did without a second meeting coming of it. `If-Match` is looked at when it is sent. One
/// that was cancelled stays so and loses the id to the new one.
#[utoipa::path(put, path = "/meetings/by_external_id/{external_id}", tag = "Meetings", request_body = MeetingInput,
    params(("external_id" = String, Path, max_length = 200), Force, ("If-Match" = Option<String>, Header),
        ("tenant_id" = Option<String>, Query, format = Uuid)),
    security(("api_token" = ["meetings:write"])),
    responses((status = 200, body = MeetingView), (status = 201, body = MeetingView)))]
async fn put_by_external_id(
    context: Context,
    Path(external_id): Path<String>,
    Query(force): Query<Force>,
    Body(mut input): Body<MeetingInput>,
) -> Result<Response, Problem> {
    context.require(Scope::MeetingsWrite)?;
    if external_id.chars().count() > 200 || external_id.chars().any(char::is_control) {
        return Err(Code::NotFound.into());
    }
    if input.external_id.as_ref().is_some_and(|given| *given != external_id) {
        return Err(Problem::field("/external_id", "contradiction"));
    }
    let mut tx = context.write().await?;
    let viewer = Viewer::of(&context, &mut tx).await?;
    let tenant = own_tenant(&context, &mut tx).await?;
    tx.lock(&format!("external id {} {external_id}", tenant.id)).await?;
    let known = table::by_external_id(&mut tx, tenant.id, &external_id).await?;
    let known = known.filter(|known| known.status != MeetingStatus::Cancelled);
    input.external_id = Some(external_id);
    match known {
        Some(known) => {
            let meeting = viewer.change(&mut tx, known.id).await?;
            if context.headers.contains_key(axum::http::header::IF_MATCH) {
                etag::check_if_match(&context.headers, meeting.revision)?;
            }
            replace(&context, tx, &viewer, &meeting, &Wish::whole(input), &force).await
        }
        None => {
            let writer = writer(&context, &viewer, &tenant, &force)?;
            let written = writer.create(&mut tx, MeetingId::new(), &input).await?;
            answer_made(&context, tx, &written).await
        }
    }
}

pub(super) fn writer<'a>(
    context: &'a Context,
    viewer: &'a Viewer,
    tenant: &'a Tenant,
    force: &Force,
) -> Result<Writer<'a>, Problem> {
    if force.force && !context.caller.sees_whole_tenant() {
        return Err(Code::Forbidden.into());
    }
    let (is_forced, now) = (force.force, super::now());
    Ok(Writer { context, viewer, tenant, is_forced, keeps_exclusions: false, now })
}

/// The tenant that something new belongs to.
pub(super) async fn own_tenant(context: &Context, tx: &mut Tx) -> Result<Tenant, Problem> {
    let id: TenantId = context.tenant()?;
    Ok(tenant::find(tx, id).await?.ok_or(Code::NotFound)?)
}

async fn expand_one(
    context: &Context,
    tx: &mut Tx,
    viewer: &Viewer,
    expand: &Expand,
    meeting: &Meeting,
    shown: &mut MeetingView,
) -> Result<(), Problem> {
    // Links and PINs are for those who may change it, and only with the scope.
    if expand.has("invitees")
        && context.caller.scopes.contains(Scope::InviteesRead)
        && viewer.change(tx, meeting.id).await.is_ok()
    {
        let found = invitees::of_meeting(tx, meeting.id).await?;
        shown.invitees = Some(invitees::model::views(&context.app, tx, meeting, &found).await?);
    }
    if expand.has("occurrences") {
        let now = Utc::now();
        let found = occurrences::table::next(tx, meeting.id, now, expand.limit()?).await?;
        shown.occurrences = Some(occurrences::model::views(tx, &found, now).await?);
    }
    Ok(())
}
