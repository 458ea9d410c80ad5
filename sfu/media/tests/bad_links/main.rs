// SPDX-License-Identifier: EUPL-1.2
//! A simulcast camera and its receivers over links that lose, delay, reorder and repeat packets: the parts of the media
//! core put together as a shard does it, without encryption, on a virtual clock.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::time::Duration;

use agreed::{IDS, VP8, start};
use camera::Camera;
use link::Link;
use rand::{Rng, SeedableRng, rngs::StdRng};
use sfu_media::feed::Feed;
use sfu_media::ids::{Layer, ShardId, SpeakerGroup, TrackId};
use sfu_media::rtcp::transport_cc::ArrivalRecorder;
use sfu_media::rtcp::{RtcpPacket, RtcpPackets};
use sfu_media::rtp::extensions::HeaderExtensions;
use sfu_media::rtp::packet::RtpView;
use sfu_media::session::{Downlink, Mid, Uplink};
use sfu_media::shard::message::SubscriptionSettings;
use sfu_media::subscription::{Forwarding, MAX_PACKET_BYTES, Subscription};
use sfu_media::track::Track;
use sfu_media::track::uplink_router::UplinkRouter;
use viewer::Viewer;

#[allow(dead_code, reason = "there is no sound here")]
#[path = "../common/agreed.rs"]
mod agreed;
mod camera;
mod link;
mod viewer;

const LAYERS: u8 = 3;
pub(crate) const MID: &str = "cam";

fn mid(text: &str) -> Mid {
    Mid::parse(text).unwrap()
}

struct Outcome {
    /// Frames captured after all receivers were there.
    captured: u32,
    keyframes: u32,
    viewers: Vec<Viewer>,
}

/// Twenty seconds of a meeting. Each viewer sits behind a link of its own and changes its mind every few seconds.
fn run(seed: u64, up: f64, down: f64, viewers: usize, jitter_ms: u64) -> Outcome {
    let mut rng = StdRng::seed_from_u64(seed);
    let epoch = start();
    let uplink = Uplink {
        mid: mid(MID),
        track: TrackId(1),
        speaker_group: SpeakerGroup(1),
        codec: VP8,
        rids: ["0", "1", "2"].map(mid).to_vec(),
        ssrcs: Vec::new(),
    };
    let mut router = UplinkRouter::new(std::slice::from_ref(&uplink));
    let mut track = Track::new(&uplink);
    track.audience_mut().set_local_feed(true);
    let mut feed = Feed::new(TrackId(1), ShardId(0), VP8.codec);
    let mut arrivals = ArrivalRecorder::new();
    let mut camera = Camera::new(epoch);
    let mut to_sfu = Link::new(seed, up, 10..11 + jitter_ms);
    let mut to_camera = Link::new(seed + 1, up, 10..11 + jitter_ms);
    let downlink = |viewer: usize| Downlink {
        mid: mid("7"),
        track: TrackId(1),
        codec: VP8,
        ssrc: 1_000 + viewer as u32,
        rtx_ssrc: Some(2_000 + viewer as u32),
    };
    let mut receivers: Vec<_> = (0..viewers)
        .map(|viewer| {
            let settings = SubscriptionSettings { is_paused: false, max_layer: Layer(rng.random_range(0..LAYERS)) };
            (
                Subscription::new(epoch, &downlink(viewer), IDS, settings),
                Viewer::default(),
                Link::new(seed + 100 + viewer as u64, down, 10..11 + jitter_ms),
                Link::new(seed + 200 + viewer as u64, down, 10..11 + jitter_ms),
            )
        })
        .collect();
    let mut out = [0; MAX_PACKET_BYTES];
    for millisecond in 0..20_000 {
        let now = epoch + Duration::from_millis(millisecond);
        if millisecond % 33 == 0 && millisecond < 19_000 {
            camera.capture(now, &mut to_sfu);
        }
        if millisecond % 1_000 == 500 {
            for layer in 0..3 {
                // Reports go by the same path, here without its loss.
                if let Some((layer, clock)) = track.handle_sender_report(now, &camera.report(now, layer)) {
                    feed.handle_sender_clock(layer, clock);
                }
            }
        }
        while let Some(datagram) = to_sfu.receive(now) {
            let view = RtpView::parse(&datagram).unwrap();
            let extensions = HeaderExtensions::read(view.extensions(), &IDS);
            arrivals.record(now, extensions.transport_seq.unwrap());
            let Some(route) = router.route(&view, &extensions) else { continue };
            let Ok(accepted) = track.handle_rtp(now, &view, &extensions, route.layer, route.is_rtx) else { continue };
            let Some(delivery) = feed.handle_media(now, accepted.meta, accepted.payload) else { continue };
            let mut wanted = Vec::new();
            for (subscription, _, link, _) in &mut receivers {
                if let Forwarding::Forward { len } = subscription.handle_media(now, &delivery, None, &mut out) {
                    link.send(now, &out[..len]);
                }
                wanted.extend(subscription.wanted_keyframe());
            }
            for layer in wanted {
                feed.want_keyframe(now, layer);
            }
        }
        while let Some(layer) = feed.poll_keyframe_request(now) {
            track.request_keyframe(now, layer);
        }
        loop {
            let mut rtcp = Vec::new();
            if track.write_feedback(now, 1, &mut rtcp).is_none() {
                break;
            }
            to_camera.send(now, &rtcp);
        }
        arrivals.write_feedback(now, 1, 2, &mut Vec::new());
        while let Some(datagram) = to_camera.receive(now) {
            camera.handle_rtcp(now, &datagram, &mut to_sfu);
        }
        for (number, (subscription, viewer, link, back)) in receivers.iter_mut().enumerate() {
            if millisecond % 3_000 == 1_000 * (number as u64 % 3) {
                let settings = SubscriptionSettings { is_paused: false, max_layer: Layer(rng.random_range(0..LAYERS)) };
                subscription.configure(settings, feed.activity());
            }
            while let Some(datagram) = link.receive(now) {
                viewer.handle_rtp(&datagram);
            }
            if millisecond % 20 == 0 {
                let rtcp = viewer.feedback(now, subscription.ssrc());
                back.send(now, &rtcp);
            }
            while let Some(datagram) = back.receive(now) {
                for packet in RtcpPackets::new(&datagram) {
                    match packet {
                        RtcpPacket::Nack(nack) => {
                            for seq_no in nack.seq_nos() {
                                if let Some(len) = subscription.handle_nacked(now, seq_no, &feed, None, &mut out) {
                                    link.send(now, &out[..len]);
                                }
                            }
                        }
                        RtcpPacket::PictureLoss { .. } => subscription.handle_keyframe_request(now),
                        _ => {}
                    }
                }
                if let Some(layer) = subscription.wanted_keyframe() {
                    feed.want_keyframe(now, layer);
                }
            }
        }
    }
    let viewers = receivers.into_iter().map(|(_, viewer, ..)| viewer).collect();
    Outcome { captured: camera.frame, keyframes: camera.keyframes, viewers }
}

/// Share of the captured pictures that each viewer can show, in percent: the worst of them.
fn worst_share(outcome: &Outcome) -> u32 {
    let shown = |viewer: &Viewer| viewer.decoded().iter().map(|(_, frame)| frame).collect::<BTreeSet<_>>().len();
    outcome.viewers.iter().map(|viewer| shown(viewer) as u32 * 100 / outcome.captured).min().unwrap()
}

#[test]
fn good_links_show_every_picture() {
    for seed in 0..3 {
        let outcome = run(seed, 0.0, 0.0, 6, 0);
        let worst = worst_share(&outcome);
        assert!(worst >= 98, "seed {seed}: {worst} %");
        assert!(outcome.viewers.iter().all(|viewer| viewer.given_up.is_empty()), "no gap is ours, seed {seed}");
    }
}

#[test]
fn five_percent_loss_and_jitter_are_repaired() {
    for seed in 0..3 {
        let outcome = run(seed, 0.05, 0.05, 6, 30);
        let worst = worst_share(&outcome);
        println!("seed {seed}: worst {worst} %, {} keyframes", outcome.keyframes);
        assert!(worst >= 97, "seed {seed}: {worst} %");
    }
}

#[test]
fn ten_percent_loss_is_mostly_repaired() {
    for seed in 0..3 {
        let outcome = run(seed, 0.10, 0.10, 6, 30);
        let worst = worst_share(&outcome);
        println!("seed {seed}: worst {worst} %, {} keyframes", outcome.keyframes);
        assert!(worst >= 93, "seed {seed}: {worst} %");
    }
}

#[test]
fn jitter_and_reordering_alone_cost_no_keyframes() {
    let quiet = run(1, 0.0, 0.0, 6, 0).keyframes;
    let jittery = run(1, 0.0, 0.0, 6, 40);
    assert!(jittery.keyframes <= quiet + 6, "{} instead of {quiet}", jittery.keyframes);
    assert!(worst_share(&jittery) >= 98);
}
