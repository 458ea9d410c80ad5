// SPDX-License-Identifier: EUPL-1.2
//! What is not in the log, whatever people do. In a process of its own, since a log is there once in each.

#[path = "logging/day.rs"]
mod day;
#[path = "front_door/support/mod.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use livekit_protocol::signal_request::Message as Request;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use day::Day;
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

/// A room by LiveKit's protocol alone.
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

/// What in an answer lets somebody in, or leads to somebody.
const SECRET_FIELDS: [&str; 13] = [
    "token",
    "access_token",
    "csrf_token",
    "secret",
    "client_secret",
    "ticket",
    "pin",
    "conference_id",
    "join_url",
    "personal_join_url",
    "personal_pin",
    "one_tap",
    "url",
];

/// Shorter ones may be in the log by chance: in an id, or a number of milliseconds.
const SHORTEST_SECRET: usize = 8;

/// Collects the secrets of an answer. Of a link it is what stands at its end.
fn collect(answer: &Value, secrets: &mut BTreeSet<String>) {
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let (true, Some(text)) = (SECRET_FIELDS.contains(&name.as_str()), value.as_str()) {
                    let end = text.rsplit(['/', '=', '#', ',']).next().unwrap_or(text);
                    secrets.extend(
                        [text, end].into_iter().filter(|text| text.len() >= SHORTEST_SECRET).map(str::to_owned),
                    );
                }
                collect(value, secrets);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, secrets)),
        _ => {}
    }
}

/// Whether it could be an IPv4 address.
fn is_address(word: &str) -> bool {
    let word = word.trim_matches(|character: char| !character.is_ascii_digit());
    word.split('.').count() == 4 && word.split('.').all(|part| part.parse::<u8>().is_ok())
}

/// Shows what operators would see when the test fails.
struct Shown(Log);

impl Drop for Shown {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.0.0.lock().map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default();
            log.lines()
                .filter(|line| line.contains("WARN") || line.contains("ERROR"))
                .for_each(|line| eprintln!("{line}"));
        }
    }
}

#[tokio::test]
async fn the_log_keeps_secrets_and_names_nobody() {
    let log = Log::default();
    let _shown = Shown(log.clone());
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .try_init()
        .expect("the only one in this process");
    a_call(&Server::start().await).await;
    let mut day = Day::begin().await;
    day.live_through().await;
    let secrets = day.end().await;
    let log = String::from_utf8(log.0.lock().expect("unpoisoned").clone()).expect("text");
    let own: Vec<_> = log.lines().filter(|line| line.contains("signaling::") || line.contains("store::")).collect();
    assert!(own.iter().any(|line| line.contains("joined")), "{log}");
    for secret in ["access_token", "join_request", "eyJ", "forged", "audios 3", "a secret of"] {
        assert!(!own.iter().any(|line| line.contains(secret)), "{secret} is in the log");
    }
    assert!(secrets.len() > 20, "too few to mean anything: {secrets:?}");
    // The test's own client is in this process, too.
    let of_servers = || log.lines().filter(|line| !line.contains("tungstenite::handshake::client"));
    for secret in &secrets {
        let shown: Vec<_> = of_servers().filter(|line| line.contains(secret.as_str())).collect();
        assert!(shown.is_empty(), "a secret is in the log: {secret}: {shown:#?}");
    }
    let is_for_operators = |line: &&str| ["INFO", "WARN", "ERROR"].iter().any(|level| line.contains(level));
    let for_operators: Vec<_> = log.lines().filter(is_for_operators).collect();
    // What the day was like has left its traces.
    for said in ["room opened", "a mail is given up", "a webhook is disabled", "the database cannot be reached"] {
        assert!(for_operators.iter().any(|line| line.contains(said)), "{said} is not in the log:\n{for_operators:#?}");
    }
    for line in &for_operators {
        let lower = line.to_lowercase();
        for private in ["private", "secret-room", "555444333", "example.org", "bearer", "saal_", "whsec_", "mailto:"] {
            assert!(!lower.contains(private), "{private} is in the log: {line}");
        }
        assert!(!line.contains('@') && !line.contains("+49"), "an address or a number: {line}");
        let words = line.split(|character: char| character.is_whitespace() || "\"=,;:()[]{}/".contains(character));
        assert!(!words.into_iter().any(is_address), "an IP address: {line}");
        assert!(!line.contains("::1") && !line.contains("2001:db8"), "an IP address: {line}");
    }
}
