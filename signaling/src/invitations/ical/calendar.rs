// SPDX-License-Identifier: EUPL-1.2
//! An invitation, or many of them, as a calendar (RFC 5545, 5546, 7986).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::line::{Line, Lines};
use super::time_zone;
use crate::invitations::invitation::{
    AttendeeKind, AttendeeRole, Exception, Invitation, Method, Person, Recurrence, Schedule,
};
use crate::invitations::{mail, words};
use crate::meetings::model::{ResponseStatus, TimeZone};

/// Who wrote it.
const PRODUCT: &str = "-//Saal//Saal//EN";

/// An invitation as it is attached to a mail, or fetched.
pub(in crate::invitations) fn write(invitation: &Invitation) -> String {
    calendar(invitation.method, None, std::slice::from_ref(invitation))
}

/// Several meetings as a calendar that somebody subscribes to.
pub(in crate::invitations) fn write_feed(name: &str, invitations: &[Invitation]) -> String {
    calendar(Method::Publish, Some(name), invitations)
}

fn calendar(method: Method, feed: Option<&str>, invitations: &[Invitation]) -> String {
    let mut lines = Lines::default();
    lines.component("VCALENDAR", |lines| {
        lines.push(Line::new("VERSION").value("2.0"));
        lines.push(Line::new("PRODID").text(PRODUCT));
        lines.push(Line::new("CALSCALE").value("GREGORIAN"));
        lines.push(Line::new("METHOD").value(method.as_str()));
        if let Some(name) = feed {
            lines.push(Line::new("NAME").text(name));
            // What calendars of before RFC 7986 read.
            lines.push(Line::new("X-WR-CALNAME").text(name));
            lines.push(Line::new("REFRESH-INTERVAL").with("VALUE", "DURATION").value("PT1H"));
            lines.push(Line::new("X-PUBLISHED-TTL").value("PT1H"));
        }
        write_zones(lines, invitations);
        for invitation in invitations {
            write_events(lines, invitation);
        }
    });
    lines.finish()
}

/// Each zone once, with the changes that all meetings in it need.
fn write_zones(lines: &mut Lines, invitations: &[Invitation]) {
    let mut zones: Vec<(Tz, DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for schedule in invitations.iter().filter_map(|invitation| invitation.schedule.as_ref()) {
        let (zone, (first, last)) = (schedule.time_zone, span(schedule));
        match zones.iter_mut().find(|(known, ..)| *known == zone) {
            Some((_, begin, end)) => (*begin, *end) = ((*begin).min(first), (*end).max(last)),
            None => zones.push((zone, first, last)),
        }
    }
    for (zone, first, last) in zones {
        time_zone::write(lines, zone, first, last);
    }
}

/// The first start and the last one, as far as they are known.
fn span(schedule: &Schedule) -> (DateTime<Utc>, DateTime<Utc>) {
    let start = schedule.starts_at;
    let Some(recurrence) = &schedule.recurrence else { return (start, start) };
    let moved = recurrence.exceptions.iter().map(|exception| exception.starts_at);
    let regular = (start, recurrence.last_known.max(start));
    moved.fold(regular, |(first, last), at| (first.min(at), last.max(at)))
}

fn write_events(lines: &mut Lines, invitation: &Invitation) {
    // What takes place at any time is nothing for a calendar.
    let Some(schedule) = &invitation.schedule else { return };
    let zone = schedule.time_zone;
    // What is cancelled as a whole needs no word on its parts.
    let is_whole = invitation.method == Method::Cancel;
    lines.component("VEVENT", |lines| {
        write_head(lines, invitation, invitation.sequence);
        write_times(lines, zone, schedule.starts_at, schedule.ends_at);
        if let Some(recurrence) = &schedule.recurrence {
            write_recurrence(lines, zone, recurrence, is_whole);
        }
        write_content(lines, invitation, &invitation.title);
    });
    let exceptions = schedule.recurrence.iter().flat_map(|recurrence| &recurrence.exceptions);
    for exception in exceptions.filter(|_| !is_whole) {
        write_exception(lines, invitation, zone, exception);
    }
}

/// A time that differs is an event of its own, which says all again.
fn write_exception(lines: &mut Lines, invitation: &Invitation, zone: Tz, exception: &Exception) {
    lines.component("VEVENT", |lines| {
        write_head(lines, invitation, exception.sequence.max(invitation.sequence));
        lines.push(local("RECURRENCE-ID", zone, exception.recurrence_id));
        write_times(lines, zone, exception.starts_at, exception.ends_at);
        write_content(lines, invitation, exception.title.as_ref().unwrap_or(&invitation.title));
    });
}

/// By the clock of the meeting's zone, as far as that can say it: of a time that it shows twice, calendars take the first.
/// No series begins at the second.
fn write_times(lines: &mut Lines, zone: Tz, starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) {
    if TimeZone(zone).is_second(starts_at) {
        lines.push(Line::new("DTSTART").value(&utc(starts_at)));
        lines.push(Line::new("DTEND").value(&utc(ends_at)));
        return;
    }
    lines.push(local("DTSTART", zone, starts_at));
    if TimeZone(zone).is_second(ends_at) {
        lines.push(Line::new("DURATION").value(&format!("PT{}S", (ends_at - starts_at).num_seconds())));
    } else {
        lines.push(local("DTEND", zone, ends_at));
    }
}

fn write_head(lines: &mut Lines, invitation: &Invitation, sequence: i64) {
    lines.push(Line::new("UID").text(&invitation.uid));
    lines.push(Line::new("SEQUENCE").value(&sequence.to_string()));
    lines.push(Line::new("DTSTAMP").value(&utc(invitation.written_at)));
}

/// Without the excluded ones when none of it is left: servers refuse to cancel a series that has no time.
fn write_recurrence(lines: &mut Lines, zone: Tz, recurrence: &Recurrence, is_whole: bool) {
    lines.push(Line::new("RRULE").value(&recurrence.rule));
    for excluded in recurrence.excluded.iter().filter(|_| !is_whole) {
        lines.push(local("EXDATE", zone, *excluded));
    }
}

fn write_content(lines: &mut Lines, invitation: &Invitation, title: &str) {
    let is_cancelled = invitation.method == Method::Cancel;
    lines.push(Line::new("SUMMARY").text(title));
    write_people(lines, invitation);
    lines.push(Line::new("STATUS").value(if is_cancelled { "CANCELLED" } else { "CONFIRMED" }));
    lines.push(Line::new("TRANSP").value(if is_cancelled { "TRANSPARENT" } else { "OPAQUE" }));
    lines.push(Line::new("CLASS").value("PRIVATE"));
    if is_cancelled {
        return;
    }
    lines.push(Line::new("DESCRIPTION").text(&words::calendar_text(invitation)));
    // Old versions of Outlook show this and nothing of RFC 7986.
    lines.push(Line::new("LOCATION").text(&invitation.join_url));
    lines.push(Line::new("URL").value(&invitation.join_url));
    let label = words::join_label(invitation.language);
    lines.push(
        Line::new("CONFERENCE")
            .with("VALUE", "URI")
            .list("FEATURE", &["AUDIO", "VIDEO"])
            .with("LABEL", label)
            .value(&invitation.join_url),
    );
    if let Some(dial_in) = &invitation.dial_in {
        for number in &dial_in.numbers {
            lines.push(
                Line::new("CONFERENCE")
                    .with("VALUE", "URI")
                    .list("FEATURE", &["PHONE"])
                    .with("LABEL", &number.label)
                    .value(&dial_in.one_tap(number)),
            );
        }
    }
}

fn write_people(lines: &mut Lines, invitation: &Invitation) {
    let organizer = &invitation.organizer;
    // Calendars send their answers to this address and to no other.
    let address = invitation.reply_address.as_ref().unwrap_or(&organizer.email);
    let mut line = named(Line::new("ORGANIZER"), organizer);
    if let Some(sent_by) = invitation.sent_by.as_ref().filter(|sent_by| *sent_by != address) {
        line = line.with("SENT-BY", &mailto(sent_by));
    }
    lines.push(line.value(&mailto(address)));
    if invitation.method == Method::Publish {
        // RFC 5546 §3.2.1: what is only shown has no guests.
        return;
    }
    let recipient = &invitation.recipient;
    if recipient.person.email.is_empty() || recipient.person.email == organizer.email {
        return;
    }
    let line = named(Line::new("ATTENDEE"), &recipient.person).with("ROLE", role(recipient.role));
    let line = line.with("CUTYPE", kind(recipient.kind)).with("PARTSTAT", response(recipient.response));
    let wants_answer = invitation.method == Method::Request;
    let line = line.with("RSVP", if wants_answer { "TRUE" } else { "FALSE" });
    lines.push(line.value(&mailto(&recipient.person.email)));
}

fn named(line: Line, person: &Person) -> Line {
    line.with("CN", person.shown())
}

/// The address as a URI (RFC 6068): international domains as the DNS has them, and what else a URI cannot hold
/// percent-encoded.
fn mailto(address: &str) -> String {
    use std::fmt::Write as _;
    let mut uri = String::from("mailto:");
    let ascii = mail::address::address(address).map_or_else(|| address.to_owned(), |address| address.to_string());
    for byte in ascii.bytes() {
        if byte.is_ascii_alphanumeric() || b"@.!$'*+-/=_~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

const fn role(role: AttendeeRole) -> &'static str {
    match role {
        AttendeeRole::Chair => "CHAIR",
        AttendeeRole::Required => "REQ-PARTICIPANT",
        AttendeeRole::NonParticipant => "NON-PARTICIPANT",
    }
}

const fn kind(kind: AttendeeKind) -> &'static str {
    match kind {
        AttendeeKind::Individual => "INDIVIDUAL",
        AttendeeKind::Room => "ROOM",
    }
}

const fn response(response: ResponseStatus) -> &'static str {
    match response {
        ResponseStatus::NeedsAction => "NEEDS-ACTION",
        ResponseStatus::Accepted => "ACCEPTED",
        ResponseStatus::Declined => "DECLINED",
        ResponseStatus::Tentative => "TENTATIVE",
    }
}

/// A time by the clock of the meeting's zone.
fn local(name: &'static str, zone: Tz, at: DateTime<Utc>) -> Line {
    let time = at.with_timezone(&zone).format("%Y%m%dT%H%M%S").to_string();
    Line::new(name).with("TZID", zone.name()).value(&time)
}

fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests;
