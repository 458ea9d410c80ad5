// SPDX-License-Identifier: EUPL-1.2
//! The queue in the database.

use chrono::{DateTime, Duration, Utc};
use store::{FromRow, Row, Single, StoreError, Tx, sql};

use crate::api::ids::{LobbyEntryId, MeetingId, RoomId, TenantId};
use crate::joining::decision::WaitsFor;
use crate::joining::person::Person;
use crate::joining::venue::Venue;
use crate::meeting_sessions::model::{Marks, MeetingRole};
use crate::meetings::words::words;

/// Most people who wait at one meeting.
pub(crate) const MAX_WAITING: i64 = 500;

/// Most of them from one address: a whole authority may be behind it.
pub(crate) const MAX_WAITING_PER_ADDRESS: i64 = 100;

/// Most of them over one trunk that vouches for no numbers: its callers cannot be told apart, and there must be room for others.
pub(crate) const MAX_WAITING_PER_TRUNK: i64 = 300;

/// Who has not asked for so long is gone: browsers ask anew every 25 s.
pub(crate) const SILENCE: Duration = Duration::seconds(45);

/// Who was turned away can ask again after this time.
pub(crate) const PAUSE_AFTER_DENIAL: Duration = Duration::seconds(30);

words! {
    /// How somebody stands in the lobby.
    LobbyStatus {
        /// They wait.
        Waiting = "waiting",
        /// A moderator lets them in.
        Admitted = "admitted",
        /// A moderator does not.
        Denied = "denied",
        /// They gave up.
        Left = "left",
    }
}

/// Somebody in the lobby.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: LobbyEntryId,
    pub(crate) tenant_id: TenantId,
    pub(crate) meeting_id: Option<MeetingId>,
    pub(crate) room_id: Option<RoomId>,
    pub(crate) venue_id: String,
    pub(crate) ticket_hash: String,
    pub(crate) person: Person,
    pub(crate) waits_for: WaitsFor,
    pub(crate) status: LobbyStatus,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) last_seen_at: DateTime<Utc>,
    /// When a moderator decided, or they gave up.
    pub(crate) decided_at: Option<DateTime<Utc>>,
}

impl Entry {
    /// Whether they still are in the queue, or were let in a moment ago.
    pub(crate) fn holds_place(&self, now: DateTime<Utc>) -> bool {
        matches!(self.status, LobbyStatus::Waiting | LobbyStatus::Admitted) && now - self.last_seen_at < SILENCE
    }

    /// Whether a host has let them in, and not the policy.
    pub(crate) fn is_let_in_by_host(&self) -> bool {
        self.status == LobbyStatus::Admitted && self.decided_at.is_some()
    }

    /// Whether they were let in by what the policy says, and are not in yet.
    pub(crate) fn is_on_the_way(&self) -> bool {
        self.status == LobbyStatus::Admitted && self.decided_at.is_none()
    }

    /// How long they still have to stay away: they were turned away a moment ago, and moderators have more to do than to
    /// turn away the same person again and again.
    pub(crate) fn pause(&self, now: DateTime<Utc>) -> Option<Duration> {
        let denied_at = self.decided_at.filter(|_| self.status == LobbyStatus::Denied)?;
        Some(denied_at + PAUSE_AFTER_DENIAL - now).filter(|pause| *pause > Duration::zero())
    }
}

impl FromRow for Entry {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let role: MeetingRole = row.get("role")?;
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            meeting_id: row.get("meeting_id")?,
            room_id: row.get("room_id")?,
            venue_id: row.get("venue_id")?,
            ticket_hash: row.get("ticket_hash")?,
            person: Person {
                identity: row.get("identity")?,
                marks: Marks::from_row(row)?,
                name: row.get("name")?,
                role,
                lobby_bypass: row.get("lobby_bypass")?,
                acr: row.get("acr")?,
            },
            waits_for: row.get("waits_for")?,
            status: row.get("status")?,
            created_at: row.get("created_at")?,
            last_seen_at: row.get("last_seen_at")?,
            decided_at: row.get("decided_at")?,
        })
    }
}

/// The one with that id.
pub(crate) async fn find(tx: &mut Tx, id: LobbyEntryId) -> Result<Option<Entry>, StoreError> {
    tx.optional(sql("SELECT * FROM lobby_entries WHERE id = $1").bind(id)).await
}

/// The one of that person.
pub(crate) async fn of_person(tx: &mut Tx, venue: &str, identity: &str) -> Result<Option<Entry>, StoreError> {
    let select = sql("SELECT * FROM lobby_entries WHERE venue_id = $1 AND identity = $2");
    tx.optional(select.bind(venue).bind(identity)).await
}

/// The one to which that ticket belongs.
pub(crate) async fn of_ticket(tx: &mut Tx, venue: &str, ticket_hash: &str) -> Result<Option<Entry>, StoreError> {
    let select = sql("SELECT * FROM lobby_entries WHERE venue_id = $1 AND ticket_hash = $2");
    tx.optional(select.bind(venue).bind(ticket_hash)).await
}

/// Whether somebody was turned away a moment ago who called with that mark.
pub(crate) async fn was_denied(tx: &mut Tx, venue: &str, caller: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let select = sql("SELECT id FROM lobby_entries
         WHERE venue_id = $1 AND status = 'denied' AND caller = $2 AND decided_at > $3 LIMIT 1");
    let select = select.bind(venue).bind(caller).bind(now - PAUSE_AFTER_DENIAL);
    Ok(tx.optional::<Single<LobbyEntryId>>(select).await?.is_some())
}

/// How many wait.
pub(crate) async fn count(tx: &mut Tx, venue: &str, now: DateTime<Utc>) -> Result<i64, StoreError> {
    let select = sql("SELECT COUNT(*) AS number FROM lobby_entries
         WHERE venue_id = $1 AND status = 'waiting' AND last_seen_at > $2");
    tx.one::<Single<i64>>(select.bind(venue).bind(now - SILENCE)).await.map(|Single(number)| number)
}

/// How many of them come from there.
pub(crate) async fn count_from(
    tx: &mut Tx,
    venue: &str,
    address_mark: &str,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let select = sql("SELECT COUNT(*) AS number FROM lobby_entries
         WHERE venue_id = $1 AND status = 'waiting' AND last_seen_at > $2 AND address_mark = $3");
    tx.one::<Single<i64>>(select.bind(venue).bind(now - SILENCE).bind(address_mark)).await.map(|Single(number)| number)
}

/// Who is the how manieth, from 1.
pub(crate) async fn position(tx: &mut Tx, entry: &Entry, now: DateTime<Utc>) -> Result<i64, StoreError> {
    let select = sql("SELECT COUNT(*) AS number FROM lobby_entries WHERE venue_id = $1 AND status = 'waiting'
         AND last_seen_at > $2 AND (created_at, id) < ($3, $4)");
    let select = select.bind(&entry.venue_id).bind(now - SILENCE).bind(entry.created_at).bind(entry.id);
    tx.one::<Single<i64>>(select).await.map(|Single(before)| before + 1)
}

/// How many wait for a place who were there before somebody, or before whoever is not in the queue yet. Who was let in
/// meanwhile is still ahead of them until they are in: the room does not count them before.
pub(crate) async fn ahead(
    tx: &mut Tx,
    venue: &str,
    entry: Option<&Entry>,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let select =
        sql("SELECT COUNT(*) AS number FROM lobby_entries WHERE venue_id = $1 AND status IN ('waiting', 'admitted')
         AND last_seen_at > $2 AND waits_for = $3");
    let mut select = select.bind(venue).bind(now - SILENCE).bind(WaitsFor::Place);
    if let Some(entry) = entry {
        select.push_bound(" AND (created_at, id) < (", entry.created_at).push_bound(", ", entry.id).push(")");
    }
    tx.one::<Single<i64>>(select).await.map(|Single(before)| before)
}

/// Those who wait, the first one first.
pub(crate) async fn waiting(tx: &mut Tx, venue: &str, now: DateTime<Utc>) -> Result<Vec<Entry>, StoreError> {
    let select = sql("SELECT * FROM lobby_entries WHERE venue_id = $1 AND status = 'waiting' AND last_seen_at > $2
         ORDER BY created_at, id LIMIT $3");
    tx.all(select.bind(venue).bind(now - SILENCE).bind(MAX_WAITING)).await
}

/// Puts somebody at the end of the queue. Whoever was in it before, and has gone or been turned away, begins anew.
pub(crate) async fn insert(tx: &mut Tx, entry: &Entry, address_mark: &str) -> Result<(), StoreError> {
    let delete = sql("DELETE FROM lobby_entries WHERE venue_id = $1 AND identity = $2");
    tx.execute(delete.bind(&entry.venue_id).bind(&entry.person.identity)).await?;
    let person = &entry.person;
    tx.execute(
        sql("INSERT INTO lobby_entries (id, tenant_id, meeting_id, room_id, venue_id, identity, ticket_hash, user_id,
                 invitee_id, browser, caller, name, role, lobby_bypass, acr, waits_for, status, address_mark,
                 created_at, last_seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)")
        .bind(entry.id)
        .bind(entry.tenant_id)
        .bind(entry.meeting_id)
        .bind(entry.room_id)
        .bind(&entry.venue_id)
        .bind(&person.identity)
        .bind(&entry.ticket_hash)
        .bind(person.marks.user_id)
        .bind(person.marks.invitee_id)
        .bind(person.marks.browser.clone())
        .bind(person.marks.caller.clone())
        .bind(&person.name)
        .bind(person.role)
        .bind(person.lobby_bypass)
        .bind(person.acr.clone())
        .bind(entry.waits_for)
        .bind(entry.status)
        .bind(address_mark)
        .bind(entry.created_at)
        .bind(entry.last_seen_at),
    )
    .await?;
    Ok(())
}

/// Somebody who waits comes again, in another window: they keep their place, and the old window's ticket is void.
pub(crate) async fn renew(
    tx: &mut Tx,
    entry: &Entry,
    ticket_hash: &str,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let update = sql("UPDATE lobby_entries SET ticket_hash = $1, name = $2, last_seen_at = $3 WHERE id = $4");
    tx.execute(update.bind(ticket_hash).bind(name).bind(now).bind(entry.id)).await?;
    Ok(())
}

/// Notes that somebody still waits, and for what.
pub(crate) async fn note_seen(
    tx: &mut Tx,
    id: LobbyEntryId,
    waits_for: WaitsFor,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let update = sql("UPDATE lobby_entries SET last_seen_at = $1, waits_for = $2 WHERE id = $3");
    tx.execute(update.bind(now).bind(waits_for).bind(id)).await?;
    Ok(())
}

/// Calls somebody who waits as the meeting wants callers called now. Returns whether that is otherwise than before.
pub(crate) async fn rename(tx: &mut Tx, id: LobbyEntryId, name: &str) -> Result<bool, StoreError> {
    let update = sql("UPDATE lobby_entries SET name = $1 WHERE id = $2 AND name <> $1");
    Ok(tx.execute(update.bind(name).bind(id)).await? == 1)
}

/// Decides about somebody who waits. Returns whether they did.
pub(crate) async fn decide(
    tx: &mut Tx,
    venue: &str,
    id: LobbyEntryId,
    status: LobbyStatus,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let update = sql("UPDATE lobby_entries SET status = $1, decided_at = $2
         WHERE id = $3 AND venue_id = $4 AND status = 'waiting'");
    Ok(tx.execute(update.bind(status).bind(now).bind(id).bind(venue)).await? == 1)
}

/// Keeps the place in the queue of somebody who is let in until they are in: others may be quicker.
pub(crate) async fn note_on_the_way(tx: &mut Tx, id: LobbyEntryId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let update = sql("UPDATE lobby_entries SET status = $1, last_seen_at = $2 WHERE id = $3");
    tx.execute(update.bind(LobbyStatus::Admitted).bind(now).bind(id)).await?;
    Ok(())
}

/// Has somebody wait again who was let in and found that others were quicker.
pub(crate) async fn wait_again(tx: &mut Tx, id: LobbyEntryId) -> Result<(), StoreError> {
    let update = sql("UPDATE lobby_entries SET status = $1 WHERE id = $2 AND status = $3 AND decided_at IS NULL");
    tx.execute(update.bind(LobbyStatus::Waiting).bind(id).bind(LobbyStatus::Admitted)).await?;
    Ok(())
}

/// Takes somebody out of the queue altogether.
pub(crate) async fn forget(tx: &mut Tx, id: LobbyEntryId) -> Result<(), StoreError> {
    tx.execute(sql("DELETE FROM lobby_entries WHERE id = $1").bind(id)).await?;
    Ok(())
}

/// Takes somebody out of the queue by who they are: a place that was decided is no way back in.
pub(crate) async fn forget_person(tx: &mut Tx, venue: &str, identity: &str) -> Result<(), StoreError> {
    let delete = sql("DELETE FROM lobby_entries WHERE venue_id = $1 AND identity = $2");
    tx.execute(delete.bind(venue).bind(identity)).await?;
    Ok(())
}

/// Forgets those who have not been seen for long, so that the table stays small.
pub(crate) async fn forget_silent(tx: &mut Tx, venue: &Venue, now: DateTime<Utc>) -> Result<(), StoreError> {
    let delete = sql("DELETE FROM lobby_entries WHERE venue_id = $1 AND last_seen_at < $2");
    tx.execute(delete.bind(venue.id()).bind(now - Duration::hours(1))).await?;
    Ok(())
}
