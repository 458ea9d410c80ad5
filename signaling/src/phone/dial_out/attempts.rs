// SPDX-License-Identifier: EUPL-1.2
//! How often telephones are called, whether anybody answers or not. A call that only rings costs nothing, so nothing else keeps
//! somebody's telephone from ringing all night. It is counted in the database, for all servers together, and of a number only a
//! hash is kept.

use std::time::Duration as Wait;

use chrono::{DateTime, Duration, Utc};
use store::{Single, Statement, StoreError, Tx, sql};

use crate::api::ids::{PhoneCallId, TenantId};
use crate::api::problem::{Code, Problem};
use crate::identity::keys::Keys;
use crate::phone::caller_number::E164;
use crate::phone::known_callers;

/// Over what time attempts are counted. `records/retention/classes.rs` deletes older ones.
pub(crate) const WINDOW: Duration = Duration::hours(1);

/// Attempts to call one number within that time: enough for somebody whose line breaks, and for a switchboard with a few people.
const OF_NUMBER: i64 = 6;

/// Attempts of a tenant to call anybody: twenty meetings that call ten people each, who all come in.
const OF_TENANT: i64 = 200;

/// Counts another attempt, which stays counted when the transaction is kept. Fails where there were as many as there may be, and
/// says when another one may follow.
pub(in crate::phone) async fn count(
    tx: &mut Tx,
    keys: &Keys,
    tenant: TenantId,
    number: &E164,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    // Two who call at the same time count one after the other.
    tx.lock(&format!("dial out {tenant}")).await?;
    let (caller, since) = (known_callers::mark(keys, number.as_str()), now - WINDOW);
    let of_number = sql("SELECT created_at FROM dial_attempts WHERE tenant_id = $1 AND caller = $2 AND created_at > $3
         ORDER BY created_at DESC LIMIT 1 OFFSET $4");
    let of_number = of_number.bind(tenant).bind(&caller).bind(since).bind(OF_NUMBER - 1);
    let of_tenant = sql("SELECT created_at FROM dial_attempts WHERE tenant_id = $1 AND created_at > $2
         ORDER BY created_at DESC LIMIT 1 OFFSET $3");
    let of_tenant = of_tenant.bind(tenant).bind(since).bind(OF_TENANT - 1);
    let wait = wait(tx, of_number, now).await?.max(wait(tx, of_tenant, now).await?);
    if let Some(wait) = wait {
        return Err(Problem::new(Code::CalledTooOften).retry_after(wait));
    }
    let insert = sql("INSERT INTO dial_attempts (id, tenant_id, caller, created_at) VALUES ($1, $2, $3, $4)");
    tx.execute(insert.bind(PhoneCallId::new()).bind(tenant).bind(&caller).bind(now)).await?;
    Ok(())
}

/// How long it takes until the first of as many attempts as there may be is not counted any more, if there were as many.
async fn wait(tx: &mut Tx, first: Statement, now: DateTime<Utc>) -> Result<Option<Wait>, StoreError> {
    let first = tx.optional::<Single<DateTime<Utc>>>(first).await?;
    let left = first.map(|Single(at)| (at + WINDOW - now).to_std().unwrap_or_default());
    // In whole seconds, after which it is over.
    Ok(left.map(|left| Wait::from_secs(left.as_secs() + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use store::testing::TestStore;

    use crate::phone::caller_number::DialPlan;
    use crate::records::everywhere::tenant as new_tenant;

    async fn attempt(test: &TestStore, tenant: TenantId, number: &str, now: DateTime<Utc>) -> Result<(), Problem> {
        let number = E164::read(number, &DialPlan::default()).expect("a number");
        let keys = Keys::load(&test.store).await.expect("keys");
        let mut tx = test.store.write().await.expect("a transaction");
        let counted = count(&mut tx, &keys, tenant, &number, now).await;
        tx.commit().await.expect("kept");
        counted
    }

    fn refused(counted: Result<(), Problem>) -> Option<u64> {
        let problem = counted.err()?;
        assert_eq!(problem.code(), Code::CalledTooOften);
        problem.wait().map(|wait| wait.as_secs())
    }

    #[tokio::test]
    async fn a_number_is_called_six_times_an_hour_and_then_it_is_said_when_again() {
        for test in TestStore::both().await {
            let (one, other) = (new_tenant(&test.store).await, TenantId::new());
            test.insert("tenants", json!({ "id": other, "slug": "other", "name": "Other" })).await;
            let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
            let at = |minutes| start + Duration::minutes(minutes);
            for minutes in 0..OF_NUMBER {
                assert_eq!(attempt(&test, one, "+4989123456", at(minutes)).await, Ok(()));
            }
            assert_eq!(refused(attempt(&test, one, "+4989123456", at(10)).await), Some(50 * 60 + 1));
            assert_eq!(attempt(&test, one, "+4989123457", at(10)).await, Ok(()), "another number may be called");
            assert_eq!(attempt(&test, other, "+4989123456", at(10)).await, Ok(()), "and so may this one by others");
            assert_eq!(refused(attempt(&test, one, "+4989123456", at(59)).await), Some(61));
            assert_eq!(attempt(&test, one, "+4989123456", at(60)).await, Ok(()));
            assert_eq!(refused(attempt(&test, one, "+4989123456", at(60)).await), Some(61), "the next one is older");
        }
    }

    #[tokio::test]
    async fn a_tenant_calls_so_many_numbers_an_hour() {
        for test in TestStore::both().await {
            let tenant = new_tenant(&test.store).await;
            let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
            let rows: Vec<_> = (0..OF_TENANT)
                .map(|id| {
                    json!({ "id": format!("a{id}"), "tenant_id": tenant,
                "caller": format!("c{id}"), "created_at": now.timestamp_millis() })
                })
                .collect();
            test.insert_all(rows.into_iter().map(|row| ("dial_attempts", row))).await;
            assert_eq!(refused(attempt(&test, tenant, "+4989123456", now).await), Some(3_601));
            assert_eq!(attempt(&test, tenant, "+4989123456", now + WINDOW).await, Ok(()));
        }
    }
}
