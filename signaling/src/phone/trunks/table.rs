// SPDX-License-Identifier: EUPL-1.2
//! Trunks in the database.

use serde_json::json;
use store::{FromRow, Row, Single, StoreError, Tx, sql};

use super::model::{PhoneCredentials, PhoneTrunkInput, StoredTrunk};
use crate::api::paging::Page;
use crate::phone::Trunk;

/// What lists are sorted by.
pub(super) type Key = String;

impl FromRow for StoredTrunk {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let credentials =
            |username: Option<String>| username.map(|username| PhoneCredentials { username, password: None });
        let registration: Option<String> = row.get("registration")?;
        let keep_alive_seconds: Option<i64> = row.get("keep_alive_seconds")?;
        let max_calls: Option<i64> = row.get("max_calls")?;
        let outgoing: Option<String> = row.get("outgoing")?;
        let input = PhoneTrunkInput {
            id: None,
            name: row.get("name")?,
            networks: row.json("networks")?,
            caller_credentials: credentials(row.get("caller_username")?),
            trusts_caller_ids: row.get("trusts_caller_ids")?,
            dial_plan: row.json("dial_plan")?,
            destinations: row.json("destinations")?,
            credentials: credentials(row.get("username")?),
            registration: registration.is_some().then(|| row.json("registration")).transpose()?,
            keep_alive_seconds: number(keep_alive_seconds, "keep_alive_seconds")?,
            max_calls: number(max_calls, "max_calls")?,
            outgoing: outgoing.is_some().then(|| row.json("outgoing")).transpose()?,
            is_enabled: row.get("is_enabled")?,
        };
        Ok(Self {
            id: row.get("id")?,
            input,
            caller_password: row.get("caller_password")?,
            password: row.get("password")?,
            revision: row.get("revision")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

fn number(stored: Option<i64>, name: &str) -> Result<Option<u32>, StoreError> {
    let number = stored.map(u32::try_from).transpose();
    number.map_err(|_| StoreError::Senseless(format!("the number in {name}")))
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, trunk: &StoredTrunk) -> Result<(), StoreError> {
    let input = &trunk.input;
    tx.execute(
        sql("INSERT INTO phone_trunks (id, name, is_enabled, networks, caller_username, caller_password,
                 trusts_caller_ids, dial_plan, destinations, username, password, registration, keep_alive_seconds,
                 max_calls, outgoing, revision, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)")
        .bind(&trunk.id)
        .bind(&input.name)
        .bind(input.is_enabled)
        .bind(&json!(input.networks))
        .bind(username(input.caller_credentials.as_ref()))
        .bind(trunk.caller_password.clone())
        .bind(input.trusts_caller_ids)
        .bind(&json!(input.dial_plan))
        .bind(&json!(input.destinations))
        .bind(username(input.credentials.as_ref()))
        .bind(trunk.password.clone())
        .bind(input.registration.as_ref().map(|registration| json!(registration).to_string()))
        .bind(input.keep_alive_seconds.map(i64::from))
        .bind(input.max_calls.map(i64::from))
        .bind(outgoing(input))
        .bind(trunk.revision)
        .bind(trunk.created_at)
        .bind(trunk.updated_at),
    )
    .await?;
    Ok(())
}

/// Stores what it has become. False when somebody else has changed it meanwhile.
pub(super) async fn update(tx: &mut Tx, trunk: &StoredTrunk) -> Result<bool, StoreError> {
    let input = &trunk.input;
    let changed = tx
        .execute(
            sql("UPDATE phone_trunks SET name = $1, is_enabled = $2, networks = $3, caller_username = $4,
                     caller_password = $5, trusts_caller_ids = $6, dial_plan = $7, destinations = $8, username = $9,
                     password = $10, registration = $11, keep_alive_seconds = $12, max_calls = $13, outgoing = $14,
                     revision = revision + 1, updated_at = $15
                 WHERE id = $16 AND revision = $17")
            .bind(&input.name)
            .bind(input.is_enabled)
            .bind(&json!(input.networks))
            .bind(username(input.caller_credentials.as_ref()))
            .bind(trunk.caller_password.clone())
            .bind(input.trusts_caller_ids)
            .bind(&json!(input.dial_plan))
            .bind(&json!(input.destinations))
            .bind(username(input.credentials.as_ref()))
            .bind(trunk.password.clone())
            .bind(input.registration.as_ref().map(|registration| json!(registration).to_string()))
            .bind(input.keep_alive_seconds.map(i64::from))
            .bind(input.max_calls.map(i64::from))
            .bind(outgoing(input))
            .bind(trunk.updated_at)
            .bind(&trunk.id)
            .bind(trunk.revision),
        )
        .await?;
    Ok(changed == 1)
}

fn username(credentials: Option<&PhoneCredentials>) -> Option<String> {
    credentials.map(|credentials| credentials.username.clone())
}

fn outgoing(input: &PhoneTrunkInput) -> Option<String> {
    input.outgoing.as_ref().map(|outgoing| json!(outgoing).to_string())
}

/// Removes it. Fails when a number can be called by it alone.
pub(super) async fn delete(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    tx.execute(sql("DELETE FROM phone_trunks WHERE id = $1").bind(id)).await?;
    Ok(())
}

/// The one with that id.
pub(super) async fn find(tx: &mut Tx, id: &str) -> Result<Option<StoredTrunk>, StoreError> {
    tx.optional(sql("SELECT * FROM phone_trunks WHERE id = $1").bind(id)).await
}

/// A page of them, by id.
pub(super) async fn page(tx: &mut Tx, page: &Page<Key>) -> Result<Vec<StoredTrunk>, StoreError> {
    let mut select = sql("SELECT * FROM phone_trunks WHERE TRUE");
    if let Some(after) = &page.after {
        select.push_bound(" AND id > ", after);
    }
    select.push_bound(" ORDER BY id LIMIT ", page.probe());
    tx.all(select).await
}

/// All of them; there are never many.
pub(super) async fn all(tx: &mut Tx) -> Result<Vec<StoredTrunk>, StoreError> {
    tx.all(sql("SELECT * FROM phone_trunks ORDER BY id")).await
}

/// Whether there is one with that id.
pub(in crate::phone) async fn is_there(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    let select = sql("SELECT id FROM phone_trunks WHERE id = $1").bind(id);
    Ok(tx.optional::<Single<String>>(select).await?.is_some())
}

struct Calling(Trunk);

impl FromRow for Calling {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let (id, trusts_caller_ids, dial_plan) =
            (row.get("id")?, row.get("trusts_caller_ids")?, row.json("dial_plan")?);
        Ok(Self(Trunk { id, trusts_caller_ids, dial_plan }))
    }
}

/// The one by which somebody calls, if it is on.
pub(in crate::phone) async fn calling(tx: &mut Tx, id: &str) -> Result<Option<Trunk>, StoreError> {
    let select = sql("SELECT id, trusts_caller_ids, dial_plan FROM phone_trunks WHERE id = $1 AND is_enabled");
    Ok(tx.optional::<Calling>(select.bind(id)).await?.map(|Calling(trunk)| trunk))
}
