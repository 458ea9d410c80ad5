// SPDX-License-Identifier: EUPL-1.2
//! Invitations over the REST API: what they say, for those who send them by other means, and what became of the mails.

use std::sync::Arc;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
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
use super::outbox::{self, Mail, MailProblem};
use super::rights;
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::ids::{InviteeId, MailId, MeetingId};
use crate::api::language::Language;
use crate::api::path::{Path, Query};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::meetings::invitees::table as invitees;
use crate::meetings::model::{Delivery, Meeting, MeetingStatus};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(get_ics)).routes(routes!(list_mails))
}

/// Whose invitation, and in which language.
#[derive(Deserialize, IntoParams)]
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

/// The mails about a meeting that are not sent, or not yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnsentMails {
    /// The mails.
    items: Vec<UnsentMail>,
    /// Whether Saal can send mails. If not, `mail.smtp_url` is missing in the settings, and mails are left unsent.
    is_mail_set_up: bool,
}

/// A mail that is not sent, or not yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnsentMail {
    /// Its id, which is also the beginning of its Message-ID.
    id: MailId,
    /// To whom it goes; for a proposal, whose it is.
    invitee_id: InviteeId,
    /// What it is about.
    #[schema(example = "invited")]
    news: &'static str,
    /// How often it was tried.
    attempts: i64,
    /// Why the last try failed: `unreachable` (the mail server cannot be reached), `refused` (it wants the mail later),
    /// `rejected` (it does not want it), `impossible` (the address is none).
    #[schema(example = "refused")]
    problem: Option<&'static str>,
    /// When it is tried next; null when it was given up.
    next_attempt_at: Option<DateTime<Utc>>,
    /// When it was given up.
    given_up_at: Option<DateTime<Utc>>,
}

impl From<Mail> for UnsentMail {
    fn from(mail: Mail) -> Self {
        Self {
            id: mail.id,
            invitee_id: mail.invitee_id,
            news: mail.news.as_str(),
            attempts: mail.attempts,
            problem: mail.problem.map(MailProblem::as_str),
            next_attempt_at: mail.given_up_at.is_none().then_some(mail.due_at),
            given_up_at: mail.given_up_at,
        }
    }
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

/// Lists mails that are not sent
///
/// Those that wait, with the time of the next try, and those that were given up: after three days, or at once where the
/// mail server does not want them. What was sent is not listed: `last_notified_sequence` of the invitee says it.
#[utoipa::path(get, path = "/meetings/{meeting_id}/unsent_mails", tag = "Invitations",
    params(("meeting_id" = MeetingId, Path)), security(("api_token" = ["invitees:read"])),
    responses((status = 200, body = UnsentMails)))]
async fn list_mails(context: Context, Path(id): Path<MeetingId>) -> Result<Response, Problem> {
    context.require(Scope::InviteesRead)?;
    let mut tx = context.read().await?;
    let seen = rights::see(&context, &mut tx, id).await?;
    if !seen.is_organizer {
        return Err(Code::Forbidden.into());
    }
    let items = outbox::of_meeting(&mut tx, seen.meeting.id).await?;
    let items = items.into_iter().map(UnsentMail::from).collect();
    Ok(Answer::ok(&UnsentMails { items, is_mail_set_up: context.app.config.mail.is_some() })?.into_response())
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
