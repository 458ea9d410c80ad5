// SPDX-License-Identifier: EUPL-1.2
//! Reads all counters once a second while a load runs, and makes a series of what came in between.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::MissedTickBehavior;

use super::drivers::Drivers;
use super::series::{Point, Series, ServerTally, Span, Tallies, Tally};
use crate::delay::Delays;
use crate::driver::DriverReport;
use crate::process::Process;
use crate::progress::Progress;

/// The rhythm of samples: what happens within a second is seen, and reading costs nothing that would show.
const INTERVAL: Duration = Duration::from_secs(1);

/// Records a run.
pub(super) struct Recorder<'a> {
    drivers: &'a Drivers,
    server: Option<&'a Process>,
    progress: &'a Progress,
    began: Instant,
    last: Reading,
    tallies: Tallies,
    spans: Vec<Span>,
}

/// The counters at one time.
struct Reading {
    at: Instant,
    packets: u64,
    lost: u64,
    delays: Delays,
    own_cpu_seconds: f64,
    /// CPU time and memory.
    server: Option<(f64, u64)>,
}

/// What came of something that was recorded.
pub(super) struct Recorded<T> {
    pub(super) result: T,
    pub(super) seconds: f64,
    /// Of that time alone.
    pub(super) report: DriverReport,
}

impl Reading {
    fn new(at: Instant, report: &DriverReport, server: Option<(f64, u64)>) -> Self {
        let mut delays = report.video_delays.clone();
        delays.add(&report.audio_delays);
        Self {
            at,
            packets: report.audio.packets + report.video.packets,
            lost: report.audio.lost + report.video.lost,
            delays,
            own_cpu_seconds: report.own.cpu_seconds,
            server,
        }
    }

    /// What happened since `before`. A client that fell out takes its counters along, so these may also shrink.
    fn since(&self, before: &Self, began: Instant) -> Tally {
        Tally {
            at_seconds: before.at.saturating_duration_since(began).as_secs_f64(),
            seconds: self.at.saturating_duration_since(before.at).as_secs_f64(),
            packets: self.packets.saturating_sub(before.packets),
            lost: self.lost.saturating_sub(before.lost),
            delays: self.delays.since(&before.delays).compact(),
            server: self.server.zip(before.server).map(|((cpu_seconds, pss_bytes), (cpu_before, _))| ServerTally {
                cpu_seconds: cpu_seconds - cpu_before,
                pss_bytes,
            }),
            own_cpu_seconds: self.own_cpu_seconds - before.own_cpu_seconds,
        }
    }
}

impl<'a> Recorder<'a> {
    /// Begins a series, without a sample yet.
    pub(super) async fn start(
        drivers: &'a Drivers,
        server: Option<&'a Process>,
        progress: &'a Progress,
    ) -> Result<Self> {
        let (last, _) = read(drivers, server).await?;
        let (began, tallies) = (last.at, Tallies::new(INTERVAL.as_secs_f64()));
        Ok(Self { drivers, server, progress, began, last, tallies, spans: Vec::new() })
    }

    /// Counts anew, and takes samples until `work` is done.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<Recorded<T>> {
        self.drivers.reset().await?;
        (self.last, _) = read(self.drivers, self.server).await?;
        let began = self.last.at;
        let result = tokio::select! {
            result = work => result?,
            never = self.sample_on() => match never? {},
        };
        let report = self.sample_at_end().await?;
        Ok(Recorded { result, seconds: (self.last.at - began).as_secs_f64(), report })
    }

    async fn sample_on(&mut self) -> Result<Infallible> {
        let mut rhythm = tokio::time::interval_at(tokio::time::Instant::now() + INTERVAL, INTERVAL);
        rhythm.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            rhythm.tick().await;
            let point = self.sample().await?;
            self.progress.show(&point.to_string());
        }
    }

    /// When it is given up on the way, the next sample has all.
    async fn sample(&mut self) -> Result<Point> {
        let (reading, _) = read(self.drivers, self.server).await?;
        Ok(self.take(reading))
    }

    /// What ends the work may end the server, too, and what was counted is worth no less for it.
    async fn sample_at_end(&mut self) -> Result<DriverReport> {
        let (mut reading, report) = read(self.drivers, None).await?;
        reading.server = self.server.and_then(|server| server.time_and_memory().ok());
        self.take(reading);
        Ok(report)
    }

    fn take(&mut self, reading: Reading) -> Point {
        let tally = reading.since(&self.last, self.began);
        let point = tally.point();
        self.tallies.add(tally);
        self.last = reading;
        point
    }

    /// Notes that something went on for a part of the time.
    pub(super) fn note(&mut self, name: &'static str, from: Instant, to: Instant) {
        let since = |at: Instant| at.saturating_duration_since(self.began).as_secs_f64();
        self.spans.push(Span { name, from_seconds: since(from), to_seconds: since(to) });
    }

    pub(super) fn series(self) -> Series {
        self.tallies.series(self.spans)
    }
}

async fn read(drivers: &Drivers, server: Option<&Process>) -> Result<(Reading, DriverReport)> {
    let report = drivers.report().await?;
    let at = Instant::now();
    let server = server.map(Process::time_and_memory).transpose()?;
    Ok((Reading::new(at, &report, server), report))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: Instant, packets: u64, cpu_seconds: f64, delays_ms: &[u64]) -> Reading {
        let mut delays = Delays::new();
        delays_ms.iter().for_each(|delay_ms| delays.record(delay_ms * 1_000_000));
        let server = Some((cpu_seconds, 1 << 20));
        Reading { at, packets, lost: packets / 10, delays, own_cpu_seconds: cpu_seconds / 2.0, server }
    }

    #[test]
    fn a_sample_has_what_came_since_the_last() {
        let began = Instant::now();
        let before = reading(began + Duration::from_secs(3), 100, 7.0, &[50]);
        let after = reading(began + Duration::from_secs(5), 300, 8.0, &[50, 4, 4]);
        let point = after.since(&before, began).point();
        assert_eq!((point.at_seconds, point.seconds, point.packets_per_second), (3.0, 2.0, 100.0));
        assert!((point.loss - 20.0 / 220.0).abs() < 1e-9);
        assert_eq!((point.server_core_share, point.server_pss_mib, point.own_core_share), (Some(0.5), Some(1.0), 0.25));
        let delay = point.delay.unwrap();
        assert!((delay.max_ms / 4.0 - 1.0).abs() < 0.01, "the 50 ms were before: {delay:?}");
    }

    #[test]
    fn counters_that_a_client_took_along_are_no_negative_figures() {
        let began = Instant::now();
        let (before, after) = (reading(began, 100, 1.0, &[]), reading(began + INTERVAL, 40, 1.0, &[]));
        let point = after.since(&before, began).point();
        assert_eq!((point.packets_per_second, point.loss), (0.0, 0.0));
    }
}
