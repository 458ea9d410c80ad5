// SPDX-License-Identifier: EUPL-1.2
//! Whose PIN it is. PINs are looked up by a hash under the installation's secret and then compared in full, in the same time
//! wherever they differ.

use chrono::{DateTime, Utc};
use store::{StoreError, Tx};

use super::Who;
use super::attempts::{Key, PinLength, Target};
use super::id_and_pin::{Found, Shown};
use crate::api::ids::MeetingId;
use crate::identity::keys::{Keys, Purpose};
use crate::joining::person;
use crate::meetings::phone_pins::model::{PhonePin, PinKind, Place};
use crate::meetings::{invitees, phone_pins};

/// Whoever knows no more than what everybody may know.
pub(super) const STRANGER: Shown = Shown { who: Who::Room, has_account: false, lobby_bypass: false };

/// Whose PINs are as long as these digits. None: nobody's.
pub(super) const fn length(digits: &str) -> Option<PinLength> {
    const ROOM: usize = PinKind::Room.digits();
    const PERSON: usize = PinKind::Personal.digits();
    const { assert!(PERSON == PinKind::Host.digits()) };
    match digits.len() {
        ROOM => Some(PinLength::Place),
        PERSON => Some(PinLength::Person),
        _ => None,
    }
}

/// By what tries of a place's PINs are counted.
pub(super) fn key(keys: &Keys, place: Place) -> Key {
    keys.derive(Purpose::PhoneCaller, &[b"place", place.id().as_bytes()])
}

/// What these digits could hit there. None: they are as long as nobody's PIN.
pub(super) async fn target(tx: &mut Tx, keys: &Keys, at: Place, digits: &str) -> Result<Option<Target>, StoreError> {
    let Some(length) = length(digits) else { return Ok(None) };
    let kinds: &[PinKind] = match length {
        PinLength::Place => &[PinKind::Room],
        PinLength::Person => &[PinKind::Personal, PinKind::Host],
    };
    let pins = phone_pins::table::count(tx, at, kinds).await?;
    let place = key(keys, at);
    let pins = u32::try_from(pins).ok().filter(|pins| *pins > 0);
    Ok(pins.map(|pins| Target { place, length, pins }))
}

/// A PIN that is valid where it was typed.
pub(super) struct Recognised {
    pub(super) shown: Shown,
    /// As it is stored.
    pub(super) pin: PhonePin,
}

/// Whose it is, if it is valid there. Where no meeting was found, it is looked up all the same and is nobody's.
pub(super) async fn recognise(
    tx: &mut Tx,
    keys: &Keys,
    found: Option<&Found>,
    digits: &str,
    now: DateTime<Utc>,
) -> Result<Option<Recognised>, StoreError> {
    let place = found.map_or_else(|| Place::Meeting(MeetingId::new()), Found::place);
    let pin = phone_pins::by_digits(tx, keys, place, digits).await?;
    let Some(pin) = pin.filter(|pin| pin.expires_at.is_none_or(|end| end > now)) else { return Ok(None) };
    let shown = match (pin.kind, place, pin.invitee_id) {
        (PinKind::Room, ..) => STRANGER,
        (PinKind::Host, ..) => Shown { who: Who::Host, ..STRANGER },
        (PinKind::Personal, Place::Meeting(meeting), Some(id)) => {
            let invitee = invitees::table::find(tx, meeting, id).await?;
            let Some(invitee) = invitee.filter(|invitee| invitee.revoked_at.is_none()) else { return Ok(None) };
            // A PIN goes with the account of whoever has it.
            if let Some(user) = invitee.user_id
                && !person::has_account(tx, user).await?
            {
                return Ok(None);
            }
            let has_account = invitee.user_id.is_some();
            Shown { who: Who::Invitee(id), has_account, lobby_bypass: invitee.lobby_bypass }
        }
        (PinKind::Personal, ..) => return Ok(None),
    };
    Ok(Some(Recognised { shown, pin }))
}
