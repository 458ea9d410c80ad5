// SPDX-License-Identifier: EUPL-1.2
//! Which days of a period a rule means (the table of RFC 5545 §3.3.10), each decided in constant time.

use chrono::{Datelike as _, Duration, Months, NaiveDate, Weekday};

use super::rule::{Frequency, Numbers, Rule, Weekdays};

/// The days of a rule that began on a certain day.
pub(super) struct Days<'a> {
    rule: &'a Rule,
    start: NaiveDate,
    month_days: Numbers,
    months: Numbers,
    weekdays: Weekdays,
}

impl<'a> Days<'a> {
    /// What the rule leaves open is as on the first day.
    pub(super) fn new(rule: &'a Rule, start: NaiveDate) -> Self {
        let (mut months, mut month_days) = (rule.months, rule.month_days);
        let mut weekdays = rule.weekdays.clone();
        let is_open = rule.year_days.is_empty() && month_days.is_empty() && weekdays.is_empty();
        match rule.frequency {
            Frequency::Weekly if weekdays.is_empty() => weekdays = Weekdays::every(start.weekday()),
            Frequency::Monthly if is_open => month_days = Numbers::only(start.day()),
            Frequency::Yearly if is_open && !rule.week_numbers.is_empty() => {
                weekdays = Weekdays::every(start.weekday());
            }
            Frequency::Yearly if is_open => {
                month_days = Numbers::only(start.day());
                if months.is_empty() {
                    months = Numbers::only(start.month());
                }
            }
            _ => {}
        }
        Self { rule, start, month_days, months, weekdays }
    }

    /// The nth period: its first day and how many it has. None behind the end of the calendar.
    pub(super) fn period(&self, number: u32) -> Option<(NaiveDate, u32)> {
        let steps = number.checked_mul(self.rule.interval)?;
        match self.rule.frequency {
            Frequency::Daily => Some((self.start.checked_add_signed(Duration::days(steps.into()))?, 1)),
            Frequency::Weekly => {
                let into_week = days_since(self.rule.week_start, self.start.weekday());
                let week = self.start.checked_sub_signed(Duration::days(into_week.into()))?;
                Some((week.checked_add_signed(Duration::weeks(steps.into()))?, 7))
            }
            Frequency::Monthly => {
                let first = self.start.with_day(1)?.checked_add_months(Months::new(steps))?;
                Some((first, days_of_month(first)))
            }
            Frequency::Yearly => {
                let year = self.start.year().checked_add(i32::try_from(steps).ok()?)?;
                let first = NaiveDate::from_ymd_opt(year, 1, 1)?;
                Some((first, days_of_year(year)))
            }
        }
    }

    /// Whether a day of a period is meant.
    pub(super) fn contains(&self, day: NaiveDate) -> bool {
        let (month, ordinal) = (day.month(), day.ordinal());
        let days_of_year = days_of_year(day.year());
        (self.months.is_empty() || self.months.contains(month, 12))
            && (self.rule.year_days.is_empty() || self.rule.year_days.contains(ordinal, days_of_year))
            && (self.month_days.is_empty() || self.month_days.contains(day.day(), days_of_month(day)))
            && (self.rule.week_numbers.is_empty() || self.is_of_week(day))
            && (self.weekdays.is_empty() || self.is_of_weekdays(day))
    }

    /// An nth weekday is the nth of its month, or of its year where no month is named.
    fn is_of_weekdays(&self, day: NaiveDate) -> bool {
        let is_of_year = self.rule.frequency == Frequency::Yearly && self.rule.months.is_empty();
        let (index, length) =
            if is_of_year { (day.ordinal0(), days_of_year(day.year())) } else { (day.day0(), days_of_month(day)) };
        let nth = index / 7 + 1;
        let behind = (length - 1 - index) / 7;
        self.weekdays.contains(day.weekday(), nth, nth + behind)
    }

    /// Weeks are numbered as by ISO 8601, but begin on the rule's first day: the first one has at least four days of the
    /// year.
    fn is_of_week(&self, day: NaiveDate) -> bool {
        let into_week = days_since(self.rule.week_start, day.weekday());
        // Its fourth day says to which year a week belongs.
        let Some(middle) = day.checked_add_signed(Duration::days(3 - i64::from(into_week))) else { return false };
        let number = middle.ordinal0() / 7 + 1;
        let behind = (days_of_year(middle.year()) - 1 - middle.ordinal0()) / 7;
        self.rule.week_numbers.contains(number, number + behind)
    }
}

/// Days from the week's first day to this one.
fn days_since(week_start: Weekday, weekday: Weekday) -> u32 {
    (weekday.num_days_from_monday() + 7 - week_start.num_days_from_monday()) % 7
}

fn days_of_month(day: NaiveDate) -> u32 {
    match day.month() {
        4 | 6 | 9 | 11 => 30,
        2 if day.leap_year() => 29,
        2 => 28,
        _ => 31,
    }
}

fn days_of_year(year: i32) -> u32 {
    let is_leap = NaiveDate::from_ymd_opt(year, 1, 1).is_some_and(|day| day.leap_year());
    if is_leap { 366 } else { 365 }
}
