// SPDX-License-Identifier: EUPL-1.2
//! Runs of meetings in the database, with who was let in and who may not come.

use chrono::{DateTime, Duration, Utc};
use store::{FromRow, Single, StoreError, Tx, sql};

use super::model::{EndReason, Marks, MeetingBan, MeetingRole, Session, SessionPerson};
use crate::api::ids::{BanId, MeetingId, MeetingSessionId, TenantId, UserId};
use crate::api::paging::Page;
use crate::identity::tenants;
use crate::joining::venue::Venue;
use crate::meetings::invited;
use crate::rooms::chat::ChatMessage;

/// What lists are sorted by.
pub(super) type Key = (i64, MeetingSessionId);

/// Most bans that are shown. Whoever bans more has another problem.
const MAX_BANS: i64 = 200;

/// Most messages that are shown: as many as a live room keeps.
const MAX_MESSAGES: i64 = 500;

/// Most runs that are looked after at a time.
pub(super) const MAX_RUNNING: usize = 10_000;

/// Most ids in one statement.
const MAX_IDS: usize = 500;

/// Stores a new one.
pub(crate) async fn insert(tx: &mut Tx, session: &Session) -> Result<(), StoreError> {
    tx.execute(
        sql("INSERT INTO meeting_sessions (id, tenant_id, meeting_id, room_id, running_id, recurrence_id, is_locked,
                 started_at, ends_at, holder, held_until, peak_participants, total_participants, guest_participants)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0)")
        .bind(session.id)
        .bind(session.tenant_id)
        .bind(session.meeting_id)
        .bind(session.room_id)
        .bind(session.venue_id())
        .bind(session.recurrence_id)
        .bind(session.is_locked)
        .bind(session.started_at)
        .bind(session.ends_at)
        .bind(&session.holder)
        .bind(session.held_until),
    )
    .await?;
    Ok(())
}

/// The one with that id, if it is the tenant's.
pub(crate) async fn find(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    id: MeetingSessionId,
) -> Result<Option<Session>, StoreError> {
    let mut select = sql("SELECT * FROM meeting_sessions WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

/// The one that goes on in a meeting or a permanent room.
pub(crate) async fn running(tx: &mut Tx, venue: &str) -> Result<Option<Session>, StoreError> {
    tx.optional(sql("SELECT * FROM meeting_sessions WHERE running_id = $1").bind(venue)).await
}

/// Those that go on, for whoever looks after them.
pub(super) async fn all_running(tx: &mut Tx) -> Result<Vec<Session>, StoreError> {
    let select = sql("SELECT * FROM meeting_sessions WHERE running_id IS NOT NULL ORDER BY started_at LIMIT $1");
    tx.all(select.bind(i64::try_from(MAX_RUNNING).unwrap_or(i64::MAX))).await
}

/// A tenant's that go on.
pub(crate) async fn running_of_tenant(tx: &mut Tx, tenant: TenantId) -> Result<Vec<Session>, StoreError> {
    let select = sql("SELECT * FROM meeting_sessions WHERE tenant_id = $1 AND running_id IS NOT NULL LIMIT $2");
    tx.all(select.bind(tenant).bind(i64::try_from(MAX_RUNNING).unwrap_or(i64::MAX))).await
}

/// Which ones a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    pub(super) tenant: Option<TenantId>,
    /// Only those that this person moderates.
    pub(super) moderator: Option<UserId>,
    /// Only those that go on, or only those that are over.
    pub(super) is_running: Option<bool>,
}

/// A page of them, the oldest first.
pub(super) async fn page(tx: &mut Tx, filter: Filter, page: &Page<Key>) -> Result<Vec<Session>, StoreError> {
    let mut select = sql("SELECT s.* FROM meeting_sessions s WHERE TRUE");
    if let Some(tenant) = filter.tenant {
        select.push_bound(" AND s.tenant_id = ", tenant);
    }
    if let Some(is_running) = filter.is_running {
        select.push(if is_running { " AND s.running_id IS NOT NULL" } else { " AND s.running_id IS NULL" });
    }
    if let Some(user) = filter.moderator {
        select.push(" AND (s.meeting_id IN ");
        invited::push_moderated(&mut select, user);
        select.push_bound(" OR s.room_id IN (SELECT id FROM rooms WHERE owner_id = ", user).push("))");
    }
    if let Some((started_at, id)) = page.after {
        select.push_bound(" AND (s.started_at, s.id) > (", started_at).push_bound(", ", id).push(")");
    }
    select.push_bound(" ORDER BY s.started_at, s.id LIMIT ", page.probe());
    tx.all(select).await
}

/// Whether an occurrence has had its time: a run of it ended because that was over, and it is not longer by now.
pub(crate) async fn has_had_its_time(
    tx: &mut Tx,
    meeting: MeetingId,
    occurrence: DateTime<Utc>,
    longest: Duration,
) -> Result<bool, StoreError> {
    let select = sql("SELECT id FROM meeting_sessions WHERE meeting_id = $1 AND recurrence_id = $2
         AND end_reason = 'time_limit' AND ends_at - started_at >= $3 LIMIT 1");
    let select = select.bind(meeting).bind(occurrence).bind(longest.num_milliseconds());
    Ok(tx.optional::<Single<MeetingSessionId>>(select).await?.is_some())
}

/// Takes a run for a process, if it goes on and no other one holds it. Returns whether it does now.
pub(super) async fn hold(
    tx: &mut Tx,
    id: MeetingSessionId,
    process: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let update = sql("UPDATE meeting_sessions SET holder = $1, held_until = $2
         WHERE id = $3 AND running_id IS NOT NULL AND (holder = $1 OR held_until <= $4)");
    Ok(tx.execute(update.bind(process).bind(until).bind(id).bind(now)).await? == 1)
}

/// Holds runs on. Returns those of them that the process does hold and that go on.
pub(super) async fn hold_on(
    tx: &mut Tx,
    ids: &[MeetingSessionId],
    process: &str,
    until: DateTime<Utc>,
) -> Result<Vec<MeetingSessionId>, StoreError> {
    let mut held = Vec::new();
    for some in ids.chunks(MAX_IDS) {
        let update = sql("UPDATE meeting_sessions SET held_until = $1 WHERE holder = $2 AND running_id IS NOT NULL");
        let mut update = update.bind(until).bind(process);
        update.push_list(" AND id IN ", some.iter().copied()).push(" RETURNING id");
        held.extend(tx.all::<Single<MeetingSessionId>>(update).await?.into_iter().map(|Single(id)| id));
    }
    Ok(held)
}

/// Lets other processes have what a process holds, or what anybody holds.
pub(super) async fn let_go(tx: &mut Tx, process: Option<&str>, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut update =
        sql("UPDATE meeting_sessions SET held_until = $1 WHERE running_id IS NOT NULL AND held_until > $1");
    update = update.bind(now);
    if let Some(process) = process {
        update.push_bound(" AND holder = ", process);
    }
    tx.execute(update).await?;
    Ok(())
}

/// Whether something goes on in a tenant.
pub(crate) async fn is_any_running(tx: &mut Tx, tenant: TenantId) -> Result<bool, StoreError> {
    let select = sql("SELECT id FROM meeting_sessions WHERE running_id IS NOT NULL AND tenant_id = $1 LIMIT 1");
    Ok(tx.optional::<Single<MeetingSessionId>>(select.bind(tenant)).await?.is_some())
}

/// Locks it or opens it again.
pub(super) async fn set_locked(tx: &mut Tx, id: MeetingSessionId, is_locked: bool) -> Result<(), StoreError> {
    tx.execute(sql("UPDATE meeting_sessions SET is_locked = $1 WHERE id = $2").bind(is_locked).bind(id)).await?;
    Ok(())
}

/// Sets when it ends at the latest.
pub(super) async fn set_end(
    tx: &mut Tx,
    id: MeetingSessionId,
    ends_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    tx.execute(sql("UPDATE meeting_sessions SET ends_at = $1 WHERE id = $2").bind(ends_at).bind(id)).await?;
    Ok(())
}

/// Notes how many are in it.
pub(super) async fn note_peak(tx: &mut Tx, id: MeetingSessionId, participants: i64) -> Result<(), StoreError> {
    let update = sql("UPDATE meeting_sessions SET peak_participants = $1 WHERE id = $2 AND peak_participants < $1");
    tx.execute(update.bind(participants).bind(id)).await?;
    Ok(())
}

/// Ends it, if it has not ended. Who was in it is forgotten, unless `keeps_attendance`, and nobody waits any more.
pub(super) async fn end(
    tx: &mut Tx,
    session: &Session,
    reason: EndReason,
    keeps_attendance: bool,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let update = sql("UPDATE meeting_sessions SET running_id = NULL, ended_at = $1, end_reason = $2
         WHERE id = $3 AND running_id IS NOT NULL");
    if tx.execute(update.bind(now).bind(reason).bind(session.id)).await? == 0 {
        return Ok(false);
    }
    if !keeps_attendance {
        tx.execute(sql("DELETE FROM session_people WHERE session_id = $1").bind(session.id)).await?;
    }
    let delete = sql("DELETE FROM lobby_entries WHERE venue_id = $1 AND status <> 'waiting'");
    tx.execute(delete.bind(session.venue_id())).await?;
    Ok(true)
}

/// Notes that somebody is let in. Returns whether they are new to this run.
pub(crate) async fn admit(tx: &mut Tx, session: &Session, person: &SessionPerson) -> Result<bool, StoreError> {
    let is_new = find_person(tx, session.id, &person.identity).await?.is_none();
    tx.execute(
        sql("INSERT INTO session_people (session_id, identity, user_id, invitee_id, browser, caller, name, role,
                 admitted_at, moved_from)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (session_id, identity) DO UPDATE SET user_id = excluded.user_id,
                 invitee_id = excluded.invitee_id, browser = excluded.browser, caller = excluded.caller,
                 name = excluded.name, role = excluded.role, admitted_at = excluded.admitted_at, removed_at = NULL,
                 moved_from = COALESCE(excluded.moved_from, session_people.moved_from)")
        .bind(session.id)
        .bind(&person.identity)
        .bind(person.marks.user_id)
        .bind(person.marks.invitee_id)
        .bind(person.marks.browser.clone())
        .bind(person.marks.caller.clone())
        .bind(&person.name)
        .bind(person.role)
        .bind(person.admitted_at)
        .bind(person.moved_from),
    )
    .await?;
    if is_new {
        let guests = i64::from(person.role == MeetingRole::Guest);
        let update = sql("UPDATE meeting_sessions SET total_participants = total_participants + 1,
                 guest_participants = guest_participants + $1 WHERE id = $2");
        tx.execute(update.bind(guests).bind(session.id)).await?;
    }
    Ok(is_new)
}

/// Somebody who was let in.
pub(crate) async fn find_person(
    tx: &mut Tx,
    session: MeetingSessionId,
    identity: &str,
) -> Result<Option<SessionPerson>, StoreError> {
    let select = sql("SELECT * FROM session_people WHERE session_id = $1 AND identity = $2");
    tx.optional(select.bind(session).bind(identity)).await
}

/// Notes that somebody was removed.
pub(super) async fn remove(
    tx: &mut Tx,
    session: MeetingSessionId,
    identity: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let update = sql("UPDATE session_people SET removed_at = $1 WHERE session_id = $2 AND identity = $3");
    tx.execute(update.bind(now).bind(session).bind(identity)).await?;
    Ok(())
}

/// Calls somebody otherwise.
pub(super) async fn rename(
    tx: &mut Tx,
    session: MeetingSessionId,
    identity: &str,
    name: &str,
) -> Result<(), StoreError> {
    let update = sql("UPDATE session_people SET name = $1 WHERE session_id = $2 AND identity = $3");
    tx.execute(update.bind(name).bind(session).bind(identity)).await?;
    Ok(())
}

/// Keeps somebody away from now on.
pub(super) async fn ban(
    tx: &mut Tx,
    session: &Session,
    person: &SessionPerson,
    now: DateTime<Utc>,
) -> Result<BanId, StoreError> {
    let id = BanId::new();
    tx.execute(
        sql("INSERT INTO meeting_bans (id, tenant_id, meeting_id, room_id, venue_id, user_id, invitee_id, browser, caller,
                 name, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(id)
        .bind(session.tenant_id)
        .bind(session.meeting_id)
        .bind(session.room_id)
        .bind(session.venue_id())
        .bind(person.marks.user_id)
        .bind(person.marks.invitee_id)
        .bind(person.marks.browser.clone())
        .bind(person.marks.caller.clone())
        .bind(&person.name)
        .bind(now),
    )
    .await?;
    Ok(id)
}

/// Lets somebody come again. Returns whether there was such a ban.
pub(super) async fn unban(tx: &mut Tx, venue: &str, id: BanId) -> Result<bool, StoreError> {
    Ok(tx.execute(sql("DELETE FROM meeting_bans WHERE venue_id = $1 AND id = $2").bind(venue).bind(id)).await? == 1)
}

/// Who may not come any more.
pub(super) async fn bans(tx: &mut Tx, venue: &str) -> Result<Vec<MeetingBan>, StoreError> {
    let select = sql("SELECT * FROM meeting_bans WHERE venue_id = $1 ORDER BY created_at LIMIT $2");
    tx.all(select.bind(venue).bind(MAX_BANS)).await
}

/// Whether somebody with one of these marks may not come.
pub(crate) async fn is_banned(tx: &mut Tx, venue: &Venue, marks: &Marks) -> Result<bool, StoreError> {
    let select = sql("SELECT * FROM meeting_bans WHERE venue_id = $1
         AND (user_id = $2 OR invitee_id = $3 OR browser = $4 OR caller = $5) LIMIT 1");
    let select = select.bind(venue.id()).bind(marks.user_id).bind(marks.invitee_id);
    let select = select.bind(marks.browser.clone()).bind(marks.caller.clone());
    Ok(tx.optional::<MeetingBan>(select).await?.is_some())
}

/// Whether a tenant keeps lists of who was there.
pub(super) async fn keeps_attendance(tx: &mut Tx, tenant: TenantId) -> Result<bool, StoreError> {
    Ok(tenants::settings(tx, tenant).await?.keep_attendance)
}

/// Keeps a message beyond its room's life.
pub(super) async fn keep_message(
    tx: &mut Tx,
    session: MeetingSessionId,
    message: &ChatMessage,
) -> Result<(), StoreError> {
    let sent_at = DateTime::from_timestamp_millis(i64::try_from(message.at.as_millis()).unwrap_or_default());
    tx.execute(
        sql("INSERT INTO session_messages (session_id, message_id, sender, sender_name, content, sent_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (session_id, message_id) DO NOTHING")
        .bind(session)
        .bind(&message.id)
        .bind(message.sender.to_string())
        .bind(&message.sender_name)
        .bind(&message.text)
        .bind(sent_at.unwrap_or_default()),
    )
    .await?;
    Ok(())
}

/// Has a message that was kept say something else, if it is the sender's.
pub(super) async fn edit_message(
    tx: &mut Tx,
    session: MeetingSessionId,
    message: &ChatMessage,
) -> Result<(), StoreError> {
    let update =
        sql("UPDATE session_messages SET content = $1 WHERE session_id = $2 AND message_id = $3 AND sender = $4");
    let update = update.bind(&message.text).bind(session).bind(&message.id).bind(message.sender.to_string());
    tx.execute(update).await?;
    Ok(())
}

/// Forgets a message that was kept, if it is the sender's.
pub(super) async fn delete_message(
    tx: &mut Tx,
    session: MeetingSessionId,
    message: &str,
    sender: &str,
) -> Result<(), StoreError> {
    let delete = sql("DELETE FROM session_messages WHERE session_id = $1 AND message_id = $2 AND sender = $3");
    tx.execute(delete.bind(session).bind(message).bind(sender)).await?;
    Ok(())
}

/// What was kept of a run, the oldest first: the last of it.
pub(super) async fn messages<T: FromRow>(tx: &mut Tx, session: MeetingSessionId) -> Result<Vec<T>, StoreError> {
    let select = sql("SELECT * FROM (SELECT * FROM session_messages WHERE session_id = $1
         ORDER BY sent_at DESC, message_id DESC LIMIT $2) AS last ORDER BY sent_at, message_id");
    tx.all(select.bind(session).bind(MAX_MESSAGES)).await
}

/// Everybody who was let in.
pub(super) async fn people(tx: &mut Tx, session: MeetingSessionId) -> Result<Vec<SessionPerson>, StoreError> {
    tx.all(sql("SELECT * FROM session_people WHERE session_id = $1 LIMIT 10000").bind(session)).await
}
