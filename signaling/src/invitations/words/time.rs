// SPDX-License-Identifier: EUPL-1.2
//! Times in words, by the clock of the meeting's zone, which is always named: people who are invited live elsewhere.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::{OffsetName as _, Tz};

use super::Words;

impl Words {
    /// From when to when.
    pub(in crate::invitations) fn span(&self, zone: Tz, starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> String {
        let (start, end) = (starts_at.with_timezone(&zone), ends_at.with_timezone(&zone));
        let (start_time, end_time) = (start.format("%H:%M"), end.format("%H:%M"));
        let (date, o_clock) = (self.date(start.date_naive()), self.o_clock);
        let until = if start.date_naive() == end.date_naive() {
            format!("{end_time}{o_clock}")
        } else {
            format!("{}, {end_time}{o_clock}", self.date(end.date_naive()))
        };
        format!("{date}, {start_time}–{until} ({})", self.zone_name(zone, starts_at))
    }

    /// A point in time.
    pub(super) fn moment(&self, zone: Tz, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&zone);
        format!("{}, {}{}", self.date(local.date_naive()), local.format("%H:%M"), self.o_clock)
    }

    /// A day.
    pub(in crate::invitations) fn date(&self, date: NaiveDate) -> String {
        let month = usize::try_from(date.month0()).unwrap_or(0);
        self.date
            .replace("{weekday}", self.weekday(date.weekday()))
            .replace("{day}", &date.day().to_string())
            .replace("{month}", self.months[month])
            .replace("{year}", &date.year().to_string())
    }

    /// A day of the week.
    pub(super) fn weekday(&self, weekday: chrono::Weekday) -> &'static str {
        self.weekdays[usize::try_from(weekday.num_days_from_monday()).unwrap_or(0)]
    }

    /// Such as `MEZ`, or `Europe/Berlin, CET`. Zones without a name of their own get the distance from Greenwich.
    fn zone_name(&self, zone: Tz, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&zone);
        let abbreviation =
            local.offset().abbreviation().filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
        match abbreviation {
            Some(name) => match self.known_times.iter().find(|(known, _)| *known == name) {
                Some((_, word)) => (*word).to_owned(),
                None if name == zone.name() => name.to_owned(),
                None => format!("{}, {name}", zone.name()),
            },
            None => format!("{}, UTC{}", zone.name(), local.format("%:z")),
        }
    }
}
