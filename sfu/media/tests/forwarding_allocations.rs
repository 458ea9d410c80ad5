// SPDX-License-Identifier: EUPL-1.2
//! Forwarding allocates nothing once a track has run for a few seconds: not per packet, not per receiver, not for
//! reports or retransmissions.

use counting_allocator::{CountingAllocator, allocations_of};

use common::{Kind, Publisher, Room, accept};
use sfu_media::rtcp::reports::SenderReport;
use sfu_media::rtcp::transport_cc::ArrivalRecorder;
use sfu_media::rtp::seq_no::SeqNo;
use sfu_media::subscription::{Forwarding, MAX_PACKET_BYTES};

mod common;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const RECEIVERS: u32 = 50;

/// Forwards packets with everything around it and gives (forwarded packets, retransmitted packets).
fn forward(room: &mut Room, publisher: &mut Publisher, state: &mut State, packets: usize) -> (usize, usize) {
    let (mut forwarded, mut retransmitted) = (0, 0);
    let mut out = [0; MAX_PACKET_BYTES];
    for number in 0..packets {
        let (packet, elapsed) = publisher.next_packet();
        state.sent += 1;
        let now = room.epoch + elapsed;
        // One in fifty is lost for good, so that loss recovery has work, too.
        if number % 50 == 17 {
            continue;
        }
        state.arrivals.record(now, SeqNo(number as u16));
        let accepted = accept(&mut room.router, &mut room.track, now, packet);
        let Some(delivery) = room.feed.handle_media(now, accepted.meta, accepted.payload) else { continue };
        let mut wanted = None;
        for subscription in &mut room.subscriptions {
            let forwarding = subscription.handle_media(now, &delivery, None, &mut out);
            forwarded += usize::from(matches!(forwarding, Forwarding::Forward { .. }));
            wanted = wanted.or(subscription.wanted_keyframe());
        }
        if let Some(layer) = wanted {
            room.feed.want_keyframe(now, layer);
        }
        while let Some(layer) = room.feed.poll_keyframe_request(now) {
            room.track.request_keyframe(now, layer);
        }
        state.rtcp.clear();
        let ntp = sfu_media::rtcp::reports::ntp_duration(elapsed);
        let report = SenderReport { ssrc: 10, ntp, rtp_timestamp: accepted.meta.rtp_timestamp, packets: 0, octets: 0 };
        if let Some((layer, clock)) = room.track.handle_sender_report(now, &report) {
            room.feed.handle_sender_clock(layer, clock);
        }
        room.track.write_feedback(now, 1, &mut state.rtcp);
        state.arrivals.write_feedback(now, 1, 10, &mut state.rtcp);
        for (receiver, subscription) in room.subscriptions.iter_mut().enumerate() {
            subscription.write_sender_report(now, room.feed.activity(), &mut state.rtcp);
            if number % 100 == receiver {
                // Their SSRCs say where the numbers start.
                let seq_no = SeqNo((1_000 + receiver + state.sent - 5) as u16);
                let resent = subscription.handle_nacked(now, seq_no, &room.feed, None, &mut out);
                retransmitted += usize::from(resent.is_some());
            }
        }
    }
    (forwarded, retransmitted)
}

struct State {
    arrivals: ArrivalRecorder,
    rtcp: Vec<u8>,
    sent: usize,
}

fn check(kind: Kind) {
    let mut room = Room::new(kind, RECEIVERS);
    let mut publisher = Publisher::new(kind);
    let mut state = State { arrivals: ArrivalRecorder::new(), rtcp: Vec::with_capacity(64 * 1_024), sent: 0 };
    forward(&mut room, &mut publisher, &mut state, 5_000);
    let (mut forwarded, mut retransmitted) = (0, 0);
    let allocations = allocations_of(|| {
        (forwarded, retransmitted) = forward(&mut room, &mut publisher, &mut state, 5_000);
    });
    assert!(forwarded > 4_500 * RECEIVERS as usize, "{forwarded} forwarded");
    assert!(retransmitted > 0, "{retransmitted} retransmitted");
    assert_eq!(allocations, 0, "over {forwarded} forwarded packets");
}

#[test]
fn running_video_is_forwarded_without_allocations() {
    check(Kind::Video);
}

#[test]
fn running_audio_is_forwarded_without_allocations() {
    check(Kind::Audio);
}
