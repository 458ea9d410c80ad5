// SPDX-License-Identifier: EUPL-1.2
//! The report as a bar chart: a panel for each load, lower being better.

use std::fmt::Write;

use crate::compare::Measured;
use crate::compare::cases::Contender;
use crate::number::number;

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 24.0;
const BARS_AT: f64 = 200.0;
/// Longest bar; the figure stands behind it.
const LONGEST: f64 = 420.0;
const BAR_HEIGHT: f64 = 20.0;
const BAR_STEP: f64 = 26.0;
const PANEL_HEAD: f64 = 38.0;
const PANEL_GAP: f64 = 18.0;
const TITLE_HEIGHT: f64 = 64.0;

/// Draws all panels below each other.
pub(super) fn of(results: &[Measured]) -> String {
    let panel_height = |measured: &Measured| PANEL_HEAD + BAR_STEP * measured.contenders.len() as f64 + PANEL_GAP;
    let height = TITLE_HEIGHT + results.iter().map(panel_height).sum::<f64>() + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" font-family=\"Helvetica, Arial, sans-serif\">\n\
         <title>Saal, Janus and pion side by side</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    text(&mut svg, MARGIN, 34.0, 20, "#1b1f24", "bold", "Saal, Janus and pion side by side");
    text(&mut svg, MARGIN, 54.0, 13, "#57606a", "normal", "Medians over the rounds. Shorter is better.");
    let mut y = TITLE_HEIGHT;
    for measured in results {
        panel(&mut svg, y, measured);
        y += panel_height(measured);
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, y: f64, measured: &Measured) {
    let metric = measured.case.metric;
    let medians: Vec<_> =
        measured.contenders.iter().map(|(contender, samples)| (*contender, samples.median(metric))).collect();
    let most = medians.iter().filter_map(|(_, median)| *median).fold(f64::EPSILON, f64::max);
    // A string takes any text.
    let _ = writeln!(svg, "<line x1=\"{MARGIN}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#d0d7de\"/>", WIDTH - MARGIN);
    let title = format!("{}: {}", measured.case.title, unit(metric));
    text(svg, MARGIN, y + 24.0, 15, "#1b1f24", "bold", &title);
    for (place, (contender, median)) in medians.into_iter().enumerate() {
        let top = y + PANEL_HEAD + BAR_STEP * place as f64;
        let base = top + BAR_HEIGHT * 0.72;
        text(svg, MARGIN, base, 13, "#1b1f24", "normal", label(contender));
        let length = median.map_or(0.0, |median| (median / most * LONGEST).max(1.0));
        let _ = writeln!(
            svg,
            "<rect x=\"{BARS_AT}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR_HEIGHT}\" rx=\"2\" fill=\"{}\"/>",
            colour(contender)
        );
        let figure = match (median, words(measured, contender)) {
            (None, _) => "fell over".to_owned(),
            (median, Some(words)) => format!("{}   {words}", number(median)),
            (median, None) => number(median),
        };
        text(svg, BARS_AT + length + 8.0, base, 13, "#1b1f24", "normal", &figure);
    }
}

/// How a contender stands to Saal.
fn words(measured: &Measured, contender: Contender) -> Option<String> {
    let ratio = measured.ratio(contender, measured.case.metric)?;
    if contender.is_rival() {
        return Some(format!("{}× Saal", number(Some(ratio))));
    }
    contender.is_floor().then(|| format!("Saal takes {}×", number(Some(ratio))))
}

fn unit(metric: &str) -> &str {
    match metric {
        "cpu_us_per_packet" => "µs of CPU per forwarded packet",
        "kib_per_participant" => "KiB",
        "join_cpu_ms" => "ms",
        "p99_ms" => "the meeting's p99 delay, ms",
        other => other,
    }
}

const fn label(contender: Contender) -> &'static str {
    match contender {
        Contender::Saal => "Saal",
        Contender::SaalWithoutCoalescing => "Saal, read without GRO",
        Contender::Janus => "Janus",
        Contender::Pion => "pion",
        Contender::FloorSendmmsg => "limit by sendmmsg",
        Contender::FloorGso => "limit by GSO",
    }
}

const fn colour(contender: Contender) -> &'static str {
    match contender {
        Contender::Saal => "#0b7a75",
        Contender::SaalWithoutCoalescing => "#7fbfba",
        Contender::Janus => "#d9822b",
        Contender::Pion => "#4c6fbf",
        Contender::FloorSendmmsg | Contender::FloorGso => "#8c959f",
    }
}

fn text(svg: &mut String, x: f64, y: f64, size: u32, fill: &str, weight: &str, words: &str) {
    // Words of ours, none of which XML would take for markup.
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{fill}\" \
         xml:space=\"preserve\">{words}</text>"
    );
}
