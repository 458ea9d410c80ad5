// SPDX-License-Identifier: EUPL-1.2

//! Saal is killed at random moments while it writes, a hundred times. What it acknowledged is there, nothing is there by
//! halves, nothing twice, and the audit log is intact.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use signaling::commands::audit::verify_audit;
use store::testing::DurablePostgres;
use store::{FromRow, Location, Row, Store, StoreError, sql};

/// Runs on each kind of database.
const RUNS: u64 = 50;

/// Who write at the same time.
const WRITERS: usize = 4;

/// Longest life of a server, from when it is ready.
const LONGEST_LIFE_MS: u64 = 300;

/// One in so many runs kills PostgreSQL, too.
const POSTGRES_DIES_EVERY: u64 = 5;

/// Pseudorandom numbers (splitmix64) from a seed that a failure prints.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// What the writers know.
#[derive(Default)]
struct Ledger {
    /// Names of what was acknowledged, with the ids.
    acknowledged: BTreeMap<String, String>,
    /// Names of what was asked for without an answer. It is asked for again, with the same key.
    unanswered: Vec<String>,
    asked: u64,
}

struct Server {
    process: Child,
    address: SocketAddr,
}

fn saal(folder: &Path, database: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saal"));
    command.current_dir(folder).stdin(Stdio::null()).env("SAAL_API__REQUESTS_PER_SECOND", "100000");
    command.env("SAAL_DATABASE__URL", database);
    command
}

impl Server {
    fn start(folder: &Path, database: &str) -> Self {
        let mut command = saal(folder, database);
        command.args(["serve", "--dev", "--http", "127.0.0.1:0", "--media", "127.0.0.1:0"]);
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().expect("running saal");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit_once("http://").and_then(|(_, address)| address.parse().ok());
        let address = address.unwrap_or_else(|| {
            panic!("not ready: {line:?} {}", std::fs::read_to_string(folder.join("log")).unwrap_or_default())
        });
        Self { process, address }
    }

    fn kill(mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("dead");
    }
}

/// Asks for a token of that name. Its id, once all of the answer is there.
fn ask(server: SocketAddr, token: &str, name: &str) -> Option<String> {
    let body = json!({ "name": name, "scopes": ["meetings:read"] }).to_string();
    let request = format!(
        "POST /api/v1/api_tokens HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nidempotency-key: {name}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if !head.starts_with("HTTP/1.1 201 ") {
        // While the database is away, and when it went away in between. Anything else is a mistake.
        assert!(head.starts_with("HTTP/1.1 503 "), "{answer}");
        return None;
    }
    let body: Value = serde_json::from_str(body).ok()?;
    Some(body["id"].as_str().expect("an id").to_owned())
}

/// Asks for one thing after the other until the server is dead.
fn write(server: SocketAddr, token: &str, ledger: &Mutex<Ledger>) {
    loop {
        let name = {
            let mut ledger = ledger.lock().expect("unpoisoned");
            ledger.unanswered.pop().unwrap_or_else(|| {
                ledger.asked += 1;
                format!("token-{}", ledger.asked)
            })
        };
        let answer = ask(server, token, &name);
        let mut ledger = ledger.lock().expect("unpoisoned");
        match answer {
            Some(id) => _ = ledger.acknowledged.insert(name, id),
            None => {
                ledger.unanswered.push(name);
                if TcpStream::connect(server).is_err() {
                    return;
                }
            }
        }
    }
}

struct Pair(String, String);

impl FromRow for Pair {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(row.get("a")?, row.get("b")?))
    }
}

/// Compares what is stored with what was acknowledged.
async fn check(location: &Location, ledger: &Ledger) {
    let store = Store::open_as_it_is(location).await.expect("the database");
    let mut tx = store.read().await.expect("a transaction");
    let tokens: Vec<Pair> = tx.all(sql("SELECT name AS a, id AS b FROM api_tokens")).await.expect("tokens");
    let select = sql("SELECT target_id AS a, hash AS b FROM audit_events WHERE action = 'api_token.create'");
    let events: Vec<Pair> = tx.all(select).await.expect("events");
    let select = sql("SELECT idempotency_key AS a, body AS b FROM idempotency_keys");
    let answers: Vec<Pair> = tx.all(select).await.expect("answers");
    drop(tx);
    let stored: BTreeMap<_, _> = tokens.iter().map(|pair| (pair.0.clone(), pair.1.clone())).collect();
    assert_eq!(stored.len(), tokens.len(), "something was done twice");
    for (name, id) in &ledger.acknowledged {
        assert_eq!(stored.get(name), Some(id), "{name} was acknowledged");
    }
    for name in stored.keys().filter(|name| name.starts_with("token-")) {
        let is_known = ledger.acknowledged.contains_key(name) || ledger.unanswered.contains(name);
        assert!(is_known, "{name} was never asked for");
    }
    let ids: BTreeSet<_> = stored.values().cloned().collect();
    let told: BTreeSet<_> = events.iter().map(|event| event.0.clone()).collect();
    assert_eq!(told.len(), events.len(), "something was written down twice");
    assert_eq!(ids, told, "each token has its event, and each event its token");
    let kept: BTreeSet<_> = answers.iter().map(|answer| answer.0.clone()).collect();
    let named: BTreeSet<_> = stored.keys().filter(|name| name.starts_with("token-")).cloned().collect();
    assert_eq!(kept, named, "each token has the answer that was given, and each answer its token");
    for report in verify_audit(&store, None, &[]).await.expect("verified") {
        assert!(report.is_intact(), "{report:?}");
    }
    store.close().await;
}

/// Lets servers live and die.
fn torment(folder: &Path, database: &str, location: &Location, mut kill_database: impl FnMut(u64)) {
    let seed = std::env::var("SAAL_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64));
    println!("SAAL_SEED={seed}");
    let mut dice = Dice(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut create = saal(folder, database);
    create.args(["api-token", "create", "--name", "writer", "--scopes", "tokens:admin,meetings:*"]);
    let token = create.output().expect("running saal");
    assert!(token.status.success(), "{token:?}");
    let token = String::from_utf8(token.stdout).expect("text").trim().to_owned();
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    for run in 0..RUNS {
        let server = Server::start(folder, database);
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (address, token, ledger) = (server.address, token.clone(), ledger.clone());
                thread::spawn(move || write(address, &token, &ledger))
            })
            .collect();
        thread::sleep(Duration::from_millis(dice.throw(LONGEST_LIFE_MS)));
        kill_database(run);
        server.kill();
        for writer in writers {
            writer.join().expect("a writer");
        }
        runtime.block_on(check(location, &ledger.lock().expect("unpoisoned")));
    }
    let ledger = ledger.lock().expect("unpoisoned");
    println!("{} acknowledged, {} left without an answer", ledger.acknowledged.len(), ledger.unanswered.len());
    assert!(ledger.acknowledged.len() as u64 >= RUNS, "too few to mean anything: {}", ledger.acknowledged.len());
}

#[test]
fn what_was_acknowledged_survives_in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = Location::Sqlite(folder.path().join("data/saal.db"));
    torment(folder.path(), "", &location, |_| {});
}

#[test]
fn what_was_acknowledged_survives_in_postgresql() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut postgres = DurablePostgres::start();
    let url = postgres.url();
    let location = url.parse().expect("a location");
    torment(folder.path(), &url, &location, |run| {
        if run % POSTGRES_DIES_EVERY == 0 {
            postgres.kill_and_restart();
        }
    });
}
