// SPDX-License-Identifier: EUPL-1.2
//! Permanent rooms in the database.

use store::{StoreError, Tx, sql};

use super::model::Room;
use crate::api::ids::{RoomId, TenantId, UserId};
use crate::api::paging::Page;

/// The one with that id, if it is the tenant's.
pub(crate) async fn find(tx: &mut Tx, tenant: Option<TenantId>, id: RoomId) -> Result<Option<Room>, StoreError> {
    let mut select = sql("SELECT * FROM rooms WHERE id = $1").bind(id);
    if let Some(tenant) = tenant {
        select.push_bound(" AND tenant_id = ", tenant);
    }
    tx.optional(select).await
}

/// The one with that code in its link.
pub(crate) async fn by_code(tx: &mut Tx, code: &str) -> Result<Option<Room>, StoreError> {
    tx.optional(sql("SELECT * FROM rooms WHERE code = $1").bind(code)).await
}

/// The one with that number for the keypad.
pub(crate) async fn by_conference_id(tx: &mut Tx, number: &str) -> Result<Option<Room>, StoreError> {
    tx.optional(sql("SELECT * FROM rooms WHERE conference_id = $1").bind(number)).await
}

/// What lists are sorted by.
pub(super) type Key = (String, RoomId);

/// A page of a tenant's by short name, or of one owner's.
pub(super) async fn page(
    tx: &mut Tx,
    tenant: TenantId,
    owner: Option<UserId>,
    page: &Page<Key>,
) -> Result<Vec<Room>, StoreError> {
    let mut select = sql("SELECT * FROM rooms WHERE tenant_id = $1").bind(tenant);
    if let Some(owner) = owner {
        select.push_bound(" AND owner_id = ", owner);
    }
    if let Some((slug, id)) = &page.after {
        select.push_bound(" AND (slug, id) > (", slug).push_bound(", ", *id).push(")");
    }
    select.push_bound(" ORDER BY slug, id LIMIT ", page.probe());
    tx.all(select).await
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, room: &Room) -> Result<(), StoreError> {
    tx.execute(
        sql("INSERT INTO rooms (id, tenant_id, name, slug, owner_id, policy_id, code, conference_id, revision,
                 created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(room.id)
        .bind(room.tenant_id)
        .bind(&room.name)
        .bind(&room.slug)
        .bind(room.owner_id)
        .bind(room.policy_id)
        .bind(&room.code)
        .bind(&room.conference_id)
        .bind(room.revision)
        .bind(room.created_at)
        .bind(room.updated_at),
    )
    .await?;
    Ok(())
}

/// Stores all of it that can change, if it still is of the revision before.
pub(super) async fn update(tx: &mut Tx, room: &Room) -> Result<bool, StoreError> {
    let update =
        sql("UPDATE rooms SET name = $1, slug = $2, owner_id = $3, policy_id = $4, revision = $5, updated_at = $6,
             code = $7
         WHERE id = $8 AND revision = $5 - 1");
    let update = update.bind(&room.name).bind(&room.slug).bind(room.owner_id).bind(room.policy_id);
    let update = update.bind(room.revision).bind(room.updated_at).bind(&room.code).bind(room.id);
    Ok(tx.execute(update).await? == 1)
}

/// Removes it, if it still is of that revision. Meetings that were to take place in it take place in rooms of their own.
pub(super) async fn delete(tx: &mut Tx, room: &Room) -> Result<bool, StoreError> {
    let delete = sql("DELETE FROM rooms WHERE id = $1 AND revision = $2");
    Ok(tx.execute(delete.bind(room.id).bind(room.revision)).await? == 1)
}
