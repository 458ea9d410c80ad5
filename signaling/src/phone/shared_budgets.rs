// SPDX-License-Identifier: EUPL-1.2
//! What of the budgets of ids alone is used up in the whole installation. It is in the database, so that several servers together
//! bear no more than one, and a restart forgets nothing. Only wrong ids are written down, of which there are never many: when
//! a budget is used up, nobody is answered from it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use store::{Single, StoreError, Tx, sql};

use super::attempts::Paid;

/// How long until all that was used up is there again, as the database has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UsedUp {
    pub(super) strangers: Duration,
    pub(super) known: Duration,
}

const fn name(paid: Paid) -> &'static str {
    match paid {
        Paid::Known => "known",
        Paid::Strangers => "strangers",
    }
}

/// Looks at both.
pub(super) async fn read(tx: &mut Tx, now: DateTime<Utc>) -> Result<UsedUp, StoreError> {
    Ok(UsedUp { strangers: used_up(tx, Paid::Strangers, now).await?, known: used_up(tx, Paid::Known, now).await? })
}

/// Looks at one of them.
pub(super) async fn used_up(tx: &mut Tx, paid: Paid, now: DateTime<Utc>) -> Result<Duration, StoreError> {
    let select = sql("SELECT used_until FROM phone_budgets WHERE name = $1").bind(name(paid));
    let until = tx.optional::<Single<DateTime<Utc>>>(select).await?;
    Ok(until.and_then(|Single(until)| (until - now).to_std().ok()).unwrap_or_default())
}

/// Writes down that a wrong id was answered.
pub(super) async fn charge(tx: &mut Tx, paid: Paid, now: DateTime<Utc>) -> Result<(), StoreError> {
    let costs = TimeDelta::from_std(paid.limit().every).unwrap_or_default();
    let insert = sql("INSERT INTO phone_budgets (name, used_until) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET used_until =
             CASE WHEN phone_budgets.used_until > $3 THEN phone_budgets.used_until ELSE $3 END + $4");
    tx.execute(insert.bind(name(paid)).bind(now + costs).bind(now).bind(costs.num_milliseconds())).await?;
    Ok(())
}
