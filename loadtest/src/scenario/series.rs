// SPDX-License-Identifier: EUPL-1.2
//! How a run went from second to second. However long it takes, a few hundred points are kept: when there are more,
//! neighbours become one. Then what was counted adds up, delays are drawn from both distributions put together, and of
//! the server's memory the most counts.

use std::fmt;

use serde::Serialize;

use crate::delay::{DelaySummary, Delays};
use crate::number::{MIB_BYTES, number, with_decimals};

/// Points that are kept at most: as many as a chart can show.
const MAX_POINTS: usize = 600;

/// Samples come once a second, roughly: half of one more or less decides to which point it belongs.
const SAMPLE_SLACK_SECONDS: f64 = 0.5;

/// A run from second to second, in the form in which it is kept.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Series {
    /// Time that a point stands for.
    pub(crate) point_seconds: f64,
    pub(crate) points: Vec<Point>,
    /// What else happened meanwhile.
    pub(crate) spans: Vec<Span>,
}

/// What was measured in some time, a second mostly.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Point {
    /// Its beginning, since that of the series.
    pub(crate) at_seconds: f64,
    pub(crate) seconds: f64,
    pub(crate) packets_per_second: f64,
    /// Share of the packets that did not arrive. A packet counts as lost when it is not asked for any more.
    pub(crate) loss: f64,
    /// Of sound and pictures together; `None` when nothing arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay: Option<DelaySummary>,
    /// Share of one core that the server used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_core_share: Option<f64>,
    /// The server's memory, shared pages counted by share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_pss_mib: Option<f64>,
    /// Share of one core that the load generator needed for media.
    pub(crate) own_core_share: f64,
}

/// As it is shown while the run goes on.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} packets/s, lost {} %",
            with_decimals(self.packets_per_second, 0),
            number(Some(self.loss * 100.0))
        )?;
        if let Some(delay) = self.delay {
            write!(f, ", {} ms (p99 {})", number(Some(delay.p50_ms)), number(Some(delay.p99_ms)))?;
        }
        if let (Some(cores), Some(mib)) = (self.server_core_share, self.server_pss_mib) {
            write!(f, ", server {cores:.2} cores {mib:.0} MiB")?;
        }
        write!(f, ", tool {:.2} cores", self.own_core_share)
    }
}

/// Something that went on for a part of the time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Span {
    pub(crate) name: &'static str,
    /// Since the series began.
    pub(crate) from_seconds: f64,
    pub(crate) to_seconds: f64,
}

/// What a point is made of.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// Its beginning, since that of the series.
    pub(super) at_seconds: f64,
    pub(super) seconds: f64,
    pub(super) packets: u64,
    pub(super) lost: u64,
    pub(super) delays: Delays,
    pub(super) server: Option<ServerTally>,
    pub(super) own_cpu_seconds: f64,
}

/// What the server used in that time.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerTally {
    pub(super) cpu_seconds: f64,
    pub(super) pss_bytes: u64,
}

impl Tally {
    fn merge(&mut self, next: &Self) {
        self.seconds += next.seconds;
        self.packets += next.packets;
        self.lost += next.lost;
        self.delays.add(&next.delays);
        self.own_cpu_seconds += next.own_cpu_seconds;
        self.server = match (self.server, next.server) {
            (Some(own), Some(next)) => Some(ServerTally {
                cpu_seconds: own.cpu_seconds + next.cpu_seconds,
                pss_bytes: own.pss_bytes.max(next.pss_bytes),
            }),
            (own, next) => own.or(next),
        };
    }

    pub(super) fn point(&self) -> Point {
        let seconds = self.seconds.max(f64::EPSILON);
        Point {
            at_seconds: self.at_seconds,
            seconds: self.seconds,
            packets_per_second: self.packets as f64 / seconds,
            loss: self.lost as f64 / (self.packets + self.lost).max(1) as f64,
            delay: (!self.delays.is_empty()).then(|| self.delays.summary()),
            server_core_share: self.server.map(|server| server.cpu_seconds / seconds),
            server_pss_mib: self.server.map(|server| server.pss_bytes as f64 / MIB_BYTES),
            own_core_share: self.own_cpu_seconds / seconds,
        }
    }
}

/// The points of a run that goes on.
#[derive(Debug)]
pub(super) struct Tallies {
    point_seconds: f64,
    kept: Vec<Tally>,
}

impl Tallies {
    /// Of a run that is sampled in this rhythm.
    pub(super) const fn new(point_seconds: f64) -> Self {
        Self { point_seconds, kept: Vec::new() }
    }

    /// Takes a sample. It joins the point before when that has time left; so does what is left at the end.
    pub(super) fn add(&mut self, sample: Tally) {
        let most = self.point_seconds + SAMPLE_SLACK_SECONDS;
        match self.kept.last_mut() {
            Some(last) if last.seconds + sample.seconds < most => last.merge(&sample),
            _ => self.kept.push(sample),
        }
        if self.kept.len() > MAX_POINTS {
            self.halve();
        }
    }

    /// Makes each point last twice as long. One that is left without a neighbour waits for the next sample.
    fn halve(&mut self) {
        self.point_seconds *= 2.0;
        let mut kept: Vec<Tally> = Vec::with_capacity(MAX_POINTS);
        for (place, tally) in self.kept.drain(..).enumerate() {
            match kept.last_mut() {
                Some(last) if place % 2 == 1 => last.merge(&tally),
                _ => kept.push(tally),
            }
        }
        self.kept = kept;
    }

    pub(super) fn series(&self, spans: Vec<Span>) -> Series {
        Series { point_seconds: self.point_seconds, points: self.kept.iter().map(Tally::point).collect(), spans }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that lasts so long, with a packet for each delay.
    fn tally(at_seconds: f64, seconds: f64, delays_ms: impl IntoIterator<Item = u64>) -> Tally {
        let mut delays = Delays::new();
        delays_ms.into_iter().for_each(|delay_ms| delays.record(delay_ms * 1_000_000));
        Tally {
            at_seconds,
            seconds,
            packets: 10,
            lost: 10,
            delays: delays.compact(),
            server: Some(ServerTally { cpu_seconds: 0.5 * seconds, pss_bytes: (at_seconds as u64) << 20 }),
            own_cpu_seconds: 0.25 * seconds,
        }
    }

    #[test]
    fn points_are_per_second_whatever_they_last() {
        let point = tally(3.0, 2.0, [4]).point();
        assert_eq!((point.packets_per_second, point.loss), (5.0, 0.5));
        assert_eq!((point.server_core_share, point.server_pss_mib), (Some(0.5), Some(3.0)));
        assert_eq!(point.own_core_share, 0.25);
    }

    #[test]
    fn what_is_left_at_the_end_is_no_point_of_its_own() {
        let mut tallies = Tallies::new(1.0);
        for (at, seconds) in [(0.0, 1.0), (1.0, 0.99), (1.99, 1.01), (3.0, 0.004)] {
            tallies.add(tally(at, seconds, []));
        }
        let points = tallies.series(Vec::new()).points;
        let times: Vec<_> = points.iter().map(|point| point.at_seconds).collect();
        assert_eq!(times, [0.0, 1.0, 1.99]);
        assert!((points[2].seconds - 1.014).abs() < 1e-9);
    }

    #[test]
    fn hours_fit_into_the_points_that_there_are() {
        let mut tallies = Tallies::new(1.0);
        let seconds = 5_000_u32;
        for second in 0..seconds {
            tallies.add(tally(second.into(), 1.0, [1]));
        }
        let series = tallies.series(Vec::new());
        assert_eq!(series.point_seconds, 16.0);
        assert!((MAX_POINTS / 2..=MAX_POINTS).contains(&series.points.len()), "{}", series.points.len());
        let mut end = 0.0;
        for point in &series.points {
            assert_eq!(point.at_seconds, end, "no gap and no overlap");
            assert_eq!((point.packets_per_second, point.loss), (10.0, 0.5));
            end += point.seconds;
        }
        assert_eq!(end, f64::from(seconds));
    }

    #[test]
    fn neighbours_share_one_distribution_and_the_most_memory() {
        let mut first = tally(0.0, 1.0, [10; 98]);
        first.merge(&tally(1.0, 1.0, [1_000, 2_000]));
        let point = first.point();
        let delay = point.delay.unwrap();
        assert!((delay.p50_ms / 10.0 - 1.0).abs() < 0.02 && (delay.p99_ms / 1_000.0 - 1.0).abs() < 0.02, "{delay:?}");
        assert_eq!((point.server_pss_mib, point.server_core_share), (Some(1.0), Some(0.5)));
        first.merge(&Tally { server: None, ..tally(2.0, 1.0, []) });
        assert_eq!(first.point().server_pss_mib, Some(1.0), "what is unknown changes nothing");
    }

    #[test]
    fn there_is_no_delay_of_nothing() {
        assert!(tally(0.0, 1.0, []).point().delay.is_none());
    }
}
