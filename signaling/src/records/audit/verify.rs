// SPDX-License-Identifier: EUPL-1.2
//! Looks through a chain for events that were changed, removed or put in between.

use std::fmt;

use serde::Serialize;
use store::{FromRow, Row, Single, StoreError, Tx, sql};
use utoipa::ToSchema;

use super::head::AuditHead;
use super::{Filter, GENESIS, Link, Order};

/// Events that are read at once.
const PAGE: i64 = 1000;

/// Most breaks that are told. Where there are more, nobody counts them.
const MAX_BREAKS: usize = 100;

/// A place where a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Break {
    /// What is wrong there.
    pub kind: BreakKind,
    /// The first number that it concerns.
    pub first: i64,
    /// The last number that it concerns.
    pub last: i64,
}

/// What is wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// The event is not what its hash says.
    Changed,
    /// Events are missing between others.
    Missing,
    /// Events are there that do not belong to the chain: before its beginning or behind its end.
    Added,
    /// The event does not follow the one before it: one of the two was exchanged.
    Unlinked,
    /// The oldest events were cut off, and not by retention.
    BeginningCut,
    /// The newest events were cut off.
    EndCut,
    /// The record of the chain's end is gone.
    HeadMissing,
    /// The event is not the one that a signed head of earlier names.
    Rewritten,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            BreakKind::Changed => "changed",
            BreakKind::Missing => "missing",
            BreakKind::Added => "not part of the chain",
            BreakKind::Unlinked => "not what the event before it leads to",
            BreakKind::BeginningCut => "missing at the beginning",
            BreakKind::EndCut => "missing at the end",
            BreakKind::HeadMissing => "without the record of the chain's end",
            BreakKind::Rewritten => "not what an earlier head names",
        };
        if self.first == self.last {
            write!(f, "event {} is {what}", self.first)
        } else {
            write!(f, "events {} to {} are {what}", self.first, self.last)
        }
    }
}

/// What looking through a chain has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose chain; empty is the installation's.
    pub tenant: String,
    /// How many events it has.
    pub events: u64,
    /// The number of the first one.
    pub first_number: i64,
    /// The number of the last one; one less than the first when there is none.
    pub last_number: i64,
    /// Where it is broken.
    pub breaks: Vec<Break>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.breaks.is_empty()
    }

    fn note(&mut self, kind: BreakKind, first: i64, last: i64) {
        if self.breaks.len() < MAX_BREAKS {
            self.breaks.push(Break { kind, first, last });
        }
    }
}

/// The record of a chain's ends.
struct Ends {
    number: i64,
    hash: String,
    first_number: i64,
    first_previous_hash: String,
}

impl FromRow for Ends {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.get("number")?,
            hash: row.get("hash")?,
            first_number: row.get("first_number")?,
            first_previous_hash: row.get("first_previous_hash")?,
        })
    }
}

/// Looks through the chain of `tenant`. `known` are heads of earlier, which it must lead through.
///
/// # Errors
///
/// Fails when the database does, not when the chain is broken.
pub(crate) async fn verify(tx: &mut Tx, tenant: &str, known: &[AuditHead]) -> Result<Report, StoreError> {
    let ends: Option<Ends> = tx
        .optional(
            sql("SELECT number, hash, first_number, first_previous_hash FROM audit_heads WHERE tenant_id = $1")
                .bind(tenant),
        )
        .await?;
    let (first_number, mut previous) = match &ends {
        Some(ends) => (ends.first_number, ends.first_previous_hash.clone()),
        None => (1, GENESIS.to_owned()),
    };
    let known: Vec<_> = known.iter().filter(|head| head.tenant == tenant).collect();
    let mut report =
        Report { tenant: tenant.to_owned(), events: 0, first_number, last_number: first_number - 1, breaks: vec![] };
    let mut after = None;
    loop {
        let links = Filter::default().page(tx, tenant, Order::Asc, after, PAGE).await?;
        let Some(last) = links.last() else { break };
        after = Some(last.number);
        for link in links {
            look_at(&link, &previous, &known, &mut report);
            report.events += 1;
            report.last_number = link.number;
            previous = link.hash;
        }
    }
    compare_ends(ends.as_ref(), &previous, &known, &mut report);
    Ok(report)
}

/// Compares an event with the one before and with its own hash.
fn look_at(link: &Link, previous: &str, known: &[&AuditHead], report: &mut Report) {
    let expected = report.last_number + 1;
    if link.number > expected {
        let kind = if report.events == 0 { BreakKind::BeginningCut } else { BreakKind::Missing };
        report.note(kind, expected, link.number - 1);
    } else if link.number < expected {
        report.note(BreakKind::Added, link.number, link.number);
    } else if link.previous_hash != previous {
        report.note(BreakKind::Unlinked, link.number, link.number);
    }
    if link.hash != link.expected_hash() {
        report.note(BreakKind::Changed, link.number, link.number);
    }
    if known.iter().any(|head| head.number == link.number && head.hash != link.hash) {
        report.note(BreakKind::Rewritten, link.number, link.number);
    }
}

/// Compares the last event with the record of the chain's end, and with what was known of it earlier.
fn compare_ends(ends: Option<&Ends>, hash: &str, known: &[&AuditHead], report: &mut Report) {
    let last = report.last_number;
    match ends {
        Some(ends) if ends.number > last => report.note(BreakKind::EndCut, last + 1, ends.number),
        Some(ends) if ends.number < last => report.note(BreakKind::Added, ends.number + 1, last),
        Some(ends) if ends.hash != hash => report.note(BreakKind::Unlinked, last, last),
        None if report.events > 0 => report.note(BreakKind::HeadMissing, report.first_number, last),
        _ => {}
    }
    let farthest = known.iter().map(|head| head.number).max().unwrap_or(0);
    if farthest > last.max(ends.map_or(0, |ends| ends.number)) {
        report.note(BreakKind::EndCut, last + 1, farthest);
    }
}

/// Whose chains there are, at most `limit` behind `after`.
pub(crate) async fn chains(tx: &mut Tx, after: Option<&str>, limit: i64) -> Result<Vec<String>, StoreError> {
    let found: Vec<Single<String>> = tx
        .all(
            // An empty text is the smallest in every collation, so the first page needs a flag of its own.
            sql("SELECT tenant_id FROM (SELECT tenant_id FROM audit_heads UNION SELECT tenant_id FROM audit_events) found
                 WHERE $1 OR tenant_id > $2 ORDER BY tenant_id LIMIT $3")
            .bind(after.is_none())
            .bind(after.unwrap_or_default())
            .bind(limit),
        )
        .await?;
    Ok(found.into_iter().map(|chain| chain.0).collect())
}

#[cfg(test)]
mod tests;
