// SPDX-License-Identifier: EUPL-1.2
//! PINs for the telephone: one of the meeting or permanent room, which everybody may know; one of the host, which opens
//! it; and one of each invited person, which says who calls. They are derived, so none is stored: the table says which one is valid, and how
//! to recognise it.

pub(crate) mod model;
pub(super) mod routes;
pub(crate) mod table;

use chrono::Utc;
use store::{StoreError, Tx};

use self::model::{PhonePin, PinKind, Place};
use crate::api::ids::{InviteeId, PhonePinId};
use crate::identity::keys::{Keys, Purpose};
use crate::identity::secret::hex;

/// Tries before something must be wrong. A thousand PINs of eight digits leave one in a hundred thousand taken.
const MAX_TRIES: i64 = 64;

/// The digits of a PIN.
pub(crate) fn digits(keys: &Keys, pin: &PhonePin) -> String {
    let (place, kind) = (pin.place.id(), pin.kind.as_str());
    let invitee = pin.invitee_id.map(|id| id.to_string()).unwrap_or_default();
    let generation = pin.generation.to_be_bytes();
    let parts: [&[u8]; 4] = [place.as_bytes(), kind.as_bytes(), invitee.as_bytes(), &generation];
    let derived = keys.derive(Purpose::PhonePin, &parts);
    let (head, _) = derived.split_at(8);
    let number = head.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let length = pin.kind.digits();
    format!("{:0length$}", number % 10_u64.pow(u32::try_from(length).unwrap_or(8)))
}

/// By what digits are recognised.
fn lookup(keys: &Keys, place: Place, digits: &str) -> String {
    hex(&keys.derive(Purpose::PhonePinLookup, &[place.id().as_bytes(), digits.as_bytes()]))
}

/// The one with these digits. They are compared in full, in the same time wherever they differ.
pub(crate) async fn by_digits(
    tx: &mut Tx,
    keys: &Keys,
    place: Place,
    digits: &str,
) -> Result<Option<PhonePin>, StoreError> {
    let found = table::by_lookup(tx, place, &lookup(keys, place, digits)).await?;
    let is_it = |pin: &PhonePin| {
        let own = self::digits(keys, pin);
        aws_lc_rs::constant_time::verify_slices_are_equal(own.as_bytes(), digits.as_bytes()).is_ok()
    };
    Ok(found.filter(is_it))
}

/// Makes the PINs that a meeting or a permanent room has from the beginning.
pub(crate) async fn create_first(tx: &mut Tx, keys: &Keys, place: Place) -> Result<(), StoreError> {
    for kind in [PinKind::Room, PinKind::Host] {
        create(tx, keys, place, kind, None).await?;
    }
    Ok(())
}

/// Makes a PIN that no other of the same place equals.
pub(crate) async fn create(
    tx: &mut Tx,
    keys: &Keys,
    place: Place,
    kind: PinKind,
    invitee: Option<InviteeId>,
) -> Result<PhonePin, StoreError> {
    let now = Utc::now();
    let pin = PhonePin {
        id: PhonePinId::new(),
        place,
        kind,
        invitee_id: invitee,
        // Somebody who is invited again must not get the PIN back that was withdrawn, whose row is gone.
        generation: now.timestamp_millis(),
        expires_at: None,
        created_at: now,
        exposed_at: None,
    };
    let pin = next_free(tx, keys, pin).await?;
    table::insert(tx, &pin, &lookup(keys, place, &digits(keys, &pin))).await?;
    Ok(pin)
}

/// Gives a PIN other digits, which nobody has guessed; the old ones are not valid any more.
pub(crate) async fn rotate(tx: &mut Tx, keys: &Keys, pin: PhonePin) -> Result<PhonePin, StoreError> {
    let pin = next_free(tx, keys, PhonePin { created_at: Utc::now(), exposed_at: None, ..pin }).await?;
    table::renew(tx, &pin, &lookup(keys, pin.place, &digits(keys, &pin))).await?;
    Ok(pin)
}

/// The PIN in the next generation whose digits are free.
async fn next_free(tx: &mut Tx, keys: &Keys, pin: PhonePin) -> Result<PhonePin, StoreError> {
    for step in 1..=MAX_TRIES {
        let next = PhonePin { generation: pin.generation + step, ..pin.clone() };
        let lookup = lookup(keys, pin.place, &digits(keys, &next));
        if table::by_lookup(tx, pin.place, &lookup).await?.is_none() {
            return Ok(next);
        }
    }
    Err(StoreError::Senseless("all PINs of a place are taken".to_owned()))
}
