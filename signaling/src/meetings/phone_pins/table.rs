// SPDX-License-Identifier: EUPL-1.2
//! PINs in the database.

use chrono::{DateTime, Utc};
use store::{Single, StoreError, Tx, sql};

use super::model::{PhonePin, PinKind, Place};
use crate::api::ids::{InviteeId, MeetingId, PhonePinId};

/// Most PINs of one meeting: as many as people whom it invites, and two.
const MAX_PINS: i64 = 1002;

const COLUMNS: &str = "SELECT id, meeting_id, room_id, kind, invitee_id, generation, expires_at, created_at, exposed_at
     FROM phone_pins";

fn select() -> store::Statement {
    store::sql(COLUMNS)
}

/// All of a meeting or a permanent room.
pub(crate) async fn of_place(tx: &mut Tx, place: Place) -> Result<Vec<PhonePin>, StoreError> {
    let mut select = select();
    select.push_bound(" WHERE place_id = ", place.id()).push_bound(" ORDER BY created_at, id LIMIT ", MAX_PINS);
    tx.all(select).await
}

/// The PINs that everybody may know, of several meetings and permanent rooms.
pub(crate) async fn for_everybody(tx: &mut Tx, places: &[Place]) -> Result<Vec<PhonePin>, StoreError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = select();
    select.push(" WHERE kind = 'room'").push_list(" AND place_id IN ", places.iter().map(|place| place.id()));
    tx.all(select).await
}

/// The one with that id.
pub(super) async fn find(tx: &mut Tx, id: PhonePinId) -> Result<Option<PhonePin>, StoreError> {
    let mut select = select();
    select.push_bound(" WHERE id = ", id);
    tx.optional(select).await
}

/// The personal one of somebody.
pub(crate) async fn of_invitee(
    tx: &mut Tx,
    meeting: MeetingId,
    invitee: InviteeId,
) -> Result<Option<PhonePin>, StoreError> {
    let mut select = select();
    select.push_bound(" WHERE invitee_id = ", invitee).push_bound(" AND kind = 'personal' AND meeting_id = ", meeting);
    tx.optional(select).await
}

/// The personal ones of several people, whatever they are invited to.
pub(crate) async fn of_invitees(tx: &mut Tx, invitees: &[InviteeId]) -> Result<Vec<PhonePin>, StoreError> {
    if invitees.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = select();
    select.push(" WHERE kind = 'personal'").push_list(" AND invitee_id IN ", invitees.iter().copied());
    tx.all(select).await
}

/// How many there are of these kinds.
pub(crate) async fn count(tx: &mut Tx, place: Place, kinds: &[PinKind]) -> Result<i64, StoreError> {
    let mut select = sql("SELECT COUNT(*) AS number FROM phone_pins");
    select.push_bound(" WHERE place_id = ", place.id()).push_list(" AND kind IN ", kinds.iter().copied());
    tx.one::<Single<i64>>(select).await.map(|Single(number)| number)
}

/// The one that is recognised so.
pub(super) async fn by_lookup(tx: &mut Tx, place: Place, lookup: &str) -> Result<Option<PhonePin>, StoreError> {
    let mut select = select();
    select.push_bound(" WHERE place_id = ", place.id()).push_bound(" AND lookup = ", lookup);
    tx.optional(select).await
}

/// Stores a new one.
pub(super) async fn insert(tx: &mut Tx, pin: &PhonePin, lookup: &str) -> Result<(), StoreError> {
    let insert = sql(
        "INSERT INTO phone_pins (id, meeting_id, room_id, place_id, kind, invitee_id, generation, lookup, expires_at,
             created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    );
    let place = pin.place;
    let insert = insert.bind(pin.id).bind(place.meeting_id()).bind(place.room_id()).bind(place.id()).bind(pin.kind);
    let insert = insert.bind(pin.invitee_id).bind(pin.generation);
    tx.execute(insert.bind(lookup).bind(pin.expires_at).bind(pin.created_at)).await?;
    Ok(())
}

/// Stores its new generation.
pub(super) async fn renew(tx: &mut Tx, pin: &PhonePin, lookup: &str) -> Result<(), StoreError> {
    let update =
        sql("UPDATE phone_pins SET generation = $1, lookup = $2, created_at = $3, exposed_at = $4 WHERE id = $5");
    let update = update.bind(pin.generation).bind(lookup).bind(pin.created_at).bind(pin.exposed_at);
    tx.execute(update.bind(pin.id)).await?;
    Ok(())
}

/// Notes that somebody may have guessed it. Returns whether that is new. It is not where it was noted before, or where the PIN
/// has other digits by now.
pub(crate) async fn expose(tx: &mut Tx, pin: &PhonePin, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let update = sql("UPDATE phone_pins SET exposed_at = $1 WHERE id = $2 AND generation = $3 AND exposed_at IS NULL");
    Ok(tx.execute(update.bind(now).bind(pin.id).bind(pin.generation)).await? > 0)
}

/// Removes somebody's.
pub(crate) async fn delete_of_invitee(tx: &mut Tx, invitee: InviteeId) -> Result<(), StoreError> {
    tx.execute(sql("DELETE FROM phone_pins WHERE invitee_id = $1").bind(invitee)).await?;
    Ok(())
}
