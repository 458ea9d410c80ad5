// SPDX-License-Identifier: EUPL-1.2
//! Reads a rule. What is repeated or out of range is no rule; sets of days become bits.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;
use thiserror::Error;

use super::local::instant;

/// Most times on one day.
const MAX_TIMES_A_DAY: usize = 24;

/// Largest `INTERVAL`: nobody plans a thousand years ahead.
const MAX_INTERVAL: u32 = 1000;

/// Largest `COUNT`.
const MAX_COUNT: u32 = 100_000;

/// Why a rule cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum RuleError {
    /// It is not what RFC 5545 §3.3.10 describes.
    #[error("no recurrence rule")]
    Malformed,
    /// It repeats more often than a meeting may, or takes too long to work out.
    #[error("repeats too often")]
    TooOften,
}

impl RuleError {
    /// What the API calls it.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "not-a-rule",
            Self::TooOften => "too-often",
        }
    }
}

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// Numbers from 1 up and from -1 down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    forward: [u64; 6],
    backward: [u64; 6],
}

impl Numbers {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn only(number: u32) -> Self {
        let mut numbers = Self::default();
        numbers.insert(i32::try_from(number).unwrap_or(1));
        numbers
    }

    /// All of them, those from the beginning first.
    pub(super) fn list(&self) -> Vec<i32> {
        let all = |sets: [u64; 6]| {
            let has = move |number: &i32| sets[*number as usize / 64] & (1 << (number % 64)) != 0;
            (1..384).filter(has)
        };
        all(self.forward).chain(all(self.backward).map(|number| -number)).collect()
    }

    fn insert(&mut self, number: i32) {
        let set = if number > 0 { &mut self.forward } else { &mut self.backward };
        let index = number.unsigned_abs() as usize;
        set[index / 64] |= 1 << (index % 64);
    }

    /// Whether `number` of `count` is meant, from the beginning or from the end.
    pub(super) fn contains(&self, number: u32, count: u32) -> bool {
        let has = |set: &[u64; 6], number: u32| {
            let index = number as usize;
            set.get(index / 64).is_some_and(|bits| bits & (1 << (index % 64)) != 0)
        };
        has(&self.forward, number) || has(&self.backward, (count + 1).saturating_sub(number))
    }
}

/// Days of the week: every one of a kind, or the nth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Weekdays {
    every: u8,
    nth: [Numbers; 7],
}

impl Weekdays {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn has_nth(&self) -> bool {
        self.nth.iter().any(|numbers| !numbers.is_empty())
    }

    pub(super) fn every(weekday: Weekday) -> Self {
        let mut weekdays = Self::default();
        weekdays.insert(None, weekday);
        weekdays
    }

    /// All of them, from Monday.
    pub(super) fn list(&self) -> Vec<(Option<i32>, Weekday)> {
        let mut all = Vec::new();
        for weekday in [0, 1, 2, 3, 4, 5, 6].into_iter().filter_map(|number| Weekday::try_from(number).ok()) {
            let index = weekday.num_days_from_monday();
            if self.every & (1 << index) != 0 {
                all.push((None, weekday));
            }
            all.extend(self.nth[index as usize].list().into_iter().map(|number| (Some(number), weekday)));
        }
        all
    }

    fn insert(&mut self, nth: Option<i32>, weekday: Weekday) {
        let index = weekday.num_days_from_monday();
        match nth {
            Some(nth) => self.nth[index as usize].insert(nth),
            None => self.every |= 1 << index,
        }
    }

    /// Whether a weekday is meant that is the nth of so many in its month or year.
    pub(super) fn contains(&self, weekday: Weekday, nth: u32, count: u32) -> bool {
        let index = weekday.num_days_from_monday();
        self.every & (1 << index) != 0 || self.nth[index as usize].contains(nth, count)
    }
}

/// A recurrence rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(super) frequency: Frequency,
    pub(super) interval: u32,
    pub(super) count: Option<u32>,
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) week_start: Weekday,
    pub(super) months: Numbers,
    pub(super) week_numbers: Numbers,
    pub(super) year_days: Numbers,
    pub(super) month_days: Numbers,
    pub(super) weekdays: Weekdays,
    pub(super) hours: BTreeSet<u32>,
    pub(super) minutes: BTreeSet<u32>,
    pub(super) seconds: BTreeSet<u32>,
    pub(super) positions: BTreeSet<i32>,
    /// As it is stored: in capital letters, with `UNTIL` in UTC.
    text: String,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Rule {
    /// Reads one. Its times are of that zone.
    pub(crate) fn parse(text: &str, zone: Tz) -> Result<Self, RuleError> {
        let mut rule = Self::daily();
        let mut seen = BTreeSet::new();
        let mut parts = Vec::new();
        for part in text.to_ascii_uppercase().split(';') {
            let (name, value) = part.split_once('=').ok_or(RuleError::Malformed)?;
            if !seen.insert(name.to_owned()) {
                return Err(RuleError::Malformed);
            }
            rule.read(name, value, zone)?;
            parts.push(match rule.until {
                Some(until) if name == "UNTIL" => format!("UNTIL={}", until.format("%Y%m%dT%H%M%SZ")),
                _ => part.to_owned(),
            });
        }
        rule.text = parts.join(";");
        if !seen.contains("FREQ") {
            return Err(RuleError::Malformed);
        }
        rule.check()?;
        Ok(rule)
    }

    fn daily() -> Self {
        Self {
            frequency: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            week_start: Weekday::Mon,
            months: Numbers::default(),
            week_numbers: Numbers::default(),
            year_days: Numbers::default(),
            month_days: Numbers::default(),
            weekdays: Weekdays::default(),
            hours: BTreeSet::new(),
            minutes: BTreeSet::new(),
            seconds: BTreeSet::new(),
            positions: BTreeSet::new(),
            text: String::new(),
        }
    }

    fn read(&mut self, name: &str, value: &str, zone: Tz) -> Result<(), RuleError> {
        match name {
            "FREQ" => self.frequency = frequency(value)?,
            "INTERVAL" => self.interval = within(number(value)?, 1..=MAX_INTERVAL)?,
            "COUNT" => self.count = Some(within(number(value)?, 1..=MAX_COUNT)?),
            "UNTIL" => self.until = Some(until(value, zone)?),
            "WKST" => self.week_start = weekday(value)?,
            "BYMONTH" => self.months = numbers(value, 12, false)?,
            "BYWEEKNO" => self.week_numbers = numbers(value, 53, true)?,
            "BYYEARDAY" => self.year_days = numbers(value, 366, true)?,
            "BYMONTHDAY" => self.month_days = numbers(value, 31, true)?,
            "BYDAY" => self.weekdays = weekdays(value)?,
            "BYHOUR" => self.hours = times(value, 23)?,
            "BYMINUTE" => self.minutes = times(value, 59)?,
            // Clocks here know no leap seconds, which 60 would be.
            "BYSECOND" => self.seconds = times(value, 59)?,
            "BYSETPOS" => self.positions = positions(value)?,
            _ => return Err(RuleError::Malformed),
        }
        Ok(())
    }

    /// What the parts mean together.
    fn check(&self) -> Result<(), RuleError> {
        use Frequency as F;
        let has_days = !(self.months.is_empty()
            && self.week_numbers.is_empty()
            && self.year_days.is_empty()
            && self.month_days.is_empty()
            && self.weekdays.is_empty());
        let has_times = !(self.hours.is_empty() && self.minutes.is_empty() && self.seconds.is_empty());
        let is_yearly = self.frequency == F::Yearly;
        let is_sound = !(self.count.is_some() && self.until.is_some())
            && (is_yearly || self.week_numbers.is_empty() && self.year_days.is_empty())
            && (self.frequency != F::Weekly || self.month_days.is_empty())
            && (!self.weekdays.has_nth()
                || matches!(self.frequency, F::Monthly | F::Yearly) && self.week_numbers.is_empty())
            && (self.positions.is_empty() || has_days || has_times);
        if !is_sound {
            return Err(RuleError::Malformed);
        }
        let times_a_day = self.hours.len().max(1) * self.minutes.len().max(1) * self.seconds.len().max(1);
        if times_a_day > MAX_TIMES_A_DAY { Err(RuleError::TooOften) } else { Ok(()) }
    }

    /// When it happens on a day: as the rule says, or else as at the start.
    pub(super) fn times_of_day(&self, start: NaiveTime) -> Vec<NaiveTime> {
        use chrono::Timelike as _;
        let or = |set: &BTreeSet<u32>, value: u32| -> Vec<u32> {
            if set.is_empty() { vec![value] } else { set.iter().copied().collect() }
        };
        let (hours, minutes) = (or(&self.hours, start.hour()), or(&self.minutes, start.minute()));
        let seconds = or(&self.seconds, start.second());
        let mut times = Vec::new();
        for hour in hours {
            for minute in &minutes {
                times.extend(seconds.iter().filter_map(|second| NaiveTime::from_hms_opt(hour, *minute, *second)));
            }
        }
        times
    }
}

fn frequency(value: &str) -> Result<Frequency, RuleError> {
    match value {
        "DAILY" => Ok(Frequency::Daily),
        "WEEKLY" => Ok(Frequency::Weekly),
        "MONTHLY" => Ok(Frequency::Monthly),
        "YEARLY" => Ok(Frequency::Yearly),
        "SECONDLY" | "MINUTELY" | "HOURLY" => Err(RuleError::TooOften),
        _ => Err(RuleError::Malformed),
    }
}

/// Digits, and nothing that only Rust takes for a number.
fn number<T: FromStr>(text: &str) -> Result<T, RuleError> {
    let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().map_err(|_| RuleError::Malformed) } else { Err(RuleError::Malformed) }
}

fn signed(text: &str) -> Result<i32, RuleError> {
    match text.strip_prefix('-') {
        Some(digits) => number::<i32>(digits).map(|number| -number),
        None => number(text.strip_prefix('+').unwrap_or(text)),
    }
}

fn within<T: PartialOrd>(number: T, range: std::ops::RangeInclusive<T>) -> Result<T, RuleError> {
    if range.contains(&number) { Ok(number) } else { Err(RuleError::Malformed) }
}

fn numbers(value: &str, highest: i32, may_be_negative: bool) -> Result<Numbers, RuleError> {
    let mut numbers = Numbers::default();
    for item in value.split(',') {
        let number = signed(item)?;
        if number == 0 || number.abs() > highest || (number < 0 && !may_be_negative) {
            return Err(RuleError::Malformed);
        }
        numbers.insert(number);
    }
    Ok(numbers)
}

fn times(value: &str, highest: u32) -> Result<BTreeSet<u32>, RuleError> {
    value.split(',').map(|item| within(number(item)?, 0..=highest)).collect()
}

fn positions(value: &str) -> Result<BTreeSet<i32>, RuleError> {
    let position = |item| match signed(item)? {
        number if number != 0 && number.abs() <= 366 => Ok(number),
        _ => Err(RuleError::Malformed),
    };
    value.split(',').map(position).collect()
}

fn weekday(text: &str) -> Result<Weekday, RuleError> {
    Ok(match text {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return Err(RuleError::Malformed),
    })
}

fn weekdays(value: &str) -> Result<Weekdays, RuleError> {
    let mut weekdays = Weekdays::default();
    for item in value.split(',') {
        let at = item.len().checked_sub(2).filter(|at| item.is_char_boundary(*at)).ok_or(RuleError::Malformed)?;
        let (nth, name) = item.split_at(at);
        let nth = if nth.is_empty() { None } else { Some(signed(nth)?) };
        if nth.is_some_and(|nth| nth == 0 || nth.abs() > 53) {
            return Err(RuleError::Malformed);
        }
        weekdays.insert(nth, weekday(name)?);
    }
    Ok(weekdays)
}

/// The last moment: in UTC, or in the zone's time; a day is meant to its end.
fn until(value: &str, zone: Tz) -> Result<DateTime<Utc>, RuleError> {
    let time = |text: &str| NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").map_err(|_| RuleError::Malformed);
    match value.len() {
        8 => {
            let day = NaiveDate::parse_from_str(value, "%Y%m%d").map_err(|_| RuleError::Malformed)?;
            let end = day.and_hms_opt(23, 59, 59).ok_or(RuleError::Malformed)?;
            Ok(instant(zone, end))
        }
        15 => Ok(instant(zone, time(value)?)),
        16 => time(value.strip_suffix('Z').ok_or(RuleError::Malformed)?).map(|time| time.and_utc()),
        _ => Err(RuleError::Malformed),
    }
}
