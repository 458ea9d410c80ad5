// SPDX-License-Identifier: EUPL-1.2
//! What is done from time to time, by one process of several. Who does it holds it for a while and says so again and again;
//! when that process dies, another takes over.

use chrono::{DateTime, Duration, Utc};
use store::{StoreError, Tx, sql};

/// How long a process holds a job without saying so again.
const HOLD: Duration = Duration::minutes(2);

/// A job that this process does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    name: &'static str,
    holder: String,
}

/// Takes the job `name`, if it is due and nobody else does it.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn take(
    tx: &mut Tx,
    name: &'static str,
    holder: &str,
    now: DateTime<Utc>,
) -> Result<Option<Held>, StoreError> {
    let taken = tx
        .execute(
            sql("INSERT INTO jobs (name, holder, held_until, due_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
                 WHERE jobs.held_until <= $4 AND jobs.due_at <= $4")
            .bind(name)
            .bind(holder)
            .bind(now + HOLD)
            .bind(now),
        )
        .await?;
    Ok((taken > 0).then(|| Held { name, holder: holder.to_owned() }))
}

impl Held {
    /// Holds it on, in the transaction that does some of it. False when another process has taken over: then the
    /// transaction must be dropped.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub(crate) async fn hold_on(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let update = sql("UPDATE jobs SET held_until = $1 WHERE name = $2 AND holder = $3 AND held_until > $4");
        let held = tx.execute(update.bind(now + HOLD).bind(self.name).bind(&self.holder).bind(now)).await?;
        Ok(held > 0)
    }

    /// It is done until `due_at`.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub(crate) async fn done_until(self, tx: &mut Tx, due_at: DateTime<Utc>) -> Result<(), StoreError> {
        let update = sql("UPDATE jobs SET held_until = 0, due_at = $1 WHERE name = $2 AND holder = $3");
        tx.execute(update.bind(due_at).bind(self.name).bind(&self.holder)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::testing::TestStore;

    #[tokio::test]
    async fn one_process_does_a_job_and_another_takes_over_when_it_dies() {
        for test in TestStore::both().await {
            let now = Utc::now();
            let mut tx = test.store.write().await.expect("a transaction");
            let first = take(&mut tx, "job", "a", now).await.expect("taken").expect("nobody has it");
            assert_eq!(take(&mut tx, "job", "b", now + HOLD / 2).await, Ok(None));
            assert_eq!(first.hold_on(&mut tx, now + HOLD / 2).await, Ok(true));
            assert_eq!(take(&mut tx, "job", "b", now + HOLD).await, Ok(None), "it was held on");
            let later = now + HOLD * 2;
            let second = take(&mut tx, "job", "b", later).await.expect("taken").expect("the first one died");
            assert_eq!(first.hold_on(&mut tx, later).await, Ok(false));
            second.done_until(&mut tx, later + HOLD).await.expect("done");
            assert_eq!(take(&mut tx, "job", "a", later).await, Ok(None), "it is not due");
            assert!(take(&mut tx, "job", "a", later + HOLD).await.expect("taken").is_some());
        }
    }
}
