// SPDX-License-Identifier: EUPL-1.2
//! Compares what is stored with what the writers know.

use std::collections::{BTreeMap, BTreeSet};

use signaling::commands::audit::verify_audit;
use store::{FromRow, Location, Row, Store, StoreError, sql};

use super::Seen;
use super::ledger::{OCCURRENCES, Occurrence, State, Writer};

/// A meeting as it is stored, with how much there is of what belongs to it.
struct Stored {
    id: String,
    key: String,
    state: State,
    pins: i64,
    answers: i64,
    /// How often it was made, says the audit log.
    made: usize,
    /// What is told of it, in the order of the ids, without what is about single people.
    changes: Vec<String>,
}

impl FromRow for Stored {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let status: String = row.get("status")?;
        Ok(Self {
            id: row.get("id")?,
            key: row.get("external_id")?,
            state: State {
                revision: row.get("revision")?,
                title: row.get("title")?,
                is_cancelled: status == "cancelled",
                invitees: BTreeSet::new(),
                occurrences: Vec::new(),
                actions: Vec::new(),
            },
            pins: row.get("pins")?,
            answers: row.get("answers")?,
            made: 0,
            changes: Vec::new(),
        })
    }
}

const MEETINGS: &str = "SELECT m.id, m.external_id, m.revision, m.title, m.status,
        (SELECT COUNT(*) FROM phone_pins p WHERE p.meeting_id = m.id) AS pins,
        (SELECT COUNT(*) FROM idempotency_keys k WHERE k.idempotency_key = m.external_id) AS answers
    FROM meetings m";

/// A meeting's id and something about it.
struct About(String, String);

impl FromRow for About {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(row.get("id")?, row.get("about")?))
    }
}

/// One time of a meeting.
struct OneTime(String, Occurrence);

impl FromRow for OneTime {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let (recurrence_id, starts_at): (i64, i64) = (row.get("recurrence_id")?, row.get("starts_at")?);
        let status: String = row.get("status")?;
        let occurrence = Occurrence {
            title: row.get("title")?,
            later_minutes: (starts_at - recurrence_id) / 60_000,
            is_cancelled: status == "cancelled",
        };
        Ok(Self(row.get("meeting_id")?, occurrence))
    }
}

async fn read(location: &Location) -> BTreeMap<String, Stored> {
    let store = Store::open_as_it_is(location).await.expect("the database");
    for report in verify_audit(&store, None, &[]).await.expect("verified") {
        assert!(report.is_intact(), "{report:?}");
    }
    let mut tx = store.read().await.expect("a transaction");
    let stored: Vec<Stored> = tx.all(sql(MEETINGS)).await.expect("meetings");
    let count = stored.len();
    let mut by_id: BTreeMap<_, _> = stored.into_iter().map(|stored| (stored.id.clone(), stored)).collect();
    let invitees = sql("SELECT meeting_id AS id, email AS about FROM invitees WHERE revoked_at IS NULL");
    for About(id, email) in tx.all::<About>(invitees).await.expect("invitees") {
        let meeting = by_id.get_mut(&id).expect("nobody is invited to nothing");
        assert!(meeting.state.invitees.insert(email), "nobody is invited twice");
    }
    let events = sql("SELECT target_id AS id, action AS about FROM audit_events WHERE target_type = 'meeting'
         ORDER BY tenant_id, number");
    for About(id, action) in tx.all::<About>(events).await.expect("events") {
        let meeting = by_id.get_mut(&id).expect("nothing is written down that was not done");
        match action.as_str() {
            "meeting.create" => meeting.made += 1,
            _ => meeting.state.actions.push(action),
        }
    }
    let occurrences = sql("SELECT meeting_id, recurrence_id, starts_at, status, title FROM occurrences
         ORDER BY meeting_id, recurrence_id");
    for OneTime(id, occurrence) in tx.all::<OneTime>(occurrences).await.expect("occurrences") {
        by_id.get_mut(&id).expect("no time of nothing").state.occurrences.push(occurrence);
    }
    let changes = sql("SELECT meeting_id AS id, kind AS about FROM meeting_changes
         WHERE kind IN ('created', 'updated', 'cancelled', 'occurrence_changed') ORDER BY meeting_changes.id");
    for About(id, kind) in tx.all::<About>(changes).await.expect("changes") {
        by_id.get_mut(&id).expect("nothing is told that was not done").changes.push(kind);
    }
    drop(tx);
    store.close().await;
    let by_key: BTreeMap<_, _> = by_id.into_values().map(|stored| (stored.key.clone(), stored)).collect();
    assert_eq!(by_key.len(), count, "something was done twice");
    by_key
}

/// All of it is there, or nothing.
fn assert_whole(stored: &Stored) {
    let Stored { key, state, .. } = stored;
    assert_eq!(state.occurrences.len(), OCCURRENCES, "{key}");
    assert_eq!(stored.answers, 1, "{key}: the answer that was given");
    // The room's, the host's, and one for each who is invited.
    assert_eq!(stored.pins, 2 + state.invitees.len() as i64, "{key}");
    assert_eq!((stored.made, state.actions.len() as i64), (1, state.revision - 1), "{key}: {:?}", state.actions);
    let mut told = vec!["created"];
    told.extend(state.actions.iter().map(|action| match action.as_str() {
        "meeting.update" => "updated",
        "meeting.cancel" => "cancelled",
        _ => "occurrence_changed",
    }));
    assert_eq!(stored.changes, told, "{key}");
}

/// Compares, and settles what the writers could not know.
pub(crate) async fn check(location: &Location, writers: &mut [Writer], seen: &mut Seen) {
    let mut stored = read(location).await;
    for entry in writers.iter_mut().flat_map(|writer| &mut writer.entries) {
        let Some(stored) = stored.remove(&entry.key) else {
            assert_eq!(entry.id, None, "{} was acknowledged, and is gone", entry.key);
            seen.lost_unanswered += 1;
            continue;
        };
        assert_whole(&stored);
        match &entry.id {
            Some(id) => assert_eq!(id, &stored.id, "{}", entry.key),
            // It is asked for again, and must turn out to be this one.
            None => seen.kept_unanswered += 1,
        }
        match entry.asked.take() {
            Some(asked) if asked == stored.state => {
                seen.kept_unanswered += 1;
                entry.state = asked;
            }
            asked => {
                seen.lost_unanswered += usize::from(asked.is_some());
                assert_eq!(entry.state, stored.state, "{} was acknowledged so", entry.key);
            }
        }
    }
    let unknown: Vec<_> = stored.keys().collect();
    assert!(unknown.is_empty(), "nobody asked for {unknown:?}");
}
