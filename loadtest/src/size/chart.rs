// SPDX-License-Identifier: EUPL-1.2
//! How the need grows, as a drawing: cores against people, and how full the fullest shard is against their number.

use super::report::{GrowthPoint, Report};
use super::simulate::Simulation;
use crate::number::whole;
use crate::svg::{Axis, Style, Svg, Tone};

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 24.0;
const TITLE_HEIGHT: f64 = 64.0;
const PANEL_HEIGHT: f64 = 340.0;
/// Where the curves are within the page, and within a panel.
const LEFT: f64 = 72.0;
const RIGHT: f64 = WIDTH - MARGIN;
const PLOT_TOP: f64 = 62.0;
const PLOT_BOTTOM: f64 = PANEL_HEIGHT - 58.0;
/// Steps on an axis; more would be too close for their figures, or for an eye that follows their lines.
const X_STEPS: u32 = 8;
const Y_STEPS: u32 = 6;

/// Loads far beyond a whole core would press those that matter flat.
const HIGHEST: f64 = 1.5;

struct Curve {
    name: String,
    tone: Tone,
    points: Vec<[f64; 2]>,
}

struct Panel {
    title: &'static str,
    x_name: &'static str,
    curves: Vec<Curve>,
    /// What the curves should stay below, if anything.
    limit: Option<f64>,
}

/// Draws both panels below each other.
pub(super) fn of(report: &Report) -> String {
    let panels = [growth(report), fullness(report)];
    let mut svg = Svg::new(WIDTH, TITLE_HEIGHT + PANEL_HEIGHT * panels.len() as f64, "What Saal needs");
    svg.text(MARGIN, 34.0, Style::TITLE, "What Saal needs");
    let meetings = format!(
        "{} people in {} meetings, the largest of {}, which begin in {} orders by chance.",
        whole(report.people() as f64),
        whole(report.sizes.len() as f64),
        whole(report.sizes.first().copied().unwrap_or(0) as f64),
        whole(report.placements as f64)
    );
    svg.text(MARGIN, 54.0, Style::NOTE, &meetings);
    for (place, panel) in panels.iter().enumerate() {
        panel.draw(&mut svg, TITLE_HEIGHT + PANEL_HEIGHT * place as f64);
    }
    svg.finish()
}

fn growth(report: &Report) -> Panel {
    let points = |value: fn(&GrowthPoint) -> f64| {
        report.growth.iter().map(|point| [point.people as f64, value(point)]).collect()
    };
    let to_have = format!("to have, so that the fullest stays below {:.0} %", report.limit * 100.0);
    Panel {
        title: "Cores against people",
        x_name: "people in meetings at the same time",
        curves: vec![
            Curve { name: to_have, tone: Tone::Teal, points: points(|point| point.node.shards as f64) },
            Curve { name: "in use".to_owned(), tone: Tone::PaleTeal, points: points(|point| point.node.cores) },
        ],
        limit: None,
    }
}

fn fullness(report: &Report) -> Panel {
    let nodes: Vec<_> = report.by_shards.iter().filter(|node| node.fullest_p99 <= HIGHEST).collect();
    let curve = |name: &str, tone, value: fn(&Simulation) -> f64| {
        let points = nodes.iter().map(|node| [node.shards as f64, 100.0 * value(node)]);
        Curve { name: name.to_owned(), tone, points: points.collect() }
    };
    Panel {
        title: "Load of a shard in %, against the number of shards",
        x_name: "shards, one for each core",
        curves: vec![
            curve("fullest, 1 of 100 placements is worse", Tone::Teal, |node| node.fullest_p99),
            curve("fullest, median", Tone::PaleTeal, |node| node.fullest_median),
            curve("emptiest, median", Tone::Grey, |node| node.emptiest_median),
        ],
        limit: Some(report.limit * 100.0),
    }
}

impl Panel {
    fn draw(&self, svg: &mut Svg, top: f64) {
        let all = || self.curves.iter().flat_map(|curve| &curve.points);
        let x_axis = Axis::up_to(all().map(|point| point[0]).fold(0.0, f64::max), X_STEPS);
        let y_axis = Axis::up_to(all().map(|point| point[1]).chain(self.limit).fold(0.0, f64::max), Y_STEPS);
        let (plot, bottom) = (top + PLOT_TOP, top + PLOT_BOTTOM);
        let x = |value: f64| LEFT + x_axis.share(value) * (RIGHT - LEFT);
        let y = |value: f64| bottom - y_axis.share(value) * (bottom - plot);
        svg.line([MARGIN, top], [RIGHT, top], Tone::Rule);
        svg.text(MARGIN, top + 24.0, Style::HEADING, self.title);
        svg.pieces(LEFT, top + 44.0, Style::TICK, &self.legend());
        for (value, label) in y_axis.ticks() {
            svg.line([LEFT, y(value)], [RIGHT, y(value)], Tone::Rule);
            svg.text(LEFT - 8.0, y(value) + 4.0, Style::TICK.ending(), &label);
        }
        for (value, label) in x_axis.ticks() {
            svg.line([x(value), bottom], [x(value), bottom + 5.0], Tone::Soft);
            svg.text(x(value), bottom + 19.0, Style::TICK.centred(), &label);
        }
        svg.text(f64::midpoint(LEFT, RIGHT), bottom + 40.0, Style::TICK.centred(), self.x_name);
        if let Some(limit) = self.limit {
            svg.line([LEFT, y(limit)], [RIGHT, y(limit)], Tone::Orange);
        }
        for curve in &self.curves {
            let points: Vec<_> = curve.points.iter().map(|point| [x(point[0]), y(point[1])]).collect();
            svg.curve(&points, curve.tone);
        }
    }

    /// The names of the curves in their colours.
    fn legend(&self) -> Vec<(Tone, String)> {
        let curves = self.curves.iter().map(|curve| (curve.tone, curve.name.as_str()));
        let lines = curves.chain(self.limit.map(|_| (Tone::Orange, "limit")));
        lines.flat_map(|(tone, name)| [(tone, "━━".to_owned()), (Tone::Ink, format!(" {name}      "))]).collect()
    }
}
