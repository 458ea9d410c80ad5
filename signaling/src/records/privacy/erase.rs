// SPDX-License-Identifier: EUPL-1.2
//! Erases what is kept of a person, all of it in one transaction. What others need goes on without them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use store::{FromRow, Row, Single, StoreError, Tx, sql};

use super::Person;
use super::model::Erasure;
use super::places::{FORGET_MAILS_ABOUT_MEETINGS, PLACES};
use crate::api::idempotency;
use crate::api::ids::{ErasureId, UserId};
use crate::api::problem::Problem;
use crate::identity::keys::Keys;
use crate::meetings;
use crate::meetings::changes::{self, ChangeKind, MeetingChange};
use crate::meetings::model::Meeting;
use crate::phone::known_callers;
use crate::records::audit::Event;

/// Who organises what the person has organised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Successor {
    pub(super) id: UserId,
    email: String,
    name: String,
}

impl FromRow for Successor {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: row.get("id")?, email: row.get("email")?, name: row.get("name")? })
    }
}

/// Somebody of the same tenant who may take over.
pub(super) async fn successor(tx: &mut Tx, person: &Person, id: UserId) -> Result<Option<Successor>, StoreError> {
    let select = sql("SELECT id, email, name FROM users
         WHERE id = $1 AND tenant_id = $2 AND disabled_at IS NULL AND role IN ('organizer', 'tenant_admin', 'system_admin')");
    let found: Option<Successor> = tx.optional(select.bind(id).bind(person.tenant)).await?;
    Ok(found.filter(|successor| Some(successor.id) != person.user))
}

/// Whether nobody else looks after the installation.
pub(super) async fn is_last_administrator(tx: &mut Tx, person: &Person) -> Result<bool, StoreError> {
    tx.lock("system administrators").await?;
    let user = person.user.map(|id| id.to_string()).unwrap_or_default();
    let select = sql("SELECT id, email, name FROM users
         WHERE role = 'system_admin' AND disabled_at IS NULL AND id <> $1 LIMIT 1");
    Ok(tx.optional::<Successor>(select.bind(user)).await?.is_none())
}

/// By what callers are named who have an account.
struct InDirectory {
    number: String,
    name: String,
    /// Others have that number as well.
    is_shared: bool,
}

impl FromRow for InDirectory {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let others: i64 = row.get("others")?;
        Ok(Self { number: row.get("phone_e164")?, name: row.get("name")?, is_shared: others > 0 })
    }
}

async fn in_directory(tx: &mut Tx, person: &Person) -> Result<Option<InDirectory>, StoreError> {
    let Some(user) = person.user else { return Ok(None) };
    let select = sql("SELECT u.phone_e164, u.name,
             (SELECT count(*) FROM users o
              WHERE o.tenant_id = u.tenant_id AND o.phone_e164 = u.phone_e164 AND o.id <> u.id AND o.disabled_at IS NULL) AS others
         FROM users u WHERE u.id = $1 AND u.tenant_id = $2 AND u.phone_e164 IS NOT NULL");
    tx.optional(select.bind(user).bind(person.tenant)).await
}

/// Which meetings are theirs and not over: those without an end, and those with a time that is to come.
const NOT_OVER: &str = "
     WHERE tenant_id = $1 AND ((organizer_id = $2 AND $2 <> '') OR (lower(organizer_email) = $3 AND $3 <> ''))
         AND status <> 'cancelled'
         AND (type IN ('ad_hoc', 'permanent') OR ends_at >= $4 OR expanded_until IS NOT NULL
             OR EXISTS (SELECT 1 FROM occurrences o WHERE o.meeting_id = meetings.id AND o.ends_at >= $4))";

/// Erases it. Without a successor, what they organise does not take place.
pub(super) async fn erase(
    tx: &mut Tx,
    keys: &Keys,
    person: &Person,
    successor: Option<&Successor>,
    now: DateTime<Utc>,
) -> Result<Erasure, Problem> {
    let user = person.user.map(|id| id.to_string()).unwrap_or_default();
    let email = person.email.clone().unwrap_or_default();
    let phone = person.phone.clone().unwrap_or_default();
    let mut erasure =
        Erasure { id: ErasureId::new(), erased: BTreeMap::new(), handed_over: 0, cancelled: 0, events: Vec::new() };
    let forget = sql(FORGET_MAILS_ABOUT_MEETINGS).bind(person.tenant).bind(&user).bind(&email).bind(&phone);
    erasure.erased.insert("mails_about_meetings".to_owned(), tx.execute(forget).await?);
    match successor {
        Some(successor) => {
            let mut update =
                sql("UPDATE meetings SET updated_at = $4, revision = revision + 1, sequence = sequence + 1,
                 organizer_id = $5, organizer_email = $6, organizer_name = $7");
            update.push(NOT_OVER);
            let update = update.bind(person.tenant).bind(&user).bind(&email).bind(now);
            let mut update = update.bind(successor.id).bind(&successor.email).bind(&successor.name);
            update.push(" RETURNING id");
            let fields = vec!["organizer".to_owned()];
            for Single(id) in tx.all(update).await? {
                let change = ChangeKind::Updated { fields: fields.clone() };
                changes::note(tx, MeetingChange { tenant_id: person.tenant, meeting_id: id, kind: change }).await?;
                erasure.events.push(Event::new("meeting.update", id).changing(&fields));
                erasure.handed_over += 1;
            }
            let update = sql("UPDATE rooms SET owner_id = $1, updated_at = $2, revision = revision + 1
                 WHERE tenant_id = $3 AND owner_id = $4");
            tx.execute(update.bind(successor.id).bind(now).bind(person.tenant).bind(&user)).await?;
        }
        None => {
            // As whoever organises them would do it, with all that belongs to it. What is cancelled is not found again.
            loop {
                let mut select = sql("SELECT * FROM meetings");
                select.push(NOT_OVER);
                let mut select = select.bind(person.tenant).bind(&user).bind(&email).bind(now);
                select.push(" ORDER BY id LIMIT 100");
                let found: Vec<Meeting> = tx.all(select).await?;
                if found.is_empty() {
                    break;
                }
                for meeting in &found {
                    meetings::cancel(tx, meeting, now).await?;
                    erasure.events.push(Event::new("meeting.cancel", meeting.id));
                    erasure.cancelled += 1;
                }
            }
        }
    }
    // Whose number it is, nobody can tell any more when the account is gone.
    let by_directory = in_directory(tx, person).await?;
    for place in PLACES {
        let Some(statement) = place.erase else { continue };
        let erase = sql(statement).bind(person.tenant).bind(&user).bind(&email).bind(&phone);
        erasure.erased.insert(place.name.to_owned(), tx.execute(erase).await?);
    }
    // By a hash of the number, which the database cannot make. It is not counted: it is of no tenant, and none is to learn
    // whether the number has called another.
    if let Some(number) = &person.phone {
        known_callers::forget(tx, keys, number).await?;
        known_callers::forget_in_meetings(tx, keys, person.tenant, number, None).await?;
    }
    if let Some(InDirectory { number, name, is_shared }) = &by_directory {
        let name = is_shared.then_some(name.as_str());
        known_callers::forget_in_meetings(tx, keys, person.tenant, number, name).await?;
    }
    // They live for a day and may show the person. Which do is not looked for.
    let count = idempotency::forget(tx, person.tenant, person.user).await?;
    erasure.erased.insert("kept_answers".to_owned(), count);
    Ok(erasure)
}
