// SPDX-License-Identifier: EUPL-1.2
//! A fixed load on a shard, for `cargo xtask instructions`, which runs this under callgrind and divides the instructions
//! of [`counted_turn`] by the number of packets that this prints.

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/load/mod.rs"]
mod load;

use std::time::{Duration, Instant};

use load::pattern::{Pattern, reception, speech, video};
use load::{Arrived, LoadedShard, turn};
use sfu_media::shard::{Shard, ShardCounters};

/// Every buffer has been as full as it will be, and everybody gets the largest layer.
const WARM_UP: Duration = Duration::from_secs(6);

/// Sixty pictures, and two reports of every client.
const COUNTED: Duration = Duration::from_secs(2);

/// What callgrind counts: it is told to collect between this function's entry and its return, and only there. What
/// surrounds it, handshakes and made-up clients, costs several times as much. Two runs of different lengths would take out
/// the handshakes by their difference, but not what the clients need to make and encrypt packets.
#[inline(never)]
fn counted_turn(shard: &mut Shard, now: Instant, arrived: &mut [Arrived]) {
    turn(shard, now, arrived);
}

/// What the instructions are divided by.
type Packets = fn(&ShardCounters) -> u64;

fn pattern(name: &str) -> Option<(Pattern, Packets)> {
    match name {
        "video" => Some((video(100), |counters| counters.forwarded_packets)),
        "speech" => Some((speech(3, 200), |counters| counters.forwarded_packets)),
        "reception" => Some((reception(25), |counters| counters.received_packets)),
        _ => None,
    }
}

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some((pattern, packets)) = pattern(&name) else {
        eprintln!("usage: forwarding_instructions video | speech | reception");
        std::process::exit(2);
    };
    let mut loaded = LoadedShard::new(pattern);
    loaded.run_until(WARM_UP, turn);
    let before = loaded.shard.counters();
    loaded.run_until(WARM_UP + COUNTED, counted_turn);
    let after = loaded.shard.counters();
    println!("{}", packets(&after) - packets(&before));
}
