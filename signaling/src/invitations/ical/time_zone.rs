// SPDX-License-Identifier: EUPL-1.2
//! VTIMEZONE (RFC 5545 §3.6.5): when the clocks of a zone are changed, worked out from the time zone database for the
//! years that matter.
//!
//! Changes that follow a yearly rule to the end of those years are written as one, since Outlook understands little else;
//! those that do not, or do not any more, are written one by one.

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, NaiveDateTime, Offset as _, TimeZone as _, Utc, Weekday};
use chrono_tz::{OffsetName as _, Tz, TzOffset};

use super::line::{Line, Lines};

/// How far before the first start it begins, so that every time has a change before it.
const BEFORE: Duration = Duration::days(550);

/// How far it goes beyond the last start that is known: a series that is prolonged stays right meanwhile.
const BEYOND: Duration = Duration::days(4 * 366);

/// The longest span that is looked at: a series that began ten years ago, and as long again as anybody keeps one.
const MAX_SPAN: Duration = Duration::days(40 * 366);

/// So many changes are a rule.
const MIN_YEARS: usize = 3;

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

impl Change {
    /// What is the same of all changes of a rule.
    fn kind(&self) -> (i32, i32, u32, chrono::NaiveTime, Option<&str>) {
        (self.from_s, self.to_s, self.local.month(), self.local.time(), self.name.as_deref())
    }

    /// In UTC.
    fn at(&self) -> DateTime<Utc> {
        utc(self.local, self.from_s)
    }
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
        // What held before the first change.
        if changes.first().is_none_or(|change| change.at() > first) {
            let offset = zone.offset_from_utc_datetime(&begin.naive_utc());
            let seconds = offset.fix().local_minus_utc();
            let local = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap_or_default().and_time(chrono::NaiveTime::MIN);
            let initial = Change { local, from_s: seconds, to_s: seconds, name: abbreviation(offset) };
            write_change(lines, &initial, None);
        }
        for run in runs(changes) {
            match run.yearly_day(end) {
                Some(day) => write_change(lines, &run.changes[0], Some(day)),
                None => run.changes.iter().for_each(|change| write_change(lines, change, None)),
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

/// Changes of the same kind, year after year on the same day.
struct Run {
    changes: Vec<Change>,
    /// The days by which that can be said: the fourth Sunday may be the last one, too.
    days: Vec<YearlyDay>,
}

impl Run {
    /// Whether that is the next one. Then it belongs to it.
    fn takes(&mut self, change: &Change) -> bool {
        let Some(last) = self.changes.last() else { return false };
        let is_next = change.kind() == last.kind() && change.local.year() == last.local.year() + 1;
        let own = days(change);
        let days: Vec<_> = self.days.iter().copied().filter(|day| own.contains(day)).collect();
        if !is_next || days.is_empty() {
            return false;
        }
        self.days = days;
        self.changes.push(change.clone());
        true
    }

    /// The day of its rule, if it is one that is in force until `end`: the next change would come after it.
    fn yearly_day(&self, end: DateTime<Utc>) -> Option<YearlyDay> {
        let (day, last) = (*self.days.first()?, self.changes.last()?);
        let next = date(last.local.year() + 1, last.local.month(), day)?;
        let is_in_force = utc(next.and_time(last.local.time()), last.from_s) >= end;
        (self.changes.len() >= MIN_YEARS && is_in_force).then_some(day)
    }
}

fn runs(changes: Vec<Change>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for change in changes {
        if !runs.iter_mut().rev().any(|run| run.takes(&change)) {
            runs.push(Run { days: days(&change), changes: vec![change] });
        }
    }
    runs
}

/// By which rules a change could be on its day. The last one of a month is said so, if it can.
fn days(change: &Change) -> Vec<YearlyDay> {
    let date = change.local.date();
    let number = i32::try_from(date.day0() / 7 + 1).unwrap_or(1);
    let is_last = (date + Duration::days(7)).month() != date.month();
    let numbers = is_last.then_some(-1).into_iter().chain([number]);
    numbers.map(|number| (date.weekday(), number)).collect()
}

/// That day of a month.
fn date(year: i32, month: u32, (weekday, number): YearlyDay) -> Option<NaiveDate> {
    let nth = |number| NaiveDate::from_weekday_of_month_opt(year, month, weekday, number);
    u8::try_from(number).map_or_else(|_| nth(5).or(nth(4)), nth)
}

/// From the clock's time to UTC.
fn utc(local: NaiveDateTime, offset_s: i32) -> DateTime<Utc> {
    (local - Duration::seconds(offset_s.into())).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meetings::recurrence::{Rule, Window, expand};

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

    /// What the written zone says of times, by RFC 5545 §3.6.5: since when which offset holds.
    fn onsets(written: &str) -> Vec<(DateTime<Utc>, i32)> {
        let last = Utc.with_ymd_and_hms(2040, 1, 1, 0, 0, 0).single().expect("a time");
        let seconds = |text: &str| {
            let number =
                |from: usize| text.get(from..from + 2).map_or(0, |digits| digits.parse::<i32>().expect("digits"));
            (number(1) * 3600 + number(3) * 60 + number(5)) * if text.starts_with('-') { -1 } else { 1 }
        };
        let mut onsets = Vec::new();
        for observance in written.split("BEGIN:").skip(2) {
            let value = |name: &str| observance.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let start = value("DTSTART").expect("a start");
            let start = NaiveDateTime::parse_from_str(start, "%Y%m%dT%H%M%S").expect("a time").and_utc();
            let (from_s, to_s) =
                (seconds(value("TZOFFSETFROM").expect("one")), seconds(value("TZOFFSETTO").expect("one")));
            let locals = match value("RRULE") {
                Some(rule) => {
                    let window = Window { from: start, to: last, limit: 100 };
                    let rule = Rule::parse(rule, Tz::UTC).expect("a rule");
                    expand(&rule, start, Tz::UTC, window).expect("times").starts
                }
                None => vec![start],
            };
            onsets.extend(locals.into_iter().map(|local| (local - Duration::seconds(from_s.into()), to_s)));
        }
        onsets.sort_unstable();
        onsets
    }

    #[test]
    fn every_zone_is_right_as_long_as_a_series_goes_on() {
        let time = |year, month| Utc.with_ymd_and_hms(year, month, 3, 1, 0, 0).single().expect("a time");
        // Over the years in which Mexico, Iran, Jordan and others stopped to change their clocks; and a series of long ago.
        for (first, last) in
            [(time(2021, 5), time(2028, 1)), (time(2010, 5), time(2027, 1)), (time(2022, 11), time(2022, 11))]
        {
            for zone in chrono_tz::TZ_VARIANTS {
                let mut lines = Lines::default();
                write(&mut lines, zone, first, last);
                let text = lines.finish();
                let onsets = onsets(&text);
                let mut at = first;
                while at <= last {
                    let index = onsets.partition_point(|(since, _)| *since <= at);
                    let said = index.checked_sub(1).map(|index| onsets[index].1);
                    let known = zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
                    assert_eq!(said, Some(known), "{zone} at {at}: {text}");
                    at += Duration::hours(6);
                }
            }
        }
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
