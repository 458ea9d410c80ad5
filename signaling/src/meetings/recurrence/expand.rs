// SPDX-License-Identifier: EUPL-1.2
//! When things happen by a rule, within a window.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::days::Days;
use super::local::instant;
use super::rule::{Rule, RuleError};

/// Most days that are looked at: a century.
const MAX_DAYS: u32 = 36_600;

/// Most times that are counted off before the window begins.
const MAX_TIMES: u32 = 200_000;

/// What of a rule is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Starts before this are left out.
    pub(crate) from: DateTime<Utc>,
    /// Starts from here on are left out.
    pub(crate) to: DateTime<Utc>,
    /// Most starts.
    pub(crate) limit: usize,
}

/// The starts in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expansion {
    /// The starts, in order, each once.
    pub(crate) starts: Vec<DateTime<Utc>>,
    /// Whether the rule has none behind them.
    pub(crate) is_complete: bool,
}

/// The starts of `rule` in `window`, when the first one is at `start`. The first one is only among them if the rule says
/// it, too.
///
/// # Errors
///
/// Fails when too many days or times would have to be looked at.
pub(crate) fn expand(rule: &Rule, start: DateTime<Utc>, zone: Tz, window: Window) -> Result<Expansion, RuleError> {
    let local_start = start.with_timezone(&zone).naive_local();
    let days = Days::new(rule, local_start.date());
    let times_of_day = rule.times_of_day(local_start.time());
    // No zone is further from UTC, or leaves out more.
    let slack = Duration::days(2);
    let local_end = window.to.naive_utc() + slack;
    let mut found = Expansion::default();
    let (mut days_seen, mut times_seen) = (0_u32, 0_u32);
    for number in 0.. {
        let Some((first, length)) = days.period(number) else {
            found.is_complete = true;
            return Ok(found);
        };
        if first.and_time(chrono::NaiveTime::MIN) > local_end {
            return Ok(found);
        }
        days_seen += length;
        let of_period = candidates(rule, &days, first, length, &times_of_day);
        let mut of_period: Vec<DateTime<Utc>> = of_period
            .into_iter()
            .filter(|local| *local >= local_start)
            // The first one may be the second of two times that the clocks show.
            .map(|local| if local == local_start { start } else { instant(zone, local) })
            .collect();
        of_period.sort_unstable();
        of_period.dedup();
        for time in of_period {
            let is_behind = rule.until.is_some_and(|until| time > until) || rule.count == Some(times_seen);
            if is_behind {
                found.is_complete = true;
                return Ok(found);
            }
            times_seen += 1;
            if time >= window.to || found.starts.len() == window.limit {
                return Ok(found);
            }
            if time >= window.from {
                found.starts.push(time);
            }
        }
        if rule.count == Some(times_seen) {
            found.is_complete = true;
            return Ok(found);
        }
        if days_seen > MAX_DAYS || times_seen > MAX_TIMES {
            return Err(RuleError::TooOften);
        }
    }
    Ok(found)
}

/// Which of these times are starts of `rule`. Those that are too far away to be looked at are none.
pub(crate) fn said(
    rule: &Rule,
    start: DateTime<Utc>,
    zone: Tz,
    times: &BTreeSet<DateTime<Utc>>,
) -> BTreeSet<DateTime<Utc>> {
    // One that is too far away must not keep the others from being looked at.
    let mut near = times.range(start..start + Duration::days(i64::from(MAX_DAYS) / 2));
    let Some(from) = near.next() else { return BTreeSet::new() };
    let last = near.next_back().unwrap_or(from);
    let window = Window { from: *from, to: *last + Duration::seconds(1), limit: usize::MAX };
    let starts = expand(rule, start, zone, window).map(|found| found.starts).unwrap_or_default();
    starts.into_iter().filter(|time| times.contains(time)).collect()
}

/// The times of a period, in the clocks' order.
fn candidates(
    rule: &Rule,
    days: &Days<'_>,
    first: chrono::NaiveDate,
    length: u32,
    times_of_day: &[chrono::NaiveTime],
) -> Vec<NaiveDateTime> {
    let days = first.iter_days().take(length as usize).filter(|day| days.contains(*day));
    let all: Vec<_> = days.flat_map(|day| times_of_day.iter().map(move |time| day.and_time(*time))).collect();
    if rule.positions.is_empty() {
        return all;
    }
    let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let is_meant = |index: i64| {
        let has = |position: i64| i32::try_from(position).is_ok_and(|position| rule.positions.contains(&position));
        has(index + 1) || has(index - count)
    };
    (0_i64..).zip(all).filter(|(index, _)| is_meant(*index)).map(|(_, time)| time).collect()
}
