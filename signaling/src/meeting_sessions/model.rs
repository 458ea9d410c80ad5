// SPDX-License-Identifier: EUPL-1.2
//! A run of a meeting, as it is stored and as the API shows it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::{FromRow, Row, StoreError};
use utoipa::ToSchema;

use crate::api::ids::{BanId, InviteeId, MeetingId, MeetingSessionId, RoomId, TenantId, UserId};
use crate::meetings::words::words;

/// How names of live rooms begin that belong to a run of a meeting. Nobody else makes such rooms.
const ROOM_PREFIX: &str = "meeting-";

words! {
    /// What somebody is in a meeting.
    MeetingRole {
        /// Moderates: the organizer and co-hosts.
        Host = "host",
        /// Presents.
        Presenter = "presenter",
        /// Takes part.
        Attendee = "attendee",
        /// Hears and sees only.
        Listener = "listener",
        /// Interprets.
        Interpreter = "interpreter",
        /// Writes what is said.
        Captioner = "captioner",
        /// Takes part, and nobody knows who it is.
        Guest = "guest",
    }

    /// Why a run ended.
    EndReason {
        /// Everybody had gone.
        Idle = "idle",
        /// Somebody ended it.
        Moderator = "moderator",
        /// Its time was over.
        TimeLimit = "time_limit",
        /// The server went away, and nobody came back.
        Lost = "lost",
    }
}

impl MeetingRole {
    /// The same without the rights of a host, for whoever is none elsewhere or has not shown that they are one.
    pub(crate) const fn without_hosting(self) -> Self {
        match self {
            Self::Host => Self::Attendee,
            role => role,
        }
    }
}

/// One run of a meeting or of a permanent room, as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
    pub(crate) id: MeetingSessionId,
    pub(crate) tenant_id: TenantId,
    pub(crate) meeting_id: Option<MeetingId>,
    pub(crate) room_id: Option<RoomId>,
    pub(crate) recurrence_id: Option<DateTime<Utc>>,
    pub(crate) is_locked: bool,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) ends_at: Option<DateTime<Utc>>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) end_reason: Option<EndReason>,
    pub(crate) peak_participants: i64,
    pub(crate) total_participants: i64,
    pub(crate) guest_participants: i64,
    /// The process that keeps its live room.
    pub(crate) holder: String,
    /// How long it does without saying so again.
    pub(crate) held_until: DateTime<Utc>,
}

impl Session {
    /// Whether another process than `process` keeps its live room.
    pub(crate) fn is_held_by_another(&self, process: &str, now: DateTime<Utc>) -> bool {
        self.holder != process && self.held_until > now
    }

    /// The name of its live room.
    pub(crate) fn room_name(&self) -> String {
        room_name(self.id)
    }

    /// The meeting's or the room's id.
    pub(crate) fn venue_id(&self) -> String {
        let meeting = self.meeting_id.map(|id| id.to_string());
        meeting.or_else(|| self.room_id.map(|id| id.to_string())).unwrap_or_default()
    }
}

/// The name of a run's live room.
pub(crate) fn room_name(id: MeetingSessionId) -> String {
    format!("{ROOM_PREFIX}{id}")
}

/// The run that a live room of that name belongs to.
pub(crate) fn session_of_room(name: &str) -> Option<MeetingSessionId> {
    name.strip_prefix(ROOM_PREFIX).and_then(MeetingSessionId::parse)
}

impl FromRow for Session {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            meeting_id: row.get("meeting_id")?,
            room_id: row.get("room_id")?,
            recurrence_id: row.get("recurrence_id")?,
            is_locked: row.get("is_locked")?,
            started_at: row.get("started_at")?,
            ends_at: row.get("ends_at")?,
            ended_at: row.get("ended_at")?,
            end_reason: row.get("end_reason")?,
            peak_participants: row.get("peak_participants")?,
            total_participants: row.get("total_participants")?,
            guest_participants: row.get("guest_participants")?,
            holder: row.get("holder")?,
            held_until: row.get("held_until")?,
        })
    }
}

/// Who somebody is, beyond a name: any of it is enough to know them again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) user_id: Option<UserId>,
    pub(crate) invitee_id: Option<InviteeId>,
    /// Of a guest: an HMAC of what the browser keeps.
    pub(crate) browser: Option<String>,
    /// Of a caller: an HMAC of the number, or something of the call alone where there is none.
    pub(crate) caller: Option<String>,
}

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SessionPerson {
    pub(crate) identity: String,
    pub(crate) marks: Marks,
    pub(crate) name: String,
    pub(crate) role: MeetingRole,
    pub(crate) admitted_at: DateTime<Utc>,
    pub(crate) removed_at: Option<DateTime<Utc>>,
    /// The run from which they were sent to this one.
    pub(crate) moved_from: Option<MeetingSessionId>,
}

impl Marks {
    pub(crate) fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: row.get("user_id")?,
            invitee_id: row.get("invitee_id")?,
            browser: row.get("browser")?,
            caller: row.get("caller")?,
        })
    }
}

impl FromRow for SessionPerson {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            identity: row.get("identity")?,
            marks: Marks::from_row(row)?,
            name: row.get("name")?,
            role: row.get("role")?,
            admitted_at: row.get("admitted_at")?,
            removed_at: row.get("removed_at")?,
            moved_from: row.get("moved_from")?,
        })
    }
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionStatus {
    /// It does.
    Running,
    /// It is over.
    Ended,
}

/// One run of a meeting or of a permanent room.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct MeetingSession {
    /// Its id.
    pub(crate) id: MeetingSessionId,
    /// The tenant.
    pub(crate) tenant_id: TenantId,
    /// The meeting, if it is one's.
    pub(crate) meeting_id: Option<MeetingId>,
    /// The permanent room, if it is one's.
    pub(crate) room_id: Option<RoomId>,
    /// Whether it goes on.
    pub(crate) status: SessionStatus,
    /// Nobody else gets in.
    pub(crate) is_locked: bool,
    /// Since when.
    pub(crate) started_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub(crate) ends_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// Why it ended.
    pub(crate) end_reason: Option<EndReason>,
    /// How many are in it now.
    pub(crate) current_participants: u32,
    /// Most at once.
    pub(crate) peak_participants: i64,
    /// How many different people were let in.
    pub(crate) total_participants: i64,
    /// How many of them as guests.
    pub(crate) guest_participants: i64,
}

/// One run with who is in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct MeetingSessionDetails {
    /// What a list shows.
    #[serde(flatten)]
    pub(crate) session: MeetingSession,
    /// What it is about.
    pub(crate) title: String,
    /// Who is in it, the first who came first.
    pub(crate) participants: Vec<SessionParticipant>,
    /// The identities of those whose hands are up, the first one first.
    pub(crate) hands: Vec<String>,
    /// How many wait in the lobby.
    pub(crate) waiting: i64,
    /// Who may not come any more.
    pub(crate) bans: Vec<MeetingBan>,
}

/// Somebody in a meeting.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct SessionParticipant {
    /// What the moderating functions call them.
    pub(crate) identity: String,
    /// What the others read.
    pub(crate) name: String,
    /// What kind of participant it is.
    pub(crate) kind: PersonKind,
    /// What they are in the meeting.
    pub(crate) role: MeetingRole,
    /// Since when.
    pub(crate) joined_at: DateTime<Utc>,
    /// Whether sound and pictures are connected.
    pub(crate) is_connected: bool,
    /// Since when their hand is up.
    pub(crate) hand_raised_at: Option<DateTime<Utc>>,
    /// Whether they may open the microphone.
    pub(crate) may_unmute: bool,
    /// What somebody at the telephone has said to the recording that goes on. Null for everybody else, as long as they have said
    /// nothing, and where nothing is recorded.
    pub(crate) recording_consent: Option<RecordingConsent>,
    /// What they send.
    pub(crate) tracks: Vec<SessionTrack>,
}

words! {
    /// What kind of participant somebody is.
    PersonKind {
        /// Somebody with an account.
        User = "user",
        /// Somebody with a personal link and no account.
        Invitee = "invitee",
        /// Somebody whom nobody knows.
        Guest = "guest",
        /// Somebody at the telephone.
        Phone = "phone",
        /// A recorder.
        Recorder = "recorder",
        /// A program.
        Bot = "bot",
    }

    /// What somebody at the telephone has said to being recorded.
    RecordingConsent {
        /// They agree.
        Given = "given",
        /// They agreed, and do not any more.
        Withdrawn = "withdrawn",
    }

    /// Where sound or a picture comes from.
    MediaSource {
        /// A microphone.
        Microphone = "microphone",
        /// A camera.
        Camera = "camera",
        /// A screen.
        ScreenShare = "screen_share",
    }
}

/// Something that somebody sends.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct SessionTrack {
    /// Where it comes from.
    pub(crate) source: MediaSource,
    /// Nobody receives it.
    pub(crate) is_muted: bool,
}

/// Somebody who may not come any more.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct MeetingBan {
    /// Its id.
    pub(crate) id: BanId,
    /// What they were called.
    pub(crate) name: String,
    /// Since when.
    pub(crate) created_at: DateTime<Utc>,
}

impl FromRow for MeetingBan {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: row.get("id")?, name: row.get("name")?, created_at: row.get("created_at")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_tells_whose_it_is() {
        let id = MeetingSessionId::new();
        assert_eq!(session_of_room(&room_name(id)), Some(id));
        for other in ["", "meeting-", "meeting-x", "demo", &id.to_string()] {
            assert_eq!(session_of_room(other), None, "{other}");
        }
    }
}
