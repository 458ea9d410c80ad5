// SPDX-License-Identifier: EUPL-1.2
//! Where an id leads, whether that is open, and what its policy says of callers.

use chrono::{DateTime, Duration, Utc};
use store::{StoreError, Tx};

use super::attempts::Paid;
use super::{Serves, shared_budgets};
use crate::joining::venue::{Terms, Timing, Venue};
use crate::meeting_sessions;
use crate::meetings::model::MeetingStatus;
use crate::meetings::phone_pins::model::Place;
use crate::meetings::policies::rules::{EndToEndEncryption, Guests, Lobby, Rules};
use crate::meetings::{codes, permanent_rooms, table};

/// How long before an occurrence its meeting answers the telephone. Not always: each meeting that does is one more to hit.
const OPENS_BEFORE: Duration = Duration::days(1);

/// How long after it. Whoever is late hears that it is over, not that there is no such meeting.
const CLOSES_AFTER: Duration = Duration::hours(1);

/// What was found by an id.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) venue: Venue,
    pub(super) rules: Rules,
}

impl Found {
    pub(super) fn place(&self) -> Place {
        match &self.venue {
            Venue::Meeting(meeting) => Place::Meeting(meeting.id),
            Venue::Room(room) => Place::Room(room.id),
        }
    }

    /// Whether the id alone is enough, as the link alone is for a browser.
    pub(super) fn may_skip_pin(&self) -> bool {
        is_id_enough(&self.rules)
    }
}

/// Whether whoever calls without a PIN may come, as whoever has the link may by a browser.
fn is_id_enough(rules: &Rules) -> bool {
    rules.guests == Guests::Link
}

/// Whether digits can be an id at all.
pub(super) fn is_id(digits: &str) -> bool {
    codes::CONFERENCE_ID_DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Why calls to a place are not answered now. Only those hear it who have called its own number: to all others, what is cancelled,
/// being prepared, over or far off is like what does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// There is none, or none that is to be known.
    Nowhere,
    /// It is over.
    Over,
    /// It is so much later that nobody waits for it.
    NotYet,
    /// It does not take place.
    Cancelled,
    /// It is encrypted from end to end, which no telephone can be.
    Encrypted,
}

/// The meeting or the permanent room with that id, if it answers the telephone now.
pub(super) async fn find(
    tx: &mut Tx,
    serves: &Serves,
    digits: &str,
    now: DateTime<Utc>,
) -> Result<Result<Found, Closed>, StoreError> {
    let meeting = table::by_conference_id(tx, digits).await?;
    // Asked for in any case: both take the same time.
    let room = permanent_rooms::table::by_conference_id(tx, digits).await?;
    let venue = meeting.map(|meeting| Venue::Meeting(Box::new(meeting)));
    let venue = venue.or(room.map(|room| Venue::Room(Box::new(room))));
    let Some(venue) = venue.filter(|venue| serves.includes(venue.tenant_id())) else { return Ok(Err(Closed::Nowhere)) };
    let running = meeting_sessions::table::running(tx, &venue.id()).await?;
    let terms = venue.terms(tx, now, running.as_ref()).await?;
    Ok(match closed(tx, &venue, &terms, running.is_some(), now).await? {
        Some(closed) => Err(closed),
        None => Ok(Found { venue, rules: terms.rules }),
    })
}

/// Why calls to it are not answered now. `None`: they are.
async fn closed(
    tx: &mut Tx,
    venue: &Venue,
    terms: &Terms,
    is_running: bool,
    now: DateTime<Utc>,
) -> Result<Option<Closed>, StoreError> {
    if let Venue::Meeting(meeting) = venue {
        match meeting.status {
            MeetingStatus::Scheduled => {}
            MeetingStatus::Cancelled => return Ok(Some(Closed::Cancelled)),
            MeetingStatus::Draft => return Ok(Some(Closed::Nowhere)),
        }
    }
    if terms.rules.e2ee == EndToEndEncryption::Required {
        return Ok(Some(Closed::Encrypted));
    }
    let is_soon = |timing| match timing {
        Timing::Anytime => true,
        Timing::From(starts_at) => starts_at <= now + OPENS_BEFORE,
        Timing::Over => false,
    };
    if is_running || is_soon(terms.timing) || is_soon(venue.terms(tx, now - CLOSES_AFTER, None).await?.timing) {
        return Ok(None);
    }
    Ok(Some(if terms.timing == Timing::Over { Closed::Over } else { Closed::NotYet }))
}

/// Whether somebody who has the link and no PIN could come by telephone now. No caller can show the account or the way of
/// signing in that some policies want.
pub(crate) async fn takes_strangers(
    tx: &mut Tx,
    venue: &Venue,
    terms: &Terms,
    is_running: bool,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let may_come = is_id_enough(&terms.rules) && terms.rules.required_acr.is_none();
    let is_over = terms.timing == Timing::Over && !is_running;
    if !may_come || is_over || closed(tx, venue, terms, is_running, now).await?.is_some() {
        return Ok(false);
    }
    // While codes are being guessed, an id alone lets no stranger in.
    let used = shared_budgets::used_up(tx, Paid::Strangers, now).await?;
    Ok(Paid::Strangers.limit().leaves_some(used))
}

/// Who calls, as far as their PIN says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) who: super::Who,
    /// They have an account.
    pub(crate) has_account: bool,
    /// Their invitation says that they need not wait.
    pub(crate) lobby_bypass: bool,
}

/// Whether they wait to be let in, once a host is there. (Whether one must be, the policy says for everybody.)
pub(crate) fn waits(rules: &Rules, shown: &Shown) -> bool {
    let is_person = matches!(shown.who, super::Who::Invitee(_));
    let is_for_them = match rules.lobby {
        Lobby::Off => false,
        Lobby::Guests => !shown.has_account,
        Lobby::GuestsAndPhone | Lobby::Everyone => true,
    };
    let may_pass = shown.lobby_bypass || (is_person && rules.phone_lobby_bypass);
    shown.who != super::Who::Host && is_for_them && !may_pass
}

#[cfg(test)]
mod tests {
    use super::super::Who;
    use super::*;
    use crate::api::ids::InviteeId;

    #[test]
    fn an_id_has_its_digits_and_nothing_else() {
        for id in ["4815162342", "481516234"] {
            assert!(is_id(id), "{id}");
        }
        for other in ["", "48151623", "48151623420", "481516234a", "٤٨١٥١٦٢٣٤٢", "٤٨١٥١"] {
            assert!(!is_id(other), "{other}");
        }
    }

    #[test]
    fn the_policy_says_who_waits() {
        let stranger = Shown { who: Who::Room, has_account: false, lobby_bypass: false };
        let host = Shown { who: Who::Host, ..stranger };
        let guest = Shown { who: Who::Invitee(InviteeId::new()), ..stranger };
        let colleague = Shown { has_account: true, ..guest };
        let favoured = Shown { lobby_bypass: true, ..guest };
        let check = |lobby, phone_lobby_bypass, expected: [bool; 5]| {
            let rules = Rules { lobby, phone_lobby_bypass, ..Rules::default() };
            let found = [&stranger, &host, &guest, &colleague, &favoured].map(|shown| waits(&rules, shown));
            assert_eq!(found, expected, "{lobby:?} {phone_lobby_bypass}");
        };
        check(Lobby::Off, false, [false; 5]);
        check(Lobby::Guests, false, [true, false, true, false, false]);
        check(Lobby::GuestsAndPhone, false, [true, false, true, true, false]);
        check(Lobby::Everyone, false, [true, false, true, true, false]);
        check(Lobby::GuestsAndPhone, true, [true, false, false, false, false]);
        check(Lobby::Everyone, true, [true, false, false, false, false]);
    }
}
