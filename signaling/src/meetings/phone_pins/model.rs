// SPDX-License-Identifier: EUPL-1.2
//! A PIN, as it is stored and as the API shows it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::{FromRow, Row, StoreError};
use utoipa::ToSchema;

use crate::api::ids::{InviteeId, MeetingId, PhonePinId, RoomId};
use crate::meetings::words::words;

words! {
    /// Whose PIN it is.
    PinKind {
        /// The meeting's: whoever has it gets to the lobby.
        Room = "room",
        /// Of one invited person: says who calls.
        Personal = "personal",
        /// The host's: opens the meeting.
        Host = "host",
    }
}

impl PinKind {
    /// How many digits it has.
    pub(crate) const fn digits(self) -> usize {
        match self {
            Self::Room => 6,
            Self::Personal | Self::Host => 8,
        }
    }
}

/// What a PIN lets into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Meeting(MeetingId),
    /// A permanent room.
    Room(RoomId),
}

impl Place {
    /// The meeting's or the room's id.
    pub(crate) fn id(self) -> String {
        match self {
            Self::Meeting(id) => id.to_string(),
            Self::Room(id) => id.to_string(),
        }
    }

    pub(super) fn meeting_id(self) -> Option<MeetingId> {
        match self {
            Self::Meeting(id) => Some(id),
            Self::Room(_) => None,
        }
    }

    pub(super) fn room_id(self) -> Option<RoomId> {
        match self {
            Self::Meeting(_) => None,
            Self::Room(id) => Some(id),
        }
    }
}

/// A PIN, as it is stored: without its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PhonePin {
    pub(crate) id: PhonePinId,
    pub(crate) place: Place,
    pub(crate) kind: PinKind,
    pub(crate) invitee_id: Option<InviteeId>,
    pub(crate) generation: i64,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// Of the digits that it has now.
    pub(crate) created_at: DateTime<Utc>,
    /// Since when somebody may know these digits who has guessed them.
    pub(crate) exposed_at: Option<DateTime<Utc>>,
}

impl FromRow for PhonePin {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let (meeting, room): (Option<MeetingId>, Option<RoomId>) = (row.get("meeting_id")?, row.get("room_id")?);
        let place = meeting.map(Place::Meeting).or(room.map(Place::Room));
        Ok(Self {
            id: row.get("id")?,
            place: place.ok_or_else(|| StoreError::Senseless("a PIN of nothing".to_owned()))?,
            kind: row.get("kind")?,
            invitee_id: row.get("invitee_id")?,
            generation: row.get("generation")?,
            expires_at: row.get("expires_at")?,
            created_at: row.get("created_at")?,
            exposed_at: row.get("exposed_at")?,
        })
    }
}

/// A PIN for the telephone.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PhonePinView {
    /// Its id.
    pub(crate) id: PhonePinId,
    /// Whose it is.
    pub(crate) kind: PinKind,
    /// Its digits.
    #[schema(example = "48151623")]
    pub(crate) pin: String,
    /// The person, when it is personal.
    pub(crate) invitee_id: Option<InviteeId>,
    /// Until when it is valid; null is as long as the meeting.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// Since when it has these digits.
    pub(crate) created_at: DateTime<Utc>,
    /// Since when somebody may know it who guessed PINs by telephone: it leads to the lobby at most until it has other digits.
    pub(crate) exposed_at: Option<DateTime<Utc>>,
}

/// What a PIN is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhonePinInput {
    /// Whose it is.
    pub(crate) kind: PinKind,
    /// The person, when it is personal.
    pub(crate) invitee_id: Option<InviteeId>,
}
