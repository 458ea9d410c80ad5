// SPDX-License-Identifier: EUPL-1.2
//! What one person is told about a meeting.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::api::language::Language;
use crate::meetings::model::ResponseStatus;
use crate::meetings::one_tap::one_tap;

/// All that a mail and an .ics say to one person. Everything in it may be shown to that person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Invitation {
    /// What it does to the meeting in their calendar.
    pub(crate) method: Method,
    /// iCalendar's UID, the same for as long as the meeting lives.
    pub(crate) uid: String,
    /// iCalendar's SEQUENCE.
    pub(crate) sequence: i64,
    /// When this was written (DTSTAMP).
    pub(crate) written_at: DateTime<Utc>,
    /// In which language.
    pub(crate) language: Language,
    /// What the meeting is called.
    pub(crate) title: String,
    /// What it is about; may be empty.
    pub(crate) description: String,
    /// May be empty.
    pub(crate) agenda: String,
    /// A personal line of the organiser; may be empty.
    pub(crate) message: String,
    /// Who invites.
    pub(crate) organizer: Person,
    /// Where answers of calendars go, when Saal reads them there. Otherwise they go to the organiser.
    pub(crate) reply_address: Option<String>,
    /// The address that sends for the organiser.
    pub(crate) sent_by: Option<String>,
    /// Who is told.
    pub(crate) recipient: Recipient,
    /// When it takes place. None is at any time.
    pub(crate) schedule: Option<Schedule>,
    /// When it took place as far as they know.
    pub(crate) told: Option<ToldTime>,
    /// Where to join. Their own link, when they have one.
    pub(crate) join_url: String,
    /// How to join by telephone, if it can be.
    pub(crate) dial_in: Option<DialIn>,
    /// The page on which they answer.
    pub(crate) answer_url: Option<String>,
    /// Where it is said how personal data is dealt with.
    pub(crate) privacy_url: Option<String>,
    /// What is different from what they were told before.
    pub(crate) news: News,
}

/// What is new to somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// All of it.
    Invited,
    /// This.
    Changed(Vec<Change>),
    /// It does not take place.
    Cancelled,
    /// They are not invited any more.
    Removed,
}

impl News {
    /// Whether nothing of it is left to those who are told.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Removed)
    }
}

/// Something that has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Change {
    /// When it takes place.
    Time,
    /// How it repeats.
    Recurrence,
    /// What it is called.
    Title,
    /// What it is about, or the agenda.
    Description,
    /// The link, the numbers or the PIN.
    Access,
    /// Who invites.
    Organizer,
    /// One time of a series takes place at another time.
    OccurrenceMoved {
        /// The start that the rule says.
        from: DateTime<Utc>,
        /// When it starts instead.
        to: DateTime<Utc>,
        /// When it ends.
        ends_at: DateTime<Utc>,
    },
    /// One time of a series does not take place.
    OccurrenceCancelled {
        /// The start that the rule says.
        at: DateTime<Utc>,
    },
    /// One time of a series is different otherwise.
    OccurrenceChanged {
        /// The start that the rule says.
        at: DateTime<Utc>,
    },
}

/// What an invitation does to the meeting in somebody's calendar (RFC 5546 §1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Puts it in, or brings it up to date, and asks for an answer.
    Request,
    /// Takes it out.
    Cancel,
    /// Shows it without a question: feeds, and files that somebody fetches.
    Publish,
}

impl Method {
    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Cancel => "CANCEL",
            Self::Publish => "PUBLISH",
        }
    }
}

/// A name with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// May be empty.
    pub(crate) name: String,
    /// In lower case.
    pub(crate) email: String,
}

impl Person {
    /// The name, or the address where there is none.
    pub(crate) fn shown(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// Who it is.
    pub(crate) person: Person,
    /// What they are in the meeting, in iCalendar's words.
    pub(crate) role: AttendeeRole,
    /// What they are.
    pub(crate) kind: AttendeeKind,
    /// What they have answered.
    pub(crate) response: ResponseStatus,
}

/// ROLE (RFC 5545 §3.2.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttendeeRole {
    /// Leads it.
    Chair,
    /// Takes part.
    Required,
    /// Is told, and not expected to speak.
    NonParticipant,
}

/// CUTYPE (RFC 5545 §3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttendeeKind {
    /// A person.
    Individual,
    /// A room with a conference system.
    Room,
}

/// When a meeting takes place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schedule {
    /// The zone whose clock it follows.
    pub(crate) time_zone: Tz,
    /// The first time.
    pub(crate) starts_at: DateTime<Utc>,
    /// The end of the first time.
    pub(crate) ends_at: DateTime<Utc>,
    /// How it repeats.
    pub(crate) recurrence: Option<Recurrence>,
}

/// A time as somebody was told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToldTime {
    /// The zone by whose clock it was said.
    pub(crate) time_zone: Tz,
    /// When it starts.
    pub(crate) starts_at: DateTime<Utc>,
    /// When it ends.
    pub(crate) ends_at: DateTime<Utc>,
}

/// How a meeting repeats.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recurrence {
    /// RRULE's value.
    pub(crate) rule: String,
    /// Starts that do not happen, cancelled ones included.
    pub(crate) excluded: Vec<DateTime<Utc>>,
    /// Up to when its times are known, for the rules of the time zone.
    pub(crate) last_known: DateTime<Utc>,
    /// Times that differ from what the rule says.
    pub(crate) exceptions: Vec<Exception>,
}

/// One time of a series that differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exception {
    /// The start that the rule says.
    pub(crate) recurrence_id: DateTime<Utc>,
    /// When it starts instead.
    pub(crate) starts_at: DateTime<Utc>,
    /// When it ends.
    pub(crate) ends_at: DateTime<Utc>,
    /// What it is called, if not like the others.
    pub(crate) title: Option<String>,
    /// iCalendar's SEQUENCE for it.
    pub(crate) sequence: i64,
}

/// How to join by telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DialIn {
    /// At least one.
    pub(crate) numbers: Vec<DialInNumber>,
    /// The meeting's number on the keypad.
    pub(crate) conference_id: String,
    /// Their own PIN, or the meeting's.
    pub(crate) pin: Option<String>,
}

/// A telephone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DialInNumber {
    /// With + and the country's prefix.
    pub(crate) e164: String,
    /// Where it is, such as a town.
    pub(crate) label: String,
}

impl DialIn {
    /// A link that dials all of it.
    pub(crate) fn one_tap(&self, number: &DialInNumber) -> String {
        one_tap(&number.e164, &self.conference_id, self.pin.as_deref())
    }
}
