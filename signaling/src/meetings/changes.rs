// SPDX-License-Identifier: EUPL-1.2
//! What became of meetings, for those who tell people and software about it: mails and webhooks. It is noted in the
//! transaction that does it, so a change that happened is never forgotten and one that did not is never told. Retention
//! deletes the old ones.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{FromRow, Row, StoreError, Tx, sql};
use tracing::error;
use uuid::Uuid;

use super::model::RecurrenceId;
use crate::api::ids::{InviteeId, MeetingId, TenantId};

/// Something that people must hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MeetingChange {
    pub(crate) tenant_id: TenantId,
    pub(crate) meeting_id: MeetingId,
    pub(crate) kind: ChangeKind,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum ChangeKind {
    /// It is scheduled, which a draft is not.
    Created,
    /// It is different.
    Updated {
        /// The names of the fields.
        fields: Vec<String>,
    },
    /// It does not take place.
    Cancelled,
    /// One occurrence is different, or does not take place.
    OccurrenceChanged {
        /// Which one.
        recurrence_id: RecurrenceId,
        /// The names of the fields; `status` when it was cancelled, or takes place after all.
        fields: Vec<String>,
    },
    /// Somebody is invited.
    InviteeAdded {
        /// Who.
        invitee_id: InviteeId,
    },
    /// Somebody's invitation is different, such as their role or their link.
    InviteeChanged {
        /// Whose.
        invitee_id: InviteeId,
        /// The names of the fields.
        fields: Vec<String>,
    },
    /// Somebody is not invited any more. They stay in the table, with `revoked_at`.
    InviteeRemoved {
        /// Who.
        invitee_id: InviteeId,
    },
}

/// Who reads the changes. Each reads all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Makes mails of them.
    Mail,
    /// Makes webhooks of them.
    Webhooks,
}

/// A change that was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Sorts by the time.
    pub(crate) id: String,
    /// None for one that we cannot read: a newer version noted it, before it was rolled back. Nobody waits for it.
    pub(crate) change: Option<MeetingChange>,
    pub(crate) created_at: DateTime<Utc>,
}

impl FromRow for Noted {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let id: String = row.get("id")?;
        let change = change(row).inspect_err(|error| error!(id, %error, "a meeting's change cannot be read"));
        Ok(Self { id, change: change.ok(), created_at: row.get("created_at")? })
    }
}

fn change(row: &Row) -> Result<MeetingChange, StoreError> {
    let kind: String = row.get("kind")?;
    let mut details: serde_json::Map<String, Json> = row.json("details")?;
    details.insert("kind".to_owned(), kind.into());
    let senseless = |_| StoreError::Senseless("a meeting's change".to_owned());
    let kind = serde_json::from_value(details.into()).map_err(senseless)?;
    Ok(MeetingChange { tenant_id: row.get("tenant_id")?, meeting_id: row.get("meeting_id")?, kind })
}

/// Notes a change. Whoever changes one meeting at a time sees its changes in their order.
pub(crate) async fn note(tx: &mut Tx, change: MeetingChange) -> Result<(), StoreError> {
    let mut details = json!(change.kind);
    let kind = details.as_object_mut().and_then(|details| details.remove("kind"));
    let insert = sql("INSERT INTO meeting_changes (id, tenant_id, meeting_id, kind, details, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.bind(Uuid::now_v7().to_string()).bind(change.tenant_id).bind(change.meeting_id);
    let kind = kind.as_ref().and_then(Json::as_str).unwrap_or_default();
    tx.execute(insert.bind(kind).bind(&details).bind(Utc::now())).await?;
    Ok(())
}

/// The oldest changes that a reader has not [`done`] yet.
pub(crate) async fn pending(tx: &mut Tx, reader: Reader, limit: i64) -> Result<Vec<Noted>, StoreError> {
    let mut select = sql("SELECT * FROM meeting_changes WHERE ");
    select.push(match reader {
        Reader::Mail => "mailed_at IS NULL",
        Reader::Webhooks => "published_at IS NULL",
    });
    select.push_bound(" ORDER BY id LIMIT ", limit);
    tx.all(select).await
}

/// A reader has dealt with these, at most a few hundred.
pub(crate) async fn done(tx: &mut Tx, reader: Reader, ids: &[String], now: DateTime<Utc>) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut update = sql(match reader {
        Reader::Mail => "UPDATE meeting_changes SET mailed_at = $1",
        Reader::Webhooks => "UPDATE meeting_changes SET published_at = $1",
    })
    .bind(now);
    update.push_list(" WHERE id IN ", ids);
    tx.execute(update).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::testing::TestStore;

    #[tokio::test]
    async fn each_reader_sees_each_change_once() {
        for test in TestStore::both().await {
            let (tenant_id, meeting_id) = (TenantId::new(), MeetingId::new());
            let recurrence_id = RecurrenceId::parse("20261026T090000Z").expect("an id");
            let moved = ChangeKind::OccurrenceChanged { recurrence_id, fields: vec!["starts_at".to_owned()] };
            let mut tx = test.store.write().await.expect("a transaction");
            for kind in [ChangeKind::Created, moved.clone()] {
                note(&mut tx, MeetingChange { tenant_id, meeting_id, kind }).await.expect("noted");
            }
            let found = pending(&mut tx, Reader::Mail, 10).await.expect("changes");
            let kinds: Vec<_> = found.iter().filter_map(|noted| Some(noted.change.clone()?.kind)).collect();
            assert_eq!(kinds, [ChangeKind::Created, moved]);
            done(&mut tx, Reader::Mail, &[found[0].id.clone()], Utc::now()).await.expect("done");
            assert_eq!(pending(&mut tx, Reader::Mail, 10).await.expect("changes").len(), 1);
            assert_eq!(pending(&mut tx, Reader::Webhooks, 10).await.expect("changes").len(), 2);
        }
    }

    #[tokio::test]
    async fn a_change_that_cannot_be_read_keeps_nobody_waiting() {
        for test in TestStore::both().await {
            let (tenant_id, meeting_id) = (TenantId::new(), MeetingId::new());
            let mut tx = test.store.write().await.expect("a transaction");
            for _ in 0..3 {
                note(&mut tx, MeetingChange { tenant_id, meeting_id, kind: ChangeKind::Created }).await.expect("noted");
            }
            let found = pending(&mut tx, Reader::Mail, 10).await.expect("changes");
            for (column, noted) in ["kind = 'teleported'", "details = 'x'"].into_iter().zip(&found) {
                let mut update = sql("UPDATE meeting_changes SET ");
                update.push(column).push_bound(" WHERE id = ", &noted.id);
                tx.execute(update).await.expect("changed");
            }
            let found = pending(&mut tx, Reader::Mail, 10).await.expect("changes");
            let is_read: Vec<_> = found.iter().map(|noted| noted.change.is_some()).collect();
            assert_eq!(is_read, [false, false, true]);
        }
    }
}
