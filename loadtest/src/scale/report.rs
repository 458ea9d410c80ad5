// SPDX-License-Identifier: EUPL-1.2
//! What was measured beside what the costs explain of it: a model is as good as this table says.

use std::fmt::Write;

use serde::Serialize;

use super::Measured;
use crate::compare::Machine;
use crate::number::MIB_BYTES;
use crate::size::Costs;

/// Everything that was found, as it is written for `loadtest size --costs`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) costs: Costs,
    pub(super) cases: Vec<Measured>,
}

impl Report {
    /// The report as text.
    pub(super) fn table(&self) -> String {
        let mut text = self.machine.words();
        text.push_str(
            "\n\nload               shards  packets/s   cores          off      MiB              off\n\
             \x20                                   measured fitted     by measured fitted     by\n",
        );
        let (mut worst, mut sum) = (0.0_f64, 0.0);
        for one in &self.cases {
            let cores = one.work.cores(&self.costs);
            let memory = one.work.memory_bytes(one.shards, &self.costs);
            let off = |fitted: f64, measured: f64| fitted / measured.max(f64::EPSILON) - 1.0;
            let off_cores = off(cores, one.cores);
            (worst, sum) = (worst.max(off_cores.abs()), sum + off_cores.abs());
            // A string takes any text, here and below.
            let _ = writeln!(
                text,
                "{:19}{:>6}{:>11.0}{:>9.3}{:>7.3}{:>+6.0} %{:>9.0}{:>7.0}{:>+6.0} %",
                one.case,
                one.shards,
                one.work.sent,
                one.cores,
                cores,
                off_cores * 100.0,
                one.memory_bytes / MIB_BYTES,
                memory / MIB_BYTES,
                off(memory, one.memory_bytes) * 100.0,
            );
            for fault in &one.faults {
                let _ = writeln!(text, "  ! {fault}");
            }
        }
        let mean = sum / self.cases.len().max(1) as f64;
        let _ = writeln!(
            text,
            "\nCPU is off by {:.0} % on average, {:.0} % at worst. Costs:\n",
            mean * 100.0,
            worst * 100.0
        );
        let costs = serde_json::to_value(self.costs).unwrap_or_default();
        for (name, cost) in costs.as_object().into_iter().flatten() {
            let _ = writeln!(text, "  {name:18}{:>10.3}", cost.as_f64().unwrap_or_default());
        }
        text
    }
}
