// SPDX-License-Identifier: EUPL-1.2
//! The minutes that a tenant's calls may take on a day. A call reserves some before it is made, further ones while it goes on,
//! and gives back what it has not used. So calls that are made at the same time never take more than there is, also where
//! several servers share a database. What a server had reserved that died counts as used.

use chrono::{DateTime, Utc};
use store::{Single, Store, StoreError, Tx, sql};
use tracing::warn;

use crate::api::ids::{PhoneCallId, TenantId};
use crate::meetings::tenant;

/// Minutes that are reserved at a time: few enough that calls which end soon keep none from others.
const SLICE: u32 = 10;

/// What a call has reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::phone) struct Reservation {
    call: PhoneCallId,
    tenant: TenantId,
    /// See [`day`].
    day: String,
    pub(super) minutes: u32,
    /// How long the call may be at most.
    longest_minutes: u32,
}

/// The day at a moment, by the clocks where the tenant is.
pub(in crate::phone) fn day(now: DateTime<Utc>, zone: chrono_tz::Tz) -> String {
    now.with_timezone(&zone).format("%Y-%m-%d").to_string()
}

/// What of a day is not taken yet. Nobody else takes any of it before the transaction is over.
async fn left(tx: &mut Tx, tenant: TenantId, day: &str, per_day: u32) -> Result<u32, StoreError> {
    tx.lock(&format!("dial out {tenant}")).await?;
    let select = sql("SELECT CAST(COALESCE(SUM(minutes), 0) AS BIGINT) AS minutes FROM dialled_calls
         WHERE tenant_id = $1 AND day = $2");
    let Single(taken) = tx.one::<Single<i64>>(select.bind(tenant).bind(day)).await?;
    Ok(u32::try_from((i64::from(per_day) - taken).max(0)).unwrap_or(u32::MAX))
}

/// Reserves the first minutes of a call. `None`: there are none left on that day.
pub(super) async fn reserve(
    tx: &mut Tx,
    (tenant, call): (TenantId, PhoneCallId),
    day: String,
    (per_day, longest_minutes): (u32, u32),
    now: DateTime<Utc>,
) -> Result<Option<Reservation>, StoreError> {
    let minutes = left(tx, tenant, &day, per_day).await?.min(longest_minutes).min(SLICE);
    take(tx, Reservation { call, tenant, day, minutes, longest_minutes }, now).await
}

/// Reserves all minutes that a call may take, because nobody will say how many it took. `None`: that day has not as many left.
pub(in crate::phone) async fn reserve_whole(
    tx: &mut Tx,
    (tenant, call): (TenantId, PhoneCallId),
    day: String,
    (per_day, longest_minutes): (u32, u32),
    now: DateTime<Utc>,
) -> Result<Option<Reservation>, StoreError> {
    // Where a day has less than a call may take, one such call takes the day.
    let minutes = longest_minutes.min(per_day);
    if left(tx, tenant, &day, per_day).await? < minutes {
        return Ok(None);
    }
    take(tx, Reservation { call, tenant, day, minutes, longest_minutes }, now).await
}

/// Writes down what is reserved, if it is anything.
async fn take(tx: &mut Tx, reservation: Reservation, now: DateTime<Utc>) -> Result<Option<Reservation>, StoreError> {
    let Reservation { call, tenant, ref day, minutes, .. } = reservation;
    if minutes == 0 {
        return Ok(None);
    }
    let insert = sql("INSERT INTO dialled_calls (id, tenant_id, day, minutes, created_at) VALUES ($1, $2, $3, $4, $5)");
    let insert = insert.bind(call).bind(tenant).bind(day).bind(i64::from(minutes)).bind(now);
    tx.execute(insert).await?;
    Ok(Some(reservation))
}

impl Reservation {
    /// Whether the call may become longer than what is reserved.
    pub(super) const fn may_grow(&self) -> bool {
        self.minutes < self.longest_minutes
    }

    /// Reserves further minutes, by what the tenant allows now: also where that has become less. Returns how many, none when the
    /// day has no more.
    pub(super) async fn grow(&mut self, tx: &mut Tx) -> Result<u32, StoreError> {
        let Some(tenant) = tenant::find(tx, self.tenant).await? else { return Ok(0) };
        let terms = tenant.settings.dial_out;
        if !terms.is_enabled {
            return Ok(0);
        }
        let longest = self.longest_minutes.min(terms.longest_call_minutes);
        let more = left(tx, self.tenant, &self.day, terms.minutes_per_day).await?.min(SLICE);
        let more = more.min(longest.saturating_sub(self.minutes));
        let update = sql("UPDATE dialled_calls SET minutes = minutes + $1 WHERE id = $2");
        tx.execute(update.bind(i64::from(more)).bind(self.call)).await?;
        Ok(more)
    }

    /// Writes down how many the call took, which is over. What cannot be written down counts as it was reserved.
    pub(in crate::phone) async fn close(self, store: &Store, minutes: u32) {
        let settle = async {
            let mut tx = store.write().await?;
            self.settle(&mut tx, minutes).await?;
            tx.commit().await
        };
        if let Err(error) = settle.await {
            warn!(%error, "a call counts as long as it might have been");
        }
    }

    /// The same in a transaction. What took none is forgotten.
    async fn settle(&self, tx: &mut Tx, minutes: u32) -> Result<(), StoreError> {
        let statement = match minutes {
            0 => sql("DELETE FROM dialled_calls WHERE id = $1").bind(self.call),
            minutes => {
                let update = sql("UPDATE dialled_calls SET minutes = $2 WHERE id = $1");
                update.bind(self.call).bind(i64::from(minutes))
            }
        };
        tx.execute(statement).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Berlin;
    use serde_json::json;
    use store::testing::TestStore;

    use crate::records::everywhere::{execute, tenant as new_tenant};

    const DAY: &str = "2026-11-23";

    async fn reserved(test: &TestStore, tenant: TenantId, day: &str, limits: (u32, u32)) -> Option<Reservation> {
        let mut tx = test.store.write().await.expect("a transaction");
        let reserved = reserve(&mut tx, (tenant, PhoneCallId::new()), day.to_owned(), limits, Utc::now()).await;
        tx.commit().await.expect("kept");
        reserved.expect("the database")
    }

    async fn allow(test: &TestStore, terms: serde_json::Value) {
        let settings = json!({ "dial_out": terms }).to_string();
        execute(test, sql("UPDATE tenants SET settings = $1").bind(settings)).await;
    }

    #[test]
    fn a_day_begins_at_midnight_where_the_tenant_is() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        assert_eq!(day(at("2026-11-22T22:59:59Z"), Berlin), "2026-11-22");
        assert_eq!(day(at("2026-11-22T23:00:00Z"), Berlin), "2026-11-23");
        assert_eq!(day(at("2026-06-22T22:00:00Z"), Berlin), "2026-06-23");
    }

    #[tokio::test]
    async fn calls_never_reserve_more_than_a_day_has() {
        for test in TestStore::both().await {
            let (one, other) = (new_tenant(&test.store).await, TenantId::new());
            test.insert("tenants", json!({ "id": other, "slug": "other", "name": "Other" })).await;
            let calls = (0..8).map(|_| reserved(&test, one, DAY, (25, 120)));
            let mut minutes: Vec<_> =
                futures_util::future::join_all(calls).await.into_iter().flatten().map(|call| call.minutes).collect();
            minutes.sort_unstable();
            assert_eq!(minutes, [5, 10, 10]);
            assert!(reserved(&test, other, DAY, (25, 120)).await.is_some(), "another tenant has minutes of its own");
            assert!(reserved(&test, one, "2026-11-24", (25, 120)).await.is_some(), "and so has another day");
            assert_eq!(
                reserved(&test, other, DAY, (25, 3)).await.map(|call| call.minutes),
                Some(3),
                "it ends after that"
            );
            assert_eq!(reserved(&test, other, DAY, (0, 120)).await, None);
        }
    }

    #[tokio::test]
    async fn a_call_whose_end_nobody_sees_takes_all_that_it_may() {
        for test in TestStore::both().await {
            let tenant = new_tenant(&test.store).await;
            let reserve = async |limits| {
                let mut tx = test.store.write().await.expect("a transaction");
                let ids = (tenant, PhoneCallId::new());
                let reserved = reserve_whole(&mut tx, ids, DAY.to_owned(), limits, Utc::now()).await;
                tx.commit().await.expect("kept");
                reserved.expect("the database")
            };
            assert_eq!(reserve((0, 120)).await, None);
            let first = reserve((250, 120)).await.expect("minutes");
            assert_eq!((first.minutes, first.may_grow()), (120, false));
            let second = reserve((250, 120)).await.expect("minutes");
            assert_eq!(reserve((250, 120)).await, None, "ten are not enough");
            second.close(&test.store, 0).await;
            assert!(reserve((250, 120)).await.is_some(), "what came to nothing is given back");
            first.close(&test.store, 120).await;
            assert_eq!(reserve((250, 120)).await, None);
            let mut tx = test.store.write().await.expect("a transaction");
            let whole_day =
                reserve_whole(&mut tx, (tenant, PhoneCallId::new()), "2026-11-24".into(), (60, 120), Utc::now());
            assert_eq!(whole_day.await.expect("the database").map(|call| call.minutes), Some(60));
        }
    }

    #[tokio::test]
    async fn a_call_grows_while_there_are_minutes_and_gives_back_the_others() {
        for test in TestStore::both().await {
            let tenant = new_tenant(&test.store).await;
            let grow = async |call: &mut Reservation| {
                let mut tx = test.store.write().await.expect("a transaction");
                let more = call.grow(&mut tx).await.expect("the database");
                tx.commit().await.expect("kept");
                call.minutes += more;
                more
            };
            allow(&test, json!({ "is_enabled": true, "minutes_per_day": 34, "longest_call_minutes": 22 })).await;
            let mut long = reserved(&test, tenant, DAY, (34, 22)).await.expect("minutes");
            assert_eq!((grow(&mut long).await, long.may_grow()), (10, true));
            assert_eq!((grow(&mut long).await, long.may_grow()), (2, false), "no longer than a call may be");
            let mut second = reserved(&test, tenant, DAY, (34, 22)).await.expect("minutes");
            assert_eq!(
                (second.minutes, grow(&mut second).await, grow(&mut second).await),
                (10, 2, 0),
                "the day has no more"
            );
            let mut tx = test.store.write().await.expect("a transaction");
            long.settle(&mut tx, 1).await.expect("settled");
            tx.commit().await.expect("kept");
            assert_eq!(grow(&mut second).await, 10);
            allow(&test, json!({ "is_enabled": false, "minutes_per_day": 1_000 })).await;
            let mut third = reserved(&test, tenant, DAY, (1_000, 120)).await.expect("minutes");
            assert_eq!(grow(&mut third).await, 0, "it was turned off meanwhile");
            let mut tx = test.store.write().await.expect("a transaction");
            for call in [&long, &second, &third] {
                call.settle(&mut tx, 0).await.expect("settled");
            }
            tx.commit().await.expect("kept");
            assert_eq!(test.row_counts().await["dialled_calls"], 0, "nobody was reached, so nothing is kept");
        }
    }
}
