// SPDX-License-Identifier: EUPL-1.2
//! VTIMEZONE (RFC 5545 §3.6.5): when the clocks of a zone are changed, worked out from the time zone database for the
//! years that matter.
//!
//! Changes that follow a yearly rule are written as one, since Outlook understands little else; those that do not are
//! written one by one.

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, NaiveDateTime, Offset as _, TimeZone as _, Utc, Weekday};
use chrono_tz::{OffsetName as _, Tz, TzOffset};

use super::line::{Line, Lines};

/// How far before the first start it begins, so that every time has a change before it.
const BEFORE: Duration = Duration::days(550);

/// How far it goes beyond the last start that is known: a series that is prolonged stays right meanwhile.
const BEYOND: Duration = Duration::days(4 * 366);

/// The longest span that is looked at; a rule holds longer than that anyway.
const MAX_SPAN: Duration = Duration::days(12 * 366);

/// No zone changes its clock twice in that time.
const STEP: Duration = Duration::days(7);

/// The clock is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    /// When, by the clock as it was before.
    local: NaiveDateTime,
    /// Seconds east of Greenwich, before and after.
    from_s: i32,
    to_s: i32,
    name: Option<String>,
}

/// The day of a yearly change: the weekday, and its number in the month; -1 is the last one.
type YearlyDay = (Weekday, i32);

/// Writes the zone with its changes around the meeting.
pub(super) fn write(lines: &mut Lines, zone: Tz, first: DateTime<Utc>, last: DateTime<Utc>) {
    let begin = first - BEFORE;
    let end = (last + BEYOND).min(begin + MAX_SPAN);
    let changes = changes(zone, begin, end);
    lines.component("VTIMEZONE", |lines| {
        lines.push(Line::new("TZID").text(zone.name()));
        if changes.is_empty() {
            let offset = zone.offset_from_utc_datetime(&begin.naive_utc());
            let seconds = offset.fix().local_minus_utc();
            let local = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap_or_default().and_time(chrono::NaiveTime::MIN);
            let only = Change { local, from_s: seconds, to_s: seconds, name: abbreviation(offset) };
            write_change(lines, &only, None);
        }
        for group in groups(changes) {
            match yearly_day(&group) {
                Some(day) => write_change(lines, &group[0], Some(day)),
                None => group.iter().for_each(|change| write_change(lines, change, None)),
            }
        }
    });
}

fn write_change(lines: &mut Lines, change: &Change, yearly: Option<YearlyDay>) {
    // Some zones call winter the exception; Outlook wants it the other way round.
    let kind = if change.to_s > change.from_s { "DAYLIGHT" } else { "STANDARD" };
    lines.component(kind, |lines| {
        lines.push(Line::new("DTSTART").value(&change.local.format("%Y%m%dT%H%M%S").to_string()));
        if let Some((weekday, number)) = yearly {
            let day = weekday.to_string()[..2].to_uppercase();
            let month = change.local.month();
            lines.push(Line::new("RRULE").value(&format!("FREQ=YEARLY;BYMONTH={month};BYDAY={number}{day}")));
        }
        lines.push(Line::new("TZOFFSETFROM").value(&offset(change.from_s)));
        lines.push(Line::new("TZOFFSETTO").value(&offset(change.to_s)));
        if let Some(name) = &change.name {
            lines.push(Line::new("TZNAME").text(name));
        }
    });
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes, rest) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    if rest == 0 { format!("{sign}{hours:02}{minutes:02}") } else { format!("{sign}{hours:02}{minutes:02}{rest:02}") }
}

fn abbreviation(offset: TzOffset) -> Option<String> {
    offset.abbreviation().map(str::to_owned)
}

/// All changes in that span.
fn changes(zone: Tz, begin: DateTime<Utc>, end: DateTime<Utc>) -> Vec<Change> {
    let offset_at = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc());
    let seconds_at = |at| offset_at(at).fix().local_minus_utc();
    let mut found = Vec::new();
    let mut at = begin;
    while at < end {
        let next = at + STEP;
        let (from_s, to_s) = (seconds_at(at), seconds_at(next));
        if from_s != to_s {
            let (mut before, mut after) = (at, next);
            while after - before > Duration::seconds(1) {
                let middle = before + (after - before) / 2;
                if seconds_at(middle) == from_s { before = middle } else { after = middle }
            }
            // The half of an odd number of seconds has a fraction.
            let after = DateTime::from_timestamp(after.timestamp(), 0).unwrap_or(after);
            let local = after.naive_utc() + Duration::seconds(from_s.into());
            found.push(Change { local, from_s, to_s, name: abbreviation(offset_at(next)) });
        }
        at = next;
    }
    found
}

/// Changes of the same kind: between the same offsets, in the same month, at the same time of day.
fn groups(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let kind =
        |change: &Change| (change.from_s, change.to_s, change.local.month(), change.local.time(), change.name.clone());
    let mut groups: Vec<Vec<Change>> = Vec::new();
    for change in changes {
        match groups.iter_mut().find(|group| kind(&group[0]) == kind(&change)) {
            Some(group) => group.push(change),
            None => groups.push(vec![change]),
        }
    }
    groups
}

/// The day on which changes happen year after year, if there is one.
fn yearly_day(group: &[Change]) -> Option<YearlyDay> {
    let years_follow = group.windows(2).all(|pair| pair[1].local.year() == pair[0].local.year() + 1);
    if group.len() < 3 || !years_follow {
        return None;
    }
    let weekday = group[0].local.weekday();
    let is_last = |change: &Change| (change.local.date() + Duration::days(7)).month() != change.local.month();
    let number = |change: &Change| i32::try_from(change.local.day0() / 7 + 1).unwrap_or(1);
    let first = number(&group[0]);
    if group.iter().any(|change| change.local.weekday() != weekday) {
        None
    } else if group.iter().all(is_last) {
        Some((weekday, -1))
    } else {
        group.iter().all(|change| number(change) == first).then_some((weekday, first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(zone: Tz, year: i32) -> String {
        let first = Utc.with_ymd_and_hms(year, 9, 1, 8, 0, 0).single().expect("a time");
        let mut lines = Lines::default();
        write(&mut lines, zone, first, first + Duration::days(400));
        lines.finish().replace("\r\n", "\n")
    }

    #[test]
    fn summer_time_is_a_yearly_rule() {
        let expected = "BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:20250330T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20251026T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
END:STANDARD
END:VTIMEZONE
";
        assert_eq!(written(Tz::Europe__Berlin, 2026), expected);
        let american = written(Tz::America__New_York, 2026);
        assert!(american.contains("BYMONTH=3;BYDAY=2SU") && american.contains("BYMONTH=11;BYDAY=1SU"), "{american}");
    }

    #[test]
    fn a_zone_without_changes_has_one_offset() {
        let expected = "BEGIN:VTIMEZONE
TZID:Asia/Tokyo
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0900
TZOFFSETTO:+0900
TZNAME:JST
END:STANDARD
END:VTIMEZONE
";
        assert_eq!(written(Tz::Asia__Tokyo, 2026), expected);
    }

    #[test]
    fn changes_without_a_rule_are_written_one_by_one() {
        // Morocco's clocks follow the moon.
        let written = written(Tz::Africa__Casablanca, 2026);
        assert!(!written.contains("RRULE"), "{written}");
        assert!(written.matches("BEGIN:DAYLIGHT").count() >= 5, "{written}");
    }

    #[test]
    fn every_change_is_found_to_the_second() {
        for zone in [Tz::Europe__Dublin, Tz::Australia__Lord_Howe, Tz::America__St_Johns, Tz::Pacific__Chatham] {
            let begin = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).single().expect("a time");
            let changes = changes(zone, begin, begin + Duration::days(731));
            assert_eq!(changes.len(), 4, "{zone}");
            for change in changes {
                let at = (change.local - Duration::seconds(change.from_s.into())).and_utc();
                let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
                assert_eq!((offset(at - Duration::seconds(1)), offset(at)), (change.from_s, change.to_s), "{zone}");
            }
        }
    }
}
