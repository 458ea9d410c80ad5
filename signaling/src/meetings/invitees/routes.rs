// SPDX-License-Identifier: EUPL-1.2
//! Inviting people, changing and withdrawing invitations.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use store::Tx;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{InviteeView, views};
use super::{model, sync, table};
use crate::api::answer::Answer;
use crate::api::body::{Body, Patch};
use crate::api::context::Context;
use crate::api::etag;
use crate::api::ids::{InviteeId, MeetingId};
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::meetings::input::InviteeInput;
use crate::meetings::model::{Invitee, InviteeRole, Meeting, MeetingStatus};
use crate::meetings::rights::Viewer;
use crate::meetings::{capacity, expansion, occurrences, table as meetings, tenant};
use crate::records::audit::Event;

pub(in crate::meetings) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, replace, patch, remove))
        .routes(routes!(renew))
}

/// Lists who is invited
///
/// Those who were invited first are first; those whose invitation was withdrawn are there with `revoked_at`. Links and
/// PINs are shown to those who may change the meeting.
#[utoipa::path(get, path = "/meetings/{meeting_id}/invitees", tag = "Invitees",
    params(("meeting_id" = MeetingId, Path), PageRequest), security(("api_token" = ["invitees:read"])),
    responses((status = 200, body = PageOf<InviteeView>)))]
async fn list(
    context: Context,
    Path(meeting_id): Path<MeetingId>,
    page: Page<table::Key>,
) -> Result<Response, Problem> {
    context.require(Scope::InviteesRead)?;
    let mut tx = context.read().await?;
    let viewer = Viewer::of(&context, &mut tx).await?;
    let meeting = viewer.see(&mut tx, meeting_id).await?;
    let found = table::page(&mut tx, meeting.id, &page).await?;
    let items = if viewer.change(&mut tx, meeting_id).await.is_ok() {
        views(&context.app, &mut tx, &meeting, &found).await?
    } else {
        found.iter().map(|invitee| InviteeView::public(&meeting, invitee)).collect()
    };
    let key = |invitee: &InviteeView| (invitee.created_at.timestamp_millis(), invitee.id);
    PageOf::new(items, page.limit, key)?.answer(&context.uri)
}

/// Invites somebody
///
/// Who was invited before and is not any more is invited again, with a new link.
#[utoipa::path(post, path = "/meetings/{meeting_id}/invitees", tag = "Invitees", request_body = InviteeInput,
    params(("meeting_id" = MeetingId, Path)), security(("api_token" = ["invitees:write"])),
    responses((status = 201, body = InviteeView)))]
async fn create(
    context: Context,
    Path(meeting_id): Path<MeetingId>,
    Body(input): Body<InviteeInput>,
) -> Result<Response, Problem> {
    context.require(Scope::InviteesWrite)?;
    let mut tx = context.write().await?;
    let meeting = open(&context, &mut tx, meeting_id).await?;
    let mut invalid = Invalid::default();
    let wanted = sync::look_up(&mut tx, &meeting, &input, "", &mut invalid).await?;
    invalid.finish()?;
    let (keys, now) = (&context.app.installation, crate::meetings::now());
    let invited = table::count(&mut tx, meeting.id).await?;
    let invitee = sync::add_or_renew(&mut tx, keys, &meeting, &wanted, now).await?;
    followed(&mut tx, &meeting, invited, [Some(&invitee), None], now).await?;
    let location = format!("/api/v1/meetings/{}/invitees/{}", meeting.id, invitee.id);
    let answer = Answer::created(location, &whole(&context, &mut tx, &meeting, &invitee).await?)?;
    let answer = answer.with_etag(invitee.revision);
    let event = Event::new("invitee.create", invitee.id).with("meeting_id", meeting.id.to_string().into());
    context.commit(tx, Some(meeting.tenant_id), &event, answer).await
}

/// Shows somebody who is invited
#[utoipa::path(get, path = "/meetings/{meeting_id}/invitees/{invitee_id}", tag = "Invitees",
    params(("meeting_id" = MeetingId, Path), ("invitee_id" = InviteeId, Path), ("If-None-Match" = Option<String>, Header)),
    security(("api_token" = ["invitees:read"])), responses((status = 200, body = InviteeView), (status = 304)))]
async fn get(context: Context, Path((meeting_id, id)): Path<(MeetingId, InviteeId)>) -> Result<Response, Problem> {
    context.require(Scope::InviteesRead)?;
    let mut tx = context.read().await?;
    let viewer = Viewer::of(&context, &mut tx).await?;
    let meeting = viewer.see(&mut tx, meeting_id).await?;
    let invitee = table::find(&mut tx, meeting.id, id).await?.ok_or(Code::NotFound)?;
    let view = if viewer.change(&mut tx, meeting_id).await.is_ok() {
        whole(&context, &mut tx, &meeting, &invitee).await?
    } else {
        InviteeView::public(&meeting, &invitee)
    };
    let answer = Answer::ok(&view)?;
    if invitee.response_status != view.response_status {
        // The meeting has moved on since their answer, of which their revision does not know.
        return Ok(answer.with_etag(invitee.revision).into_response());
    }
    etag::unless_known(&context.headers, invitee.revision, answer)
}

/// Replaces what is known of somebody who is invited
#[utoipa::path(put, path = "/meetings/{meeting_id}/invitees/{invitee_id}", tag = "Invitees", request_body = InviteeInput,
    params(("meeting_id" = MeetingId, Path), ("invitee_id" = InviteeId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["invitees:write"])), responses((status = 200, body = InviteeView)))]
async fn replace(
    context: Context,
    Path((meeting_id, id)): Path<(MeetingId, InviteeId)>,
    Body(input): Body<InviteeInput>,
) -> Result<Response, Problem> {
    change(context, meeting_id, id, |_| Ok(input)).await
}

/// Changes what is known of somebody who is invited
#[utoipa::path(patch, path = "/meetings/{meeting_id}/invitees/{invitee_id}", tag = "Invitees",
    request_body(content = ref("#/components/schemas/InviteePatch"), content_type = "application/merge-patch+json"),
    params(("meeting_id" = MeetingId, Path), ("invitee_id" = InviteeId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["invitees:write"])), responses((status = 200, body = InviteeView)))]
async fn patch(
    context: Context,
    Path((meeting_id, id)): Path<(MeetingId, InviteeId)>,
    patch: Patch,
) -> Result<Response, Problem> {
    let app = context.app.clone();
    change(context, meeting_id, id, |current| {
        let mut base = model::input(current);
        let user = current.user_id.map(|id| id.to_string()).unwrap_or_default();
        let email = current.email.as_deref().unwrap_or_default();
        if patch.differs_at("/user_id", &user) || patch.differs_at("/email", email) {
            // Somebody else does not get the name of who was it before.
            base = InviteeInput { user_id: None, email: None, name: None, kind: None, ..base };
        }
        let says_bypass = patch.names("lobby_bypass");
        let mut input = patch.apply(&app, &base)?;
        if current.role == InviteeRole::CoHost && input.role != Some(InviteeRole::CoHost) && !says_bypass {
            // They were let in past the lobby as a co-host.
            input.lobby_bypass = false;
        }
        Ok(input)
    })
    .await
}

async fn change(
    context: Context,
    meeting_id: MeetingId,
    id: InviteeId,
    input: impl FnOnce(&Invitee) -> Result<InviteeInput, Problem>,
) -> Result<Response, Problem> {
    context.require(Scope::InviteesWrite)?;
    let mut tx = context.write().await?;
    let meeting = open(&context, &mut tx, meeting_id).await?;
    let current = table::find(&mut tx, meeting.id, id).await?.ok_or(Code::NotFound)?;
    etag::check_if_match(&context.headers, current.revision)?;
    if current.revoked_at.is_some() {
        return Err(Code::Conflict.into());
    }
    let input = input(&current)?;
    let mut invalid = Invalid::default();
    let wanted = sync::look_up(&mut tx, &meeting, &input, "", &mut invalid).await?;
    invalid.finish()?;
    let (keys, now) = (&context.app.installation, crate::meetings::now());
    let invited = table::count(&mut tx, meeting.id).await?;
    let (changed, fields) = sync::change(&mut tx, keys, &meeting, &current, &wanted, now).await?.unzip();
    if let Some(changed) = &changed {
        expansion::note_expected(&mut tx, meeting.id).await?;
        followed(&mut tx, &meeting, invited, [Some(&current), Some(changed)], now).await?;
    }
    let event = fields.map(|fields| Event::new("invitee.update", id).changing(&fields));
    let invitee = changed.unwrap_or(current);
    let answer = Answer::ok(&whole(&context, &mut tx, &meeting, &invitee).await?)?.with_etag(invitee.revision);
    context.commit_all(tx, Some(meeting.tenant_id), event.as_slice(), answer).await
}

/// Withdraws an invitation
///
/// Link and PIN are not valid any more. The entry stays, with `revoked_at`.
#[utoipa::path(delete, path = "/meetings/{meeting_id}/invitees/{invitee_id}", tag = "Invitees",
    params(("meeting_id" = MeetingId, Path), ("invitee_id" = InviteeId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["invitees:write"])), responses((status = 204)))]
async fn remove(context: Context, Path((meeting_id, id)): Path<(MeetingId, InviteeId)>) -> Result<Response, Problem> {
    context.require(Scope::InviteesWrite)?;
    let mut tx = context.write().await?;
    let meeting = Viewer::of(&context, &mut tx).await?.change(&mut tx, meeting_id).await?;
    sync::lock(&mut tx, &meeting).await?;
    let current = table::find(&mut tx, meeting.id, id).await?.ok_or(Code::NotFound)?;
    etag::check_if_match(&context.headers, current.revision)?;
    let mut events = Vec::new();
    if current.revoked_at.is_none() {
        let now = crate::meetings::now();
        let invited = table::count(&mut tx, meeting.id).await?;
        sync::revoke(&mut tx, &meeting, &current, now).await?;
        expansion::note_expected(&mut tx, meeting.id).await?;
        followed(&mut tx, &meeting, invited, [Some(&current), None], now).await?;
        events.push(Event::new("invitee.revoke", id));
    }
    context.commit_all(tx, Some(meeting.tenant_id), &events, Answer::no_content()).await
}

/// Gives somebody a new personal link
///
/// The old one is not valid any more.
#[utoipa::path(post, path = "/meetings/{meeting_id}/invitees/{invitee_id}/renew_link", tag = "Invitees",
    params(("meeting_id" = MeetingId, Path), ("invitee_id" = InviteeId, Path)),
    security(("api_token" = ["invitees:write"])), responses((status = 200, body = InviteeView)))]
async fn renew(context: Context, Path((meeting_id, id)): Path<(MeetingId, InviteeId)>) -> Result<Response, Problem> {
    context.require(Scope::InviteesWrite)?;
    let mut tx = context.write().await?;
    let meeting = open(&context, &mut tx, meeting_id).await?;
    let current = table::find(&mut tx, meeting.id, id).await?.ok_or(Code::NotFound)?;
    if current.revoked_at.is_some() {
        return Err(Code::Conflict.into());
    }
    let invitee = sync::renew_link(&mut tx, &meeting, &current, crate::meetings::now()).await?;
    let answer = Answer::ok(&whole(&context, &mut tx, &meeting, &invitee).await?)?.with_etag(invitee.revision);
    context.commit(tx, Some(meeting.tenant_id), &Event::new("invitee.renew_link", id), answer).await
}

/// A meeting that they may change and that takes place.
async fn open(context: &Context, tx: &mut Tx, id: MeetingId) -> Result<Meeting, Problem> {
    let meeting = Viewer::of(context, tx).await?.change(tx, id).await?;
    sync::lock(tx, &meeting).await?;
    if meeting.status == MeetingStatus::Cancelled {
        return Err(Code::Conflict.into());
    }
    Ok(meeting)
}

/// After somebody was invited, or became something else: there must be room for them, and who read of the co-hosts has not
/// seen these.
async fn followed(
    tx: &mut Tx,
    meeting: &Meeting,
    were_invited: table::Invited,
    invitee: [Option<&Invitee>; 2],
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let invited = table::count(tx, meeting.id).await?;
    let is_more = invited.total > were_invited.total || invited.phone > were_invited.phone;
    if is_more && meeting.status == MeetingStatus::Scheduled {
        let tenant = tenant::find(tx, meeting.tenant_id).await?.ok_or(Code::NotFound)?;
        let spans = occurrences::table::next_spans(tx, meeting.id, now).await?;
        capacity::check(tx, &tenant.settings.limits, meeting, &spans, invited, now).await?;
    }
    if invitee.into_iter().flatten().any(|invitee| invitee.role == InviteeRole::CoHost) {
        meetings::touch(tx, meeting.id, now).await?;
    }
    Ok(())
}

async fn whole(context: &Context, tx: &mut Tx, meeting: &Meeting, invitee: &Invitee) -> Result<InviteeView, Problem> {
    let pin = crate::meetings::phone_pins::table::of_invitee(tx, meeting.id, invitee.id).await?;
    Ok(InviteeView::whole(&context.app, meeting, invitee, pin.as_ref()))
}
