// SPDX-License-Identifier: EUPL-1.2
//! Numbers in the database.

use serde_json::json;
use store::{FromRow, Row, Single, StoreError, Tx, sql};

use super::model::{PhoneNumber, PhoneNumberInput};
use crate::api::ids::{PhoneNumberId, TenantId};
use crate::api::language::Language;
use crate::api::paging::Page;
use crate::identity::tenants::settings::DialInNumber;
use crate::phone::Serves;

/// Numbers that stand in an invitation at most: as many as a tenant can name itself.
const MAX_SHOWN: i64 = 20;

/// What lists are sorted by.
pub(super) type Key = (i64, PhoneNumberId);

impl FromRow for PhoneNumber {
    /// Without the tenants, where not all are meant.
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let is_for_all: bool = row.get("is_for_all")?;
        let input = PhoneNumberInput {
            number: row.get("number")?,
            name: row.get("name")?,
            description: row.get("description")?,
            trunk_id: row.get("trunk_id")?,
            tenants: (!is_for_all).then(Vec::new),
            languages: row.json("languages")?,
            direct: row.get("direct")?,
            is_shown: row.get("is_shown")?,
        };
        Ok(Self {
            id: row.get("id")?,
            input,
            revision: row.get("revision")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

struct Served(PhoneNumberId, TenantId);

impl FromRow for Served {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(row.get("number_id")?, row.get("tenant_id")?))
    }
}

/// The numbers with the tenants that each serves.
async fn with_tenants(tx: &mut Tx, mut numbers: Vec<PhoneNumber>) -> Result<Vec<PhoneNumber>, StoreError> {
    let some = numbers.iter().filter(|number| number.input.tenants.is_some()).map(|number| number.id);
    let some: Vec<_> = some.collect();
    if some.is_empty() {
        return Ok(numbers);
    }
    let mut select = sql("SELECT number_id, tenant_id FROM phone_number_tenants");
    select.push_list(" WHERE number_id IN ", some).push(" ORDER BY number_id, tenant_id");
    for Served(id, tenant) in tx.all(select).await? {
        let number = numbers.iter_mut().find(|number| number.id == id);
        if let Some(tenants) = number.and_then(|number| number.input.tenants.as_mut()) {
            tenants.push(tenant);
        }
    }
    Ok(numbers)
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, number: &PhoneNumber) -> Result<(), StoreError> {
    let input = &number.input;
    tx.execute(
        sql("INSERT INTO phone_numbers (id, number, name, description, trunk_id, is_for_all, languages, direct, is_shown,
                 revision, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(number.id)
        .bind(&input.number)
        .bind(&input.name)
        .bind(&input.description)
        .bind(input.trunk_id.clone())
        .bind(input.tenants.is_none())
        .bind(&json!(input.languages))
        .bind(input.direct.clone())
        .bind(input.is_shown)
        .bind(number.revision)
        .bind(number.created_at)
        .bind(number.updated_at),
    )
    .await?;
    serve(tx, number).await
}

/// Stores what it has become. False when somebody else has changed it meanwhile.
pub(super) async fn update(tx: &mut Tx, number: &PhoneNumber) -> Result<bool, StoreError> {
    let input = &number.input;
    let changed = tx
        .execute(
            sql("UPDATE phone_numbers SET number = $1, name = $2, description = $3, trunk_id = $4, is_for_all = $5,
                     languages = $6, direct = $7, is_shown = $8, revision = revision + 1, updated_at = $9
                 WHERE id = $10 AND revision = $11")
            .bind(&input.number)
            .bind(&input.name)
            .bind(&input.description)
            .bind(input.trunk_id.clone())
            .bind(input.tenants.is_none())
            .bind(&json!(input.languages))
            .bind(input.direct.clone())
            .bind(input.is_shown)
            .bind(number.updated_at)
            .bind(number.id)
            .bind(number.revision),
        )
        .await?;
    if changed == 0 {
        return Ok(false);
    }
    tx.execute(sql("DELETE FROM phone_number_tenants WHERE number_id = $1").bind(number.id)).await?;
    serve(tx, number).await?;
    Ok(true)
}

async fn serve(tx: &mut Tx, number: &PhoneNumber) -> Result<(), StoreError> {
    for tenant in number.input.tenants.iter().flatten() {
        let insert = sql("INSERT INTO phone_number_tenants (number_id, tenant_id) VALUES ($1, $2)");
        tx.execute(insert.bind(number.id).bind(*tenant)).await?;
    }
    Ok(())
}

/// Removes it.
pub(super) async fn delete(tx: &mut Tx, id: PhoneNumberId) -> Result<(), StoreError> {
    tx.execute(sql("DELETE FROM phone_numbers WHERE id = $1").bind(id)).await?;
    Ok(())
}

/// How many there are.
pub(super) async fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(tx.one::<Single<i64>>(sql("SELECT COUNT(*) AS count FROM phone_numbers")).await?.0)
}

/// Those by which a tenant's meetings are reached; all without one.
fn serving(tenant: Option<TenantId>) -> store::Statement {
    let mut select = sql("SELECT * FROM phone_numbers WHERE TRUE");
    if let Some(tenant) = tenant {
        select.push_bound(
            " AND (is_for_all OR id IN (SELECT number_id FROM phone_number_tenants WHERE tenant_id = ",
            tenant,
        );
        select.push("))");
    }
    select
}

/// The one with that id, if the tenant's meetings are reached by it.
pub(super) async fn find(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    id: PhoneNumberId,
) -> Result<Option<PhoneNumber>, StoreError> {
    let mut select = serving(tenant);
    select.push_bound(" AND id = ", id);
    let found = tx.all(select).await?;
    Ok(with_tenants(tx, found).await?.into_iter().next())
}

/// A page of them, the oldest first.
pub(super) async fn page(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    page: &Page<Key>,
) -> Result<Vec<PhoneNumber>, StoreError> {
    let mut select = serving(tenant);
    if let Some((created_at, id)) = page.after {
        select.push_bound(" AND (created_at, id) > (", created_at).push_bound(", ", id).push(")");
    }
    select.push_bound(" ORDER BY created_at, id LIMIT ", page.probe());
    let found = tx.all(select).await?;
    with_tenants(tx, found).await
}

/// The numbers that meetings and invitations of a tenant show, the oldest first.
pub(crate) async fn shown(tx: &mut Tx, tenant: TenantId) -> Result<Vec<DialInNumber>, StoreError> {
    let mut select = serving(Some(tenant));
    select.push(" AND is_shown AND (trunk_id IS NULL OR trunk_id IN (SELECT id FROM phone_trunks WHERE is_enabled))");
    select.push_bound(" ORDER BY created_at, id LIMIT ", MAX_SHOWN);
    let found: Vec<PhoneNumber> = tx.all(select).await?;
    Ok(found.into_iter().map(|number| dial_in(number.input)).collect())
}

fn dial_in(input: PhoneNumberInput) -> DialInNumber {
    let language = match input.languages.as_slice() {
        [only] => Some(only.as_str().to_owned()),
        _ => None,
    };
    DialInNumber { e164: input.number, label: input.name, country: None, language }
}

/// Where a number leads.
pub(in crate::phone) struct Found {
    pub(in crate::phone) serves: Serves,
    /// The usual one first; all that there are where it is empty.
    pub(in crate::phone) languages: Vec<Language>,
    pub(in crate::phone) direct: Option<String>,
}

/// The number that was called by a trunk: as the trunk said it, or what it meant by that. What is said of the trunk itself goes
/// before what is said of all.
pub(in crate::phone) async fn called(
    tx: &mut Tx,
    trunk: &str,
    said: &str,
    meant: Option<&str>,
) -> Result<Option<Found>, StoreError> {
    let mut select = sql("SELECT * FROM phone_numbers WHERE (trunk_id IS NULL OR trunk_id = $1)").bind(trunk);
    select.push_list(" AND number IN ", [said].into_iter().chain(meant));
    let found: Vec<PhoneNumber> = tx.all(select).await?;
    let nearest = found.into_iter().max_by_key(|number| (number.input.trunk_id.is_some(), number.input.number == said));
    let found = with_tenants(tx, nearest.into_iter().collect()).await?;
    Ok(found.into_iter().next().map(|number| Found {
        serves: number.input.tenants.map_or(Serves::All, Serves::Tenants),
        languages: number.input.languages,
        direct: number.input.direct,
    }))
}

struct OfTrunk(String, String);

impl FromRow for OfTrunk {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(row.get("trunk_id")?, row.get("number")?))
    }
}

/// The numbers that can be called by one trunk alone, each behind its trunk, the oldest first.
pub(in crate::phone) async fn by_trunk(tx: &mut Tx) -> Result<Vec<(String, String)>, StoreError> {
    let select = sql("SELECT trunk_id, number FROM phone_numbers WHERE trunk_id IS NOT NULL ORDER BY created_at, id");
    Ok(tx.all(select).await?.into_iter().map(|OfTrunk(trunk, number)| (trunk, number)).collect())
}

struct Numbered(PhoneNumberId, String);

impl FromRow for Numbered {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(row.get("id")?, row.get("number")?))
    }
}

/// The numbers that can be called by that trunk alone, each behind its id, the oldest first.
pub(super) async fn of_trunk(tx: &mut Tx, trunk: &str) -> Result<Vec<(PhoneNumberId, String)>, StoreError> {
    let select = sql("SELECT id, number FROM phone_numbers WHERE trunk_id = $1 ORDER BY created_at, id").bind(trunk);
    Ok(tx.all(select).await?.into_iter().map(|Numbered(id, number)| (id, number)).collect())
}

/// The numbers that lead to one meeting or room alone, by id. They lack the tenants that they serve.
pub(super) async fn direct(tx: &mut Tx) -> Result<Vec<PhoneNumber>, StoreError> {
    tx.all(sql("SELECT * FROM phone_numbers WHERE direct IS NOT NULL ORDER BY id")).await
}

/// Up to two numbers that are written like that and can be called by that trunk alone; whatever is not said does not matter.
pub(super) async fn like(
    tx: &mut Tx,
    number: Option<&str>,
    trunk: Option<&str>,
) -> Result<Vec<PhoneNumberId>, StoreError> {
    let mut select = sql("SELECT id, number FROM phone_numbers WHERE TRUE");
    if let Some(number) = number {
        select.push_bound(" AND number = ", number);
    }
    if let Some(trunk) = trunk {
        select.push_bound(" AND trunk_id = ", trunk);
    }
    select.push(" ORDER BY id LIMIT 2");
    Ok(tx.all(select).await?.into_iter().map(|Numbered(id, _)| id).collect())
}
