// SPDX-License-Identifier: EUPL-1.2
//! What was worked out, as an operator reads it and in the form in which it is kept.

use std::fmt::Write;

use serde::Serialize;

use super::costs::Costs;
use super::machines::{Fleet, Machine};
use super::mix::Habits;
use super::simulate::Simulation;
use crate::number::{MIB_BYTES, whole};

/// Everything that was worked out.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) habits: Habits,
    pub(crate) costs: Costs,
    /// Most that the fullest shard and the link may be loaded, as a share.
    pub(crate) limit: f64,
    pub(crate) placements: usize,
    /// The meetings' sizes, largest first.
    pub(crate) sizes: Vec<usize>,
    /// The smallest node that carries everything, if any does.
    pub(crate) smallest: Option<Simulation>,
    pub(crate) machine: Machine,
    /// The fewest machines of that kind, if any number is enough.
    pub(crate) fleet: Option<Fleet>,
    /// Nodes with various numbers of shards, ascending.
    pub(crate) by_shards: Vec<Simulation>,
    pub(crate) growth: Vec<GrowthPoint>,
}

/// The smallest node for another number of people.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GrowthPoint {
    pub(crate) people: usize,
    pub(crate) node: Simulation,
}

impl Report {
    pub(crate) fn people(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// The report as text.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        self.write_meetings(&mut text);
        self.write_traffic(&mut text);
        self.write_shards(&mut text);
        self.write_growth(&mut text);
        self.write_recommendation(&mut text);
        text
    }

    fn write_meetings(&self, text: &mut String) {
        let count = |low: usize, high: usize| self.sizes.iter().filter(|size| (low..=high).contains(*size)).count();
        // A string takes any text, here and below.
        let _ = writeln!(text, "{} people in {} meetings", whole(self.people() as f64), whole(self.sizes.len() as f64));
        for (low, high, name) in [
            (1, 2, "up to 2"),
            (3, 8, "3 to 8"),
            (9, 19, "9 to 19"),
            (20, 99, "20 to 99"),
            (100, usize::MAX, "100 and more"),
        ] {
            let _ = writeln!(text, "  {:>7} of {name}", count(low, high));
        }
    }

    fn write_traffic(&self, text: &mut String) {
        let Some(node) = self.smallest.or_else(|| self.by_shards.first().copied()) else { return };
        let work = node.work;
        let mut row = |name: &str, per_second: f64, note: String| {
            let _ = writeln!(text, "  {name:<14}{:>11}/s  {note}", whole(per_second));
        };
        row("packets in", work.received, format!("{} Mbit/s", whole(work.bits_in / 1e6)));
        row("packets out", work.sent, format!("{} Mbit/s", whole(work.bits_out / 1e6)));
        row("handed over", work.handed_over, format!("from shard to shard, with {} shards", node.shards));
        row("skipped", work.skipped, "looked at for receivers who get another layer or none".to_owned());
    }

    fn write_shards(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n shards   cores   emptiest   fullest shard:    handed over    memory\n         in use      shard   median      p99     packets/s       MiB"
        );
        for node in &self.by_shards {
            let is_smallest = self.smallest.is_some_and(|smallest| smallest.shards == node.shards);
            let _ = writeln!(
                text,
                "{:>7}{:>8.2}{:>11}{:>9}{:>9}{:>14}{:>10}{}",
                node.shards,
                node.cores,
                percent(node.emptiest_median),
                percent(node.fullest_median),
                percent(node.fullest_p99),
                whole(node.work.handed_over),
                whole(node.memory_bytes / MIB_BYTES),
                if is_smallest { "  <" } else { "" },
            );
        }
    }

    fn write_growth(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n people   cores    cores    Mbit/s    memory\n         in use  to have       out       MiB"
        );
        for GrowthPoint { people, node } in &self.growth {
            let _ = writeln!(
                text,
                "{:>7}{:>8.2}{:>9}{:>10}{:>10}",
                whole(*people as f64),
                node.cores,
                node.shards,
                whole(node.work.bits_out / 1e6),
                whole(node.memory_bytes / MIB_BYTES),
            );
        }
    }

    fn write_recommendation(&self, text: &mut String) {
        let limit = percent(self.limit);
        let _ = match &self.smallest {
            Some(node) => writeln!(
                text,
                "\nOne machine: {} cores, with which the fullest shard stays below {limit} in 99 of 100 placements; {} MiB \
                 of memory; {} Mbit/s out and {} Mbit/s in.",
                node.shards,
                whole(node.memory_bytes / MIB_BYTES),
                whole(node.work.bits_out / 1e6),
                whole(node.work.bits_in / 1e6),
            ),
            None => writeln!(text, "\nOne machine: with no number of cores the fullest shard stays below {limit}."),
        };
        let kind = format!("{} cores and {} Gbit/s", self.machine.cores, self.machine.link_bps / 1e9);
        let _ = match &self.fleet {
            Some(fleet) => writeln!(
                text,
                "Machines with {kind}: {}. On the busiest the fullest shard is at {} and the link at {}; the one that needs \
                 most memory takes {} MiB.{}",
                fleet.machines,
                percent(fleet.fullest_p99),
                percent(fleet.link_share),
                whole(fleet.memory_bytes / MIB_BYTES),
                match fleet.divided_rooms {
                    0 => String::new(),
                    count => format!(" Meetings that are too large for one of them: {count}."),
                },
            ),
            None => writeln!(text, "Machines with {kind}: no number of them stays below {limit}."),
        };
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
