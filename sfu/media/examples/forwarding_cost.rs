// SPDX-License-Identifier: EUPL-1.2
//! What forwarding costs without encryption and sockets. It prints figures and asserts nothing, because the machine it
//! runs on is not known: `cargo run --release -p sfu-media --example forwarding_cost`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::{Kind, Publisher, Room, accept};
use sfu_media::feed::Feed;
use sfu_media::subscription::{Forwarding, MAX_PACKET_BYTES, Subscription};
use sfu_media::track::Track;

#[path = "../tests/common/mod.rs"]
mod common;

#[allow(clippy::disallowed_methods, reason = "this is a measurement")]
fn clock() -> Instant {
    Instant::now()
}

/// Nanoseconds per forwarded packet: the best of several rounds, which other processes disturb least.
fn cost(kind: Kind, receivers: u32) -> f64 {
    let mut room = Room::new(kind, receivers);
    let mut publisher = Publisher::new(kind);
    let mut out = vec![0; MAX_PACKET_BYTES * receivers as usize];
    let mut best = Duration::MAX;
    let packets = 200_000 / receivers;
    for _ in 0..12 {
        let started = clock();
        let mut forwarded = 0;
        for _ in 0..packets {
            let (packet, elapsed) = publisher.next_packet();
            let now = room.epoch + elapsed;
            let accepted = accept(&mut room.router, &mut room.track, now, packet);
            let Some(delivery) = room.feed.handle_media(now, accepted.meta, accepted.payload) else { continue };
            for (subscription, out) in room.subscriptions.iter_mut().zip(out.chunks_exact_mut(MAX_PACKET_BYTES)) {
                let forwarding = subscription.handle_media(now, &delivery, None, out);
                forwarded += u32::from(matches!(forwarding, Forwarding::Forward { .. }));
                black_box(subscription.wanted_keyframe());
            }
            black_box(&out);
        }
        assert_eq!(forwarded, packets * receivers);
        best = best.min(started.elapsed());
    }
    best.as_nanos() as f64 / f64::from(packets * receivers)
}

fn main() {
    for receivers in [1, 10, 50, 200] {
        println!(
            "{receivers:>4} receivers: video {:>6.1} ns, audio {:>6.1} ns per forwarded packet",
            cost(Kind::Video, receivers),
            cost(Kind::Audio, receivers)
        );
    }
    println!("subscription: {} bytes, and 2,048 once its receiver missed a packet", size_of::<Subscription>());
    println!(
        "track: {} bytes with one layer, feed: {} bytes without its packets",
        size_of::<Track>(),
        size_of::<Feed>()
    );
}
