// SPDX-License-Identifier: EUPL-1.2

//! Saal is killed at random moments while several write at once, again and again. What it acknowledged is there with its
//! revision, each meeting is whole or not there at all, nothing is there twice, and the audit log is intact.
//!
//! A hundred times of it: `SAAL_KILLS=100 cargo test -p saal --test kill -- --nocapture`. `SAAL_SEED` repeats the moments.

#[path = "kill/ledger.rs"]
mod ledger;
#[path = "kill/process.rs"]
mod process;
#[path = "kill/stored.rs"]
mod stored;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use store::Location;
use store::testing::DurablePostgres;

use ledger::Writer;
use process::Server;

/// Who write at the same time.
const WRITERS: usize = 4;

/// Longest life of a server, from when it is ready or has done something.
const LONGEST_LIFE_MS: u64 = 300;

/// Longest wait for something to be acknowledged, also again after PostgreSQL was killed.
const PATIENCE: Duration = Duration::from_secs(30);

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

/// What the runs added up to.
#[derive(Default)]
struct Seen {
    replayed: usize,
    kept_unanswered: usize,
    lost_unanswered: usize,
}

/// Lets servers live and die.
fn torment(folder: &Path, database: &str, location: &Location, runs: u64, mut postgres: Option<DurablePostgres>) {
    let began = Instant::now();
    let seed = std::env::var("SAAL_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64));
    println!("SAAL_SEED={seed}");
    let mut dice = Dice(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let token = process::token(folder, database);
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let mut writers: Vec<_> = (0..WRITERS)
        .map(|number| Writer::new(number, dice.throw(u64::MAX), token.clone(), acknowledged.clone()))
        .collect();
    let mut seen = Seen::default();
    for _ in 0..runs {
        let server = Server::start(folder, database);
        let address = server.address;
        let threads: Vec<_> = writers
            .into_iter()
            .map(|mut writer| {
                thread::spawn(move || {
                    writer.write_until_it_is_dead(address);
                    writer
                })
            })
            .collect();
        let progress = || {
            let before = acknowledged.load(Ordering::Relaxed);
            let deadline = Instant::now() + PATIENCE;
            while acknowledged.load(Ordering::Relaxed) < before + WRITERS {
                assert!(Instant::now() < deadline, "nothing is written any more: {}", process::log(folder));
                thread::sleep(Duration::from_millis(1));
            }
        };
        // The first answers take longest. Some servers do not live to give them.
        if dice.throw(4) > 0 {
            progress();
        }
        thread::sleep(Duration::from_millis(dice.throw(LONGEST_LIFE_MS)));
        if let Some(postgres) = &mut postgres {
            postgres.kill_and_restart();
            // Saal goes on by itself, without being started again.
            progress();
            thread::sleep(Duration::from_millis(dice.throw(LONGEST_LIFE_MS)));
        }
        server.kill();
        writers = threads.into_iter().map(|thread| thread.join().expect("a writer")).collect();
        runtime.block_on(stored::check(location, &mut writers, &mut seen));
    }
    // What has no answer yet is asked for once more, and all of it is seen as others see it.
    let server = Server::start(folder, database);
    for writer in &mut writers {
        seen.replayed += writer.settle(server.address);
        writer.look(server.address);
    }
    server.kill();
    runtime.block_on(stored::check(location, &mut writers, &mut seen));
    process::verify_audit(folder, database);
    let meetings: usize = writers.iter().map(|writer| writer.entries.len()).sum();
    println!(
        "{runs} runs in {:.0?}: {meetings} meetings, {} writes acknowledged and none of them lost; of the others {} had \
         been done and {} had not; {} requests were repeated at the end",
        began.elapsed(),
        acknowledged.load(Ordering::Relaxed),
        seen.kept_unanswered,
        seen.lost_unanswered,
        seen.replayed,
    );
    assert!(acknowledged.load(Ordering::Relaxed) as u64 > runs * 2, "too few to mean anything");
    assert!(seen.kept_unanswered + seen.lost_unanswered > 0, "it was never killed while it did something");
}

/// How often: as the command above says, or as often as there is time for among the other tests.
fn runs(few: u64) -> u64 {
    std::env::var("SAAL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(few)
}

#[test]
fn what_was_acknowledged_survives_in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = Location::Sqlite(folder.path().join("data/saal.db"));
    torment(folder.path(), "", &location, runs(15), None);
}

/// PostgreSQL itself is killed, too, with all its processes at once.
#[test]
fn what_was_acknowledged_survives_in_postgresql() {
    let folder = tempfile::tempdir().expect("a folder");
    let postgres = DurablePostgres::start();
    let url = postgres.url();
    let location = url.parse().expect("a location");
    torment(folder.path(), &url, &location, runs(5), Some(postgres));
}
