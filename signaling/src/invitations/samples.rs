// SPDX-License-Identifier: EUPL-1.2
//! Invitations for tests.

use chrono::{DateTime, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::invitation::{
    AttendeeKind, AttendeeRole, Change, DialIn, DialInNumber, Exception, Invitation, Method, News, Person, Recipient,
    Recurrence, Schedule, ToldTime,
};
use crate::api::language::Language;
use crate::meetings::model::ResponseStatus;

/// A time in Berlin, in UTC.
pub(super) fn berlin(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    let local = Tz::Europe__Berlin.with_ymd_and_hms(year, month, day, hour, minute, 0);
    local.earliest().expect("a time that exists").to_utc()
}

/// A single meeting, to which somebody is invited.
pub(super) fn single() -> Invitation {
    Invitation {
        method: Method::Request,
        uid: "0198f2c4-7d1e-7c3a-9b1f-4f0d2f6f9a01@conf.example.org".to_owned(),
        sequence: 0,
        written_at: berlin(2026, 10, 1, 8, 15),
        language: Language::De,
        title: "Jour fixe Straßenbau; Öffnung, Teil 2".to_owned(), // spelling: no English
        description: "Stand der Dinge\r\nund nächste Schritte".to_owned(), // spelling: no English
        agenda: "1. Begrüßung\n2. Haushalt \\ Mittel".to_owned(),  // spelling: no English
        message: "Bitte bringen Sie die Pläne mit.".to_owned(),    // spelling: no English
        organizer: Person { name: "Dr. Jörg \"Jo\" Müller, MdL".to_owned(), email: "joerg@example.org".to_owned() },
        reply_address: None,
        sent_by: Some("einladung@conf.example.org".to_owned()),
        recipient: Recipient {
            person: Person { name: "Žofie Nováková".to_owned(), email: "zofie@bauhof-süd.example".to_owned() },
            role: AttendeeRole::Required,
            kind: AttendeeKind::Individual,
            response: ResponseStatus::NeedsAction,
        },
        schedule: Some(Schedule {
            time_zone: Tz::Europe__Berlin,
            starts_at: berlin(2026, 10, 20, 10, 0),
            ends_at: berlin(2026, 10, 20, 11, 30),
            recurrence: None,
        }),
        told: None,
        join_url: "https://conf.example.org/m/4cS9kQ2LrTvX7bNzPq8wYd#i=0hJ1mZ-_8aK".to_owned(),
        dial_in: Some(DialIn {
            numbers: vec![DialInNumber { e164: "+4936112345678".to_owned(), label: "Erfurt".to_owned() }],
            conference_id: "491234567".to_owned(),
            pin: Some("73914420".to_owned()),
        }),
        answer_url: Some("https://conf.example.org/r/abcdefghij".to_owned()),
        privacy_url: Some("https://www.example.org/datenschutz".to_owned()), // spelling: no English
        news: News::Invited,
    }
}

/// The same, an hour earlier than they were told.
pub(super) fn moved() -> Invitation {
    let mut invitation = Invitation { sequence: 1, news: News::Changed(vec![Change::Time]), ..single() };
    let schedule = invitation.schedule.as_mut().expect("a time");
    let (starts_at, ends_at) = (schedule.starts_at, schedule.ends_at);
    invitation.told = Some(ToldTime { time_zone: schedule.time_zone, starts_at, ends_at });
    schedule.starts_at -= chrono::Duration::hours(1);
    schedule.ends_at -= chrono::Duration::hours(1);
    invitation
}

/// A weekly one over the end of summer time, with a moved and a cancelled time.
pub(super) fn weekly() -> Invitation {
    let mut invitation = single();
    invitation.sequence = 3;
    invitation.news = News::Changed(vec![
        Change::OccurrenceMoved {
            from: berlin(2026, 11, 3, 10, 0),
            to: berlin(2026, 11, 4, 14, 0),
            ends_at: berlin(2026, 11, 4, 15, 30),
        },
        Change::OccurrenceCancelled { at: berlin(2026, 11, 10, 10, 0) },
    ]);
    let schedule = invitation.schedule.as_mut().expect("a time");
    schedule.recurrence = Some(Recurrence {
        rule: "FREQ=WEEKLY;BYDAY=TU;COUNT=30".to_owned(),
        excluded: vec![berlin(2026, 11, 10, 10, 0)],
        last_known: berlin(2027, 5, 11, 10, 0),
        exceptions: vec![Exception {
            recurrence_id: berlin(2026, 11, 3, 10, 0),
            starts_at: berlin(2026, 11, 4, 14, 0),
            ends_at: berlin(2026, 11, 4, 15, 30),
            title: Some("Jour fixe im Rathaus".to_owned()), // spelling: no English
            sequence: 3,
        }],
    });
    invitation
}

/// Compares with a kept file. `SAAL_KEEP_GOLDEN=1` writes it anew, to be read by somebody before it is committed.
pub(super) fn golden(folder: &str, name: &str, content: &str) {
    let path = format!("{}/src/invitations/{folder}/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("SAAL_KEEP_GOLDEN").is_some() {
        std::fs::write(&path, content).expect("a file to write");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{path} is missing"));
    assert_eq!(content, kept, "{name} has changed: set SAAL_KEEP_GOLDEN=1, and read the difference");
}
