// SPDX-License-Identifier: EUPL-1.2
//! The server's counters, which are read before it is measured and after.

use std::io::{BufReader, Write};
use std::net::TcpListener;

use serde_json::Value;

use crate::PATIENCE;
use crate::run::Run;
use crate::server::{Manners, Server, read_request};

/// Where the server shows its counters.
fn address_of(metrics: &TcpListener) -> String {
    format!("http://{}/metrics", metrics.local_addr().unwrap())
}

#[test]
fn a_result_without_the_last_counters_is_one_all_the_same() {
    let server = Server::start(Manners::Answers);
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = address_of(&metrics);
    let mut run = Run::start("counters-lost", &server.url, 0.2, &["--metrics", &address]);
    run.wait_for("broadcast: settling");
    let mut connection = BufReader::new(metrics.accept().unwrap().0);
    read_request(&mut connection).unwrap();
    write!(connection.get_mut(), "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\nsent_total 1\n").unwrap();
    // Nobody is there any more.
    drop((connection, metrics));
    let json = run.json.clone();
    let (stdout, _) = run.ended(0);
    assert!(stdout.contains(&format!("! left out: no counters from {address}: ")), "{stdout}");
    let outcome: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert!(outcome["sent"].as_u64().unwrap() > 0 && outcome["counters"].is_null(), "{outcome}");
    assert_eq!(outcome["left_out"].as_array().unwrap().len(), 1, "{outcome}");
}

#[test]
fn ctrl_c_does_not_wait_for_counters() {
    let server = Server::start(Manners::Answers);
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut run = Run::start("counters-awaited", &server.url, 600.0, &["--metrics", &address_of(&metrics)]);
    run.wait_for("broadcast: settling");
    let mut connection = BufReader::new(metrics.accept().unwrap().0);
    read_request(&mut connection).unwrap();
    run.press_ctrl_c();
    server.goodbyes.recv_timeout(PATIENCE).unwrap();
    let json = run.json.clone();
    let (stdout, _) = run.interrupted();
    assert!(stdout.contains("ended early") && json.exists(), "{stdout}");
}
