// SPDX-License-Identifier: EUPL-1.2
//! The parts of a rule that people can be told in a sentence.

use chrono::{DateTime, Utc, Weekday};

pub(crate) use super::rule::Frequency;
use super::rule::Rule;

/// A rule that has no more than this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) frequency: Frequency,
    pub(crate) interval: u32,
    pub(crate) count: Option<u32>,
    pub(crate) until: Option<DateTime<Utc>>,
    /// From Monday: every one of its kind, or the numbered ones, of which -1 is the last.
    pub(crate) weekdays: Vec<(Option<i32>, Weekday)>,
    /// Those counted from the beginning come first; -1 is the last.
    pub(crate) month_days: Vec<i32>,
}

impl Rule {
    /// Its parts, if there are no others.
    pub(crate) fn plain(&self) -> Option<Plain> {
        let has_others = !(self.months.is_empty()
            && self.week_numbers.is_empty()
            && self.year_days.is_empty()
            && self.hours.is_empty()
            && self.minutes.is_empty()
            && self.seconds.is_empty()
            && self.positions.is_empty());
        let plain = || Plain {
            frequency: self.frequency,
            interval: self.interval,
            count: self.count,
            until: self.until,
            weekdays: self.weekdays.list(),
            month_days: self.month_days.list(),
        };
        (!has_others).then(plain)
    }
}
