// SPDX-License-Identifier: EUPL-1.2
//! Against sipp (Debian: `sip-tester`): somebody else's idea of SIP.

use std::path::PathBuf;
use std::process::Stdio;

use sip_bridge::sip::message::Transport;
use tokio::process::Command;
use tokio::time::timeout;

use super::bridge::{PATIENCE, Running};

/// Runs a scenario.
async fn run(running: &Running, scenario: &str, transport: Transport, calls: u32) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sipp").join(scenario);
    let mode = if transport == Transport::Udp { "u1" } else { "t1" };
    let sipp = Command::new("sipp")
        .arg(running.address(transport).to_string())
        .arg("-sf")
        .arg(path)
        .args(["-i", "127.0.0.1", "-t", mode, "-m", &calls.to_string(), "-r", "20", "-nostdin", "-timeout", "15s"])
        .arg("-timeout_error")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, sipp).await.unwrap();
    let output = output.expect("no sipp: `cargo xtask test --only packages` installs it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario} over {}: {text}", transport.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn sipp_calls_over_udp_and_tcp() {
    let running = Running::start(None);
    run(&running, "call.xml", Transport::Udp, 20).await;
    run(&running, "call.xml", Transport::Tcp, 20).await;
    assert_eq!(running.counted("sip_answered_calls_total", None), 40.0);
    assert_eq!(running.counted("sip_ended_calls_total", Some("hung up")), 40.0);
    let orders = running.order_names();
    for name in ["Begin", "Open", "End"] {
        assert_eq!(orders.iter().filter(|order| *order == name).count(), 40, "{name}");
    }
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sipp_gives_up_while_it_rings() {
    let running = Running::start(None);
    run(&running, "cancel.xml", Transport::Udp, 10).await;
    assert_eq!(running.counted("sip_refused_calls_total", Some("cancelled")), 10.0);
    assert!(running.order_names().is_empty());
    running.bridge.shutdown(PATIENCE).await;
}
