// SPDX-License-Identifier: EUPL-1.2
//! Deletes what is old, a little at a time. Each deletion leaves a proof in the audit log, in the same transaction: which
//! class, how much, and from when.

mod classes;

use std::time::Instant;

use chrono::{DateTime, Duration, DurationRound as _, Utc};
use serde_json::{Value as Json, json};
use store::{FromRow, Row, Single, Store, StoreError, Tx, sql};
use tracing::warn;

use self::classes::{CLASSES, Class, How};
use super::audit::{self, Cause, Event, Filter, Order};
use super::jobs::{self, Held};
use crate::api::ids::TenantId;

/// How often it is looked for what is old.
pub(crate) const EVERY: Duration = Duration::minutes(10);

/// Rows that one transaction deletes: with more, others would wait for it.
const BATCH: i64 = 200;

/// Transactions for one class of one tenant in a row. The rest is deleted the next time.
const MAX_BATCHES: usize = 200;

/// Tenants that are read at once.
const TENANTS_PAGE: i64 = 100;

/// The job's name.
const JOB: &str = "retention";

/// A tenant's choices.
struct Tenant {
    id: TenantId,
    settings: Json,
}

impl FromRow for Tenant {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: row.get("id")?, settings: row.json("settings")? })
    }
}

/// What one transaction deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Deleted {
    count: usize,
    oldest: Option<DateTime<Utc>>,
    newest: Option<DateTime<Utc>>,
}

impl Deleted {
    fn of(times: impl IntoIterator<Item = DateTime<Utc>>) -> Self {
        times.into_iter().fold(Self::default(), |sum, time| Self {
            count: sum.count + 1,
            oldest: Some(sum.oldest.map_or(time, |oldest| oldest.min(time))),
            newest: Some(sum.newest.map_or(time, |newest| newest.max(time))),
        })
    }

    fn proof(&self, class: &Class, before: DateTime<Utc>) -> Event {
        Event::new("retention.delete", class.name)
            .with("tables", json!(class.tables))
            .with("count", json!(self.count))
            .with("before", json!(before))
            .with("oldest", json!(self.oldest))
            .with("newest", json!(self.newest))
    }
}

/// Deletes what is old at `now`, if it is time to and no other process does. Returns how many rows.
///
/// # Errors
///
/// Fails when the database does, after all classes have had their turn. What was deleted has its proof.
pub(crate) async fn run(store: &Store, holder: &str, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut tx = store.write().await?;
    let held = jobs::take(&mut tx, JOB, holder, now).await?;
    tx.commit().await?;
    let Some(held) = held else { return Ok(0) };
    let run = Run { store, held, now, began: Instant::now() };
    let (mut total, mut failed) = (0, None);
    for class in CLASSES {
        let deleted = match class.tenants_may {
            None => run.delete(class, None, class.keep).await,
            Some(_) => run.delete_of_tenants(class).await,
        };
        match deleted {
            Ok(deleted) => total += deleted,
            // One that takes too long must not keep the others for ever.
            Err(error) => {
                warn!(class = class.name, %error, "what is old cannot be deleted now");
                failed = Some(error);
            }
        }
    }
    let mut tx = store.write().await?;
    run.held.done_until(&mut tx, now + EVERY).await?;
    tx.commit().await?;
    match failed {
        Some(error) => Err(error),
        None => Ok(total),
    }
}

impl Class {
    /// How long a tenant keeps it: as long as it has chosen, within bounds.
    fn keep_for(&self, settings: &Json) -> Duration {
        let chosen = settings["retention"][format!("{}_days", self.name)].as_i64();
        match (chosen, &self.tenants_may) {
            (Some(days), Some(bounds)) => Duration::days(days.clamp(*bounds.start(), *bounds.end())),
            _ => self.keep,
        }
    }
}

/// Once through all classes.
struct Run<'a> {
    store: &'a Store,
    held: Held,
    /// What counts as old goes by this.
    now: DateTime<Utc>,
    /// How long the job is held goes by how long it takes.
    began: Instant,
}

impl Run<'_> {
    async fn delete_of_tenants(&self, class: &Class) -> Result<usize, StoreError> {
        let mut total = 0;
        if let How::AuditChain = class.how {
            // The installation's own chain.
            total += self.delete(class, None, class.keep).await?;
        }
        let mut after = String::new();
        loop {
            let select = sql("SELECT id, settings FROM tenants WHERE id > $1 ORDER BY id LIMIT $2");
            let tenants: Vec<Tenant> = self.store.read().await?.all(select.bind(&after).bind(TENANTS_PAGE)).await?;
            let Some(last) = tenants.last() else { return Ok(total) };
            after = last.id.to_string();
            for tenant in tenants {
                total += self.delete(class, Some(tenant.id), class.keep_for(&tenant.settings)).await?;
            }
        }
    }

    /// Deletes what a tenant, or the installation, has of a class, a batch at a time.
    async fn delete(&self, class: &Class, tenant: Option<TenantId>, keep: Duration) -> Result<usize, StoreError> {
        let mut total = 0;
        let before = self.now - keep;
        for _ in 0..MAX_BATCHES {
            let mut tx = self.store.write().await?;
            if !self.held.hold_on(&mut tx, self.now + self.began.elapsed()).await? {
                break;
            }
            let deleted = match class.how {
                How::By(statement) => {
                    let mut delete = sql(statement).bind(before).bind(BATCH);
                    if let Some(tenant) = tenant {
                        delete = delete.bind(tenant);
                    }
                    let times: Vec<Single<DateTime<Utc>>> = tx.all(delete).await?;
                    Deleted::of(times.into_iter().map(|time| time.0))
                }
                How::AuditChain => delete_events(&mut tx, tenant, before).await?,
            };
            if deleted.count == 0 {
                break;
            }
            total += deleted.count;
            audit::append(&mut tx, Cause::system(tenant), &deleted.proof(class, before)).await?;
            tx.commit().await?;
            if i64::try_from(deleted.count).is_ok_and(|count| count < BATCH) {
                break;
            }
        }
        Ok(total)
    }
}

/// Deletes the oldest events of a chain, and moves its beginning. Only whole days: otherwise each event that grows old
/// would leave a proof of its own, and the log would never get shorter.
async fn delete_events(tx: &mut Tx, tenant: Option<TenantId>, before: DateTime<Utc>) -> Result<Deleted, StoreError> {
    let before = before.duration_trunc(Duration::days(1)).unwrap_or(before);
    let chain = tenant.map(|id| id.to_string()).unwrap_or_default();
    // Writers of this chain wait from here on: appending the proof would lock it anyway.
    tx.execute(sql("UPDATE audit_heads SET number = number WHERE tenant_id = $1").bind(&chain)).await?;
    let mut links = Filter::default().page(tx, &chain, Order::Asc, None, BATCH).await?;
    // Up to the first that is too young, whatever comes behind it: a chain has no gaps.
    let old = links.iter().take_while(|link| link.occurred_at_ms < before.timestamp_millis()).count();
    links.truncate(old);
    let Some(last) = links.last() else { return Ok(Deleted::default()) };
    let delete = sql("DELETE FROM audit_events WHERE tenant_id = $1 AND number <= $2");
    tx.execute(delete.bind(&chain).bind(last.number)).await?;
    let update = sql("UPDATE audit_heads SET first_number = $1, first_previous_hash = $2 WHERE tenant_id = $3");
    tx.execute(update.bind(last.number + 1).bind(&last.hash).bind(&chain)).await?;
    Ok(Deleted::of(links.iter().filter_map(|link| DateTime::from_timestamp_millis(link.occurred_at_ms))))
}

#[cfg(test)]
mod tests;
