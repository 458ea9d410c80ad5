// SPDX-License-Identifier: EUPL-1.2
//! Where a link leads: to a meeting, or to a permanent room.

use chrono::{DateTime, Utc};
use store::{StoreError, Tx};

use crate::api::ids::{MeetingId, RoomId, TenantId, UserId};
use crate::meeting_sessions::model::Session;
use crate::meetings::model::{InviteeRole, Meeting, MeetingStatus, MeetingType, Occurrence, RecurrenceId};
use crate::meetings::permanent_rooms::model::Room;
use crate::meetings::policies::rules::Rules;
use crate::meetings::{self, invited, occurrences, permanent_rooms, policies};

/// Where a link leads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Venue {
    Meeting(Box<Meeting>),
    Room(Box<Room>),
}

/// What holds at a venue now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Terms {
    pub(crate) rules: Rules,
    pub(crate) timing: Timing,
    /// The occurrence that it is about.
    pub(crate) occurrence: Option<DateTime<Utc>>,
}

/// When a venue is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    /// At any time.
    Anytime,
    /// From then on.
    From(DateTime<Utc>),
    /// Not any more, or not at all.
    Over,
}

impl Venue {
    /// Where a code leads.
    pub(crate) async fn by_code(tx: &mut Tx, code: &str) -> Result<Option<Self>, StoreError> {
        if let Some(meeting) = meetings::table::by_code(tx, code).await? {
            return Ok(Some(Self::Meeting(Box::new(meeting))));
        }
        Ok(permanent_rooms::table::by_code(tx, code).await?.map(|room| Self::Room(Box::new(room))))
    }

    /// The one with these ids, one of which is given.
    pub(crate) async fn find(
        tx: &mut Tx,
        meeting: Option<MeetingId>,
        room: Option<RoomId>,
    ) -> Result<Option<Self>, StoreError> {
        if let Some(id) = meeting {
            let meeting = meetings::table::find(tx, None, id).await?;
            return Ok(meeting.map(|meeting| Self::Meeting(Box::new(meeting))));
        }
        let Some(id) = room else { return Ok(None) };
        Ok(permanent_rooms::table::find(tx, None, id).await?.map(|room| Self::Room(Box::new(room))))
    }

    /// Where a session takes place.
    pub(crate) async fn of_session(tx: &mut Tx, session: &Session) -> Result<Option<Self>, StoreError> {
        Self::find(tx, session.meeting_id, session.room_id).await
    }

    /// The meeting's or the room's id.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Meeting(meeting) => meeting.id.to_string(),
            Self::Room(room) => room.id.to_string(),
        }
    }

    pub(crate) fn meeting_id(&self) -> Option<MeetingId> {
        match self {
            Self::Meeting(meeting) => Some(meeting.id),
            Self::Room(_) => None,
        }
    }

    pub(crate) fn room_id(&self) -> Option<RoomId> {
        match self {
            Self::Meeting(_) => None,
            Self::Room(room) => Some(room.id),
        }
    }

    pub(crate) fn tenant_id(&self) -> TenantId {
        match self {
            Self::Meeting(meeting) => meeting.tenant_id,
            Self::Room(room) => room.tenant_id,
        }
    }

    /// What callers key in.
    pub(crate) fn conference_id(&self) -> &str {
        match self {
            Self::Meeting(meeting) => &meeting.conference_id,
            Self::Room(room) => &room.conference_id,
        }
    }

    pub(crate) fn title(&self) -> &str {
        match self {
            Self::Meeting(meeting) => &meeting.title,
            Self::Room(room) => &room.name,
        }
    }

    /// Whether nobody knows of it yet.
    pub(crate) fn is_draft(&self) -> bool {
        matches!(self, Self::Meeting(meeting) if meeting.status == MeetingStatus::Draft)
    }

    /// Whether that person moderates there: the organizer and co-hosts, or the room's owner.
    pub(crate) async fn is_moderated_by(&self, tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
        Ok(match self {
            Self::Room(room) => room.owner_id == user,
            Self::Meeting(meeting) if meeting.organizer_id == Some(user) => true,
            Self::Meeting(meeting) => invited::role(tx, meeting.id, user).await? == Some(InviteeRole::CoHost),
        })
    }

    /// What holds there at `now`. In a run it is what holds for the occurrence whose time it was when it began, however long
    /// it takes: the next one's rules are not for those who are still in this one.
    pub(crate) async fn terms(
        &self,
        tx: &mut Tx,
        now: DateTime<Utc>,
        running: Option<&Session>,
    ) -> Result<Terms, StoreError> {
        match self {
            Self::Room(room) => {
                let rules = policies::effective_in_room(tx, room).await?;
                Ok(Terms { rules, timing: Timing::Anytime, occurrence: None })
            }
            Self::Meeting(meeting) => {
                let is_timed = matches!(meeting.kind, MeetingType::Scheduled | MeetingType::Recurring);
                let own = running.and_then(|session| session.recurrence_id).map(RecurrenceId);
                let occurrence = match own {
                    Some(id) if is_timed => occurrences::table::find(tx, meeting.id, id).await?,
                    _ => None,
                };
                let occurrence = match occurrence {
                    None if is_timed => occurrences::table::at_or_after(tx, meeting.id, now).await?,
                    occurrence => occurrence,
                };
                let rules = policies::effective(tx, meeting, occurrence.as_ref()).await?;
                let timing = timing(meeting, is_timed, occurrence.as_ref(), now);
                Ok(Terms { rules, timing, occurrence: occurrence.map(|occurrence| occurrence.recurrence_id.0) })
            }
        }
    }
}

fn timing(meeting: &Meeting, is_timed: bool, occurrence: Option<&Occurrence>, now: DateTime<Utc>) -> Timing {
    match (meeting.status, occurrence) {
        (MeetingStatus::Draft | MeetingStatus::Cancelled, _) => Timing::Over,
        (MeetingStatus::Scheduled, _) if !is_timed => Timing::Anytime,
        (MeetingStatus::Scheduled, Some(occurrence)) => Timing::From(occurrence.starts_at),
        // Where occurrences are not written down, the meeting itself says when it is.
        (MeetingStatus::Scheduled, None) if meeting.ends_at.is_none_or(|end| end > now) => {
            Timing::From(meeting.starts_at)
        }
        (MeetingStatus::Scheduled, None) => Timing::Over,
    }
}
