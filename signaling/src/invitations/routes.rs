// SPDX-License-Identifier: EUPL-1.2
//! Invitations over the REST API: what they say, for those who send them by other means.

use std::sync::Arc;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use store::Tx;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::compose::Composer;
use super::ical::calendar;
use super::invitation::{Invitation, News};
use super::mail::letter::Letter;
use super::mail::{html, text};
use super::rights;
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::ids::{InviteeId, MeetingId};
use crate::api::language::Language;
use crate::api::path::{Path, Query};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::meetings::invitees::table as invitees;
use crate::meetings::model::{Delivery, Meeting, MeetingStatus};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(get_ics))
}

/// Whose invitation, and in which language.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// The invited person, with their own link and PIN. Without it, the invitation says what everybody may know.
    invitee_id: Option<InviteeId>,
    /// `de` or `en`; the person's own language without it.
    language: Option<Language>,
}

/// An invitation in words and as iCalendar.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationText {
    /// The mail's subject.
    subject: String,
    /// The mail as plain text.
    text: String,
    /// The mail as HTML.
    html: String,
    /// The calendar file (RFC 5545); null for a meeting that is at no time.
    ics: Option<String>,
    /// How invitations to this meeting go out.
    delivery: Delivery,
    /// Whether Saal can send mails. If not, `mail.smtp_url` is missing in the settings, and mails are left unsent.
    is_mail_set_up: bool,
}

/// Shows an invitation
///
/// What a mail says, for those who send it by other means (`delivery` `none` or `ics_only`). Who is invited sees their
/// own; who organises the meeting sees those of all, with their personal links.
#[utoipa::path(get, path = "/meetings/{meeting_id}/invitation", tag = "Invitations",
    params(("meeting_id" = MeetingId, Path), Wanted), security(("api_token" = ["invitees:read"])),
    responses((status = 200, body = InvitationText)))]
async fn get(context: Context, Path(id): Path<MeetingId>, Query(wanted): Query<Wanted>) -> Result<Response, Problem> {
    context.require(Scope::InviteesRead)?;
    let (meeting, invitation) = compose(&context, &mut context.read().await?, id, &wanted).await?;
    let letter = Letter::of(&invitation);
    let answer = InvitationText {
        subject: letter.subject.clone(),
        text: text::write(&letter),
        html: html::write(&letter),
        ics: invitation.schedule.is_some().then(|| calendar::write(&invitation)),
        delivery: meeting.invitation_delivery,
        is_mail_set_up: context.app.config.mail.is_some(),
    };
    Ok(Answer::ok(&answer)?.into_response())
}

/// Shows an invitation as a calendar file
///
/// The same as `ics` in the invitation, as a file. There is none for a meeting that is at no time.
#[utoipa::path(get, path = "/meetings/{meeting_id}/invitation.ics", tag = "Invitations",
    params(("meeting_id" = MeetingId, Path), Wanted), security(("api_token" = ["invitees:read"])),
    responses((status = 200, body = String, content_type = "text/calendar")))]
async fn get_ics(
    context: Context,
    Path(id): Path<MeetingId>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    context.require(Scope::InviteesRead)?;
    let (_, invitation) = compose(&context, &mut context.read().await?, id, &wanted).await?;
    if invitation.schedule.is_none() {
        return Err(Code::NotFound.into());
    }
    let content_type = format!("text/calendar; method={}; charset=utf-8", invitation.method.as_str());
    let mut response = ([(header::CONTENT_TYPE, content_type)], calendar::write(&invitation)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"invite.ics\""));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// The invitation that is wanted, if the caller may read it.
async fn compose(
    context: &Context,
    tx: &mut Tx,
    id: MeetingId,
    wanted: &Wanted,
) -> Result<(Meeting, Invitation), Problem> {
    let seen = rights::see(context, tx, id).await?;
    let invitee = match wanted.invitee_id {
        Some(id) if seen.is_organizer => {
            let found = invitees::find(tx, seen.meeting.id, id).await?;
            Some(found.ok_or(Code::NotFound)?)
        }
        Some(id) => Some(seen.own.into_iter().find(|own| own.id == id).ok_or(Code::NotFound)?),
        None => None,
    };
    let is_cancelled = seen.meeting.status == MeetingStatus::Cancelled;
    let composer = Composer::new(tx, &context.app, &seen.meeting).await?;
    let mut invitation = match &invitee {
        Some(invitee) => {
            let news = match invitee.revoked_at {
                Some(_) => News::Removed,
                None if is_cancelled => News::Cancelled,
                None => News::Invited,
            };
            composer.to(tx, invitee, news, Utc::now()).await?
        }
        None => {
            let news = if is_cancelled { News::Cancelled } else { News::Invited };
            composer.to_anybody(wanted.language.unwrap_or(seen.meeting.invitation_language), news, Utc::now())
        }
    };
    if let Some(language) = wanted.language {
        invitation.language = language;
    }
    drop(composer);
    Ok((seen.meeting, invitation))
}
