// SPDX-License-Identifier: EUPL-1.2
//! Hands mails to the mail server, and tries again for three days.
//!
//! A process takes a mail for a few minutes; when it dies meanwhile, another one sends the same mail, with the same
//! Message-ID, by which mail servers and programs tell that they have it already. So a mail arrives at least once.
//!
//! The tenants take turns, mail by mail: what one has to tell thousands delays another's by the mails that are under way.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use store::{StoreError, Tx};
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use super::road::Road;
use super::server::{CONCURRENCY, MailServer};
use super::table::{self, Mail, MailNews, MailProblem, Written};
use crate::app::App;
use crate::config::MailConfig;
use crate::invitations::compose::Composer;
use crate::invitations::invitation::{News, ToldTime};
use crate::invitations::mail::message::{self, Headers};
use crate::meetings::invitees::table as invitees;
use crate::meetings::model::{Invitee, Meeting, MeetingStatus};
use crate::meetings::table as meetings;
use crate::records::audit::{self, Cause, Event};

/// For how long a process has a mail to itself: longer than sending may take.
const LEASE: Duration = Duration::minutes(5);

/// The wait after the first failure; it doubles each time.
const FIRST_RETRY: Duration = Duration::minutes(1);

/// The longest wait for a mail that the server wants later.
const LAST_RETRY: Duration = Duration::hours(4);

/// The longest wait for one that found the server away: that says nothing about the mail.
const LAST_RETRY_OF_SERVER: Duration = Duration::minutes(15);

/// After that time a mail is given up.
const MAX_AGE: Duration = Duration::days(3);

/// After so many tries as well: one that ends the process that writes it comes back with each lease, for ever. It is more
/// than there are within [`MAX_AGE`].
const MAX_ATTEMPTS: i64 = 1000;

/// Sends until somebody ends it.
pub(super) async fn run(app: &Arc<App>) {
    let Some(config) = &app.config.mail else { return };
    let mut road = Road::default();
    let mut turn = None;
    // Tasks of their own: one that holds a connection to the database must go on while the next mail is looked for.
    let mut under_way = JoinSet::new();
    loop {
        let now = Utc::now();
        let free = road.free(under_way.len(), CONCURRENCY, now);
        let taken = match take(app, now, free, &mut turn).await {
            Ok(mails) => mails,
            Err(error) => {
                warn!(%error, "mails cannot be looked up");
                Vec::new()
            }
        };
        let is_idle = taken.is_empty();
        for mail in taken {
            under_way.spawn(deliver(app.clone(), mail));
        }
        if is_idle {
            tokio::select! {
                Some(found) = under_way.join_next() => {
                    if let Ok(Some(is_open)) = found {
                        road.note(is_open, Utc::now());
                    }
                }
                () = tokio::time::sleep(config.poll) => {}
            }
        }
    }
}

/// Takes mails that are due, for this process alone. `turn` is the tenant whose turn it was last.
async fn take(app: &App, now: DateTime<Utc>, limit: usize, turn: &mut Option<String>) -> Result<Vec<Mail>, StoreError> {
    // Mostly there is nothing to do, and looking should not make writers wait.
    if limit == 0 || table::next_due(&mut app.store.read().await?, now, None).await?.is_none() {
        return Ok(Vec::new());
    }
    let mut tx = app.store.write().await?;
    let (mut taken, mut served) = (Vec::new(), turn.clone());
    for _ in 0..limit {
        let Some(due) = table::next_due(&mut tx, now, served.as_deref()).await? else { break };
        match table::find(&mut tx, &due).await {
            Ok(Some(mail)) if mail.attempts < MAX_ATTEMPTS => {
                if table::lease(&mut tx, &due, now, now + LEASE).await? {
                    taken.push(mail);
                }
            }
            Ok(Some(mail)) => give_up(&mut tx, &mail, mail.problem.unwrap_or(MailProblem::Unreadable), now).await?,
            Ok(None) => {}
            // The others shall not wait for it.
            Err(StoreError::Senseless(what)) => {
                error!(id = due.id, what, "a mail cannot be read, and is given up");
                table::set_aside(&mut tx, &due, now).await?;
            }
            Err(error) => return Err(error),
        }
        served = Some(due.tenant_id);
    }
    tx.commit().await?;
    *turn = served;
    Ok(taken)
}

/// Sends one. Returns whether the server takes mails at all, when that was seen.
async fn deliver(app: Arc<App>, mail: Mail) -> Option<bool> {
    let (Some(config), Some(server)) = (&app.config.mail, &app.mail_server) else { return None };
    match try_to_deliver(&app, config, server, &mail).await {
        Ok(found) => found,
        Err(error) => {
            // When its lease ends, it is tried again.
            warn!(id = %mail.id, %error, "what became of a mail cannot be noted");
            None
        }
    }
}

async fn try_to_deliver(
    app: &App,
    config: &MailConfig,
    server: &MailServer,
    mail: &Mail,
) -> Result<Option<bool>, StoreError> {
    let written = match prepare(app, config, mail, Utc::now()).await {
        Ok(Ok(Some(written))) => written,
        Ok(Ok(None)) => return forget(app, mail).await.map(|()| None),
        Ok(Err(problem)) => return note_failure(app, mail, problem).await.map(|()| None),
        Err(StoreError::Senseless(what)) => {
            error!(id = %mail.id, what, "a mail cannot be written");
            return note_failure(app, mail, MailProblem::Unreadable).await.map(|()| None);
        }
        Err(error) => return Err(error),
    };
    match server.send(&config.from, &written.recipient, &written.message).await {
        Ok(()) => note_success(app, mail, &written).await.map(|()| Some(true)),
        Err(problem) => {
            note_failure(app, mail, problem).await?;
            Ok(Some(!problem.concerns_all()))
        }
    }
}

/// The mail itself: as it was written before, or now. None when there is nothing to say any more.
async fn prepare(
    app: &App,
    config: &MailConfig,
    mail: &Mail,
    now: DateTime<Utc>,
) -> Result<Result<Option<Written>, MailProblem>, StoreError> {
    let mut tx = app.store.read().await?;
    if let Some(written) = table::written(&mut tx, mail.id).await? {
        return Ok(Ok(Some(written)));
    }
    let meeting = meetings::find(&mut tx, Some(mail.tenant_id), mail.meeting_id).await?;
    let invitee = invitees::find(&mut tx, mail.meeting_id, mail.invitee_id).await?;
    let (Some(meeting), Some(invitee)) = (meeting, invitee) else { return Ok(Ok(None)) };
    let Some(news) = news(mail, &meeting, &invitee) else { return Ok(Ok(None)) };
    let invitation = Composer::new(&mut tx, app, &meeting).await?.to(&mut tx, &invitee, news, now).await?;
    drop(tx);
    let host = message::host(&config.from);
    let headers = Headers {
        from: &config.from,
        message_id: &format!("<{}@{host}>", mail.id),
        thread_id: &format!("<{}@{host}>", mail.meeting_id),
        date: now,
    };
    let Ok(message) = message::write(&invitation, &headers) else { return Ok(Err(MailProblem::Impossible)) };
    let is_over = invitation.news.is_over();
    let told = invitation.schedule.filter(|_| !is_over).map(|schedule| ToldTime {
        time_zone: schedule.time_zone,
        starts_at: schedule.starts_at,
        ends_at: schedule.ends_at,
    });
    let recipient = invitation.recipient.person.email;
    let written = Written { recipient, message: message.formatted(), sequence: meeting.sequence, told };
    let mut tx = app.store.write().await?;
    table::keep(&mut tx, mail.id, &written).await?;
    tx.commit().await?;
    Ok(Ok(Some(written)))
}

/// What is to be said now, which may be less than when the mail was made.
fn news(mail: &Mail, meeting: &Meeting, invitee: &Invitee) -> Option<News> {
    let takes_place = meeting.status == MeetingStatus::Scheduled;
    match mail.news {
        MailNews::Invited if takes_place && invitee.revoked_at.is_none() => Some(News::Invited),
        MailNews::Changed if takes_place && invitee.revoked_at.is_none() => Some(News::Changed(mail.changes.clone())),
        MailNews::Cancelled => Some(News::Cancelled),
        MailNews::Removed => Some(News::Removed),
        _ => None,
    }
}

async fn forget(app: &App, mail: &Mail) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    table::remove(&mut tx, mail.id).await?;
    tx.commit().await
}

async fn note_success(app: &App, mail: &Mail, written: &Written) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    table::remove(&mut tx, mail.id).await?;
    if mail.news != MailNews::Counter {
        table::forget_failures(&mut tx, mail).await?;
        table::note_notified(&mut tx, mail.invitee_id, written.sequence).await?;
        let is_known = invitees::find(&mut tx, mail.meeting_id, mail.invitee_id).await?.is_some();
        if let Some(told) = written.told.as_ref().filter(|_| is_known) {
            table::note_told(&mut tx, mail.invitee_id, told).await?;
        }
    }
    let event = event("invitee.mail_sent", mail).with("sequence", written.sequence.into());
    audit::append(&mut tx, Cause::system(Some(mail.tenant_id)), &event).await?;
    tx.commit().await?;
    debug!(id = %mail.id, "a mail is sent");
    Ok(())
}

async fn note_failure(app: &App, mail: &Mail, problem: MailProblem) -> Result<(), StoreError> {
    let now = Utc::now();
    let mut tx = app.store.write().await?;
    let next = now + retry_after(problem, mail.attempts);
    if problem.is_hopeless() || next - mail.created_at > MAX_AGE {
        give_up(&mut tx, mail, problem, now).await?;
    } else {
        table::put_off(&mut tx, mail.id, problem, next).await?;
        debug!(id = %mail.id, problem = problem.as_str(), attempts = mail.attempts + 1, "a mail is tried later");
    }
    tx.commit().await
}

async fn give_up(tx: &mut Tx, mail: &Mail, problem: MailProblem, now: DateTime<Utc>) -> Result<(), StoreError> {
    table::give_up(tx, mail.id, problem, now).await?;
    let event = event("invitee.mail_given_up", mail).with("problem", problem.as_str().into());
    audit::append(tx, Cause::system(Some(mail.tenant_id)), &event).await?;
    info!(id = %mail.id, problem = problem.as_str(), "a mail is given up");
    Ok(())
}

fn event(action: &'static str, mail: &Mail) -> Event {
    let event = Event::new(action, mail.invitee_id).with("news", mail.news.as_str().into());
    event.with("meeting_id", mail.meeting_id.to_string().into())
}

/// The wait after so many failures before this one.
fn retry_after(problem: MailProblem, attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 16)).unwrap_or(0);
    let longest = if problem.concerns_all() { LAST_RETRY_OF_SERVER } else { LAST_RETRY };
    (FIRST_RETRY * 2_i32.pow(doublings)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_and_end() {
        let waits: Vec<_> = (0..10).map(|tries| retry_after(MailProblem::Refused, tries).num_minutes()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 240, 240]);
        assert_eq!(retry_after(MailProblem::Interrupted, i64::MAX), LAST_RETRY);
        assert_eq!(retry_after(MailProblem::Unreachable, i64::MAX), LAST_RETRY_OF_SERVER);
    }
}
