// SPDX-License-Identifier: EUPL-1.2
//! What was measured of the API, as a table and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::requests::Kind;
use crate::number::{number, whole};
use crate::quantile::Sorted;

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    database: String,
    /// How often each request was sent.
    requests: usize,
    sizes: Vec<Measured>,
}

/// What was measured with so many meetings stored.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    meetings: usize,
    kinds: Vec<Took>,
}

/// How long a request took.
#[derive(Debug, Serialize)]
struct Took {
    request: &'static str,
    p50_ms: f64,
    p99_ms: f64,
}

impl Measured {
    pub(super) const fn of(meetings: usize) -> Self {
        Self { meetings, kinds: Vec::new() }
    }

    pub(super) fn add(&mut self, kind: Kind, took_ms: Sorted) {
        let (p50_ms, p99_ms) = (took_ms.quantile(0.5), took_ms.quantile(0.99));
        self.kinds.push(Took { request: kind.name(), p50_ms, p99_ms });
    }
}

impl Report {
    pub(super) const fn new(database: String, requests: usize) -> Self {
        Self { database, requests, sizes: Vec::new() }
    }

    pub(super) fn add(&mut self, measured: Measured) {
        self.sizes.push(measured);
    }

    /// A line for each request: by how much it takes longer with the most meetings than with the fewest, and how long it
    /// takes, half of the times and 99 of 100, in milliseconds.
    pub(super) fn table(&self) -> String {
        let mut table = format!("| {}, ms (p99) |", self.database);
        let is_grown = self.sizes.len() > 1;
        if is_grown {
            table.push_str(" ratio |");
        }
        let sizes = self.sizes.iter().map(|size| whole(size.meetings as f64));
        sizes.for_each(|size| _ = write!(table, " {size} |"));
        table.push_str("\n|---|");
        table.push_str(&"---|".repeat(self.sizes.len() + usize::from(is_grown)));
        let kinds = self.sizes.first().map(|size| size.kinds.as_slice()).unwrap_or_default();
        for (row, first) in kinds.iter().enumerate() {
            _ = write!(table, "\n| {} |", first.request);
            let took: Vec<_> = self.sizes.iter().filter_map(|size| size.kinds.get(row)).collect();
            if let (true, Some(last)) = (is_grown, took.last()) {
                _ = write!(table, " {:.2} |", last.p50_ms / first.p50_ms);
            }
            for took in took {
                _ = write!(table, " {} ({}) |", number(Some(took.p50_ms)), number(Some(took.p99_ms)));
            }
        }
        table.push('\n');
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_between_the_sizes_comes_first() {
        let mut report = Report::new("SQLite".to_owned(), 3);
        for (meetings, ms) in [(1_000, 1.0), (100_000, 1.5)] {
            let mut measured = Measured::of(meetings);
            measured.add(Kind::Read, Sorted::new(vec![ms, ms, 9.0]));
            report.add(measured);
        }
        assert_eq!(
            report.table(),
            "| SQLite, ms (p99) | ratio | 1000 | 100,000 |\n|---|---|---|---|\n\
             | read a meeting | 1.50 | 1.00 (9.00) | 1.50 (9.00) |\n"
        );
    }
}
