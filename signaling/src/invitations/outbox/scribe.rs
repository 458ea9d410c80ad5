// SPDX-License-Identifier: EUPL-1.2
//! Makes mails of what became of meetings. Changes that come while a mail to the same person still waits go into that
//! mail, so that somebody who is still arranging things does not send one for each click.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Duration, Utc};
use store::{StoreError, Tx};
use tracing::{debug, error, warn};

use super::table::{self, Mail, MailNews, MailProblem};
use crate::api::ids::{InviteeId, MailId, MeetingId};
use crate::app::App;
use crate::invitations::invitation::Change;
use crate::meetings::changes::{self, ChangeKind, Reader};
use crate::meetings::invitees;
use crate::meetings::model::{Delivery, Invitee, Meeting, MeetingStatus, OccurrenceStatus, RecurrenceId};
use crate::meetings::{occurrences, table as meetings};

/// How many changes are dealt with in a transaction. A meeting's first one may make a thousand mails.
const BATCH: i64 = 20;

/// Changes that nobody wrote a mail about for so long are not told any more: mail was not set up, or off.
const MAX_AGE: Duration = Duration::days(3);

/// Most changes that a mail names.
const MAX_NAMED: usize = 20;

/// Makes mails until somebody ends it.
pub(super) async fn run(app: &App) {
    let Some(mail) = &app.config.mail else { return };
    loop {
        match write_some(app, Utc::now()).await {
            Ok(0) => tokio::time::sleep(mail.poll).await,
            Ok(count) => debug!(count, "changes became mails"),
            Err(error) => {
                warn!(%error, "changes cannot be made into mails");
                tokio::time::sleep(mail.poll).await;
            }
        }
    }
}

/// Deals with the oldest changes. Returns how many.
async fn write_some(app: &App, now: DateTime<Utc>) -> Result<usize, StoreError> {
    // Mostly there is nothing to do, and looking should not make writers wait.
    let waiting = changes::pending(&mut app.store.read().await?, Reader::Mail, 1).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let mut tx = app.store.write().await?;
    tx.lock("mails").await?;
    let found = changes::pending(&mut tx, Reader::Mail, BATCH).await?;
    let mut known: HashMap<MeetingId, Option<Meeting>> = HashMap::new();
    let due_at = now + app.config.mail.as_ref().map_or(Duration::zero(), |mail| mail.fold);
    for noted in found.iter().filter(|noted| now - noted.created_at < MAX_AGE) {
        let Some(change) = &noted.change else { continue };
        let id = change.meeting_id;
        let meeting = match known.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let meeting = sensible(meetings::find(&mut tx, Some(change.tenant_id), id).await, id)?.flatten();
                entry.insert(meeting.filter(is_told))
            }
        };
        if let Some(meeting) = meeting {
            sensible(tell(&mut tx, meeting, &change.kind, now, due_at).await, id)?;
        }
    }
    let ids: Vec<_> = found.into_iter().map(|noted| noted.id).collect();
    changes::done(&mut tx, Reader::Mail, &ids, now).await?;
    tx.commit().await?;
    Ok(ids.len())
}

/// What was read; none when what is stored makes no sense. The others shall not wait for that.
fn sensible<T>(found: Result<T, StoreError>, meeting: MeetingId) -> Result<Option<T>, StoreError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::Senseless(what)) => {
            error!(%meeting, what, "a change cannot be told");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether we write mails about it.
fn is_told(meeting: &Meeting) -> bool {
    meeting.invitation_delivery == Delivery::Mail && meeting.status != MeetingStatus::Draft
}

async fn tell(
    tx: &mut Tx,
    meeting: &Meeting,
    kind: &ChangeKind,
    now: DateTime<Utc>,
    due_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (audience, news, named) = match kind {
        ChangeKind::Created => (Audience::Untold, MailNews::Invited, Vec::new()),
        ChangeKind::Cancelled => (Audience::All, MailNews::Cancelled, Vec::new()),
        ChangeKind::Updated { fields } => match of_meeting(fields) {
            // Perhaps mails were not wanted before.
            named if named.is_empty() && has(fields, &["invitation"]) => (Audience::Untold, MailNews::Invited, named),
            named => (Audience::All, MailNews::Changed, named),
        },
        ChangeKind::OccurrenceChanged { recurrence_id, fields } => {
            (Audience::All, MailNews::Changed, of_occurrence(tx, meeting, *recurrence_id, fields).await?)
        }
        ChangeKind::InviteeAdded { invitee_id } => (Audience::One(*invitee_id), MailNews::Invited, Vec::new()),
        ChangeKind::InviteeRemoved { invitee_id } => (Audience::One(*invitee_id), MailNews::Removed, Vec::new()),
        ChangeKind::InviteeChanged { invitee_id, fields } if has(fields, &["email", "user_id"]) => {
            // Whoever reads that address now has not been told anything.
            (Audience::One(*invitee_id), MailNews::Invited, Vec::new())
        }
        ChangeKind::InviteeChanged { invitee_id, fields } => {
            let is_new_link = has(fields, &["personal_join_url", "personal_pin"]);
            let named = is_new_link.then_some(Change::Access).into_iter().collect();
            (Audience::One(*invitee_id), MailNews::Changed, named)
        }
    };
    if news == MailNews::Changed && named.is_empty() {
        return Ok(());
    }
    let people = match audience {
        Audience::One(id) => invitees::table::find(tx, meeting.id, id).await?.into_iter().collect(),
        Audience::All | Audience::Untold => invitees::of_meeting(tx, meeting.id).await?,
    };
    for invitee in people.iter().filter(|invitee| is_reached(meeting, invitee, news)) {
        let folded = fold(tx, invitee, news, &named, audience == Audience::Untold, (now, due_at)).await;
        sensible(folded, meeting.id)?;
    }
    Ok(())
}

/// Who hears of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// Everybody who is invited.
    All,
    /// Of them, those who have not heard of the meeting.
    Untold,
    /// This one.
    One(InviteeId),
}

fn has(fields: &[String], names: &[&str]) -> bool {
    fields.iter().any(|field| names.contains(&field.as_str()))
}

/// Whether there is somebody to write to: whose address we have, who is still invited, and who does not invite. Who invites
/// without an account hears of it, as nothing else leads them to their meeting.
fn is_reached(meeting: &Meeting, invitee: &Invitee, news: MailNews) -> bool {
    let is_organizer = meeting.organizer_id.is_some()
        && (invitee.email.as_ref() == Some(&meeting.organizer_email) || invitee.user_id == meeting.organizer_id);
    let has_address = invitee.email.is_some() || invitee.user_id.is_some();
    has_address && !is_organizer && (invitee.revoked_at.is_some() == (news == MailNews::Removed))
}

/// What people notice of the meeting's fields.
fn of_meeting(fields: &[String]) -> Vec<Change> {
    let mut named = Vec::new();
    for field in fields {
        let change = match field.as_str() {
            "starts_at" | "ends_at" | "duration_minutes" | "time_zone" => Change::Time,
            "recurrence_rule" | "excluded_dates" | "type" => Change::Recurrence,
            "title" => Change::Title,
            "description" | "agenda" => Change::Description,
            "room_id" | "code" | "join_url" | "dial_in" | "conference_id" => Change::Access,
            "organizer" | "organizer_name" => Change::Organizer,
            _ => continue,
        };
        if !named.contains(&change) {
            named.push(change);
        }
    }
    named
}

/// What people notice of one time.
async fn of_occurrence(
    tx: &mut Tx,
    meeting: &Meeting,
    id: RecurrenceId,
    fields: &[String],
) -> Result<Vec<Change>, StoreError> {
    let found = occurrences::table::find(tx, meeting.id, id).await?;
    let Some(occurrence) = found else { return Ok(vec![Change::OccurrenceCancelled { at: id.0 }]) };
    Ok(if occurrence.status == OccurrenceStatus::Cancelled {
        vec![Change::OccurrenceCancelled { at: id.0 }]
    } else if has(fields, &["starts_at", "ends_at", "duration_minutes"]) {
        vec![Change::OccurrenceMoved { from: id.0, to: occurrence.starts_at, ends_at: occurrence.ends_at }]
    } else if has(fields, &["status", "title"]) {
        vec![Change::OccurrenceChanged { at: id.0 }]
    } else {
        Vec::new()
    })
}

/// Writes it into the mail that still waits, or makes one; for somebody who `is_untold_only` if they know nothing yet.
async fn fold(
    tx: &mut Tx,
    invitee: &Invitee,
    news: MailNews,
    named: &[Change],
    is_untold_only: bool,
    (now, due_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), StoreError> {
    let mut is_invited = invitee.last_notified_sequence >= 0;
    let mut waiting: Option<Mail> = None;
    for mail in table::unsent(tx, invitee.meeting_id, invitee.id).await? {
        // One that may be on its way, or that a server may have taken, stays as it is.
        if mail.leased_until.is_some() {
            is_invited = true;
        } else {
            // The server may have taken it although it did not get to say so.
            is_invited |= mail.problem == Some(MailProblem::Interrupted);
            waiting = Some(mail);
        }
    }
    if is_untold_only && (is_invited || waiting.is_some()) {
        return Ok(());
    }
    if let Some(mail) = &waiting
        && !table::take_back(tx, mail.id).await?
    {
        // It set out a moment ago.
        is_invited = true;
        waiting = None;
    }
    let (news, changes) = merge(waiting.as_ref(), is_invited, news, named);
    // Who waits longest for a mail gets it first, however often it is written anew.
    let due_at = waiting.as_ref().map_or(due_at, |mail| mail.due_at.min(due_at));
    let Some(news) = news else { return Ok(()) };
    table::insert(tx, &new_mail(invitee, news, changes, now, due_at)).await
}

/// What a mail is about that was about something else, or about nothing yet.
fn merge(
    waiting: Option<&Mail>,
    is_invited: bool,
    news: MailNews,
    named: &[Change],
) -> (Option<MailNews>, Vec<Change>) {
    let mut changes = waiting.map(|mail| mail.changes.clone()).unwrap_or_default();
    for change in named {
        // A time that is moved twice is told once.
        let is_same = |other: &Change| match (other, change) {
            (
                Change::OccurrenceMoved { from, .. } | Change::OccurrenceChanged { at: from },
                Change::OccurrenceMoved { from: at, .. }
                | Change::OccurrenceCancelled { at }
                | Change::OccurrenceChanged { at },
            ) => from == at,
            _ => other == change,
        };
        changes.retain(|other| !is_same(other));
        changes.push(change.clone());
    }
    changes.truncate(MAX_NAMED);
    let is_over = matches!(news, MailNews::Cancelled | MailNews::Removed);
    match (is_over, is_invited) {
        // They never heard of it.
        (true, false) => (None, Vec::new()),
        (true, true) => (Some(news), Vec::new()),
        (false, false) => (Some(MailNews::Invited), Vec::new()),
        // They were removed, and do not know yet that they are invited again.
        (false, true) if waiting.is_some_and(is_unheard_invitation) => (Some(MailNews::Invited), Vec::new()),
        (false, true) if news == MailNews::Changed => (Some(MailNews::Changed), changes),
        (false, true) => (Some(MailNews::Invited), Vec::new()),
    }
}

/// Whether it invites somebody, and no server can have it.
fn is_unheard_invitation(mail: &Mail) -> bool {
    mail.news == MailNews::Invited && mail.problem != Some(MailProblem::Interrupted)
}

fn new_mail(
    invitee: &Invitee,
    news: MailNews,
    changes: Vec<Change>,
    now: DateTime<Utc>,
    due_at: DateTime<Utc>,
) -> Mail {
    Mail {
        id: MailId::new(),
        tenant_id: invitee.tenant_id,
        meeting_id: invitee.meeting_id,
        invitee_id: invitee.id,
        news,
        changes,
        created_at: now,
        due_at,
        attempts: 0,
        leased_until: None,
        problem: None,
        given_up_at: None,
    }
}

#[cfg(test)]
mod tests;
