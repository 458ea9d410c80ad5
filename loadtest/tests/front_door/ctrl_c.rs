// SPDX-License-Identifier: EUPL-1.2
//! Somebody has seen enough of a run.

use std::net::TcpListener;
use std::sync::mpsc::Receiver;

use serde_json::Value;

use crate::PATIENCE;
use crate::run::Run;
use crate::server::{Manners, Server};

/// Longer than any test takes: a run that does not end on Ctrl-C is found by the test's patience.
const MEASURED_SECONDS: f64 = 600.0;

/// About a second of pictures: the count begins a moment after the program says so.
const SOME_PACKETS: usize = 250;

/// Receives packets that are sent from now on.
fn receive_some(packets: &Receiver<()>) {
    while packets.try_recv().is_ok() {}
    for _ in 0..SOME_PACKETS {
        packets.recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn ctrl_c_ends_a_run_early_and_keeps_what_was_measured() {
    let server = Server::start(Manners::Answers);
    let mut run = Run::start("ended-early", &server.url, MEASURED_SECONDS, &[]);
    run.wait_for("broadcast: measuring");
    receive_some(&server.packets);
    run.press_ctrl_c();
    server.goodbyes.recv_timeout(PATIENCE).unwrap();
    let json = run.json.clone();
    let (stdout, _) = run.interrupted();
    assert!(stdout.contains("ended early") && stdout.contains(" of 600 s were measured"), "{stdout}");
    let outcome: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!((&outcome["ended_early"], &outcome["planned_seconds"]), (&true.into(), &MEASURED_SECONDS.into()));
    assert!(outcome["sent"].as_u64().unwrap() > 0, "{outcome}");
    let seconds = outcome["seconds"].as_f64().unwrap();
    assert!(seconds > 0.0 && seconds < MEASURED_SECONDS, "{seconds}");
}

#[test]
fn a_second_ctrl_c_ends_at_once_what_the_first_does_not_and_the_result_is_there() {
    let server = Server::start(Manners::KeepsSilent);
    let mut run = Run::start("ended-at-once", &server.url, MEASURED_SECONDS, &[]);
    run.wait_for("broadcast: measuring");
    run.press_ctrl_c();
    server.goodbyes.recv_timeout(PATIENCE).unwrap();
    assert!(run.process().try_wait().unwrap().is_none(), "it waits for an answer to its good-bye");
    run.press_ctrl_c();
    let json = run.json.clone();
    let (stdout, stderr) = run.interrupted();
    assert!(stdout.contains("ended early") && stderr.contains("loadtest: interrupted\n"), "{stdout}{stderr}");
    assert!(json.exists());
}

#[test]
fn without_anything_measured_there_is_no_result() {
    // It takes connections and answers nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("post+http://{}", silent.local_addr().unwrap());
    let mut run = Run::start("nothing-measured", &url, MEASURED_SECONDS, &[]);
    run.wait_for("broadcast: joining");
    run.press_ctrl_c();
    let json = run.json.clone();
    let (stdout, stderr) = run.interrupted();
    assert!(stdout.is_empty() && stderr.contains("interrupted before anything was measured"), "{stdout}{stderr}");
    assert!(!json.exists());
}
