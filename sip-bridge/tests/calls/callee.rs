// SPDX-License-Identifier: EUPL-1.2
//! Whom the bridge calls: sipp as a server of a trunk, and what is told of calls to it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bus::phone::{
    CallPurpose, DialProgress, NotReached, NotReachedReason, OutgoingCall, OutgoingEnd, PhoneRequest, TrunkConfig,
    TrunkDestination, TrunkTransport, outgoing_line,
};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::bridge::{PATIENCE, Running, trunk};

/// Where the servers of a trunk listen.
pub(crate) const PORT: u16 = 5060;

/// sipp, waiting for calls.
pub(crate) struct Server {
    address: SocketAddr,
    child: Child,
}

impl Server {
    /// One that follows a scenario for so many calls, at an address that is its own.
    pub(crate) fn start(address: IpAddr, scenario: &str, calls: u32) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sipp").join(scenario);
        let child = Command::new("sipp")
            .arg("-sf")
            .arg(path)
            .args(["-i", &address.to_string(), "-p", &PORT.to_string(), "-t", "u1", "-m", &calls.to_string()])
            .args(["-nostdin", "-timeout", "18s", "-timeout_error"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("no sipp: `cargo xtask test --only packages` installs it");
        Self { address: SocketAddr::new(address, PORT), child }
    }

    /// All of its calls have been as the scenario says.
    pub(crate) async fn finish(self) {
        let output = timeout(PATIENCE, self.child.wait_with_output()).await.unwrap().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {text}", self.address);
    }
}

/// A trunk with these servers.
pub(crate) fn provider(servers: &[IpAddr], transport: TrunkTransport) -> TrunkConfig {
    let destination = |server: &IpAddr| TrunkDestination {
        host: server.to_string(),
        port: Some(if transport == TrunkTransport::Tls { PORT + 1 } else { PORT }),
        transport,
    };
    TrunkConfig { destinations: servers.iter().map(destination).collect(), ..trunk("provider", &[]) }
}

/// A call that was ordered.
pub(crate) struct Ordered {
    pub(crate) end: OutgoingEnd,
}

impl Ordered {
    pub(crate) fn new(running: &Running, purpose: CallPurpose, ring_time: Duration) -> Self {
        let (order, end) = outgoing_line(OutgoingCall {
            trunk: "provider".to_owned(),
            to: "+4930777".to_owned(),
            from: Some("+4930111".to_owned()),
            language: "en".to_owned(),
            tenant: None,
            purpose,
            ring_time,
        });
        running.dialer.try_send(order).unwrap();
        Self { end }
    }

    /// What the bridge says next. `None`: it has closed the line.
    pub(crate) async fn next(&mut self) -> Option<PhoneRequest> {
        timeout(PATIENCE, self.end.requests.recv()).await.expect("nothing is told")
    }

    /// How it goes on.
    pub(crate) async fn progress(&mut self) -> DialProgress {
        match self.next().await {
            Some(PhoneRequest::Progress(progress)) => progress,
            other => panic!("{other:?}"),
        }
    }

    /// It rings, and is answered.
    pub(crate) async fn until_answered(&mut self) {
        while self.progress().await == DialProgress::Ringing {}
    }

    /// It comes to nothing, for that reason, and nothing follows.
    pub(crate) async fn expect_not_reached(mut self, reason: NotReachedReason, status: Option<u16>) {
        let mut last = self.progress().await;
        if last == DialProgress::Ringing {
            last = self.progress().await;
        }
        assert_eq!(last, DialProgress::NotReached(NotReached { reason, status }));
        assert!(self.next().await.is_none());
    }
}
