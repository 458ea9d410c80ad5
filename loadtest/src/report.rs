// SPDX-License-Identifier: EUPL-1.2
//! A run's outcome as a person reads it.

pub(crate) mod chart;

use std::fmt::Write;

use crate::scenario::Outcome;

/// A table of two columns.
pub(crate) fn table(outcome: &Outcome) -> String {
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut row = |name, value: String| rows.push((name, value));
    if outcome.ended_early {
        row("ended early", format!("{:.1} of {:.0} s were measured", outcome.seconds, outcome.planned_seconds));
    }
    let joins = &outcome.joins;
    row("participants", format!("{} ({} failed)", outcome.participants, joins.failed));
    row("connected after", format!("{:.0} ms (p99 {:.0} ms)", joins.connected.p50_ms, joins.connected.p99_ms));
    if joins.first_media.max_ms > 0.0 {
        row(
            "first media after",
            format!("{:.0} ms (p99 {:.0} ms)", joins.first_media.p50_ms, joins.first_media.p99_ms),
        );
    }
    if let Some(cpu_ms) = joins.server_cpu_ms {
        row("server CPU to join", format!("{cpu_ms:.2} ms for each"));
    }
    row(
        "packets received",
        format!("{} in {:.1} s, {:.0}/s", outcome.packets(), outcome.seconds, outcome.packets_per_second),
    );
    row("loss", format!("{:.4} %", outcome.loss * 100.0));
    for (name, received) in [("audio delay", &outcome.audio), ("video delay", &outcome.video)] {
        if received.counters.packets > 0 {
            let delay = received.delay;
            row(name, format!("{:.2} ms (p99 {:.2} ms, p99.9 {:.2} ms)", delay.p50_ms, delay.p99_ms, delay.p999_ms));
        }
    }
    let video = &outcome.video.counters;
    if video.frames > 0 {
        row(
            "pictures shown",
            format!("{} ({} keyframes, {} broken)", video.frames, video.keyframes, video.broken_frames),
        );
        row("longest freeze", format!("{:.0} ms", video.longest_freeze.as_secs_f64() * 1_000.0));
    }
    if let Some(server) = &outcome.server {
        row(
            "server CPU",
            format!(
                "{:.2} µs per packet, {:.2} cores",
                server.cpu_us_per_packet,
                server.total.cpu_seconds / outcome.seconds
            ),
        );
        row(
            "server memory",
            format!("{:.1} MiB, {:.0} KiB per participant", server.total.pss_mib, server.kib_per_participant),
        );
        row("context switches", format!("{:.3} per packet", server.context_switches_per_packet));
        if let Some(syscalls) = server.syscalls_per_packet {
            row("system calls", format!("{syscalls:.3} per packet"));
        }
    }
    if let Some(storm) = &outcome.storm {
        row(
            "storm",
            format!(
                "{} joins, {} failed, connected after {:.0} ms (p99 {:.0} ms)",
                storm.joins.asked, storm.joins.failed, storm.joins.connected.p50_ms, storm.joins.connected.p99_ms
            ),
        );
        row(
            "meeting's delay",
            format!("p99 {:.2} ms before, {:.2} ms during", storm.before.p99_ms, storm.during.p99_ms),
        );
    }
    let per_core = outcome.packets_per_second / outcome.own_core_share.max(f64::EPSILON);
    row("this tool", format!("{:.2} cores, {per_core:.0} packets/s for each", outcome.own_core_share));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = format!("{}: {}\n", outcome.scenario, outcome.description);
    for (name, value) in rows {
        // A string takes any text.
        let _ = writeln!(text, "  {name:width$}  {value}");
    }
    for fault in outcome.faults() {
        let _ = writeln!(text, "  ! {fault}");
    }
    text
}
