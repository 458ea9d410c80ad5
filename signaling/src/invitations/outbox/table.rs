// SPDX-License-Identifier: EUPL-1.2
//! Mails in the database.

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx, sql};

use crate::api::ids::{InviteeId, MailId, MeetingId, TenantId};
use crate::invitations::invitation::{Change, ToldTime};
use crate::meetings::model::TimeZone;
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
        /// The mail server could not be reached.
        Unreachable = "unreachable",
        /// The connection ended, or the server fell silent, while the mail was handed over: it may have it.
        Interrupted = "interrupted",
        /// The mail server does not let us send at all, such as for wrong credentials.
        NotAllowed = "not_allowed",
        /// The mail server wants this mail later.
        Refused = "refused",
        /// The mail server does not want it.
        Rejected = "rejected",
        /// It cannot be written: the address is none.
        Impossible = "impossible",
        /// It cannot be written: what is stored about it makes no sense.
        Unreadable = "unreadable",
    }
}

impl MailProblem {
    /// Whether every other mail would fail as well.
    pub(super) const fn concerns_all(self) -> bool {
        matches!(self, Self::Unreachable | Self::NotAllowed)
    }

    /// Whether another try would end the same way.
    pub(super) const fn is_hopeless(self) -> bool {
        matches!(self, Self::Rejected | Self::Impossible)
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
    /// When the meeting takes place, as it says. None for a mail that says that it does not.
    pub(super) told: Option<ToldTime>,
}

/// Without the mail itself.
const COLUMNS: &str = "SELECT id, tenant_id, meeting_id, invitee_id, news, changes, created_at, due_at, attempts,
    leased_until, problem, given_up_at FROM mails";

/// Most mails of a page of people that are looked at: each waits for its predecessor, so there are few.
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

/// A mail whose turn it is: what can be read of any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) id: String,
    pub(super) tenant_id: String,
    pub(super) attempts: i64,
}

impl FromRow for Due {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: row.get("id")?, tenant_id: row.get("tenant_id")?, attempts: row.get("attempts")? })
    }
}

struct Count(i64);

impl FromRow for Count {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("number").map(Self)
    }
}

struct MaybeWritten(Option<Written>);

impl FromRow for MaybeWritten {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let message: Option<Vec<u8>> = row.get("message")?;
        let Some(message) = message else { return Ok(Self(None)) };
        let (starts_at, ends_at) = (row.get("told_starts_at")?, row.get("told_ends_at")?);
        let time_zone: Option<TimeZone> = row.get("told_time_zone")?;
        let told = match (starts_at, ends_at, time_zone) {
            (Some(starts_at), Some(ends_at), Some(TimeZone(time_zone))) => {
                Some(ToldTime { time_zone, starts_at, ends_at })
            }
            _ => None,
        };
        let (recipient, sequence) = (row.get("recipient")?, row.get("sequence")?);
        Ok(Self(Some(Written { recipient, message, sequence, told })))
    }
}

impl FromRow for ToldTime {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let TimeZone(time_zone) = row.get("time_zone")?;
        Ok(Self { time_zone, starts_at: row.get("starts_at")?, ends_at: row.get("ends_at")? })
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

/// Those to one person that are not sent yet, the oldest first. Of these only the first can be on its way. Their proposals
/// of another time go to the organizer.
pub(super) async fn unsent(tx: &mut Tx, meeting: MeetingId, invitee: InviteeId) -> Result<Vec<Mail>, StoreError> {
    let mut select = sql(COLUMNS);
    select.push_bound(" WHERE meeting_id = ", meeting).push_bound(" AND invitee_id = ", invitee);
    select.push(" AND given_up_at IS NULL AND news <> 'counter' ORDER BY id LIMIT 10");
    tx.all(select).await
}

/// How many proposals of one person are not sent yet.
pub(super) async fn count_counters(tx: &mut Tx, meeting: MeetingId, invitee: InviteeId) -> Result<i64, StoreError> {
    let select = sql("SELECT COUNT(*) AS number FROM mails
         WHERE meeting_id = $1 AND invitee_id = $2 AND given_up_at IS NULL AND news = 'counter'");
    tx.one::<Count>(select.bind(meeting).bind(invitee)).await.map(|count| count.0)
}

/// Those to some people that are not sent yet, or were given up, the oldest first; without their proposals.
pub(in crate::invitations) async fn of_invitees(
    tx: &mut Tx,
    meeting: MeetingId,
    invitees: impl IntoIterator<Item = InviteeId>,
) -> Result<Vec<Mail>, StoreError> {
    let mut select = sql(COLUMNS);
    select.push_bound(" WHERE meeting_id = ", meeting).push_list(" AND invitee_id IN ", invitees);
    select.push(" AND news <> 'counter'").push_bound(" ORDER BY id LIMIT ", MAX_SHOWN);
    tx.all(select).await
}

/// The one to be sent next: the oldest that is due of the tenant whose turn it is after that one. A person's second mail
/// waits for the first; what somebody proposes to the organizer waits for nothing, and nothing for it.
pub(super) async fn next_due(tx: &mut Tx, now: DateTime<Utc>, after: Option<&str>) -> Result<Option<Due>, StoreError> {
    if let Some(after) = after
        && let Some(due) = first_due(tx, now, Some(after)).await?
    {
        return Ok(Some(due));
    }
    first_due(tx, now, None).await
}

async fn first_due(tx: &mut Tx, now: DateTime<Utc>, after: Option<&str>) -> Result<Option<Due>, StoreError> {
    let mut select = sql("SELECT id, tenant_id, attempts FROM mails WHERE given_up_at IS NULL");
    select.push_bound(" AND due_at <= ", now);
    if let Some(after) = after {
        select.push_bound(" AND tenant_id > ", after);
    }
    select
        .push_bound(" AND (leased_until IS NULL OR leased_until < ", now)
        .push(") AND (news = 'counter' OR NOT EXISTS (SELECT 1 FROM mails before")
        .push(" WHERE before.meeting_id = mails.meeting_id AND before.invitee_id = mails.invitee_id")
        .push(" AND before.id < mails.id AND before.given_up_at IS NULL AND before.news <> 'counter'))")
        .push(" ORDER BY tenant_id, due_at, id LIMIT 1");
    tx.optional(select).await
}

/// The whole of one.
pub(super) async fn find(tx: &mut Tx, due: &Due) -> Result<Option<Mail>, StoreError> {
    let mut select = sql(COLUMNS);
    select.push_bound(" WHERE id = ", &due.id);
    tx.optional(select).await
}

/// Takes one for sending, unless somebody else has.
pub(super) async fn lease(
    tx: &mut Tx,
    due: &Due,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let update = sql("UPDATE mails SET leased_until = $1, attempts = attempts + 1
         WHERE id = $2 AND given_up_at IS NULL AND (leased_until IS NULL OR leased_until < $3) AND attempts = $4");
    let update = update.bind(until).bind(&due.id).bind(now).bind(due.attempts);
    Ok(tx.execute(update).await? == 1)
}

/// Gives up one that cannot be read, such as of a newer version that was rolled back: as something that can.
pub(super) async fn set_aside(tx: &mut Tx, due: &Due, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut update = sql("UPDATE mails SET changes = '[]', leased_until = NULL, recipient = NULL, message = NULL");
    update.push_bound(", problem = ", MailProblem::Unreadable).push_bound(", given_up_at = ", now);
    update.push(", news = CASE").push_list(" WHEN news IN ", MailNews::ALL.iter().copied());
    update.push_bound(" THEN news ELSE ", MailNews::Changed).push_bound(" END WHERE id = ", &due.id);
    tx.execute(update).await?;
    Ok(())
}

/// The mail itself, if it has been written.
pub(super) async fn written(tx: &mut Tx, id: MailId) -> Result<Option<Written>, StoreError> {
    let select = sql("SELECT recipient, message, sequence, told_starts_at, told_ends_at,
             told_time_zone FROM mails WHERE id = $1")
    .bind(id);
    Ok(tx.optional::<MaybeWritten>(select).await?.and_then(|found| found.0))
}

/// Keeps the mail itself for further tries.
pub(super) async fn keep(tx: &mut Tx, id: MailId, written: &Written) -> Result<(), StoreError> {
    let update = sql("UPDATE mails SET recipient = $1, message = $2, sequence = $3, told_starts_at = $4,
             told_ends_at = $5, told_time_zone = $6
         WHERE id = $7");
    let update = update.bind(&written.recipient).bind(written.message.as_slice()).bind(written.sequence);
    let told = written.told.as_ref();
    let update = update.bind(told.map(|told| told.starts_at)).bind(told.map(|told| told.ends_at));
    tx.execute(update.bind(told.map(|told| TimeZone(told.time_zone))).bind(id)).await?;
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

/// Takes one back that nobody is sending. False when somebody is, or has.
pub(super) async fn take_back(tx: &mut Tx, id: MailId) -> Result<bool, StoreError> {
    Ok(tx.execute(sql("DELETE FROM mails WHERE id = $1 AND leased_until IS NULL").bind(id)).await? == 1)
}

/// It is sent, or not to be sent any more.
pub(super) async fn remove(tx: &mut Tx, id: MailId) -> Result<(), StoreError> {
    tx.execute(sql("DELETE FROM mails WHERE id = $1").bind(id)).await?;
    Ok(())
}

/// Forgets the failures of mails to somebody who got one now.
pub(super) async fn forget_failures(tx: &mut Tx, mail: &Mail) -> Result<(), StoreError> {
    let delete = sql("DELETE FROM mails WHERE meeting_id = $1 AND invitee_id = $2 AND given_up_at IS NOT NULL");
    tx.execute(delete.bind(mail.meeting_id).bind(mail.invitee_id)).await?;
    Ok(())
}

/// The person has heard of that SEQUENCE.
pub(super) async fn note_notified(tx: &mut Tx, invitee: InviteeId, sequence: i64) -> Result<(), StoreError> {
    let update = sql("UPDATE invitees SET last_notified_sequence = $1 WHERE id = $2 AND last_notified_sequence < $1");
    tx.execute(update.bind(sequence).bind(invitee)).await?;
    Ok(())
}

/// When a meeting takes place as far as an invited person knows.
pub(in crate::invitations) async fn told(tx: &mut Tx, invitee: InviteeId) -> Result<Option<ToldTime>, StoreError> {
    tx.optional(sql("SELECT * FROM told_times WHERE invitee_id = $1").bind(invitee)).await
}

/// An invited person knows that now.
pub(super) async fn note_told(tx: &mut Tx, invitee: InviteeId, told: &ToldTime) -> Result<(), StoreError> {
    let insert = sql("INSERT INTO told_times (invitee_id, starts_at, ends_at, time_zone) VALUES ($1, $2, $3, $4)
         ON CONFLICT (invitee_id) DO UPDATE SET starts_at = $2, ends_at = $3, time_zone = $4");
    let insert = insert.bind(invitee).bind(told.starts_at).bind(told.ends_at).bind(TimeZone(told.time_zone));
    tx.execute(insert).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::testing::TestStore;

    use super::*;

    /// How many one tenant has to send.
    const CROWD: usize = 10_000;

    fn mail(tenant_id: TenantId, created_at: DateTime<Utc>) -> Mail {
        Mail {
            id: MailId::new(),
            tenant_id,
            meeting_id: MeetingId::new(),
            invitee_id: InviteeId::new(),
            news: MailNews::Invited,
            changes: Vec::new(),
            created_at,
            due_at: created_at,
            attempts: 0,
            leased_until: None,
            problem: None,
            given_up_at: None,
        }
    }

    #[tokio::test]
    async fn ten_thousand_mails_of_one_tenant_do_not_delay_the_next() {
        for test in TestStore::both().await {
            // The one that asks last is first and last in the order of tenants.
            let mut tenants = [TenantId::new(), TenantId::new(), TenantId::new()];
            tenants.sort();
            let [first, crowd, last] = tenants;
            let now = Utc::now();
            let mut tx = test.store.write().await.expect("a transaction");
            for _ in 0..CROWD {
                insert(&mut tx, &mail(crowd, now - chrono::Duration::hours(1))).await.expect("a mail");
            }
            for tenant in [first, last] {
                insert(&mut tx, &mail(tenant, now)).await.expect("a mail");
            }
            let mut order = Vec::new();
            let mut turn = crowd.to_string();
            for _ in 0..5 {
                let next = next_due(&mut tx, now, Some(&turn)).await.expect("found").expect("a mail");
                assert!(lease(&mut tx, &next, now, now + chrono::Duration::minutes(5)).await.expect("taken"));
                turn.clone_from(&next.tenant_id);
                order.push(next.tenant_id);
            }
            let expected = [last, first, crowd, crowd, crowd].map(|tenant| tenant.to_string());
            assert_eq!(order, expected, "each tenant in its turn");
        }
    }

    #[tokio::test]
    async fn the_second_mail_to_somebody_waits_for_the_first() {
        for test in TestStore::both().await {
            let now = Utc::now();
            let one = mail(TenantId::new(), now);
            let two = Mail { id: MailId::new(), due_at: now - chrono::Duration::hours(1), ..one.clone() };
            let mut tx = test.store.write().await.expect("a transaction");
            for mail in [&one, &two] {
                insert(&mut tx, mail).await.expect("a mail");
            }
            let next = async |tx: &mut Tx| next_due(tx, now, None).await.expect("found");
            let first = next(&mut tx).await.expect("a mail");
            assert_eq!(first.id, one.id.to_string());
            lease(&mut tx, &first, now, now + chrono::Duration::minutes(5)).await.expect("taken");
            assert_eq!(next(&mut tx).await, None, "it is on its way");
            give_up(&mut tx, one.id, MailProblem::Rejected, now).await.expect("given up");
            assert_eq!(next(&mut tx).await.expect("a mail").id, two.id.to_string());
        }
    }

    #[tokio::test]
    async fn a_proposal_to_the_organizer_keeps_no_mail_to_who_proposes_waiting() {
        for test in TestStore::both().await {
            let now = Utc::now();
            let news = MailNews::Counter;
            let proposal = Mail { news, due_at: now + chrono::Duration::hours(4), ..mail(TenantId::new(), now) };
            let own = Mail { id: MailId::new(), news: MailNews::Cancelled, due_at: now, ..proposal.clone() };
            let second = Mail { id: MailId::new(), news, due_at: now, ..proposal.clone() };
            let mut tx = test.store.write().await.expect("a transaction");
            for mail in [&proposal, &own, &second] {
                insert(&mut tx, mail).await.expect("a mail");
            }
            for expected in [&own, &second] {
                let next = next_due(&mut tx, now, None).await.expect("found").expect("a mail");
                assert_eq!(next.id, expected.id.to_string());
                lease(&mut tx, &next, now, now + chrono::Duration::minutes(5)).await.expect("taken");
            }
            let unsent = unsent(&mut tx, own.meeting_id, own.invitee_id).await.expect("found");
            assert_eq!(unsent.iter().map(|mail| mail.id).collect::<Vec<_>>(), [own.id]);
            assert_eq!(count_counters(&mut tx, own.meeting_id, own.invitee_id).await.expect("counted"), 2);
        }
    }

    #[tokio::test]
    async fn a_mail_on_its_way_is_not_taken_back() {
        for test in TestStore::both().await {
            let now = Utc::now();
            let mail = mail(TenantId::new(), now);
            let mut tx = test.store.write().await.expect("a transaction");
            insert(&mut tx, &mail).await.expect("a mail");
            let due = next_due(&mut tx, now, None).await.expect("found").expect("a mail");
            assert!(lease(&mut tx, &due, now, now + chrono::Duration::minutes(5)).await.expect("taken"));
            assert!(!take_back(&mut tx, mail.id).await.expect("tried"));
            put_off(&mut tx, mail.id, MailProblem::Refused, now).await.expect("put off");
            assert!(take_back(&mut tx, mail.id).await.expect("taken back"));
        }
    }

    #[tokio::test]
    async fn a_mail_that_cannot_be_read_is_set_aside_and_shown() {
        for test in TestStore::both().await {
            let now = Utc::now();
            let (one, two) = (mail(TenantId::new(), now), mail(TenantId::new(), now));
            let mut tx = test.store.write().await.expect("a transaction");
            for mail in [&one, &two] {
                insert(&mut tx, mail).await.expect("a mail");
            }
            let update = sql("UPDATE mails SET news = 'teleported', changes = 'x' WHERE id = $1");
            tx.execute(update.bind(one.id)).await.expect("changed");
            for _ in 0..2 {
                let due = next_due(&mut tx, now, None).await.expect("found").expect("a mail");
                let found = find(&mut tx, &due).await;
                assert_eq!(found.is_err(), due.id == one.id.to_string());
                set_aside(&mut tx, &due, now).await.expect("set aside");
            }
            for (mail, news) in [(one, MailNews::Changed), (two, MailNews::Invited)] {
                let found = of_invitees(&mut tx, mail.meeting_id, [mail.invitee_id]).await.expect("readable");
                assert_eq!((found[0].news, found[0].problem), (news, Some(MailProblem::Unreadable)));
                assert_eq!(found[0].given_up_at.map(|at| at.timestamp()), Some(now.timestamp()));
            }
        }
    }
}
