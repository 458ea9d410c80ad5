// SPDX-License-Identifier: EUPL-1.2
//! LiveKit's own server SDK against our RoomService. Needs Node and `npm ci` in `tests/server_sdk`.

#[path = "front_door/support/mod.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use support::client::microphone;
use support::sfu::sdp;
use support::token::{KEY, SECRET};
use support::{Client, Server, soon};

#[tokio::test]
#[ignore = "needs `npm ci` in tests/server_sdk"]
async fn the_server_sdk_manages_a_room() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (_bob, _) = Client::join_connected(&server, "room", "bob").await;
    let track = ann.add_track(microphone("m")).await;
    ann.negotiate(0, &sdp(3, 3, &["m"])).await;
    let mut script = Command::new("node");
    script
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server_sdk"))
        .args(["room_service.mjs", &format!("http://{}", server.address), KEY, SECRET, &track.sid])
        .stdin(Stdio::null());
    let script = tokio::task::spawn_blocking(move || script.output());
    let output = soon(script).await.expect("not cancelled").expect("node runs");
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("ok"), "{said}\n{failed}");
}
