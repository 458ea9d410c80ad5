// SPDX-License-Identifier: EUPL-1.2
//! A meeting, its occurrences and its invitees, as they are stored.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use store::{FromRow, Row, StoreError, Textual};
use utoipa::ToSchema;

use super::policies::rules::RuleChanges;
use super::recurrence::instant;
use super::words::words;
use crate::api::ids::{InviteeId, MeetingId, PolicyId, RoomId, TenantId, UserId};
use crate::api::language::Language;

words! {
    /// What kind of meeting it is.
    MeetingType {
        /// Once, at a time.
        Scheduled = "scheduled",
        /// Several times, by a rule.
        Recurring = "recurring",
        /// At no time in particular, soon.
        AdHoc = "ad_hoc",
        /// At no time in particular, again and again.
        Permanent = "permanent",
    }

    /// How far a meeting is, as somebody decided. Whether it is in progress follows from its sessions.
    MeetingStatus {
        /// Being prepared: nobody is told, and nobody can come.
        Draft = "draft",
        /// It happens.
        Scheduled = "scheduled",
        /// It does not happen.
        Cancelled = "cancelled",
    }

    /// Whether an occurrence takes place.
    OccurrenceStatus {
        /// It does.
        Scheduled = "scheduled",
        /// It does not.
        Cancelled = "cancelled",
    }

    /// What an invited person is in the meeting.
    InviteeRole {
        /// Moderates like the organizer.
        CoHost = "co_host",
        /// Presents.
        Presenter = "presenter",
        /// Takes part.
        Attendee = "attendee",
        /// Hears and sees only.
        Listener = "listener",
        /// Interprets, by voice or in sign language. Like an attendee so far, but shown as what they are.
        Interpreter = "interpreter",
        /// Writes what is said. Like an attendee so far, but shown as what they are.
        Captioner = "captioner",
    }

    /// Where an invited person belongs.
    InviteeType {
        /// To the organisation.
        Internal = "internal",
        /// Elsewhere.
        External = "external",
        /// At the telephone.
        Phone = "phone",
        /// A conference room with its own equipment.
        RoomSystem = "room_system",
    }

    /// What an invited person answered.
    ResponseStatus {
        /// Nothing yet.
        NeedsAction = "needs_action",
        /// They come.
        Accepted = "accepted",
        /// They do not.
        Declined = "declined",
        /// Perhaps.
        Tentative = "tentative",
    }

    /// How invitations go out.
    Delivery {
        /// We send mails.
        Mail = "mail",
        /// We make the calendar entry, somebody else sends it.
        IcsOnly = "ics_only",
        /// Not at all: a calendar program does it.
        None = "none",
    }
}

/// A time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeZone(pub(crate) Tz);

impl TimeZone {
    /// Reads its name, such as `Europe/Berlin`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// Whether its clocks showed the same time before: it is the second of two, and cannot be said by them.
    pub(crate) fn is_second(self, at: DateTime<Utc>) -> bool {
        instant(self.0, at.with_timezone(&self.0).naive_local()) != at
    }
}

impl Textual for TimeZone {
    fn to_text(&self) -> String {
        self.0.name().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// Which occurrence of a meeting: the start that the rule says, also where it was moved (RFC 5545 §3.8.4.4). In paths and
/// in JSON it has iCalendar's form, such as `20261026T090000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9]{8}T[0-9]{6}Z$", example = "20261026T090000Z")]
pub(crate) struct RecurrenceId(pub(crate) DateTime<Utc>);

impl RecurrenceId {
    const FORMAT: &'static str = "%Y%m%dT%H%M%SZ";

    /// Reads one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let time = NaiveDateTime::parse_from_str(text, Self::FORMAT).ok()?;
        Some(Self(time.and_utc())).filter(|id| id.to_string() == text)
    }
}

impl fmt::Display for RecurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format(Self::FORMAT).fmt(f)
    }
}

impl Serialize for RecurrenceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecurrenceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no recurrence id"))
    }
}

/// How many are expected. Without it, as many as are invited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedParticipants {
    /// With a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100_000)]
    pub(crate) browser: Option<u32>,
    /// Of these, how many with a camera. Without effect so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100_000)]
    pub(crate) video: Option<u32>,
    /// By telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100_000)]
    pub(crate) phone: Option<u32>,
    /// How they spread over the organisation's sites. Without effect so far: media is forwarded at one place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) by_site: BTreeMap<String, u32>,
}

/// A meeting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Meeting {
    pub(crate) id: MeetingId,
    pub(crate) tenant_id: TenantId,
    /// The permanent room that it takes place in, if not in one of its own.
    pub(crate) room_id: Option<RoomId>,
    /// In the link `/m/{code}`.
    pub(crate) code: String,
    /// For the keypad.
    pub(crate) conference_id: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) agenda: String,
    pub(crate) kind: MeetingType,
    pub(crate) status: MeetingStatus,
    /// Of the first occurrence. What is not at a time starts when it was made.
    pub(crate) starts_at: DateTime<Utc>,
    /// Of the first occurrence. What is not at a time never ends.
    pub(crate) ends_at: Option<DateTime<Utc>>,
    pub(crate) time_zone: TimeZone,
    /// RRULE's value (RFC 5545 §3.3.10).
    pub(crate) recurrence_rule: Option<String>,
    /// Starts that the rule says and that do not happen.
    pub(crate) excluded_dates: Vec<DateTime<Utc>>,
    /// Up to when the occurrences are written down; none when all of them are.
    pub(crate) expanded_until: Option<DateTime<Utc>>,
    /// When it is over, as it was when it was read: `expansion` writes that down.
    pub(crate) over_at: DateTime<Utc>,
    pub(crate) organizer_id: Option<UserId>,
    pub(crate) organizer_email: String,
    pub(crate) organizer_name: String,
    pub(crate) policy_id: Option<PolicyId>,
    pub(crate) policy_overrides: RuleChanges,
    pub(crate) expected_participants: ExpectedParticipants,
    pub(crate) ical_uid: String,
    /// iCalendar's SEQUENCE: grows when time, place or recurrence change.
    pub(crate) sequence: i64,
    pub(crate) invitation_delivery: Delivery,
    pub(crate) invitation_language: Language,
    /// A personal line in the invitation.
    pub(crate) invitation_message: String,
    pub(crate) external_id: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) revision: i64,
    /// The audit log's id of who made it.
    pub(crate) created_by: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl FromRow for Meeting {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let language: String = row.get("invitation_language")?;
        let excluded_dates: Vec<i64> = row.json("excluded_dates")?;
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            room_id: row.get("room_id")?,
            code: row.get("code")?,
            conference_id: row.get("conference_id")?,
            title: row.get("title")?,
            description: row.get("description")?,
            agenda: row.get("agenda")?,
            kind: row.get("type")?,
            status: row.get("status")?,
            starts_at: row.get("starts_at")?,
            ends_at: row.get("ends_at")?,
            time_zone: row.get("time_zone")?,
            recurrence_rule: row.get("recurrence_rule")?,
            excluded_dates: excluded_dates.into_iter().filter_map(DateTime::from_timestamp_millis).collect(),
            expanded_until: row.get("expanded_until")?,
            over_at: row.get("over_at")?,
            organizer_id: row.get("organizer_id")?,
            organizer_email: row.get("organizer_email")?,
            organizer_name: row.get("organizer_name")?,
            policy_id: row.get("policy_id")?,
            policy_overrides: row.json("policy_overrides")?,
            expected_participants: row.json("expected_participants")?,
            ical_uid: row.get("ical_uid")?,
            sequence: row.get("sequence")?,
            invitation_delivery: row.get("invitation_delivery")?,
            invitation_language: Language::from_tag(&language).unwrap_or_default(),
            invitation_message: row.get("invitation_message")?,
            external_id: row.get("external_id")?,
            tags: row.json("tags")?,
            revision: row.get("revision")?,
            created_by: row.get("created_by")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// One time that a meeting happens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Occurrence {
    pub(crate) meeting_id: MeetingId,
    pub(crate) recurrence_id: RecurrenceId,
    pub(crate) tenant_id: TenantId,
    pub(crate) starts_at: DateTime<Utc>,
    pub(crate) ends_at: DateTime<Utc>,
    pub(crate) status: OccurrenceStatus,
    /// Whether it differs from what the rule says.
    pub(crate) is_exception: bool,
    /// Its own title.
    pub(crate) title: Option<String>,
    pub(crate) policy_overrides: RuleChanges,
    /// The meeting's SEQUENCE when it was changed last.
    pub(crate) sequence: i64,
}

impl FromRow for Occurrence {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            meeting_id: row.get("meeting_id")?,
            recurrence_id: RecurrenceId(row.get("recurrence_id")?),
            tenant_id: row.get("tenant_id")?,
            starts_at: row.get("starts_at")?,
            ends_at: row.get("ends_at")?,
            status: row.get("status")?,
            is_exception: row.get("is_exception")?,
            title: row.get("title")?,
            policy_overrides: row.json("policy_overrides")?,
            sequence: row.get("sequence")?,
        })
    }
}

/// Somebody who is invited.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Invitee {
    pub(crate) id: InviteeId,
    pub(crate) meeting_id: MeetingId,
    pub(crate) tenant_id: TenantId,
    /// In lower case.
    pub(crate) email: Option<String>,
    pub(crate) user_id: Option<UserId>,
    pub(crate) phone_e164: Option<String>,
    pub(crate) name: String,
    pub(crate) role: InviteeRole,
    pub(crate) kind: InviteeType,
    pub(crate) response_status: ResponseStatus,
    /// The SEQUENCE that they answered.
    pub(crate) response_sequence: i64,
    pub(crate) lobby_bypass: bool,
    /// Grows when their personal link is to change.
    pub(crate) link_generation: i64,
    /// In which language they are written to when no account of theirs says one; the meeting's without it.
    pub(crate) language: Option<Language>,
    /// What their calendar's SEQUENCE is ahead of the meeting's: it grows when they are removed, and when they are back.
    pub(crate) own_sequence: i64,
    /// When their invitation was withdrawn.
    pub(crate) revoked_at: Option<DateTime<Utc>>,
    /// The SEQUENCE of the invitation that they got last; -1 before the first.
    pub(crate) last_notified_sequence: i64,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Invitee {
    /// What they answer to the meeting as it is now. What they said to an older state is no answer to this one.
    pub(crate) fn response(&self, meeting: &Meeting) -> ResponseStatus {
        if self.response_sequence >= meeting.sequence { self.response_status } else { ResponseStatus::NeedsAction }
    }

    /// iCalendar's SEQUENCE in what their calendar gets.
    pub(crate) const fn sequence(&self, meeting: &Meeting) -> i64 {
        meeting.sequence + self.own_sequence
    }
}

impl FromRow for Invitee {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            meeting_id: row.get("meeting_id")?,
            tenant_id: row.get("tenant_id")?,
            email: row.get("email")?,
            user_id: row.get("user_id")?,
            phone_e164: row.get("phone_e164")?,
            name: row.get("name")?,
            role: row.get("role")?,
            kind: row.get("type")?,
            response_status: row.get("response_status")?,
            response_sequence: row.get("response_sequence")?,
            lobby_bypass: row.get("lobby_bypass")?,
            link_generation: row.get("link_generation")?,
            language: row.get("language")?,
            own_sequence: row.get("own_sequence")?,
            revoked_at: row.get("revoked_at")?,
            last_notified_sequence: row.get("last_notified_sequence")?,
            revision: row.get("revision")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_in_json_and_in_the_database() {
        fn check<T: Textual + Serialize + Copy>(all: &[T]) {
            for word in all {
                assert_eq!(serde_json::json!(word), serde_json::json!(word.to_text()));
                assert!(T::from_text(&word.to_text()).is_some());
            }
        }
        check(MeetingType::ALL);
        check(MeetingStatus::ALL);
        check(OccurrenceStatus::ALL);
        check(InviteeRole::ALL);
        check(InviteeType::ALL);
        check(ResponseStatus::ALL);
        check(Delivery::ALL);
    }

    #[test]
    fn only_the_second_of_two_equal_times_is_one() {
        let check = |at: &str, expected: bool| {
            let at: DateTime<Utc> = at.parse().expect("a time");
            assert_eq!(TimeZone(chrono_tz::Tz::Europe__Berlin).is_second(at), expected, "{at}");
        };
        check("2026-10-25T00:30:00Z", false);
        check("2026-10-25T01:00:00Z", true);
        check("2026-10-25T01:30:00Z", true);
        check("2026-10-25T02:00:00Z", false);
        check("2026-03-29T01:00:00Z", false);
    }

    #[test]
    fn an_occurrence_has_one_name() {
        let id = RecurrenceId::parse("20261026T090000Z").expect("one");
        assert_eq!(id.0.to_rfc3339(), "2026-10-26T09:00:00+00:00");
        assert_eq!(id.to_string(), "20261026T090000Z");
        for other in ["", "20261026T090000", "2026-10-26T09:00:00Z", "20261026T090000Z ", "20261326T090000Z"] {
            assert_eq!(RecurrenceId::parse(other), None, "{other}");
        }
    }
}
