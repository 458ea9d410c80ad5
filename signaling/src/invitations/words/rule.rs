// SPDX-License-Identifier: EUPL-1.2
//! Rules of recurrence in words, as far as people use them. The others are in the calendar file.

use chrono::{DateTime, NaiveDate, Utc, Weekday};
use chrono_tz::Tz;

use super::Words;
use crate::meetings::recurrence::Rule;
use crate::meetings::recurrence::plain::{Frequency, Plain};

impl Words {
    /// RRULE's value in words.
    pub(in crate::invitations) fn rule(&self, rule: &str, zone: Tz, starts_at: DateTime<Utc>) -> String {
        let start = starts_at.with_timezone(&zone).date_naive();
        let plain = Rule::parse(rule, zone).ok().and_then(|rule| rule.plain());
        plain.and_then(|plain| self.plain(&plain, zone, start)).unwrap_or_else(|| self.own_rule.to_owned())
    }

    /// None where there are no words for it.
    fn plain(&self, rule: &Plain, zone: Tz, start: NaiveDate) -> Option<String> {
        use chrono::Datelike as _;
        let [day, week, month, year] = self.every;
        let (every, every_few) = match rule.frequency {
            Frequency::Daily => day,
            Frequency::Weekly => week,
            Frequency::Monthly => month,
            Frequency::Yearly => year,
        };
        let mut text = match rule.interval {
            1 => every.to_owned(),
            few => Self::fill(every_few, &few.to_string()),
        };
        let is_numbered = rule.weekdays.iter().any(|(number, _)| number.is_some());
        let days: Vec<String> = match rule.frequency {
            Frequency::Weekly if rule.weekdays.is_empty() => vec![self.weekday(start.weekday()).to_owned()],
            Frequency::Weekly => rule.weekdays.iter().map(|(_, day)| self.weekday(*day).to_owned()).collect(),
            Frequency::Monthly if is_numbered && rule.month_days.is_empty() => {
                rule.weekdays.iter().map(|(number, day)| self.numbered((*number)?, *day)).collect::<Option<_>>()?
            }
            Frequency::Monthly if rule.weekdays.is_empty() => {
                let own = [i32::try_from(start.day()).unwrap_or(1)];
                let days = if rule.month_days.is_empty() { &own[..] } else { &rule.month_days };
                let day = |day: &i32| (*day > 0).then(|| Self::fill(self.on_day, &day.to_string()));
                days.iter().map(day).collect::<Option<_>>()?
            }
            Frequency::Daily | Frequency::Yearly if rule.weekdays.is_empty() && rule.month_days.is_empty() => {
                Vec::new()
            }
            _ => return None,
        };
        if !days.is_empty() {
            text += &Self::fill(self.on, &self.list(&days));
        }
        text += &rule.count.map(|count| Self::fill(self.times, &count.to_string())).unwrap_or_default();
        text += &rule
            .until
            .map(|until| Self::fill(self.until, &self.date(until.with_timezone(&zone).date_naive())))
            .unwrap_or_default();
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
