// SPDX-License-Identifier: EUPL-1.2
//! The report as a bar chart: a panel for each load, lower being better.

use crate::compare::Measured;
use crate::compare::cases::Contender;
use crate::number::number;
use crate::svg::{Style, Svg, Tone};

const TITLE: &str = "Saal, Janus and pion side by side";
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
    let mut svg = Svg::new(WIDTH, height, TITLE);
    svg.text(MARGIN, 34.0, Style::TITLE, TITLE);
    svg.text(MARGIN, 54.0, Style::NOTE, "Medians over the rounds. Shorter is better.");
    let mut y = TITLE_HEIGHT;
    for measured in results {
        panel(&mut svg, y, measured);
        y += panel_height(measured);
    }
    svg.finish()
}

fn panel(svg: &mut Svg, y: f64, measured: &Measured) {
    let metric = measured.case.metric;
    let medians: Vec<_> =
        measured.contenders.iter().map(|(contender, samples)| (*contender, samples.median(metric))).collect();
    let most = medians.iter().filter_map(|(_, median)| *median).fold(f64::EPSILON, f64::max);
    svg.line([MARGIN, y], [WIDTH - MARGIN, y], Tone::Rule);
    let title = format!("{}: {}", measured.case.title, unit(metric));
    svg.text(MARGIN, y + 24.0, Style::HEADING, &title);
    for (place, (contender, median)) in medians.into_iter().enumerate() {
        let top = y + PANEL_HEAD + BAR_STEP * place as f64;
        let base = top + BAR_HEIGHT * 0.72;
        svg.text(MARGIN, base, Style::LABEL, label(contender));
        let length = median.map_or(0.0, |median| (median / most * LONGEST).max(1.0));
        svg.rectangle([BARS_AT, top, length, BAR_HEIGHT], 2.0, tone(contender));
        let figure = match (median, words(measured, contender)) {
            (None, _) => "fell over".to_owned(),
            (median, Some(words)) => format!("{}   {words}", number(median)),
            (median, None) => number(median),
        };
        svg.text(BARS_AT + length + 8.0, base, Style::LABEL, &figure);
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

const fn tone(contender: Contender) -> Tone {
    match contender {
        Contender::Saal => Tone::Teal,
        Contender::SaalWithoutCoalescing => Tone::PaleTeal,
        Contender::Janus => Tone::Orange,
        Contender::Pion => Tone::Blue,
        Contender::FloorSendmmsg | Contender::FloorGso => Tone::Grey,
    }
}
