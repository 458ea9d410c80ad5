// SPDX-License-Identifier: EUPL-1.2
//! Mails in the database.

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx, sql};

use crate::api::ids::{InviteeId, MailId, MeetingId, TenantId};
use crate::invitations::invitation::Change;
use crate::meetings::words::words;

words! {
    /// What a mail is about.
    MailNews {
        /// They are invited.
        Invited = "invited",
        /// The meeting, or their invitation, has changed.
        Changed = "changed",
        /// The meeting does not take place.
        Cancelled = "cancelled",
        /// They are not invited any more.
        Removed = "removed",
        /// To the organizer: somebody who is invited proposes another time.
        Counter = "counter",
    }

    /// Why a mail was not sent.
    MailProblem {
        /// The mail server could not be reached, or ended the connection.
        Unreachable = "unreachable",
        /// The mail server wants it later.
        Refused = "refused",
        /// The mail server does not want it.
        Rejected = "rejected",
        /// It cannot be written: the address is none.
        Impossible = "impossible",
    }
}

/// A mail that is to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::invitations) struct Mail {
    pub(crate) id: MailId,
    pub(crate) tenant_id: TenantId,
    pub(crate) meeting_id: MeetingId,
    pub(crate) invitee_id: InviteeId,
    pub(crate) news: MailNews,
    pub(crate) changes: Vec<Change>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) attempts: i64,
    pub(crate) leased_until: Option<DateTime<Utc>>,
    pub(crate) problem: Option<MailProblem>,
    pub(crate) given_up_at: Option<DateTime<Utc>>,
}

/// A mail as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written {
    pub(super) recipient: String,
    pub(super) message: Vec<u8>,
    pub(super) sequence: i64,
}

/// Without the mail itself.
const COLUMNS: &str = "SELECT id, tenant_id, meeting_id, invitee_id, news, changes, created_at, due_at, attempts,
    leased_until, problem, given_up_at FROM mails";

/// Most mails of a meeting that are shown: two for each who may be invited.
const MAX_SHOWN: i64 = 2000;

impl FromRow for Mail {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            meeting_id: row.get("meeting_id")?,
            invitee_id: row.get("invitee_id")?,
            news: row.get("news")?,
            changes: row.json("changes")?,
            created_at: row.get("created_at")?,
            due_at: row.get("due_at")?,
            attempts: row.get("attempts")?,
            leased_until: row.get("leased_until")?,
            problem: row.get("problem")?,
            given_up_at: row.get("given_up_at")?,
        })
    }
}

struct MaybeWritten(Option<Written>);

impl FromRow for MaybeWritten {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let message: Option<Vec<u8>> = row.get("message")?;
        let Some(message) = message else { return Ok(Self(None)) };
        Ok(Self(Some(Written { recipient: row.get("recipient")?, message, sequence: row.get("sequence")? })))
    }
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, mail: &Mail) -> Result<(), StoreError> {
    let insert =
        sql("INSERT INTO mails (id, tenant_id, meeting_id, invitee_id, news, changes, created_at, due_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    let insert = insert.bind(mail.id).bind(mail.tenant_id).bind(mail.meeting_id).bind(mail.invitee_id);
    let insert = insert.bind(mail.news).bind(&json!(mail.changes)).bind(mail.created_at);
    tx.execute(insert.bind(mail.due_at).bind(mail.attempts)).await?;
    Ok(())
}

/// Those to one person that are not sent yet, the oldest first. Of these only the first can be on its way.
pub(super) async fn unsent(tx: &mut Tx, meeting: MeetingId, invitee: InviteeId) -> Result<Vec<Mail>, StoreError> {
    let mut select = sql(COLUMNS);
    select.push_bound(" WHERE meeting_id = ", meeting).push_bound(" AND invitee_id = ", invitee);
    select.push(" AND given_up_at IS NULL ORDER BY id LIMIT 10");
    tx.all(select).await
}

/// Those of a meeting that are not sent yet, or were given up.
pub(in crate::invitations) async fn of_meeting(tx: &mut Tx, meeting: MeetingId) -> Result<Vec<Mail>, StoreError> {
    let mut select = sql(COLUMNS);
    select.push_bound(" WHERE meeting_id = ", meeting).push_bound(" ORDER BY invitee_id, id LIMIT ", MAX_SHOWN);
    tx.all(select).await
}

/// Those to be sent now. A person's second mail waits for the first.
pub(super) async fn due(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<Mail>, StoreError> {
    let mut select = sql(COLUMNS);
    select
        .push_bound(" WHERE given_up_at IS NULL AND due_at <= ", now)
        .push_bound(" AND (leased_until IS NULL OR leased_until < ", now)
        .push(") AND NOT EXISTS (SELECT 1 FROM mails before WHERE before.meeting_id = mails.meeting_id")
        .push(" AND before.invitee_id = mails.invitee_id AND before.id < mails.id AND before.given_up_at IS NULL)")
        .push_bound(" ORDER BY due_at LIMIT ", limit);
    tx.all(select).await
}

/// Takes one for sending, unless somebody else has.
pub(super) async fn lease(
    tx: &mut Tx,
    mail: &Mail,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let update = sql("UPDATE mails SET leased_until = $1, attempts = attempts + 1
         WHERE id = $2 AND given_up_at IS NULL AND (leased_until IS NULL OR leased_until < $3) AND attempts = $4");
    let update = update.bind(until).bind(mail.id).bind(now).bind(mail.attempts);
    Ok(tx.execute(update).await? == 1)
}

/// The mail itself, if it has been written.
pub(super) async fn written(tx: &mut Tx, id: MailId) -> Result<Option<Written>, StoreError> {
    let select = sql("SELECT recipient, message, sequence FROM mails WHERE id = $1").bind(id);
    Ok(tx.optional::<MaybeWritten>(select).await?.and_then(|found| found.0))
}

/// Keeps the mail itself for further tries.
pub(super) async fn keep(tx: &mut Tx, id: MailId, written: &Written) -> Result<(), StoreError> {
    let update = sql("UPDATE mails SET recipient = $1, message = $2, sequence = $3 WHERE id = $4");
    let update = update.bind(&written.recipient).bind(written.message.as_slice()).bind(written.sequence);
    tx.execute(update.bind(id)).await?;
    Ok(())
}

/// Another try, later.
pub(super) async fn put_off(
    tx: &mut Tx,
    id: MailId,
    problem: MailProblem,
    due_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let update = sql("UPDATE mails SET leased_until = NULL, problem = $1, due_at = $2 WHERE id = $3");
    tx.execute(update.bind(problem).bind(due_at).bind(id)).await?;
    Ok(())
}

/// No more tries. What stood in it is forgotten.
pub(super) async fn give_up(
    tx: &mut Tx,
    id: MailId,
    problem: MailProblem,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let update =
        sql("UPDATE mails SET leased_until = NULL, problem = $1, given_up_at = $2, recipient = NULL, message = NULL
         WHERE id = $3");
    tx.execute(update.bind(problem).bind(now).bind(id)).await?;
    Ok(())
}

/// It is sent, or not to be sent any more.
pub(super) async fn remove(tx: &mut Tx, id: MailId) -> Result<(), StoreError> {
    tx.execute(sql("DELETE FROM mails WHERE id = $1").bind(id)).await?;
    Ok(())
}

/// The person has heard of that SEQUENCE.
pub(super) async fn note_notified(tx: &mut Tx, invitee: InviteeId, sequence: i64) -> Result<(), StoreError> {
    let update = sql("UPDATE invitees SET last_notified_sequence = $1 WHERE id = $2 AND last_notified_sequence < $1");
    tx.execute(update.bind(sequence).bind(invitee)).await?;
    Ok(())
}
