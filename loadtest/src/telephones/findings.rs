// SPDX-License-Identifier: EUPL-1.2
//! What a measurement found, and what must hold of it.

use serde::Serialize;

/// The share of a load that must have been reached. Sender and server are on one machine, so it may be late by a little; with less
/// than this the other figures are not of the load that they are called after.
const REACHED: f64 = 0.95;

/// A bound that must hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Must {
    AtMost(f64),
    AtLeast(f64),
}

impl Must {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    fn words(self, value: f64) -> String {
        let verdict = if self.holds(value) { "" } else { ", MISSED" };
        match self {
            Self::AtMost(most) => format!(" (at most {most}{verdict})"),
            Self::AtLeast(least) => format!(" (at least {least}{verdict})"),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct Finding {
    name: String,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    must: Option<Must>,
}

/// Figures by name.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn note(&mut self, name: impl Into<String>, value: f64) {
        self.0.push(Finding { name: name.into(), value, must: None });
    }

    pub(super) fn judge(&mut self, name: impl Into<String>, value: f64, must: Must) {
        self.0.push(Finding { name: name.into(), value, must: Some(must) });
    }

    /// The load itself: what was asked for, and what came about.
    pub(super) fn judge_load(&mut self, name: &str, asked: f64, reached: f64) {
        self.note(format!("{name}, asked for"), asked);
        self.judge(format!("{name}, reached"), reached, Must::AtLeast(REACHED * asked));
    }

    pub(super) fn are_good_enough(&self) -> bool {
        self.0.iter().all(|finding| finding.must.is_none_or(|must| must.holds(finding.value)))
    }

    /// One line for each.
    pub(super) fn table(&self) -> String {
        let line = |finding: &Finding| {
            let must = finding.must.map(|must| must.words(finding.value)).unwrap_or_default();
            let value = format!("{:.4}", finding.value);
            let value = value.trim_end_matches('0').trim_end_matches('.');
            format!("{:<66} {value:>12}{must}\n", finding.name)
        };
        self.0.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_said() {
        let mut findings = Findings::default();
        findings.note("a", 1.0);
        findings.judge("b", 0.0, Must::AtMost(0.0));
        assert!(findings.are_good_enough() && !findings.table().contains("MISSED"));
        findings.judge("c", 99.5, Must::AtLeast(100.0));
        assert!(!findings.are_good_enough());
        assert!(findings.table().lines().last().unwrap().ends_with("99.5 (at least 100, MISSED)"));
        let mut unmeasured = Findings::default();
        unmeasured.judge("d", f64::NAN, Must::AtMost(1.0));
        assert!(!unmeasured.are_good_enough(), "what was not measured does not hold");
    }

    #[test]
    fn a_load_that_was_not_there_proves_nothing() {
        for (reached, is_enough) in [(5_000.0, true), (4_750.0, true), (4_700.0, false), (0.0, false)] {
            let mut findings = Findings::default();
            findings.judge_load("INVITEs in a second", 5_000.0, reached);
            assert_eq!(findings.are_good_enough(), is_enough, "{reached}");
            assert!(findings.table().starts_with("INVITEs in a second, asked for"), "{}", findings.table());
        }
    }
}
