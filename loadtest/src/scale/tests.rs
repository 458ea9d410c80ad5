// SPDX-License-Identifier: EUPL-1.2
//! From the loads' results to costs.

use clap::Parser;
use serde_json::json;

use super::*;
use crate::cli::{Cli, Command};

/// The second one, for handing over, has to be the default: no load is too much for a shard.
const KINDS: [f64; 8] = [4.0, 1.1, 0.8, 2.5, 0.06, 6.0, 90.0, 40.0];

const MEMORY: [f64; 5] = [15e6, 5e6, 120e3, 3e3, 1.1];

fn counters(work: &Work) -> Value {
    json!({
        "sfu_received_packets_total": work.received,
        "sfu_forwarded_packets_total": work.sent,
        "sfu_dropped_packets_total{reason=\"other_layer\"}": work.skipped,
        "sfu_dropped_packets_total{reason=\"paused\"}": 0.0,
        "sfu_dropped_packets_total{reason=\"awaits_keyframe\"}": 0.0,
        "sfu_turns_total": work.turns,
    })
}

/// What each load would say of a server with these costs.
fn measured(costs: &Costs, disturb: impl Fn(usize) -> f64) -> Vec<Measured> {
    let mut all = Vec::new();
    for case in &CASES {
        for shards in [1, 2] {
            let mut work = simulate(&case.rooms().unwrap(), shards, PLACEMENTS, costs).work;
            // Small loads let the server sleep more often than large ones.
            work.turns = 1_000.0 * shards as f64 / (1.0 + work.received / 1_000.0);
            let factor = disturb(all.len());
            let outcome = json!({
                "seconds": 5.0, "loss": 0.0, "own_core_share": 0.3, "joins": { "failed": 0 },
                "server": {
                    "cpu_seconds": 5.0 * work.cores(costs) * factor,
                    "pss_mib": work.memory_bytes(shards, costs) / MIB_BYTES * factor,
                },
                "counters": counters(&work),
            });
            all.push(Measured::new(case, shards, &outcome).unwrap());
        }
    }
    all
}

fn costs() -> Costs {
    Costs::default().with_kinds(KINDS).with_bytes_of_memory(MEMORY)
}

#[test]
fn the_loads_tell_all_costs_apart() {
    let found = costs_of(&measured(&costs(), |_| 1.0));
    let found = found.of_kinds().into_iter().chain(found.bytes_of_memory());
    for (found, wanted) in found.zip(KINDS.into_iter().chain(MEMORY)) {
        assert!((found / wanted - 1.0).abs() < 1e-4, "{found} instead of {wanted}");
    }
}

#[test]
fn what_a_noisy_machine_says_still_predicts() {
    let noise = |place: usize| 1.0 + [0.05, -0.03, 0.01, -0.05, 0.02, 0.04, -0.04][place % 7];
    let disturbed = measured(&costs(), noise);
    let found = costs_of(&disturbed);
    for one in measured(&costs(), |_| 1.0) {
        let off = one.work.cores(&found) / one.cores - 1.0;
        assert!(off.abs() < 0.06, "{} is off by {off}", one.case);
    }
    let text = Report { machine: Machine::default(), costs: found, cases: disturbed }.table();
    assert!(text.contains("video_1x100") && text.contains("participant_us"), "{text}");
}

#[test]
fn a_load_that_was_less_than_it_should_be_is_named() {
    let expected = simulate(&CASES[0].rooms().unwrap(), 1, 1, &costs()).work;
    let half = expected.times(0.5);
    let outcome = json!({
        "seconds": 5.0, "loss": 0.5, "own_core_share": 0.95, "joins": { "failed": 2 },
        "server": { "cpu_seconds": 0.1, "pss_mib": 30.0 }, "counters": counters(&half),
    });
    let one = Measured::new(&CASES[0], 1, &outcome).unwrap();
    assert_eq!(one.faults.len(), 4, "{one:?}");
    assert_eq!((one.work.sent, one.work.received), (half.sent, half.received), "what was done is what it cost");
    assert_eq!(one.work.participants, expected.participants);
    assert!(Measured::new(&CASES[0], 1, &json!({})).is_err());
}

fn options(words: &str) -> Options {
    let words = ["loadtest", "scale"].into_iter().chain(words.split_whitespace());
    let Command::Scale(options) = Cli::try_parse_from(words).unwrap().command else { panic!("another command") };
    options
}

#[tokio::test]
async fn a_load_that_fails_spoils_no_other() {
    let options = options("--shards 1,2 --rounds 2 --only idle,quiet_40");
    let all = measured(&costs(), |_| 1.0);
    let measure = async |case: &Case, shards| {
        // The server does not start, and the load's result cannot be used.
        ensure!((case.name, shards) != ("idle", 1), "it does not listen");
        let one = all.iter().find(|one| (one.case, one.shards) == (case.name, shards)).unwrap();
        if shards == 1 { Measured::new(case, shards, &json!({})) } else { Ok(one.clone()) }
    };
    let measured = options.measure_all(&options.cases().unwrap(), measure).await;
    let names: Vec<_> = measured.iter().map(|one| (one.case, one.shards)).collect();
    assert_eq!(names, [("idle", 2), ("quiet_40", 2), ("idle", 2), ("quiet_40", 2)]);
}

#[test]
fn only_loads_that_there_are_can_be_chosen() {
    let cases =
        |words: &str| options(words).cases().map(|cases| cases.iter().map(|case| case.name).collect::<Vec<_>>());
    assert_eq!(cases("").unwrap().len(), CASES.len());
    assert_eq!(cases("--only quiet_40,idle").unwrap(), ["idle", "quiet_40"]);
    let refused = cases("--only idle,quiet_4").unwrap_err().to_string();
    assert!(refused.ends_with("not quiet_4"), "{refused}");
}

#[test]
fn a_load_that_changes_has_no_model() {
    for load in [&["storm"][..], &["switch"], &["switch", "--every", "10"]] {
        assert!(Case { name: "changing", load }.rooms().is_err(), "{load:?}");
    }
    assert!(Case { name: "steady", load: &["switch", "--every", "11"] }.rooms().is_ok());
}

#[test]
fn size_reads_what_this_writes() {
    let report = Report { machine: Machine::default(), costs: costs(), cases: Vec::new() };
    let file = std::env::temp_dir().join(format!("loadtest-scale-{}.json", std::process::id()));
    std::fs::write(&file, serde_json::to_string(&report).unwrap()).unwrap();
    let read = Costs::read(&file);
    std::fs::remove_file(file).unwrap();
    assert_eq!(read.unwrap(), costs());
}
