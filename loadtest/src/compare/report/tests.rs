// SPDX-License-Identifier: EUPL-1.2
//! What programs and people find in a report.

use super::*;
use crate::compare::cases::{CASES, Case};
use crate::compare::samples::{Reading, Samples};

fn samples(cpu: &[f64]) -> Samples {
    let mut samples = Samples::default();
    for cpu in cpu {
        samples.add(Ok(Reading::from([("cpu_us_per_packet", *cpu), ("loss", 0.0), ("p99_ms", 2.0 * cpu)])));
    }
    samples
}

fn report() -> Report {
    let case: Case = CASES[0];
    let contenders = vec![
        (Contender::Saal, samples(&[1.0, 2.0, 4.0])),
        (Contender::Janus, samples(&[6.0, 14.0, 20.0])),
        (Contender::Pion, {
            let mut samples = samples(&[4.0]);
            samples.add(Err("round 2: it fell over".to_owned()));
            samples
        }),
        (Contender::SaalWithoutCoalescing, samples(&[2.0, 2.0, 2.0])),
        (Contender::FloorSendmmsg, samples(&[2.0, 2.0, 2.0])),
    ];
    let machine = Machine { processor: "a processor".to_owned(), cores: 2, ..Machine::default() };
    Report { machine, servers: Vec::new(), is_quick: true, results: vec![Measured { case, contenders }] }
}

#[test]
fn programs_find_rounds_and_ratios() {
    let json = json::of(&report());
    let scenario = &json["scenarios"]["video_1x100"];
    assert_eq!(scenario["saal"]["cpu_us_per_packet"], serde_json::json!([1.0, 2.0, 4.0]));
    assert_eq!(scenario["pion"]["cpu_us_per_packet"], serde_json::json!([4.0, null]));
    assert_eq!(scenario["pion"]["faults"][0], "round 2: it fell over");
    assert_eq!(scenario["janus"]["p50_ms"], serde_json::json!([null, null, null]), "there even when unknown");
    let ratios = &json["ratios"]["video_1x100"];
    assert_eq!((ratios["janus"].as_f64(), ratios["pion"].as_f64()), (Some(6.0), Some(4.0)));
    assert_eq!(ratios["floor_sendmmsg"].as_f64(), Some(1.0), "Saal's over the floor's");
    assert_eq!(ratios["janus_without_gro"].as_f64(), Some(7.0));
    assert_eq!(ratios["saal_without_gro"].as_f64(), Some(1.0));
    assert_eq!(json["other_ratios"]["p99_ms"]["video_1x100"]["janus"].as_f64(), Some(6.0));
    assert_eq!(json["metrics"]["video_1x100"], "cpu_us_per_packet");
}

#[test]
fn people_find_them_too() {
    let text = report().markdown();
    assert!(
        text.contains("| Video, 1 to 100 | CPU, µs per packet | 2.00 | 14.0 | 4.00 | **6.00** | **4.00** |"),
        "{text}"
    );
    assert!(text.contains("limit by sendmmsg is 2.00 µs; Saal needs **1.00** times that"), "{text}");
    assert!(text.contains("pion: round 2: it fell over"), "{text}");
}

#[test]
fn the_chart_has_a_bar_for_each() {
    let svg = chart::of(&report().results);
    assert_eq!(svg.matches("rx=\"2\"").count(), 5);
    assert!(svg.contains("6.00× Saal") && svg.ends_with("</svg>\n"));
}
