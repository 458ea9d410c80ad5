// SPDX-License-Identifier: EUPL-1.2
//! Whether a meeting fits beside what else is scheduled then. A tenant without limits has room for everything.

pub(super) mod routes;

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx, sql};

use super::invitees::table::Invited;
use super::model::Meeting;
use super::schedule::MAX_DURATION;
use super::tenant::Limits;
use crate::api::ids::{MeetingId, TenantId};
use crate::api::problem::{Code, Problem};

/// Occurrences of a series that are looked at, the next ones first.
pub(super) const CHECKED_OCCURRENCES: usize = 60;

/// Most entries that are added up. Beyond that many in one window, the rest counts as free.
const MAX_ENTRIES: i64 = 20_000;

/// How far apart the starts are that are tried, and how far ahead.
const ALTERNATIVE_STEP: Duration = Duration::minutes(30);
const ALTERNATIVES_WITHIN: Duration = Duration::days(14);

/// How many other starts are offered.
const ALTERNATIVES: usize = 3;

/// How many are expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Expected {
    /// In all.
    pub(super) total: i64,
    /// Of them, by telephone.
    pub(super) phone: i64,
}

impl Expected {
    /// As was said, or else as many as are invited and the organizer.
    pub(super) fn of(meeting: &Meeting, invited: Invited) -> Self {
        let said = &meeting.expected_participants;
        let phone = said.phone.map_or(invited.phone, i64::from);
        let total = match said.browser {
            Some(browser) => i64::from(browser) + phone,
            None => said.phone.map_or(invited.total + 1, |phone| invited.total - invited.phone + 1 + i64::from(phone)),
        };
        Self { total, phone }
    }

    fn fits(self, limits: &Limits) -> bool {
        let within = |number: i64, limit: Option<u32>| limit.is_none_or(|limit| number <= i64::from(limit));
        within(self.total, limits.max_concurrent_participants) && within(self.phone, limits.max_concurrent_phone_calls)
    }

    fn plus(self, other: Self) -> Self {
        Self { total: self.total + other.total, phone: self.phone + other.phone }
    }
}

/// A time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
}

/// What is scheduled.
#[derive(Clone, Copy, Debug)]
struct Entry {
    span: Span,
    expected: Expected,
}

impl FromRow for Entry {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let span = Span { from: row.get("starts_at")?, to: row.get("ends_at")? };
        Ok(Self { span, expected: Expected { total: row.get("expected_total")?, phone: row.get("expected_phone")? } })
    }
}

fn is_limited(limits: &Limits) -> bool {
    limits.max_concurrent_participants.is_some() || limits.max_concurrent_phone_calls.is_some()
}

async fn entries(tx: &mut Tx, tenant: TenantId, span: Span, but: Option<MeetingId>) -> Result<Vec<Entry>, StoreError> {
    // Nothing takes longer than the longest meeting, so what began before that is over.
    let mut select = sql("SELECT starts_at, ends_at, expected_total, expected_phone FROM occurrences
         WHERE tenant_id = $1 AND starts_at > $2 AND starts_at < $3 AND ends_at > $4 AND status = 'scheduled'")
    .bind(tenant)
    .bind(span.from - MAX_DURATION)
    .bind(span.to)
    .bind(span.from);
    if let Some(but) = but {
        select.push_bound(" AND meeting_id <> ", but);
    }
    select.push_bound(" ORDER BY starts_at LIMIT ", MAX_ENTRIES);
    tx.all(select).await
}

/// The most that are there at once within a time.
fn peak(entries: &[Entry], span: Span) -> Expected {
    let within: Vec<_> =
        entries.iter().filter(|entry| entry.span.from < span.to && entry.span.to > span.from).collect();
    let mut changes = Vec::with_capacity(within.len() * 2);
    for entry in within {
        let Expected { total, phone } = entry.expected;
        changes.push((entry.span.from.max(span.from), total, phone));
        changes.push((entry.span.to, -total, -phone));
    }
    // Who leaves makes room for who comes at the same moment: the negative ones are first.
    changes.sort_unstable();
    let (mut now, mut most) = (Expected::default(), Expected::default());
    for (_, total, phone) in changes {
        now = now.plus(Expected { total, phone });
        most = Expected { total: most.total.max(now.total), phone: most.phone.max(now.phone) };
    }
    most
}

/// Lets whoever else looks for room there wait: two that would fit alone must not both be taken.
pub(super) async fn lock(tx: &mut Tx, limits: &Limits, tenant: TenantId) -> Result<(), StoreError> {
    if is_limited(limits) { tx.lock(&format!("capacity {tenant}")).await } else { Ok(()) }
}

/// Fails when a meeting, which is or is to be scheduled at these times, does not fit beside the others.
pub(super) async fn check(
    tx: &mut Tx,
    limits: &Limits,
    meeting: &Meeting,
    spans: &[Span],
    invited: Invited,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if !is_limited(limits) {
        return Ok(());
    }
    lock(tx, limits, meeting.tenant_id).await?;
    let expected = Expected::of(meeting, invited);
    let ahead: Vec<Span> = spans.iter().copied().filter(|span| span.to > now).take(CHECKED_OCCURRENCES).collect();
    for span in ahead {
        let others = entries(tx, meeting.tenant_id, span, Some(meeting.id)).await?;
        if !peak(&others, span).plus(expected).fits(limits) {
            let free = alternatives(tx, limits, meeting.tenant_id, Some(meeting.id), span, expected).await?;
            return Err(Problem::new(Code::CapacityExhausted).with("alternatives", json!(free)));
        }
    }
    Ok(())
}

/// The next starts at which there is room for so many for so long.
async fn alternatives(
    tx: &mut Tx,
    limits: &Limits,
    tenant: TenantId,
    but: Option<MeetingId>,
    wanted: Span,
    expected: Expected,
) -> Result<Vec<DateTime<Utc>>, StoreError> {
    if !expected.fits(limits) {
        return Ok(Vec::new());
    }
    let length = wanted.to - wanted.from;
    let all = Span { from: wanted.from, to: wanted.to + ALTERNATIVES_WITHIN };
    let others = entries(tx, tenant, all, but).await?;
    let mut free = Vec::new();
    let mut from = wanted.from + ALTERNATIVE_STEP;
    while from <= wanted.from + ALTERNATIVES_WITHIN && free.len() < ALTERNATIVES {
        if peak(&others, Span { from, to: from + length }).plus(expected).fits(limits) {
            free.push(from);
        }
        from += ALTERNATIVE_STEP;
    }
    Ok(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_makes_room_for_who_comes() {
        let at = |minute: i64| DateTime::UNIX_EPOCH + Duration::minutes(minute);
        let entry = |from, to, total| Entry {
            span: Span { from: at(from), to: at(to) },
            expected: Expected { total, phone: 0 },
        };
        let entries = [entry(0, 60, 10), entry(60, 120, 20), entry(30, 90, 5), entry(200, 300, 100)];
        let peak_in = |from, to| peak(&entries, Span { from: at(from), to: at(to) }).total;
        assert_eq!((peak_in(0, 30), peak_in(0, 60), peak_in(0, 120), peak_in(120, 200)), (10, 15, 25, 0));
        assert_eq!((peak_in(110, 210), peak_in(250, 260)), (100, 100));
    }
}
