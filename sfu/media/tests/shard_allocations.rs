// SPDX-License-Identifier: EUPL-1.2
//! From received datagrams to the datagrams for all receivers, a shard allocates nothing once it has run for a while:
//! not per packet, not per receiver, not for reports, for comparing speakers or for what is lost and sent again.

#[allow(dead_code, reason = "an example uses the rest")]
mod load;

use std::time::Duration;

use counting_allocator::{CountingAllocator, allocations_of};

use load::pattern::{Pattern, reception, speech, video};
use load::{LoadedShard, turn};
use sfu_media::shard::counters::DropReason;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const RECEIVERS: usize = 12;
const SPEAKERS: usize = 3;

/// Every buffer has been as full as it will be, those of losses included.
const WARM_UP: Duration = Duration::from_secs(12);

/// Clients need not renew their consent until then.
const END: Duration = Duration::from_secs(20);

/// Lets the load run and demands that its second part allocates nothing.
fn check(pattern: Pattern) -> LoadedShard {
    let mut loaded = LoadedShard::new(pattern);
    loaded.run_until(WARM_UP, turn);
    let (mut allocations, before) = (0, loaded.shard.counters());
    loaded.run_until(END, |shard, now, arrived| allocations += allocations_of(|| turn(shard, now, arrived)));
    let after = loaded.shard.counters();
    let (received, forwarded) =
        (after.received_packets - before.received_packets, after.forwarded_packets - before.forwarded_packets);
    assert_eq!(allocations, 0, "over {received} received and {forwarded} forwarded packets");
    assert_eq!(after.unknown_datagrams + after.dropped_rtcp + after.dropped_dtls, 0, "all that clients send is used");
    loaded
}

/// The same where packets are lost, and asked for on both sides.
fn check_repairing(pattern: Pattern) -> LoadedShard {
    let loaded = check(pattern.with_loss(50));
    let counters = loaded.shard.counters();
    assert!(counters.retransmitted_packets > 500, "{counters:?}");
    assert!(counters.nacked_packets_sent > 50, "{counters:?}");
    loaded
}

/// Every one and a half seconds there is a key frame of 60 packets.
fn video_with_keyframes() -> Pattern {
    video(RECEIVERS).with_keyframes(60, 45)
}

#[test]
fn a_shard_forwards_video_without_allocations() {
    let loaded = check(video_with_keyframes());
    let counters = loaded.shard.counters();
    assert!(counters.received_packets > 6_000, "{counters:?}");
    assert_eq!(counters.forwarded_packets, counters.received_packets * RECEIVERS as u64);
}

#[test]
fn a_shard_repairs_video_without_allocations() {
    let loaded = check_repairing(video_with_keyframes());
    let counters = loaded.shard.counters();
    assert!(counters.keyframe_requests_received > 100 && counters.keyframe_requests_sent > 10, "{counters:?}");
}

#[test]
fn a_shard_forwards_several_speakers_without_allocations() {
    let loaded = check(speech(SPEAKERS, RECEIVERS));
    let counters = loaded.shard.counters();
    assert_eq!(counters.received_packets, 20 * 50 * SPEAKERS as u64);
    assert_eq!(counters.forwarded_packets, counters.received_packets * RECEIVERS as u64);
}

#[test]
fn a_shard_repairs_speech_without_allocations() {
    check_repairing(speech(SPEAKERS, RECEIVERS));
}

#[test]
fn a_shard_takes_in_simulcast_without_allocations() {
    let loaded = check(reception(25));
    let counters = loaded.shard.counters();
    let [unwatched, other_layers] =
        [DropReason::NoAudience, DropReason::OtherLayer].map(|r| counters.dropped_packets[r]);
    assert_eq!(counters.received_packets, counters.forwarded_packets + unwatched + other_layers);
    assert!(unwatched > 50_000 && counters.forwarded_packets > 40_000, "{counters:?}");
}
