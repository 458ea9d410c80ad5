// SPDX-License-Identifier: EUPL-1.2
//! When a meeting is, worked out from what somebody asked for. Touches no database.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use chrono_tz::Tz;

use super::expansion;
use super::input::MeetingInput;
use super::model::{Meeting, MeetingType, RecurrenceId, TimeZone};
use super::recurrence::{Expansion, Rule, expand, instant, said};
use super::tenant::Tenant;
use crate::api::problem::Invalid;

/// How far from now a meeting can be.
const MAX_DISTANCE: Duration = Duration::days(3660);

/// Longest meeting. What is occupied at a time is looked for so far back.
pub(super) const MAX_DURATION: Duration = Duration::days(7);

/// When a meeting is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Schedule {
    pub(super) kind: MeetingType,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: Option<DateTime<Utc>>,
    pub(super) zone: TimeZone,
    /// As it is stored.
    pub(super) rule: Option<String>,
    pub(super) excluded_dates: Vec<DateTime<Utc>>,
    /// The starts to write down.
    pub(super) expansion: Expansion,
    /// Excluded dates that moved along with the series and that the rule does not say any more.
    pub(super) dropped: Vec<RecurrenceId>,
}

/// What a schedule takes the place of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'a> {
    /// The meeting as it is.
    pub(super) meeting: &'a Meeting,
    /// Whether it is only being made.
    pub(super) is_new: bool,
    /// Whether nobody named the excluded dates, so that they move along with the series.
    pub(super) keeps_exclusions: bool,
}

impl Schedule {
    /// How long each occurrence takes.
    pub(super) fn duration(&self) -> Duration {
        self.ends_at.map_or(Duration::zero(), |end| end - self.starts_at)
    }

    /// Works it out by what the tenant has settled. What is wrong is named; the result then is of no use.
    pub(super) fn of(
        input: &MeetingInput,
        tenant: &Tenant,
        before: Before<'_>,
        now: DateTime<Utc>,
        invalid: &mut Invalid,
    ) -> Self {
        let zone = zone(input, tenant, invalid);
        let default = if input.recurrence_rule.is_some() { MeetingType::Recurring } else { MeetingType::Scheduled };
        let kind = input.kind.unwrap_or(default);
        let mut schedule = Self {
            kind,
            starts_at: before.meeting.created_at.trunc_subsecs(0),
            ends_at: None,
            zone,
            rule: None,
            excluded_dates: Vec::new(),
            expansion: Expansion::default(),
            dropped: Vec::new(),
        };
        if matches!(kind, MeetingType::AdHoc | MeetingType::Permanent) {
            forbid_times(input, invalid);
            return schedule;
        }
        let Some(starts_at) = input.starts_at else {
            invalid.add("/starts_at", "required");
            return schedule;
        };
        schedule.starts_at = starts_at.trunc_subsecs(0);
        check_distance(schedule.starts_at, now, invalid);
        schedule.ends_at = end(input, schedule.starts_at, tenant.settings.limits.max_meeting_minutes, invalid);
        match kind {
            MeetingType::Recurring => schedule.repeat(input, before, now, invalid),
            _ => {
                forbid_recurrence(input, invalid);
                schedule.expansion.starts = vec![schedule.starts_at];
                if schedule.differs(before) && schedule.ends_at.is_some_and(|end| end < now) {
                    invalid.add("/starts_at", "in-the-past");
                }
            }
        }
        schedule
    }

    /// Whether it is another one than before. What is the same is right, however long ago it was.
    fn differs(&self, before: Before<'_>) -> bool {
        let meeting = before.meeting;
        before.is_new
            || (self.starts_at, self.ends_at, self.zone) != (meeting.starts_at, meeting.ends_at, meeting.time_zone)
            || self.rule != meeting.recurrence_rule
            || self.excluded_dates != meeting.excluded_dates
    }

    fn repeat(&mut self, input: &MeetingInput, before: Before<'_>, now: DateTime<Utc>, invalid: &mut Invalid) {
        let Some(text) = &input.recurrence_rule else {
            invalid.add("/recurrence_rule", "required");
            return;
        };
        let excluded: Vec<_> = input.excluded_dates.iter().map(|date| date.trunc_subsecs(0)).collect();
        self.excluded_dates = sorted(excluded.iter().copied());
        let window = expansion::window(self.starts_at, now);
        let expanded = Rule::parse(text, self.zone.0).and_then(|rule| {
            self.rule = Some(rule.to_string());
            // From the start on, to see whether the rule says that one.
            let first = super::recurrence::Window { from: self.starts_at, limit: 1, ..window };
            let first = expand(&rule, self.starts_at, self.zone.0, first)?;
            let found = expand(&rule, self.starts_at, self.zone.0, window)?;
            Ok((rule, first, found))
        });
        match expanded {
            Err(error) => invalid.add("/recurrence_rule", error.code()),
            Ok((_, first, _)) if first.starts.is_empty() => invalid.add("/recurrence_rule", "no-occurrence"),
            // RFC 5545 §3.8.5.3 leaves open what happens then, so every calendar would show something else.
            Ok((_, first, _)) if first.starts.first() != Some(&self.starts_at) => {
                let next = first.starts.first().map(DateTime::to_rfc3339).unwrap_or_default();
                invalid.add_with("/starts_at", "not-by-the-rule", next);
            }
            Ok((rule, _, expansion)) => {
                self.expansion = expansion;
                if before.keeps_exclusions {
                    self.move_exclusions(&rule, before.meeting);
                } else if self.differs(before) {
                    self.check_exclusions(&rule, &excluded, invalid);
                }
                if self.zone.is_second(self.starts_at) && self.differs(before) {
                    // Calendars would take the first of the two.
                    invalid.add("/starts_at", "said-twice");
                }
                self.expansion.starts.retain(|start| self.excluded_dates.binary_search(start).is_err());
                let is_over = self.expansion.starts.is_empty() && self.expansion.is_complete();
                if is_over && self.differs(before) {
                    invalid.add("/recurrence_rule", "no-occurrence");
                }
            }
        }
    }

    /// One that is no start of the rule would be without effect, and nobody would notice.
    fn check_exclusions(&self, rule: &Rule, named: &[DateTime<Utc>], invalid: &mut Invalid) {
        let said = said(rule, self.starts_at, self.zone.0, &named.iter().copied().collect()).unwrap_or_default();
        for (at, _) in named.iter().enumerate().filter(|(_, date)| !said.contains(*date)) {
            invalid.add(format!("/excluded_dates/{at}"), "no-start-of-the-rule");
        }
    }

    /// When a series begins at another hour or on another day, what does not happen is still the same.
    fn move_exclusions(&mut self, rule: &Rule, meeting: &Meeting) {
        if self.starts_at == meeting.starts_at && self.zone == meeting.time_zone && self.rule == meeting.recurrence_rule
        {
            return;
        }
        let candidates: Vec<_> = self.excluded_dates.iter().map(|date| (*date, self.moved(*date, meeting))).collect();
        let all: BTreeSet<_> = candidates.iter().flat_map(|(_, candidates)| *candidates).collect();
        let said = said(rule, self.starts_at, self.zone.0, &all).unwrap_or_default();
        let mut kept = BTreeSet::new();
        for (date, candidates) in candidates {
            match candidates.into_iter().find(|candidate| said.contains(candidate)) {
                Some(candidate) => {
                    kept.insert(candidate);
                }
                None => self.dropped.push(RecurrenceId(date)),
            }
        }
        self.excluded_dates = kept.into_iter().collect();
    }

    /// Where an excluded date may be by now: where it was, at the new time of that day, or as many days away as the start.
    fn moved(&self, date: DateTime<Utc>, meeting: &Meeting) -> [DateTime<Utc>; 3] {
        let local = |time: DateTime<Utc>, zone: Tz| time.with_timezone(&zone).naive_local();
        let (old, new) = (local(meeting.starts_at, meeting.time_zone.0), local(self.starts_at, self.zone.0));
        let date_then = local(date, meeting.time_zone.0);
        let on_that_day = date_then + (new.time() - old.time());
        [date, instant(self.zone.0, on_that_day), instant(self.zone.0, date_then + (new - old))]
    }
}

fn sorted(times: impl Iterator<Item = DateTime<Utc>>) -> Vec<DateTime<Utc>> {
    times.collect::<BTreeSet<_>>().into_iter().collect()
}

fn zone(input: &MeetingInput, tenant: &Tenant, invalid: &mut Invalid) -> TimeZone {
    let Some(name) = &input.time_zone else { return tenant.time_zone() };
    TimeZone::parse(name).unwrap_or_else(|| {
        invalid.add("/time_zone", "unknown-time-zone");
        tenant.time_zone()
    })
}

fn check_distance(starts_at: DateTime<Utc>, now: DateTime<Utc>, invalid: &mut Invalid) {
    if starts_at > now + MAX_DISTANCE {
        invalid.add_with("/starts_at", "too-large", (now + MAX_DISTANCE).to_rfc3339());
    } else if starts_at < now - MAX_DISTANCE {
        invalid.add("/starts_at", "in-the-past");
    }
}

fn end(
    input: &MeetingInput,
    starts_at: DateTime<Utc>,
    longest_minutes: Option<u32>,
    invalid: &mut Invalid,
) -> Option<DateTime<Utc>> {
    let by_duration = input.duration_minutes.map(|minutes| starts_at + Duration::minutes(minutes.into()));
    let by_end = input.ends_at.map(|end| end.trunc_subsecs(0));
    let (pointer, end) = match (by_end, by_duration) {
        (None, None) => {
            invalid.add("/ends_at", "required");
            return None;
        }
        (Some(end), Some(other)) if end != other => {
            invalid.add_with("/duration_minutes", "contradiction", "ends_at");
            return None;
        }
        (Some(end), _) => ("/ends_at", end),
        (None, Some(end)) => ("/duration_minutes", end),
    };
    let tenants = longest_minutes.map(|minutes| Duration::minutes(minutes.into()));
    let longest = tenants.unwrap_or(MAX_DURATION).min(MAX_DURATION);
    if end <= starts_at {
        invalid.add(pointer, "before-start");
    } else if end - starts_at > longest {
        invalid.add_with(pointer, "too-large", format!("{} min", longest.num_minutes()));
    }
    Some(end)
}

fn forbid_recurrence(input: &MeetingInput, invalid: &mut Invalid) {
    if input.recurrence_rule.is_some() {
        invalid.add_with("/recurrence_rule", "contradiction", "type");
    }
    if !input.excluded_dates.is_empty() {
        invalid.add_with("/excluded_dates", "contradiction", "type");
    }
}

fn forbid_times(input: &MeetingInput, invalid: &mut Invalid) {
    let given = [
        ("/starts_at", input.starts_at.is_some()),
        ("/ends_at", input.ends_at.is_some()),
        ("/duration_minutes", input.duration_minutes.is_some()),
    ];
    for (pointer, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
        invalid.add_with(pointer, "contradiction", "type");
    }
    forbid_recurrence(input, invalid);
}
