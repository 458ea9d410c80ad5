// SPDX-License-Identifier: EUPL-1.2
//! What a run found, in the form in which it is kept.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Scenario;
use super::series::Series;
use crate::delay::DelaySummary;
use crate::driver::{DriverReport, OwnCost};
use crate::peer::Counters;
use crate::process::Cost;
use crate::quantile::Sorted;
use crate::sdp::Kind;

/// How long joins took, in milliseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Joins {
    pub(crate) asked: usize,
    pub(crate) failed: usize,
    /// Why, for the first few.
    pub(crate) failures: Vec<String>,
    /// From the first request to DTLS being up.
    pub(crate) connected: Spread,
    /// From the first request to the first sound or picture, for those who receive any.
    pub(crate) first_media: Spread,
    /// CPU that the server used for a join: all that it used while people joined, media that flowed included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_cpu_ms: Option<f64>,
}

/// Median and tail of some durations, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

impl Spread {
    /// Of durations in seconds; all zero when there are none.
    pub(crate) fn of(seconds: Vec<f64>) -> Self {
        let seconds = Sorted::new(seconds);
        let at = |share| seconds.quantile(share) * 1_000.0;
        Self { p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1.0) }
    }
}

/// What arrived of one kind of media.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Received {
    #[serde(flatten)]
    pub(crate) counters: Counters,
    pub(crate) delay: DelaySummary,
}

impl Received {
    fn of(report: &DriverReport, kind: Kind) -> Self {
        let counters = if kind == Kind::Audio { report.audio } else { report.video };
        Self { counters, delay: report.delays(kind) }
    }
}

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) scenario: String,
    pub(crate) description: String,
    pub(crate) participants: usize,
    /// Seconds that were measured.
    pub(crate) seconds: f64,
    /// Seconds that should have been measured.
    pub(crate) planned_seconds: f64,
    /// Somebody ended the run before that.
    pub(crate) ended_early: bool,
    pub(crate) joins: Joins,
    /// Media packets that the publishers sent while it was measured.
    pub(crate) sent: u64,
    pub(crate) audio: Received,
    pub(crate) video: Received,
    /// Packets that arrived in a second.
    pub(crate) packets_per_second: f64,
    /// Share of the packets that did not arrive.
    pub(crate) loss: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<ServerCost>,
    /// By how much the server's counters grew in a second.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) counters: BTreeMap<String, f64>,
    pub(crate) own: OwnCost,
    /// Share of one core that the load generator needed for media; near 1 it is the limit, not the server.
    pub(crate) own_core_share: f64,
    pub(crate) series: Series,
    /// Why something is not here that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_out: Vec<String>,
    /// While a storm of joins went on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storm: Option<Storm>,
}

/// What the server used while it was measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ServerCost {
    #[serde(flatten)]
    pub(crate) total: Cost,
    /// CPU microseconds for each packet that arrived at a client.
    pub(crate) cpu_us_per_packet: f64,
    pub(crate) context_switches_per_packet: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) syscalls_per_packet: Option<f64>,
    /// Memory beyond what the empty server had, in KiB for each participant.
    pub(crate) kib_per_participant: f64,
}

/// What joins did to a meeting that was running.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Storm {
    pub(crate) joins: Joins,
    /// The meeting's delay before the storm.
    pub(crate) before: DelaySummary,
    /// The meeting's delay during the storm.
    pub(crate) during: DelaySummary,
}

impl Outcome {
    /// Puts a measurement into the form in which it is kept.
    pub(crate) fn new(scenario: &Scenario, seconds: f64, report: &DriverReport, joins: Joins, series: Series) -> Self {
        let (audio, video) = (Received::of(report, Kind::Audio), Received::of(report, Kind::Video));
        let packets = audio.counters.packets + video.counters.packets;
        let lost = audio.counters.lost + video.counters.lost;
        Self {
            scenario: scenario.name.clone(),
            description: scenario.description.clone(),
            participants: joins.asked - joins.failed,
            seconds,
            planned_seconds: scenario.measure.as_secs_f64(),
            ended_early: false,
            joins,
            sent: report.sent,
            audio,
            video,
            packets_per_second: packets as f64 / seconds.max(f64::EPSILON),
            loss: lost as f64 / (packets + lost).max(1) as f64,
            server: None,
            counters: BTreeMap::new(),
            own: report.own,
            own_core_share: report.own.cpu_seconds / seconds.max(f64::EPSILON),
            series,
            left_out: Vec::new(),
            storm: None,
        }
    }

    /// Marks it as of a run that was ended before its time.
    pub(crate) fn ended_early(self) -> Self {
        Self { ended_early: true, ..self }
    }

    /// Packets that arrived.
    pub(crate) const fn packets(&self) -> u64 {
        self.audio.counters.packets + self.video.counters.packets
    }

    /// Adds what the server used.
    pub(crate) fn with_server(mut self, cost: Cost, empty_pss_mib: f64) -> Self {
        let packets = self.packets().max(1) as f64;
        self.server = Some(ServerCost {
            total: cost,
            cpu_us_per_packet: cost.cpu_seconds * 1e6 / packets,
            context_switches_per_packet: cost.context_switches as f64 / packets,
            syscalls_per_packet: None,
            kib_per_participant: (cost.pss_mib - empty_pss_mib) * 1_024.0 / self.participants.max(1) as f64,
        });
        self
    }

    /// Adds how many system calls the server made in a second.
    pub(crate) fn note_syscalls(&mut self, per_second: f64) {
        if let Some(server) = &mut self.server {
            server.syscalls_per_packet = Some(per_second / self.packets_per_second.max(f64::EPSILON));
        }
    }

    /// What is wrong with the media that arrived, or missing here; empty when nothing is.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        };
        note(self.joins.failed as u64, "joins failed");
        note(self.audio.counters.lost + self.video.counters.lost, "packets lost");
        note(self.audio.counters.duplicates + self.video.counters.duplicates, "packets came twice");
        note(self.video.counters.broken_frames, "frames could not be shown");
        note(self.video.counters.bad_starts, "videos did not begin with a keyframe");
        note(self.own.unreadable, "packets could not be read");
        note(self.own.unsent, "packets were not taken by this machine's kernel");
        if self.own_core_share > 0.9 {
            faults.push("the load generator was at its limit: give it more threads or less load".to_owned());
        }
        faults.extend(self.left_out.iter().map(|reason| format!("left out: {reason}")));
        faults
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_arrived_is_kept_flat_and_in_milliseconds() {
        let counters = Counters { packets: 7, longest_freeze: Duration::from_millis(1_500), ..Counters::default() };
        let json = serde_json::to_value(Received { counters, delay: DelaySummary::default() }).unwrap();
        assert_eq!((&json["packets"], &json["longest_freeze_ms"]), (&7.into(), &1_500.0.into()));
        assert!(json["delay"]["p50_ms"].is_number());
    }

    #[test]
    fn spreads_are_read_from_sorted_durations() {
        let spread = Spread::of((1..=100).rev().map(f64::from).collect());
        assert_eq!(spread, Spread { p50_ms: 50_000.0, p99_ms: 99_000.0, max_ms: 100_000.0 });
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }
}
