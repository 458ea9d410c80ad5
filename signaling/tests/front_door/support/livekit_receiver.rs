// SPDX-License-Identifier: EUPL-1.2
//! LiveKit's own receiver of webhooks (npm's livekit-server-sdk) in a process of the test's own.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::soon;
use super::token::{KEY, SECRET};

/// Who is told what happens in rooms.
pub(crate) struct LivekitReceiver {
    pub(crate) url: String,
    output: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl LivekitReceiver {
    /// Starts one. It answers the first events of a room with the statuses in `failures`; 0 is no answer at all.
    pub(crate) async fn start(port: u16, failures: Value) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sdk = folder.join("../web-client/node_modules/livekit-server-sdk/dist/index.js");
        assert!(sdk.exists(), "LiveKit's SDK is not installed: run `npm ci` in web-client");
        let does = json!({ "sdk": sdk, "port": port, "key": KEY, "secret": SECRET, "failures": failures });
        let mut command = Command::new("node");
        command.arg(folder.join("tests/livekit-receiver/server.mjs")).arg(does.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("Node is there: install Node 20.19 or newer");
        let mut output = BufReader::new(process.stdout.take().expect("an output")).lines();
        let port = soon(output.next_line()).await.expect("an output").expect("the receiver starts");
        Self { url: format!("http://127.0.0.1:{port}/livekit"), output, _process: process }
    }

    /// The next event that it takes.
    pub(crate) async fn next(&mut self) -> Value {
        let line = soon(self.output.next_line()).await.expect("an output").expect("the receiver runs");
        let event: Value = serde_json::from_str(&line).expect("JSON");
        assert_ne!(event["event"], "refused", "{event}");
        event
    }

    /// The next ones, in a word each.
    pub(crate) async fn next_words(&mut self, count: usize) -> Vec<String> {
        let mut words = Vec::new();
        for _ in 0..count {
            let event = self.next().await;
            let identity = event["identity"].as_str().map(|identity| format!(" {identity}"));
            words.push(event["event"].as_str().expect("an event").to_owned() + &identity.unwrap_or_default());
        }
        words
    }
}
