// SPDX-License-Identifier: EUPL-1.2
//! The report of a comparison: as JSON for programs, as Markdown for people, and as a chart.

mod chart;
mod json;
mod markdown;

use std::path::Path;

use anyhow::Result;

use super::Measured;
use super::about::{Machine, ServerNote};
use super::cases::Contender;
use crate::files;

/// All that a comparison found.
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) servers: Vec<(&'static str, ServerNote)>,
    pub(super) is_quick: bool,
    pub(super) results: Vec<Measured>,
}

impl Report {
    /// Writes `report.json`, `report.md` and `report.svg`.
    pub(super) fn write(&self, out: &Path) -> Result<()> {
        files::write_json(&out.join("report.json"), &json::of(self))?;
        files::write(&out.join("report.md"), &self.markdown())?;
        files::write(&out.join("report.svg"), &chart::of(&self.results))
    }

    pub(super) fn markdown(&self) -> String {
        markdown::of(self)
    }
}

impl Measured {
    /// A rival's figure over Saal's, or Saal's over the floor's: the median of the rounds' ratios.
    fn ratio(&self, contender: Contender, metric: &str) -> Option<f64> {
        let (own, other) = (self.samples(Contender::Saal)?, self.samples(contender)?);
        if contender.is_rival() { other.ratio_to(own, metric) } else { own.ratio_to(other, metric) }
    }

    /// A rival's figure over Saal's when the clients read each datagram with a call of its own.
    fn ratio_without_coalescing(&self, rival: Contender, metric: &str) -> Option<f64> {
        self.samples(rival)?.ratio_to(self.samples(Contender::SaalWithoutCoalescing)?, metric)
    }
}

#[cfg(test)]
mod tests;
