// SPDX-License-Identifier: EUPL-1.2
//! The command as it is given.

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};

fn options(words: &str) -> Result<Options, clap::Error> {
    let words = ["loadtest", "size"].into_iter().chain(words.split_whitespace());
    match Cli::try_parse_from(words)?.command {
        Command::Size(options) => Ok(options),
        other => panic!("{other:?}"),
    }
}

fn report(words: &str) -> Result<Report> {
    options(words).unwrap().report()
}

#[test]
fn the_customers_hour_has_all_its_people() {
    let report = report("--placements 5").unwrap();
    assert_eq!((report.people(), report.sizes.len()), (2_000, 200));
    assert_eq!(report.sizes[..2], [500, 200]);
    let node = report.smallest.unwrap();
    assert!((node.work.participants - 2_000.0).abs() < 1e-6);
    assert!(report.fleet.unwrap().machines >= 1);
    assert!(report.by_shards.contains(&node), "the table has the recommended line");
    assert!(report.growth.iter().map(|point| point.people).is_sorted());
}

#[test]
fn people_and_programs_find_the_same() {
    let report = report("--sizes 20x4,1x120 --placements 20 --cores-per-machine 4").unwrap();
    let (text, json) = (report.table(), serde_json::to_value(&report).unwrap());
    let shards = json["smallest"]["shards"].as_u64().unwrap();
    assert!(text.contains("200 people in 21 meetings"), "{text}");
    assert!(text.contains(&format!("One machine: {shards} cores")), "{text}");
    assert_eq!(json["sizes"][0], 120);
    assert_eq!(json["machine"]["cores"], 4);
}

#[test]
fn the_chart_has_all_curves() {
    let report = report("--people 200 --meetings 20 --placements 20").unwrap();
    let svg = chart::of(&report);
    assert_eq!(svg.matches("<polyline").count(), 5);
    assert!(svg.contains("> limit      <"), "{svg}");
    assert!(svg.contains("200 people in 20 meetings") && svg.ends_with("</svg>\n"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn costs_and_town_halls_are_taken() {
    let dear = report("--people 100 --meetings 10 --placements 5 --cost participant_us=10000").unwrap();
    let cheap = report("--people 100 --meetings 10 --placements 5 --cost participant_us=0").unwrap();
    let cores = |report: &Report| report.by_shards[0].cores;
    assert!((cores(&dear) - cores(&cheap) - 1.0).abs() < 1e-6, "100 people at 10 ms a second each");
    assert_eq!(report("--people 900 --meetings 90 --town-halls 300 --placements 5").unwrap().sizes[0], 300);
    assert!(report("--people 900 --meetings 90 --town-halls 0 --placements 5").unwrap().sizes[0] < 200);
}

#[test]
fn no_node_has_more_shards_than_a_node_may_have() {
    // Each meeting of two fills a shard to 58 %.
    let words = "--people 1600 --meetings 800 --town-halls 0 --phones 0 --placements 1 --cost participant_us=290000";
    let report = report(words).unwrap();
    assert!(report.smallest.unwrap().shards > MAX_SHARDS / 2);
    assert!(report.by_shards.iter().all(|node| node.shards <= MAX_SHARDS));
}

#[test]
fn wrong_words_are_refused() {
    for words in ["--sizes 3", "--sizes 3x", "--cameras 1.5", "--phones -1", "--sizes 1x5 --people 5"] {
        assert!(options(words).is_err(), "{words}");
    }
    let machines = ["--cores-per-machine 0", "--cores-per-machine 1000000000000", "--shards 0", "--link-gbps 0"];
    for words in ["--limit 0", "--limit 101", "--cost x=1", "--people 1", "--placements 0"].iter().chain(&machines) {
        assert!(report(words).is_err(), "{words}");
    }
}
