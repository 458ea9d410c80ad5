// SPDX-License-Identifier: EUPL-1.2
//! What is not in the log. In a process of its own, since a log is there once in each.

#[path = "front_door/support/mod.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

use std::io;
use std::sync::{Arc, Mutex};

use livekit_protocol::signal_request::Message as Request;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use support::client::{camera, join_request, path};
use support::sfu::sdp;
use support::{Client, Server, Token};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

async fn a_call(server: &Server) {
    let token = Token::join("secret-room", "private-identity").with("name", json!("Private Name"));
    let (mut ann, _) = Client::join_connected_with(server, &token).await;
    ann.add_track(camera("private-cid")).await;
    ann.negotiate(5, &sdp(3, 3, &["private-cid"])).await;
    ann.send(Request::Leave(Default::default())).await;
    ann.closed().await;
    drop(Client::connect(server, &path("forged.token.here", &join_request())).await);
    let admin = Token::admin("secret-room");
    server.call("RemoveParticipant", &admin, json!({ "room": "secret-room", "identity": "private-identity" })).await;
}

#[tokio::test]
async fn the_log_keeps_secrets_and_names_nobody() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .try_init()
        .expect("the only one in this process");
    a_call(&Server::start().await).await;
    let log = String::from_utf8(log.0.lock().expect("unpoisoned").clone()).expect("text");
    let own: Vec<_> = log.lines().filter(|line| line.contains("signaling::")).collect();
    assert!(own.iter().any(|line| line.contains("joined")), "{log}");
    for secret in ["access_token", "join_request", "eyJ", "forged", "audios 3", "a secret of"] {
        assert!(!own.iter().any(|line| line.contains(secret)), "{secret} is in the log");
    }
    let is_for_operators = |line: &&str| ["INFO", "WARN", "ERROR"].iter().any(|level| line.contains(level));
    let for_operators: Vec<_> = log.lines().filter(is_for_operators).collect();
    assert!(for_operators.iter().any(|line| line.contains("room opened")), "{log}");
    for private in ["private", "Private", "secret-room", "127.0.0.1"] {
        assert!(!for_operators.iter().any(|line| line.contains(private)), "{private} is in the log");
    }
}
