// SPDX-License-Identifier: EUPL-1.2
//! Puts together what is kept of a person. It is asked for now, made a moment later, and deleted after a week.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value as Json, json};
use store::{FromRow, Object, Row, Single, Store, StoreError, Tx, sql};

use super::Person;
use super::model::{Export, ExportStatus};
use super::places::PLACES;
use crate::api::ids::{ExportId, TenantId, UserId};
use crate::api::paging::Page;

/// How long it can be had.
pub(super) const LIFETIME: Duration = Duration::days(7);

/// Things of one kind that an export has at most. With more, it says that there are more.
const MAX_OF_A_KIND: i64 = 20_000;

/// How long a process keeps an export to itself while it puts it together.
const CLAIM: Duration = Duration::minutes(5);

/// Stores that somebody asked for it.
pub(crate) async fn request(tx: &mut Tx, person: &Person, now: DateTime<Utc>) -> Result<Export, StoreError> {
    let id = ExportId::new();
    tx.execute(
        sql("INSERT INTO exports (id, tenant_id, user_id, email, phone_e164, status, claimed_until, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7)")
        .bind(id)
        .bind(person.tenant)
        .bind(person.user)
        .bind(person.email.clone())
        .bind(person.phone.clone())
        .bind(ExportStatus::Pending)
        .bind(now),
    )
    .await?;
    tx.one(sql("SELECT * FROM exports WHERE id = $1").bind(id)).await
}

/// The one with that id, if it is the tenant's.
pub(super) async fn find(tx: &mut Tx, tenant: Option<TenantId>, id: ExportId) -> Result<Option<Export>, StoreError> {
    let mut select = sql("SELECT * FROM exports WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

/// A page of them, the oldest first.
pub(super) async fn page(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    page: &Page<(i64, ExportId)>,
) -> Result<Vec<Export>, StoreError> {
    let mut select = sql("SELECT * FROM exports WHERE TRUE");
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    if let Some((created_at, id)) = page.after {
        select.push_bound(" AND (created_at, id) > (", created_at).push_bound(", ", id).push(")");
    }
    select.push_bound(" ORDER BY created_at, id LIMIT ", page.probe());
    tx.all(select).await
}

/// What was put together, once it is.
pub(super) async fn content(tx: &mut Tx, id: ExportId) -> Result<Option<String>, StoreError> {
    let found: Option<Single<Option<String>>> =
        tx.optional(sql("SELECT content FROM exports WHERE id = $1").bind(id)).await?;
    Ok(found.and_then(|found| found.0))
}

struct Wanted {
    id: ExportId,
    tenant: TenantId,
    user: Option<UserId>,
    email: Option<String>,
    phone: Option<String>,
}

impl FromRow for Wanted {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            tenant: row.get("tenant_id")?,
            user: row.get("user_id")?,
            email: row.get("email")?,
            phone: row.get("phone_e164")?,
        })
    }
}

/// Puts together what was asked for, one after the other.
///
/// # Errors
///
/// Fails when the database does. What is not ready then is tried again.
pub(crate) async fn run_pending(store: &Store, now: DateTime<Utc>) -> Result<(), StoreError> {
    loop {
        let select = sql("SELECT id, tenant_id, user_id, email, phone_e164 FROM exports
             WHERE status = 'pending' AND claimed_until <= $1 ORDER BY created_at LIMIT 1");
        let wanted: Option<Wanted> = store.read().await?.optional(select.bind(now)).await?;
        let Some(wanted) = wanted else { return Ok(()) };
        let mut tx = store.write().await?;
        let claim = sql("UPDATE exports SET claimed_until = $1 WHERE id = $2 AND claimed_until <= $3");
        if tx.execute(claim.bind(now + CLAIM).bind(wanted.id).bind(now)).await? == 0 {
            continue;
        }
        tx.commit().await?;
        let content = put_together(&mut store.read().await?, &wanted, now).await?;
        let mut tx = store.write().await?;
        let update = sql("UPDATE exports SET status = $1, content = $2, finished_at = $3 WHERE id = $4");
        tx.execute(update.bind(ExportStatus::Ready).bind(content.to_string()).bind(now).bind(wanted.id)).await?;
        tx.commit().await?;
    }
}

async fn put_together(tx: &mut Tx, wanted: &Wanted, now: DateTime<Utc>) -> Result<Json, StoreError> {
    let user = wanted.user.map(|id| id.to_string()).unwrap_or_default();
    let (email, phone) = (wanted.email.as_deref().unwrap_or_default(), wanted.phone.as_deref().unwrap_or_default());
    let mut content = json!({ "made_at": now, "is_complete": true });
    for place in PLACES {
        let Some(find) = place.find else { continue };
        let find = sql(find).bind(wanted.tenant).bind(&user).bind(email).bind(phone);
        let find = find.bind(MAX_OF_A_KIND + 1);
        let mut found: Vec<Object> = tx.all(find).await?;
        if i64::try_from(found.len()).is_ok_and(|count| count > MAX_OF_A_KIND) {
            found.pop();
            content["is_complete"] = false.into();
        }
        content[place.name] = found.into_iter().map(|object| readable(object.0)).collect();
    }
    Ok(content)
}

/// Times as people read them.
fn readable(mut object: serde_json::Map<String, Json>) -> Json {
    for (name, value) in &mut object {
        let time = value.as_i64().filter(|_| name.ends_with("_at")).and_then(DateTime::from_timestamp_millis);
        if let Some(time) = time {
            *value = json!(time);
        }
    }
    Json::Object(object)
}
