// SPDX-License-Identifier: EUPL-1.2
//! How the need grows, as a drawing: cores against people, and how full the fullest shard is against their number.

use std::fmt::Write;

use super::report::{GrowthPoint, Report, grouped};
use super::simulate::Simulation;

const WIDTH: f64 = 860.0;
const HEAD: f64 = 64.0;
const PANEL_HEIGHT: f64 = 340.0;
/// Where the curves are within a panel: from its left, top, right and bottom edge.
const INSET: [f64; 4] = [88.0, 62.0, 32.0, 58.0];
const MARGIN: f64 = 24.0;

/// Loads far beyond a whole core would press those that matter flat.
const HIGHEST: f64 = 1.5;

const INK: &str = "#1b1f24";
const PALE_INK: &str = "#57606a";
const GRID: &str = "#d0d7de";
const SAAL: &str = "#0b7a75";
const PALE_SAAL: &str = "#7fbfba";
const WARNING: &str = "#d9822b";

struct Curve {
    name: String,
    colour: &'static str,
    is_dashed: bool,
    points: Vec<(f64, f64)>,
}

struct Panel {
    title: &'static str,
    x_name: &'static str,
    /// What stands behind the numbers of the y axis.
    y_unit: &'static str,
    curves: Vec<Curve>,
}

/// Draws both panels below each other.
pub(super) fn of(report: &Report) -> String {
    let panels = [growth(report), fullness(report)];
    let height = HEAD + PANEL_HEIGHT * panels.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" font-family=\"Helvetica, Arial, sans-serif\">\n<title>What Saal needs</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    label(&mut svg, (MARGIN, 34.0), "start", 20, INK, "What Saal needs");
    let meetings = format!(
        "{} people in {} meetings, the largest of {}. {} placements by chance.",
        grouped(report.people() as f64),
        grouped(report.sizes.len() as f64),
        grouped(report.sizes.first().copied().unwrap_or(0) as f64),
        grouped(report.placements as f64)
    );
    label(&mut svg, (MARGIN, 54.0), "start", 13, PALE_INK, &meetings);
    for (place, panel) in panels.iter().enumerate() {
        panel.draw(&mut svg, HEAD + PANEL_HEIGHT * place as f64);
    }
    svg.push_str("</svg>\n");
    svg
}

fn growth(report: &Report) -> Panel {
    let points = |value: fn(&GrowthPoint) -> f64| {
        report.growth.iter().map(|point| (point.people as f64, value(point))).collect()
    };
    Panel {
        title: "Cores against people",
        x_name: "people in meetings at the same time",
        y_unit: "",
        curves: vec![
            Curve {
                name: format!("to have, so that the fullest stays below {:.0} %", report.limit * 100.0),
                colour: SAAL,
                is_dashed: false,
                points: points(|point| point.node.shards as f64),
            },
            Curve {
                name: "in use".to_owned(),
                colour: PALE_SAAL,
                is_dashed: false,
                points: points(|point| point.node.cores),
            },
        ],
    }
}

fn fullness(report: &Report) -> Panel {
    let nodes: Vec<_> = report.by_shards.iter().filter(|node| node.fullest_p99 <= HIGHEST).collect();
    let points = |value: &dyn Fn(&Simulation) -> f64| -> Vec<(f64, f64)> {
        nodes.iter().map(|node| (node.shards as f64, 100.0 * value(node))).collect()
    };
    let curve = |name: &str, colour, is_dashed, points| Curve { name: name.to_owned(), colour, is_dashed, points };
    Panel {
        title: "Load of a shard against the number of shards",
        x_name: "shards, one for each core",
        y_unit: " %",
        curves: vec![
            curve("fullest, 1 of 100 placements is worse", SAAL, false, points(&|node| node.fullest_p99)),
            curve("fullest, median", PALE_SAAL, false, points(&|node| node.fullest_median)),
            curve("emptiest, median", "#8c959f", false, points(&|node| node.emptiest_median)),
            curve("limit", WARNING, true, points(&|_| report.limit)),
        ],
    }
}

impl Panel {
    fn draw(&self, svg: &mut String, top: f64) {
        let [left, above, right, below] = INSET;
        let all = || self.curves.iter().flat_map(|curve| &curve.points);
        let (most_x, most_y) = all().fold((1.0_f64, 1e-3_f64), |(x, y), point| (x.max(point.0), y.max(point.1)));
        let (x_ticks, y_ticks) = (ticks(most_x), ticks(most_y));
        let end = |ticks: &[f64]| ticks.last().copied().unwrap_or(1.0);
        let (width, height) = (WIDTH - left - right, PANEL_HEIGHT - above - below);
        let at =
            |(x, y): (f64, f64)| (left + x / end(&x_ticks) * width, top + above + height - y / end(&y_ticks) * height);
        // A string takes any text, here and below.
        let _ = writeln!(
            svg,
            "<line x1=\"{MARGIN}\" x2=\"{}\" y1=\"{top}\" y2=\"{top}\" stroke=\"{GRID}\"/>",
            WIDTH - MARGIN
        );
        label(svg, (MARGIN, top + 24.0), "start", 15, INK, self.title);
        for tick in &y_ticks {
            let (x, y) = at((0.0, *tick));
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{GRID}\"/>",
                x + width
            );
            label(svg, (x - 8.0, y + 4.0), "end", 12, PALE_INK, &format!("{}{}", grouped_or_small(*tick), self.y_unit));
        }
        for tick in &x_ticks {
            let (x, y) = at((*tick, 0.0));
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y:.1}\" y2=\"{:.1}\" stroke=\"{PALE_INK}\"/>",
                y + 5.0
            );
            label(svg, (x, y + 19.0), "middle", 12, PALE_INK, &grouped_or_small(*tick));
        }
        label(svg, (left + width / 2.0, top + above + height + 40.0), "middle", 12, PALE_INK, self.x_name);
        let mut legend_x = left;
        for curve in &self.curves {
            let dash = if curve.is_dashed { " stroke-dasharray=\"6 4\"" } else { "" };
            let line = format!("fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{dash}", curve.colour);
            let path: Vec<_> =
                curve.points.iter().map(|point| at(*point)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = writeln!(svg, "<polyline points=\"{}\" {line}/>", path.join(" "));
            for (x, y) in curve.points.iter().filter(|_| !curve.is_dashed).map(|point| at(*point)) {
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{}\"/>", curve.colour);
            }
            let y = top + 44.0;
            let _ = writeln!(svg, "<path d=\"M{legend_x:.1} {:.1} h22\" {line}/>", y - 4.0);
            label(svg, (legend_x + 28.0, y), "start", 12, INK, &curve.name);
            // About the width of a letter.
            legend_x += 52.0 + 6.1 * curve.name.chars().count() as f64;
        }
    }
}

/// Round numbers from 0 to at least `most`, about five of them.
fn ticks(most: f64) -> Vec<f64> {
    let raw = most / 5.0;
    let power = 10.0_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|digit| digit * power).into_iter().find(|step| *step >= raw);
    let step = step.unwrap_or(10.0 * power);
    (0..=(most / step).ceil() as usize).map(|number| number as f64 * step).collect()
}

fn grouped_or_small(number: f64) -> String {
    if number.fract() == 0.0 { grouped(number) } else { format!("{number:.3}").trim_end_matches('0').to_owned() }
}

fn label(svg: &mut String, (x, y): (f64, f64), anchor: &str, size: u32, fill: &str, words: &str) {
    // Words of ours, none of which XML would take for markup.
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{fill}\">{words}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        assert_eq!(ticks(100.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(7.0), [0.0, 2.0, 4.0, 6.0, 8.0]);
        for most in [0.003, 0.4, 1.0, 33.0, 4_000.0, 123_456.0] {
            let ticks = ticks(most);
            assert!(ticks.last().unwrap() >= &most && (4..=7).contains(&ticks.len()), "{most}: {ticks:?}");
        }
    }
}
