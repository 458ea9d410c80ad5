// SPDX-License-Identifier: EUPL-1.2
//! Against sipp (Debian: `sip-tester`): somebody else's idea of SIP. Debian's is built without TLS, which
//! baresip speaks in its tests, and a proxy before rtpengine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bus::phone::TrunkConfig;
use sip_bridge::sip::message::Transport;
use tokio::net::UdpSocket;
use tokio::process::Command;
use tokio::time::timeout;

use super::bridge::{PATIENCE, Running, Setup, credentials, trunk};

/// Runs a scenario against whoever is at that address.
pub(crate) async fn run(remote: SocketAddr, scenario: &str, transport: Transport, calls: u32, more: &[&str]) {
    run_in(Path::new("."), remote, scenario, transport, calls, more).await;
}

/// The same in a folder, where the captures are that it plays.
pub(crate) async fn run_in(
    folder: &Path,
    remote: SocketAddr,
    scenario: &str,
    transport: Transport,
    calls: u32,
    more: &[&str],
) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sipp").join(scenario);
    let mode = if transport == Transport::Udp { "u1" } else { "t1" };
    let sipp = Command::new("sipp")
        .arg(remote.to_string())
        .arg("-sf")
        .arg(path)
        .args(["-i", "127.0.0.1", "-t", mode, "-m", &calls.to_string(), "-r", "20", "-nostdin", "-timeout", "15s"])
        .arg("-timeout_error")
        .args(more)
        .current_dir(folder)
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
    run(running.address(Transport::Udp), "call.xml", Transport::Udp, 20, &[]).await;
    run(running.address(Transport::Tcp), "call.xml", Transport::Tcp, 20, &[]).await;
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
    run(running.address(Transport::Udp), "cancel.xml", Transport::Udp, 10, &[]).await;
    assert_eq!(running.counted("sip_refused_calls_total", Some("cancelled")), 10.0);
    assert!(running.order_names().is_empty());
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sipp_proves_who_it_is_and_a_wrong_password_is_refused() {
    let secret = |id: &str, username: &str| TrunkConfig {
        caller_credentials: credentials(username, "right"),
        ..trunk(id, &["127.0.0.1/32"])
    };
    let trunks = vec![secret("a", "alice"), secret("b", "bob")];
    let running = Running::with(Setup { trunks, ..Setup::default() });
    let relay = without_sha256(running.address(Transport::Udp)).await;
    // As the Request-URI has it. Otherwise sipp leaves the user out.
    let uri = format!("+49301@{relay}");
    let account = |password: &'static str| ["-au", "bob", "-ap", password, "-auth_uri", uri.as_str()];
    run(relay, "password.xml", Transport::Udp, 10, &account("right")).await;
    run(relay, "wrong-password.xml", Transport::Udp, 3, &account("wrong")).await;
    assert_eq!(running.counted("sip_answered_calls_total", None), 10.0);
    assert_eq!(running.counted("sip_refused_calls_total", Some("wrong_password")), 3.0);
    running.bridge.shutdown(PATIENCE).await;
}

/// Debian's sipp knows MD5 alone, and gives up when the first challenge wants something else, where RFC 8760 §2.4 has it look
/// at the next. So it gets only that of MD5: from somebody in between, who hands on all else as it is.
async fn without_sha256(bridge: SocketAddr) -> SocketAddr {
    let outside = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let inside = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    inside.connect(bridge).await.unwrap();
    let address = outside.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut sent, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
        let mut caller = None;
        loop {
            tokio::select! {
                request = outside.recv_from(&mut sent) => {
                    let (length, from) = request.unwrap();
                    caller = Some(from);
                    inside.send(&sent[..length]).await.unwrap();
                }
                answer = inside.recv(&mut answered) => {
                    let text = String::from_utf8_lossy(&answered[..answer.unwrap()]).into_owned();
                    let lines = text.split_inclusive("\r\n").filter(|line| !line.contains("algorithm=SHA-256"));
                    outside.send_to(lines.collect::<String>().as_bytes(), caller.unwrap()).await.unwrap();
                }
            }
        }
    });
    address
}
