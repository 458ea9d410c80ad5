// SPDX-License-Identifier: EUPL-1.2
//! The report for programs.

use serde_json::{Map, Value, json};

use super::Report;
use crate::compare::Measured;
use crate::compare::cases::Contender;
use crate::compare::samples::Samples;

/// Figures that every contender has an entry for, of nulls when it has none.
const ALWAYS: [&str; 4] = ["cpu_us_per_packet", "loss", "p50_ms", "p99_ms"];

/// Figures of which ratios are given beside the one that a case is about.
const OTHERS: [&str; 5] =
    ["p50_ms", "p99_ms", "kib_per_participant", "context_switches_per_packet", "storm_p99_growth"];

/// `scenarios` has the rounds, `ratios` the medians of the rounds' ratios: for rivals theirs over Saal's, for floors
/// Saal's over the floor's. `metrics` says of what the ratios are.
pub(super) fn of(report: &Report) -> Value {
    let by_case = |of: &dyn Fn(&Measured) -> Value| -> Map<String, Value> {
        report.results.iter().map(|measured| (measured.case.name.to_owned(), of(measured))).collect()
    };
    let others: Map<String, Value> =
        OTHERS.iter().map(|metric| ((*metric).to_owned(), Value::Object(by_case(&|m| ratios(m, metric))))).collect();
    let servers: Map<String, Value> =
        report.servers.iter().map(|(name, note)| ((*name).to_owned(), json!(note))).collect();
    json!({
        "quick": report.is_quick,
        "machine": report.machine,
        "servers": servers,
        "metrics": by_case(&|measured| measured.case.metric.into()),
        "scenarios": by_case(&|measured| scenario(measured, rounds)),
        "medians": by_case(&|measured| scenario(measured, medians)),
        "ratios": by_case(&|measured| ratios(measured, measured.case.metric)),
        "other_ratios": others,
    })
}

fn scenario(measured: &Measured, figures: fn(&Samples) -> Map<String, Value>) -> Value {
    measured.contenders.iter().map(|(contender, samples)| (contender.name().to_owned(), figures(samples))).collect()
}

fn rounds(samples: &Samples) -> Map<String, Value> {
    let mut figures: Map<String, Value> =
        samples.metrics().chain(ALWAYS).map(|metric| (metric.to_owned(), json!(samples.of(metric)))).collect();
    figures.insert("syscalls_per_packet".to_owned(), json!(samples.syscalls_per_packet.as_slice()));
    figures.insert("faults".to_owned(), json!(samples.faults));
    figures
}

fn medians(samples: &Samples) -> Map<String, Value> {
    let mut figures: Map<String, Value> =
        samples.metrics().map(|metric| (metric.to_owned(), json!(samples.median(metric)))).collect();
    figures.insert("syscalls_per_packet".to_owned(), json!(samples.syscalls_per_packet));
    figures
}

fn ratios(measured: &Measured, metric: &str) -> Value {
    let mut ratios = Map::new();
    for (contender, _) in &measured.contenders {
        let mut note = |name: String, ratio: Option<f64>| {
            ratios.extend(ratio.map(|ratio| (name, json!(ratio))));
        };
        if contender.is_rival() || contender.is_floor() {
            note(contender.name().to_owned(), measured.ratio(*contender, metric));
        }
        if contender.is_rival() {
            note(format!("{}_without_gro", contender.name()), measured.ratio_without_coalescing(*contender, metric));
        }
        if *contender == Contender::SaalWithoutCoalescing {
            let own = measured.samples(Contender::Saal);
            let ratio = measured.samples(*contender).zip(own).and_then(|(without, own)| without.ratio_to(own, metric));
            note(contender.name().to_owned(), ratio);
        }
    }
    Value::Object(ratios)
}
