// SPDX-License-Identifier: EUPL-1.2
//! What became of the mails to those who are invited, over the REST API.

use std::collections::HashMap;
use std::sync::Arc;

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::outbox::{self, Mail, MailNews, MailProblem};
use super::rights;
use crate::api::context::Context;
use crate::api::ids::{InviteeId, MeetingId};
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::meetings::invitees::table as invitees;
use crate::meetings::model::Invitee;
use crate::meetings::words::words;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

words! {
    /// What became of the mails to somebody.
    DeliveryStatus {
        /// No mail was sent and none waits: they have no address, invite themselves, or the meeting's invitations do
        /// not go out by mail.
        None = "none",
        /// A mail waits, for further changes or for another try.
        Waiting = "waiting",
        /// The mail server took the last one.
        Sent = "sent",
        /// The last one was given up.
        Failed = "failed",
    }
}

/// What became of the mails to an invited person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailDelivery)]
pub(crate) struct DeliveryView {
    /// Who.
    invitee_id: InviteeId,
    /// What became of the last mail to them.
    status: DeliveryStatus,
    /// What the mail is about that waits or has failed: they are `invited`, the meeting has `changed` or is `cancelled`,
    /// or they are `removed`.
    news: Option<MailNews>,
    /// Why the last try failed: `unreachable` (the mail server cannot be reached), `interrupted` (it fell silent while it
    /// took the mail), `not_allowed` (it does not let Saal send, such as for wrong credentials), `refused` (it wants this
    /// mail later), `rejected` (it does not want it), `impossible` (the address is none), `unreadable` (what is stored about it
    /// makes no sense).
    problem: Option<MailProblem>,
    /// How often that mail was tried.
    attempts: i64,
    /// When it is tried next.
    next_attempt_at: Option<DateTime<Utc>>,
    /// When it was given up.
    failed_at: Option<DateTime<Utc>>,
    /// The meeting's `sequence` in the last mail that was sent; null before the first.
    sequence: Option<i64>,
    /// When they were invited.
    created_at: DateTime<Utc>,
}

impl DeliveryView {
    /// From the mails to them that are not sent, the oldest first.
    fn new(invitee: &Invitee, mails: &[Mail]) -> Self {
        let waiting = mails.iter().find(|mail| mail.given_up_at.is_none());
        let mail = waiting.or_else(|| mails.last());
        let sequence = Some(invitee.last_notified_sequence).filter(|sequence| *sequence >= 0);
        let status = match mail {
            Some(mail) if mail.given_up_at.is_some() => DeliveryStatus::Failed,
            Some(_) => DeliveryStatus::Waiting,
            None if sequence.is_some() => DeliveryStatus::Sent,
            None => DeliveryStatus::None,
        };
        Self {
            invitee_id: invitee.id,
            status,
            news: mail.map(|mail| mail.news),
            problem: mail.and_then(|mail| mail.problem),
            attempts: mail.map_or(0, |mail| mail.attempts),
            next_attempt_at: waiting.map(|mail| mail.due_at),
            failed_at: mail.and_then(|mail| mail.given_up_at),
            sequence,
            created_at: invitee.created_at,
        }
    }
}

/// Lists what became of the mails
///
/// One entry for everybody who is or was invited, in the order of the invitees. A mail is tried for three days, and given up
/// at once where the mail server does not want it. Failures are shown for 30 days, or until the next mail is sent. For
/// those who may change the meeting.
#[utoipa::path(get, path = "/meetings/{meeting_id}/deliveries", tag = "Invitations",
    params(("meeting_id" = MeetingId, Path), PageRequest), security(("api_token" = ["invitees:read"])),
    responses((status = 200, body = PageOf<DeliveryView>)))]
async fn list(context: Context, Path(id): Path<MeetingId>, page: Page<invitees::Key>) -> Result<Response, Problem> {
    context.require(Scope::InviteesRead)?;
    let mut tx = context.read().await?;
    let seen = rights::see(&context, &mut tx, id).await?;
    if !seen.is_organizer {
        return Err(Code::Forbidden.into());
    }
    let found = invitees::page(&mut tx, seen.meeting.id, &page).await?;
    let mut mails: HashMap<InviteeId, Vec<Mail>> = HashMap::new();
    if !found.is_empty() {
        let ids = found.iter().map(|invitee| invitee.id);
        for mail in outbox::of_invitees(&mut tx, seen.meeting.id, ids).await? {
            mails.entry(mail.invitee_id).or_default().push(mail);
        }
    }
    let mails = |invitee: &Invitee| mails.get(&invitee.id).map_or(&[][..], Vec::as_slice);
    let items = found.iter().map(|invitee| DeliveryView::new(invitee, mails(invitee))).collect();
    let key = |delivery: &DeliveryView| (delivery.created_at.timestamp_millis(), delivery.invitee_id);
    PageOf::new(items, page.limit, key)?.answer(&context.uri)
}
