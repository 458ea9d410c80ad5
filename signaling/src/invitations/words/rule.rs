// SPDX-License-Identifier: EUPL-1.2
//! Rules of recurrence in words, as far as people use them. The others are in the calendar file.

use chrono::{DateTime, NaiveDate, Utc, Weekday};
use chrono_tz::Tz;

use super::Words;

/// The parts of a rule that there are words for.
#[derive(Default)]
struct Parts<'a> {
    frequency: &'a str,
    interval: u32,
    days: Vec<(i32, Weekday)>,
    month_days: Vec<i32>,
    count: Option<u32>,
    until: Option<NaiveDate>,
}

impl Words {
    /// RRULE's value in words.
    pub(in crate::invitations) fn rule(&self, rule: &str, zone: Tz, starts_at: DateTime<Utc>) -> String {
        let start = starts_at.with_timezone(&zone).date_naive();
        let text = parse(rule, zone).and_then(|parts| self.parts(&parts, start));
        text.unwrap_or_else(|| self.own_rule.to_owned())
    }

    fn parts(&self, parts: &Parts<'_>, start: NaiveDate) -> Option<String> {
        use chrono::Datelike as _;
        let index = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"].iter().position(|name| *name == parts.frequency)?;
        let (every, every_few) = self.every[index];
        let mut text = match parts.interval {
            1 => every.to_owned(),
            few => Self::fill(every_few, &few.to_string()),
        };
        let numbered = parts.days.iter().any(|(number, _)| *number != 0);
        let days: Vec<String> = match parts.frequency {
            "WEEKLY" if parts.days.is_empty() => vec![self.weekday(start.weekday()).to_owned()],
            "WEEKLY" if !numbered => parts.days.iter().map(|(_, day)| self.weekday(*day).to_owned()).collect(),
            "MONTHLY" if numbered && parts.month_days.is_empty() => {
                parts.days.iter().map(|(number, day)| self.numbered(*number, *day)).collect::<Option<_>>()?
            }
            "MONTHLY" if parts.days.is_empty() => {
                let own = [i32::try_from(start.day()).unwrap_or(1)];
                let days = if parts.month_days.is_empty() { &own[..] } else { &parts.month_days };
                let day = |day: &i32| (*day > 0).then(|| Self::fill(self.on_day, &day.to_string()));
                days.iter().map(day).collect::<Option<_>>()?
            }
            "DAILY" | "YEARLY" if parts.days.is_empty() && parts.month_days.is_empty() => Vec::new(),
            _ => return None,
        };
        if !days.is_empty() {
            text += &Self::fill(self.on, &self.list(&days));
        }
        text += &parts.count.map(|count| Self::fill(self.times, &count.to_string())).unwrap_or_default();
        text += &parts.until.map(|until| Self::fill(self.until, &self.date(until))).unwrap_or_default();
        Some(text)
    }

    fn numbered(&self, number: i32, day: Weekday) -> Option<String> {
        let weekday = self.weekday(day);
        match number {
            -1 => Some(self.on_last.replace("{weekday}", weekday)),
            1..=5 => Some(self.on_numbered.replace("{number}", &number.to_string()).replace("{weekday}", weekday)),
            _ => None,
        }
    }

    fn list(&self, items: &[String]) -> String {
        match items {
            [rest @ .., last] if !rest.is_empty() => format!("{}{}{last}", rest.join(", "), self.and),
            _ => items.join(""),
        }
    }
}

/// None for rules with parts that there are no words for.
fn parse(rule: &str, zone: Tz) -> Option<Parts<'_>> {
    let mut parts = Parts { interval: 1, ..Parts::default() };
    for part in rule.split(';') {
        let (name, value) = part.split_once('=')?;
        match name {
            "FREQ" => parts.frequency = value,
            "INTERVAL" => parts.interval = value.parse().ok()?,
            "COUNT" => parts.count = Some(value.parse().ok()?),
            "UNTIL" => parts.until = Some(until(value, zone)?),
            "BYDAY" => parts.days = value.split(',').map(weekday).collect::<Option<_>>()?,
            "BYMONTHDAY" => parts.month_days = value.split(',').map(|day| day.parse().ok()).collect::<Option<_>>()?,
            "WKST" => {}
            _ => return None,
        }
    }
    Some(parts)
}

fn until(value: &str, zone: Tz) -> Option<NaiveDate> {
    if let Ok(date) = NaiveDate::parse_from_str(value, "%Y%m%d") {
        return Some(date);
    }
    let time = chrono::NaiveDateTime::parse_from_str(value.trim_end_matches('Z'), "%Y%m%dT%H%M%S").ok()?;
    Some(if value.ends_with('Z') { time.and_utc().with_timezone(&zone).date_naive() } else { time.date() })
}

fn weekday(text: &str) -> Option<(i32, Weekday)> {
    let (number, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let number = if number.is_empty() { 0 } else { number.parse().ok()? };
    let day = match day {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    };
    Some((number, day))
}
