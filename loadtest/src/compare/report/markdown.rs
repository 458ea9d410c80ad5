// SPDX-License-Identifier: EUPL-1.2
//! The report for people.

use std::fmt::Write;

use super::Report;
use crate::compare::Measured;
use crate::compare::cases::Contender;
use crate::compare::samples::Samples;
use crate::number::number;

/// Figures of the detailed tables, with their units.
const DETAILS: [(&str, &str); 15] = [
    ("cpu_us_per_packet", "CPU, µs per packet"),
    ("context_switches_per_packet", "context switches per packet"),
    ("p50_ms", "delay p50, ms"),
    ("p99_ms", "delay p99, ms"),
    ("loss", "loss, share"),
    ("packets_per_second", "packets/s"),
    ("broken_frames", "broken frames"),
    ("kib_per_participant", "memory per participant, KiB"),
    ("join_cpu_ms", "CPU per join, ms"),
    ("join_p99_ms", "connected after, p99, ms"),
    ("failed_joins", "failed joins"),
    ("storm_failed_joins", "failed joins in the storm"),
    ("storm_join_p99_ms", "connected in the storm after, p99, ms"),
    ("storm_p99_growth", "the meeting's p99 delay, times that before"),
    ("load_generator_cores", "load generator, cores"),
];

pub(super) fn of(report: &Report) -> String {
    let mut text = String::from("# Saal, Janus and pion side by side\n\n");
    let pace = if report.is_quick { " A quick run: few and short rounds." } else { "" };
    // A string takes any text.
    let _ = writeln!(text, "{}{pace}\n", report.machine.words());
    text.push_str(
        "Server and clients are in network namespaces joined by a veth pair. Ratios are medians of the rounds' ratios, a \
         rival's figure over Saal's, so above 1 Saal is better. Figures are medians over the rounds.\n\n",
    );
    text.push_str(
        "| load | figure | Saal | Janus | pion | Janus : Saal | pion : Saal |\n|---|---|---|---|---|---|---|\n",
    );
    for measured in &report.results {
        summary(&mut text, measured);
    }
    for measured in &report.results {
        floors(&mut text, measured);
    }
    for measured in report.results.iter().filter(|measured| !measured.case.load.is_empty()) {
        details(&mut text, measured);
    }
    text.push_str("\n## Servers\n\n");
    for (name, note) in &report.servers {
        let _ = writeln!(text, "* **{name}**: {}. Settings: {}.", note.version, note.settings);
    }
    text
}

fn summary(text: &mut String, measured: &Measured) {
    let metric = measured.case.metric;
    let name = DETAILS.iter().find(|(name, _)| *name == metric).map_or(metric, |(_, name)| name);
    let median = |contender| number(measured.samples(contender).and_then(|samples| samples.median(metric)));
    let ratio = |contender| match measured.ratio(contender, metric) {
        Some(ratio) => format!("**{ratio:.2}**"),
        None => "–".to_owned(),
    };
    let _ = writeln!(
        text,
        "| {} | {name} | {} | {} | {} | {} | {} |",
        measured.case.title,
        median(Contender::Saal),
        median(Contender::Janus),
        median(Contender::Pion),
        ratio(Contender::Janus),
        ratio(Contender::Pion),
    );
}

fn floors(text: &mut String, measured: &Measured) {
    let metric = measured.case.metric;
    for (contender, samples) in measured.contenders.iter().filter(|(contender, _)| contender.is_floor()) {
        let _ = write!(
            text,
            "\n{}: this machine's limit by {} is {} µs; Saal needs **{}** times that.",
            measured.case.title,
            contender.name().trim_start_matches("floor_"),
            number(samples.median(metric)),
            number(measured.ratio(*contender, metric)),
        );
    }
    if let Some(samples) = measured.samples(Contender::SaalWithoutCoalescing) {
        let _ = writeln!(
            text,
            "\n\nRead without UDP_GRO, as browsers read, Saal takes {} µs per packet; Janus takes {} times and pion {} \
             times that.",
            number(samples.median(metric)),
            number(measured.ratio_without_coalescing(Contender::Janus, metric)),
            number(measured.ratio_without_coalescing(Contender::Pion, metric)),
        );
    }
}

fn details(text: &mut String, measured: &Measured) {
    let _ = write!(text, "\n## {}\n\n`loadtest {}`\n\n|", measured.case.title, measured.case.load.join(" "));
    for (contender, _) in &measured.contenders {
        let _ = write!(text, " | {}", contender.name());
    }
    let _ = writeln!(text, " |\n|---{}|", "|---".repeat(measured.contenders.len()));
    let cell = |samples: &Samples, metric: &str| match (samples.median(metric), samples.range(metric)) {
        (Some(median), Some((low, high))) if low < high => {
            format!("{} ({}–{})", number(Some(median)), number(Some(low)), number(Some(high)))
        }
        (median, _) => number(median),
    };
    for (metric, name) in DETAILS {
        if measured.contenders.iter().any(|(_, samples)| samples.median(metric).is_some()) {
            row(text, name, measured.contenders.iter().map(|(_, samples)| cell(samples, metric)));
        }
    }
    if measured.contenders.iter().any(|(_, samples)| samples.syscalls_per_packet.is_some()) {
        let calls = measured.contenders.iter().map(|(_, samples)| number(samples.syscalls_per_packet));
        row(text, "system calls per packet", calls);
    }
    for (contender, samples) in &measured.contenders {
        for fault in &samples.faults {
            let _ = writeln!(text, "\n{}: {fault}", contender.name());
        }
    }
}

fn row(text: &mut String, name: &str, cells: impl Iterator<Item = String>) {
    let _ = writeln!(text, "| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
}
