// SPDX-License-Identifier: EUPL-1.2
//! What of the budgets of ids alone, and of each meeting's PINs, is used up in the whole installation. It is in the database, so that
//! several servers together bear no more than one, and a restart forgets nothing. Only wrong codes are written down, of which
//! there are never many: when a budget is used up, nothing is taken from it. One that is full again is not kept.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use store::{Single, StoreError, Tx, sql};

use super::attempts::{Paid, PinLength, Target};
use crate::identity::secret::hex;

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

/// The meeting's is a hash.
fn name_of_pins(target: &Target) -> String {
    let length = match target.length {
        PinLength::Place => "short",
        PinLength::Person => "long",
    };
    format!("{length} {}", hex(&target.place))
}

/// Looks at both.
pub(super) async fn read(tx: &mut Tx, now: DateTime<Utc>) -> Result<UsedUp, StoreError> {
    Ok(UsedUp { strangers: used_up(tx, Paid::Strangers, now).await?, known: used_up(tx, Paid::Known, now).await? })
}

/// Looks at one of them.
pub(super) async fn used_up(tx: &mut Tx, paid: Paid, now: DateTime<Utc>) -> Result<Duration, StoreError> {
    until_full(tx, name(paid), now).await
}

/// Looks at what of the PINs of a meeting is used up that are as long.
pub(super) async fn used_up_of_pins(tx: &mut Tx, target: &Target, now: DateTime<Utc>) -> Result<Duration, StoreError> {
    until_full(tx, &name_of_pins(target), now).await
}

async fn until_full(tx: &mut Tx, name: &str, now: DateTime<Utc>) -> Result<Duration, StoreError> {
    let select = sql("SELECT used_until FROM phone_budgets WHERE name = $1").bind(name);
    let until = tx.optional::<Single<DateTime<Utc>>>(select).await?;
    Ok(until.and_then(|Single(until)| (until - now).to_std().ok()).unwrap_or_default())
}

/// Writes down that a wrong id was answered.
pub(super) async fn charge(tx: &mut Tx, paid: Paid, now: DateTime<Utc>) -> Result<(), StoreError> {
    use_up(tx, name(paid), paid.limit().every, now).await
}

/// Writes down that a wrong PIN was answered.
pub(super) async fn charge_pin(tx: &mut Tx, target: &Target, now: DateTime<Utc>) -> Result<(), StoreError> {
    // There may be many meetings, of which most are never called again.
    tx.execute(sql("DELETE FROM phone_budgets WHERE used_until <= $1").bind(now)).await?;
    use_up(tx, &name_of_pins(target), target.costs(), now).await
}

async fn use_up(tx: &mut Tx, name: &str, costs: Duration, now: DateTime<Utc>) -> Result<(), StoreError> {
    let costs = TimeDelta::from_std(costs).unwrap_or_default();
    let insert = sql("INSERT INTO phone_budgets (name, used_until) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET used_until =
             CASE WHEN phone_budgets.used_until > $3 THEN phone_budgets.used_until ELSE $3 END + $4");
    tx.execute(insert.bind(name).bind(now + costs).bind(now).bind(costs.num_milliseconds())).await?;
    Ok(())
}
