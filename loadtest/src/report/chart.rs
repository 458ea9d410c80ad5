// SPDX-License-Identifier: EUPL-1.2
//! How a run went from second to second, as panels above each other that share the axis of time.

use crate::number::range;
use crate::scenario::{Outcome, Point, Series, Span};
use crate::svg::{Axis, Style, Svg, Tone};

const WIDTH: f64 = 900.0;
const MARGIN: f64 = 24.0;
/// Where panels begin; the figures of their axes stand before it.
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - MARGIN;
const TITLE_HEIGHT: f64 = 88.0;
const PANEL_HEAD: f64 = 26.0;
const PLOT_HEIGHT: f64 = 84.0;
const PANEL_GAP: f64 = 18.0;
const PANEL_HEIGHT: f64 = PANEL_HEAD + PLOT_HEIGHT + PANEL_GAP;
const TIME_HEIGHT: f64 = 40.0;
/// Steps on the axis of a panel; more would be too close for their figures.
const VALUE_STEPS: u32 = 3;
const TIME_STEPS: u32 = 10;
/// Letters of the second line that surely fit the width.
const NOTE_LETTERS: usize = 115;

/// A figure over time.
struct Line {
    name: &'static str,
    tone: Tone,
    value: fn(&Point) -> Option<f64>,
}

/// Figures with the same unit.
struct Panel {
    title: &'static str,
    lines: &'static [Line],
}

const PANELS: [Panel; 5] = [
    Panel {
        title: "Packets received, per second",
        lines: &[Line { name: "all clients", tone: Tone::Teal, value: |point| Some(point.packets_per_second) }],
    },
    Panel {
        title: "Packets lost, %",
        lines: &[Line { name: "all clients", tone: Tone::Orange, value: |point| Some(point.loss * 100.0) }],
    },
    Panel {
        title: "Delay from publisher to subscriber, ms",
        lines: &[
            Line { name: "p99", tone: Tone::Orange, value: |point| point.delay.map(|delay| delay.p99_ms) },
            Line { name: "p50", tone: Tone::Blue, value: |point| point.delay.map(|delay| delay.p50_ms) },
        ],
    },
    Panel {
        title: "CPU, cores",
        lines: &[
            Line { name: "this tool", tone: Tone::Blue, value: |point| Some(point.own_core_share) },
            Line { name: "server", tone: Tone::Teal, value: |point| point.server_core_share },
        ],
    },
    Panel {
        title: "Memory of the server, MiB",
        lines: &[Line { name: "server", tone: Tone::Teal, value: |point| point.server_pss_mib }],
    },
];

impl Line {
    /// The lowest and the highest value, when there is any.
    fn range(&self, points: &[Point]) -> Option<(f64, f64)> {
        let values = || points.iter().filter_map(self.value);
        Some((values().min_by(f64::total_cmp)?, values().max_by(f64::total_cmp)?))
    }
}

/// The chart of a run on a server of this address.
pub(crate) fn of(outcome: &Outcome, server: &str) -> String {
    let title = format!("{}: {}", outcome.scenario, outcome.description);
    draw(&title, &note(outcome, server), &outcome.series)
}

/// Draws the panels that have something to show.
fn draw(title: &str, note: &str, series: &Series) -> String {
    let has_values = |panel: &&Panel| panel.lines.iter().any(|line| line.range(&series.points).is_some());
    let panels: Vec<_> = PANELS.iter().filter(has_values).collect();
    let height = TITLE_HEIGHT + PANEL_HEIGHT * panels.len() as f64 + TIME_HEIGHT;
    let mut svg = Svg::new(WIDTH, height, title);
    svg.text(MARGIN, 36.0, Style::TITLE, title);
    svg.text(MARGIN, 58.0, Style::NOTE, note);
    let time = Time::of(series);
    let bottom = TITLE_HEIGHT + PANEL_HEIGHT * panels.len() as f64 - PANEL_GAP;
    for span in &series.spans {
        draw_span(&mut svg, &time, span, bottom);
    }
    for (place, panel) in panels.into_iter().enumerate() {
        draw_panel(&mut svg, &time, TITLE_HEIGHT + PANEL_HEIGHT * place as f64, panel, &series.points);
    }
    time.draw(&mut svg, bottom);
    svg.finish()
}

/// The server, how many took part, and how exact the picture is.
fn note(outcome: &Outcome, server: &str) -> String {
    let resolution = match outcome.series.point_seconds {
        1.0 => "a step for each second".to_owned(),
        seconds => format!("a step for every {seconds:.0} seconds"),
    };
    let mut server: String = server.to_owned();
    let end = if outcome.ended_early { "   ended early" } else { "" };
    let rest = format!("   {} participants   {resolution}{end}", outcome.participants);
    if server.chars().count() + rest.chars().count() > NOTE_LETTERS {
        server = server.chars().take(NOTE_LETTERS.saturating_sub(rest.chars().count())).chain(['…']).collect();
    }
    server + &rest
}

/// The axis that all panels share.
struct Time {
    axis: Axis,
    unit: &'static str,
    unit_seconds: f64,
}

impl Time {
    fn of(series: &Series) -> Self {
        let seconds = series.points.last().map_or(0.0, |point| point.at_seconds + point.seconds);
        let (unit, unit_seconds) = match seconds {
            ..=300.0 => ("seconds", 1.0),
            ..=18_000.0 => ("minutes", 60.0),
            _ => ("hours", 3_600.0),
        };
        Self { axis: Axis::ending_at(seconds / unit_seconds, TIME_STEPS), unit, unit_seconds }
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + self.axis.share(seconds / self.unit_seconds) * (RIGHT - LEFT)
    }

    fn draw(&self, svg: &mut Svg, bottom: f64) {
        for (value, label) in self.axis.ticks() {
            svg.text(self.x(value * self.unit_seconds), bottom + 16.0, Style::TICK.centred(), &label);
        }
        svg.text(RIGHT, bottom + 34.0, Style::TICK.ending(), &format!("time, {}", self.unit));
    }
}

/// Marks what went on for a part of the time, through all panels.
fn draw_span(svg: &mut Svg, time: &Time, span: &Span, bottom: f64) {
    let top = TITLE_HEIGHT - 2.0;
    let (from, to) = (time.x(span.from_seconds), time.x(span.to_seconds));
    svg.band([from, top, to - from, bottom - top], Tone::Orange);
    for x in [from, to] {
        svg.line([x, top], [x, bottom], Tone::Orange);
    }
    svg.text(f64::midpoint(from, to), top - 5.0, Style::LABEL.centred(), span.name);
}

fn draw_panel(svg: &mut Svg, time: &Time, top: f64, panel: &Panel, points: &[Point]) {
    let lines = || panel.lines.iter().filter_map(|line| Some((line, line.range(points)?)));
    let most = lines().map(|(_, (_, high))| high).fold(0.0, f64::max);
    let axis = Axis::up_to(most, VALUE_STEPS);
    let (plot, bottom) = (top + PANEL_HEAD, top + PANEL_HEAD + PLOT_HEIGHT);
    let y = |value: f64| bottom - axis.share(value) * PLOT_HEIGHT;
    svg.text(LEFT, top + 17.0, Style::LABEL, panel.title);
    svg.pieces(RIGHT, top + 17.0, Style::TICK.ending(), &legend(lines()));
    for (value, _) in time.axis.ticks() {
        let x = time.x(value * time.unit_seconds);
        svg.line([x, plot], [x, bottom], Tone::Rule);
    }
    for (value, label) in axis.ticks() {
        svg.line([LEFT, y(value)], [RIGHT, y(value)], Tone::Rule);
        svg.text(LEFT - 8.0, y(value) + 4.0, Style::TICK.ending(), &label);
    }
    for (line, _) in lines() {
        let step = |point: &Point| {
            let (from, to) = (time.x(point.at_seconds), time.x(point.at_seconds + point.seconds));
            (line.value)(point).map(|value| [from, to, y(value)])
        };
        svg.steps(points.iter().map(step), line.tone);
    }
}

/// The names of lines in their colours, with what they reach from and to.
fn legend<'a>(lines: impl Iterator<Item = (&'a Line, (f64, f64))>) -> Vec<(Tone, String)> {
    let mut pieces = Vec::new();
    for (line, (low, high)) in lines {
        let gap = if pieces.is_empty() { "" } else { "      " };
        pieces.push((line.tone, format!("{gap}━━")));
        pieces.push((Tone::Ink, format!(" {}", line.name)));
        pieces.push((Tone::Soft, format!("  {}", range(low, high))));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delay::DelaySummary;

    fn point(second: u32) -> Point {
        Point {
            at_seconds: f64::from(second),
            seconds: 1.0,
            packets_per_second: 6_000.0,
            loss: 0.0,
            delay: Some(DelaySummary { p50_ms: 0.4, p99_ms: 1.2, p999_ms: 3.0, max_ms: 3.0 }),
            server_core_share: Some(0.5),
            server_pss_mib: Some(20.0),
            own_core_share: 0.3,
        }
    }

    fn series(points: Vec<Point>) -> Series {
        Series { point_seconds: 1.0, points, spans: Vec::new() }
    }

    #[test]
    fn every_panel_has_its_name_unit_and_range() {
        let svg = draw("a load", "ws://a.server", &series((0..10).map(point).collect()));
        for panel in &PANELS {
            assert!(svg.contains(panel.title), "{}", panel.title);
        }
        assert_eq!(svg.matches("<path").count(), 7);
        assert!(svg.contains("> p99<") && svg.contains(">  1.20<") && svg.contains(">time, seconds<"), "{svg}");
        assert!(svg.contains(">a load<") && svg.contains(">ws://a.server<"));
    }

    #[test]
    fn what_was_not_measured_has_no_panel() {
        let points = (0..10).map(|second| Point { server_core_share: None, server_pss_mib: None, ..point(second) });
        let svg = draw("", "", &series(points.collect()));
        assert!(!svg.contains("Memory") && !svg.contains("> server<"));
        assert!(svg.contains("> this tool<"));
    }

    #[test]
    fn a_second_without_media_is_a_gap() {
        let mut points: Vec<_> = (0..10).map(point).collect();
        points[4].delay = None;
        let svg = draw("", "", &series(points));
        let pieces: Vec<_> =
            svg.lines().filter(|line| line.contains("<path")).map(|path| path.matches('M').count()).collect();
        assert_eq!(pieces, [1, 1, 2, 2, 1, 1, 1]);
    }

    #[test]
    fn a_storm_is_marked_from_its_beginning_to_its_end() {
        let span = Span { name: "storm", from_seconds: 5.0, to_seconds: 10.0 };
        let svg = draw("", "", &Series { spans: vec![span], ..series((0..10).map(point).collect()) });
        let (from, to) = (f64::midpoint(LEFT, RIGHT), RIGHT);
        let band = svg.lines().find(|line| line.contains("fill-opacity")).unwrap();
        assert!(band.contains(&format!("x=\"{from:.1}\"")) && band.contains(&format!("width=\"{:.1}\"", to - from)));
        assert!(svg.contains(">storm<"));
    }

    #[test]
    fn hours_are_no_seconds() {
        let mut points: Vec<_> = (0..600).map(point).collect();
        for point in &mut points {
            (point.at_seconds, point.seconds) = (point.at_seconds * 64.0, 64.0);
        }
        let svg = draw("", "", &series(points));
        assert!(svg.contains(">time, hours<") && svg.contains(">10<") && !svg.contains(">11<"), "10.7 hours");
    }

    #[test]
    fn without_any_sample_there_is_still_a_picture() {
        assert!(draw("", "", &series(Vec::new())).ends_with("</svg>\n"));
    }
}
