// SPDX-License-Identifier: EUPL-1.2
//! A track through its front door: packets in, accepted packets and feedback out.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;
use crate::ids::ShardId;
use crate::rtcp::{RtcpPacket, RtcpPackets};
use crate::test_support::{IDS, OPUS, TestPacket, VP8, ms, opus_payload, start, uplink, vp8_payload};

const SSRC: u32 = 1_000;
const RTX_SSRC: u32 = 2_000;

fn video_track(layers: usize) -> Track {
    let mut track = Track::new(&uplink(1, VP8, layers));
    track.audience_mut().join(ShardId(1));
    track
}

/// Packets of a frame each: a keyframe first, then others.
fn frame(seq_no: u16) -> TestPacket {
    let payload = vp8_payload(true, seq_no == 0, seq_no, 0, 50);
    TestPacket::new(SSRC, 96, seq_no, u32::from(seq_no) * 3_000, &payload).marker()
}

fn receive(track: &mut Track, now: Instant, layer: u8, packet: &TestPacket) -> Result<PacketMeta, DropReason> {
    let bytes = packet.bytes();
    let view = RtpView::parse(&bytes).unwrap();
    let extensions = HeaderExtensions::read(view.extensions(), &IDS);
    let is_rtx = view.payload_type == 97;
    track.handle_rtp(now, &view, &extensions, Layer(layer), is_rtx).map(|accepted| accepted.meta)
}

/// What the publisher is told: (lost packets it is asked for, streams it must send keyframes of, report blocks).
fn feedback(track: &mut Track, now: Instant) -> (Vec<u16>, Vec<u32>, Vec<ReportBlock>) {
    let mut told = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let mut out = Vec::new();
        let Some(written) = track.write_feedback(now, 9, &mut out) else { return told };
        assert!(out.len() < 1_200, "{} bytes", out.len());
        assert_eq!(out[1], 201, "a compound starts with a report");
        let before = (told.0.len(), told.1.len());
        for packet in RtcpPackets::new(&out) {
            match packet {
                RtcpPacket::ReceiverReport(blocks) => told.2.extend(blocks.iter()),
                RtcpPacket::Nack(nack) => told.0.extend(nack.seq_nos().map(|seq_no| seq_no.0)),
                RtcpPacket::PictureLoss { media_ssrc } => told.1.push(media_ssrc),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(written.nacked_packets, told.0.len() - before.0);
        assert_eq!(written.keyframe_requests, told.1.len() - before.1);
    }
}

#[test]
fn packets_are_annotated_for_the_audience() {
    let now = start();
    let mut track = video_track(3);
    let first = frame(0).with(IDS.video_orientation, &[1]);
    let bytes = first.bytes();
    let view = RtpView::parse(&bytes).unwrap();
    let extensions = HeaderExtensions::read(view.extensions(), &IDS);
    let accepted = track.handle_rtp(now, &view, &extensions, Layer(1), false).unwrap();
    let meta = PacketMeta {
        layer: Layer(1),
        index: 0x1_0000,
        rtp_timestamp: 0,
        marker: true,
        starts_keyframe: true,
        audio_level: None,
        video_orientation: Some(1),
        arrival: now,
    };
    assert_eq!(accepted, Accepted { meta, payload: view.payload, starts_track: true });
    let meta = receive(&mut track, now, 1, &frame(1)).unwrap();
    assert!(!meta.starts_keyframe && meta.index == 0x1_0001 && meta.rtp_timestamp == 3_000);
}

#[test]
fn a_lost_packet_is_asked_for_and_its_retransmission_takes_its_place() {
    let start = start();
    let mut track = video_track(1);
    for seq_no in [0, 1, 3] {
        receive(&mut track, start, 0, &frame(seq_no)).unwrap();
    }
    assert_eq!(track.poll_timeout(), Some(start + ms(10)));
    assert_eq!(feedback(&mut track, start + ms(10)).0, [2]);
    let retransmission = frame(2).retransmitted(RTX_SSRC, 97, 500);
    let meta = receive(&mut track, start + ms(40), 0, &retransmission).unwrap();
    assert_eq!((meta.index, meta.rtp_timestamp, meta.marker), (0x1_0002, 6_000, true));
    assert_eq!(receive(&mut track, start + ms(41), 0, &frame(2)), Err(DropReason::Replayed), "the original comes last");
    assert_eq!(receive(&mut track, start + ms(42), 0, &retransmission), Err(DropReason::Replayed));
    assert!(feedback(&mut track, start + ms(500)).0.is_empty());
}

#[test]
fn probing_padding_is_no_media() {
    let now = start();
    let mut track = video_track(1);
    let padding = TestPacket::new(RTX_SSRC, 97, 7, 0, &[]);
    assert_eq!(receive(&mut track, now, 0, &padding), Err(DropReason::Replayed), "nothing new, but nothing wrong");
    let torso = TestPacket::new(RTX_SSRC, 97, 7, 0, &[1]);
    assert_eq!(receive(&mut track, now, 0, &torso), Err(DropReason::Malformed));
    let early = frame(0).retransmitted(RTX_SSRC, 97, 8);
    assert_eq!(receive(&mut track, now, 0, &early), Err(DropReason::TooLate), "nothing to retransmit yet");
    assert!(receive(&mut track, now, 0, &frame(0)).is_ok());
    let empty = TestPacket::new(SSRC, 96, 1, 0, &[]);
    assert!(receive(&mut track, now, 0, &empty).is_ok(), "padding in the stream itself keeps its place there");
}

#[test]
fn what_was_not_negotiated_is_dropped() {
    let now = start();
    let mut track = video_track(2);
    assert_eq!(receive(&mut track, now, 2, &frame(0)), Err(DropReason::UnknownStream));
    let other_type = TestPacket::new(SSRC, 98, 0, 0, &[0]);
    assert_eq!(receive(&mut track, now, 0, &other_type), Err(DropReason::UnknownPayloadType));
    let giant = TestPacket::new(SSRC, 96, 0, 0, &[0; MAX_PAYLOAD_BYTES + 1]);
    assert_eq!(receive(&mut track, now, 0, &giant), Err(DropReason::Malformed));
}

#[test]
fn each_layer_is_reported_once_a_second() {
    let start = start();
    let mut track = video_track(2);
    for seq_no in 0..100 {
        let now = start + ms(u64::from(seq_no) * 10);
        receive(&mut track, now, 0, &frame(seq_no)).unwrap();
        if seq_no % 2 == 0 {
            receive(&mut track, now, 1, &TestPacket::new(SSRC + 1, 96, seq_no, u32::from(seq_no) * 900, &[0])).unwrap();
        }
        assert_eq!(feedback(&mut track, now).2, [], "packet {seq_no}");
    }
    let (_, _, blocks) = feedback(&mut track, start + ms(1_000));
    let [first, second] = blocks[..] else { panic!("{blocks:?}") };
    assert_eq!((first.ssrc, first.fraction_lost, first.cumulative_lost), (SSRC, 0, 0));
    assert_eq!((second.ssrc, second.cumulative_lost), (SSRC + 1, 49));
    assert!((120..=130).contains(&second.fraction_lost), "half: {}", second.fraction_lost);
    assert_eq!(feedback(&mut track, start + ms(2_000)).2, [], "a silent track has nothing to report");
}

#[test]
fn sender_reports_become_the_clock_of_their_layer() {
    let start = start();
    let mut track = video_track(2);
    let report = SenderReport { ssrc: SSRC + 1, ntp: 1 << 40, rtp_timestamp: 77, packets: 1, octets: 1 };
    assert_eq!(track.handle_sender_report(start, &report), None, "the stream is unknown");
    receive(&mut track, start, 1, &TestPacket::new(SSRC + 1, 96, 0, 0, &[0])).unwrap();
    let clock = SenderClock { ntp: 1 << 40, rtp_timestamp: 77, received: start };
    assert_eq!(track.handle_sender_report(start, &report), Some((Layer(1), clock)));
    let block = feedback(&mut track, start + ms(1_000)).2[0];
    assert_eq!((block.last_sender_report, block.delay()), (1 << 24, ms(1_000)));
}

#[test]
fn keyframe_requests_are_merged_spaced_and_repeated_until_answered() {
    let start = start();
    let mut track = video_track(1);
    receive(&mut track, start, 0, &frame(1)).unwrap();
    let mut sent = Vec::new();
    for millisecond in 0..1_400 {
        let now = start + ms(millisecond);
        if millisecond < 10 {
            track.request_keyframe(now, Layer(0));
        }
        sent.extend(feedback(&mut track, now).1.into_iter().map(|ssrc| (millisecond, ssrc)));
    }
    assert_eq!(sent, [(0, SSRC), (500, SSRC), (1_000, SSRC)]);
    receive(&mut track, start + ms(1_400), 0, &TestPacket::new(SSRC, 96, 2, 0, &vp8_payload(true, true, 2, 1, 20)))
        .unwrap();
    for millisecond in 1_400..4_000 {
        assert!(feedback(&mut track, start + ms(millisecond)).1.is_empty(), "answered");
    }
}

#[test]
fn a_request_for_a_layer_that_is_not_sent_goes_to_the_nearest_one() {
    let start = start();
    let mut track = video_track(3);
    track.request_keyframe(start, Layer(2));
    assert_eq!(track.poll_timeout(), None, "nothing is sent yet, so the first frame will be a keyframe");
    receive(&mut track, start, 1, &frame(1)).unwrap();
    for layer in [0, 2, 200] {
        let mut track = video_track(3);
        receive(&mut track, start, 1, &frame(1)).unwrap();
        track.request_keyframe(start, Layer(layer));
        assert_eq!(feedback(&mut track, start).1, [SSRC]);
    }
}

#[test]
fn a_request_for_a_layer_that_stopped_goes_to_the_nearest_one_that_is_sent() {
    let start = start();
    let mut track = video_track(3);
    receive(&mut track, start, 2, &frame(1)).unwrap();
    let other = TestPacket::new(SSRC + 1, 96, 1, 1, &[0]);
    receive(&mut track, start + ms(1_500), 1, &other).unwrap();
    track.request_keyframe(start + ms(1_500), Layer(2));
    assert_eq!(feedback(&mut track, start + ms(1_500)).1, [SSRC + 1]);
    track.request_keyframe(start + ms(9_000), Layer(2));
    assert!(feedback(&mut track, start + ms(9_000)).1.contains(&SSRC), "a still picture");
}

#[test]
fn nobody_is_asked_for_keyframes_without_an_audience() {
    let start = start();
    let mut track = video_track(1);
    track.audience_mut().leave(ShardId(1));
    receive(&mut track, start, 0, &frame(1)).unwrap();
    track.request_keyframe(start, Layer(0));
    assert!(feedback(&mut track, start).1.is_empty());
}

#[test]
fn video_that_is_lost_for_good_is_followed_by_a_keyframe_request() {
    let start = start();
    let mut track = video_track(1);
    receive(&mut track, start, 0, &frame(0)).unwrap();
    receive(&mut track, start, 0, &frame(2)).unwrap();
    let (mut nacks, mut keyframes) = (0, 0);
    for millisecond in 0..1_400 {
        let (nacked, asked, _) = feedback(&mut track, start + ms(millisecond));
        nacks += nacked.len();
        keyframes += asked.len();
        assert!(asked.is_empty() || nacks == 10, "not before all hope is gone");
    }
    assert_eq!((nacks, keyframes), (10, 1));
}

#[test]
fn a_muted_track_reaches_nobody_but_is_received() {
    let start = start();
    let mut track = video_track(2);
    receive(&mut track, start, 0, &frame(0)).unwrap();
    track.handle_mute(start, true);
    assert_eq!(receive(&mut track, start, 0, &frame(1)), Err(DropReason::Muted));
    assert_eq!(receive(&mut track, start, 0, &frame(3)), Err(DropReason::Muted));
    track.request_keyframe(start, Layer(0));
    let (nacked, keyframes, _) = feedback(&mut track, start + ms(20));
    assert_eq!((nacked, keyframes), (vec![2], vec![]), "no keyframe for nobody");
    let block = feedback(&mut track, start + ms(1_000)).2[0];
    assert_eq!((block.highest_seq, block.cumulative_lost), (3, 1));

    track.handle_mute(start + ms(1_100), false);
    let (nacked, keyframes, _) = feedback(&mut track, start + ms(1_100));
    assert_eq!((nacked, keyframes), (vec![], vec![SSRC]), "of the layer that is sent");
    let meta = receive(&mut track, start + ms(1_110), 0, &frame(4)).unwrap();
    assert!(meta.index > 0x1_0003 + sequence::JUMP, "a gap that cannot be loss");
    assert_eq!(SeqNo::of_index(meta.index), SeqNo(4));
    let block = feedback(&mut track, start + ms(2_100)).2[0];
    assert_eq!((block.highest_seq, block.cumulative_lost), (4, 1), "the publisher's statistics go on");
}

#[test]
fn a_changed_ssrc_starts_afresh() {
    let start = start();
    let mut track = video_track(1);
    receive(&mut track, start, 0, &frame(100)).unwrap();
    let other = TestPacket::new(SSRC + 5, 96, 7, 0, &vp8_payload(true, true, 0, 0, 30));
    let meta = receive(&mut track, start, 0, &other).unwrap();
    assert!(meta.index > 0x1_0064 + sequence::JUMP);
    let (nacked, _, blocks) = feedback(&mut track, start + ms(1_000));
    assert!(nacked.is_empty());
    assert_eq!((blocks[0].ssrc, blocks[0].highest_seq, blocks[0].cumulative_lost), (SSRC + 5, 7, 0));
}

#[test]
fn a_renegotiation_changes_payload_types_and_keeps_the_stream() {
    let start = start();
    let mut track = video_track(1);
    receive(&mut track, start, 0, &frame(1)).unwrap();
    let codec = NegotiatedCodec { payload_type: 100, ..VP8 };
    track.handle_renegotiation(&uplink(1, codec, 2));
    assert_eq!(receive(&mut track, start, 0, &frame(2)), Err(DropReason::UnknownPayloadType));
    let moved = TestPacket::new(SSRC, 100, 2, 0, &[0]);
    assert_eq!(receive(&mut track, start, 0, &moved).map(|meta| meta.index), Ok(0x1_0002));
    assert!(receive(&mut track, start, 1, &TestPacket::new(SSRC + 1, 100, 2, 0, &[0])).is_ok(), "an added layer");
}

#[test]
fn lost_audio_is_asked_for_and_never_becomes_a_keyframe_request() {
    let start = start();
    let mut track = Track::new(&uplink(1, OPUS, 0));
    track.audience_mut().set_local_feed(true);
    let mut nacks = 0;
    for place in (0..200u16).filter(|place| place % 10 != 5) {
        let now = start + ms(u64::from(place) * 20);
        let packet = TestPacket::new(SSRC, 111, place, u32::from(place) * 960, &opus_payload());
        assert!(receive(&mut track, now, 0, &packet).unwrap().starts_keyframe);
        for wait in 0..20 {
            let (nacked, keyframes, _) = feedback(&mut track, now + ms(wait));
            nacks += nacked.len();
            assert!(keyframes.is_empty());
        }
    }
    assert!((60..=120).contains(&nacks), "each of 20 losses some times: {nacks}");
}

#[test]
fn garbage_neither_panics_nor_makes_the_feedback_grow() {
    let mut rng = StdRng::seed_from_u64(5);
    let mut track = video_track(3);
    let mut now = start();
    for _ in 0..20_000 {
        now += ms(rng.random_range(0..5));
        let mut bytes = frame(rng.random()).bytes();
        if rng.random() {
            bytes = frame(rng.random()).retransmitted(RTX_SSRC, 97, rng.random()).bytes();
        }
        for _ in 0..rng.random_range(0..4) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = rng.random();
        }
        bytes.truncate(rng.random_range(0..=bytes.len() * 2));
        if let Ok(view) = RtpView::parse(&bytes) {
            let extensions = HeaderExtensions::read(view.extensions(), &IDS);
            let _ = track.handle_rtp(now, &view, &extensions, Layer(rng.random_range(0..5)), rng.random());
        }
        let report = SenderReport { ssrc: SSRC, ntp: rng.random(), rtp_timestamp: rng.random(), packets: 0, octets: 0 };
        track.handle_sender_report(now, &report);
        feedback(&mut track, now);
    }
}

#[test]
fn a_publisher_that_understands_nacks_since_a_renegotiation_is_sent_some() {
    let start = start();
    let mut without = VP8;
    without.nack = false;
    let mut track = Track::new(&uplink(1, without, 1));
    track.audience_mut().join(ShardId(1));
    for seq_no in [0, 2] {
        receive(&mut track, start, 0, &frame(seq_no)).unwrap();
    }
    assert_eq!(feedback(&mut track, start + ms(10)).0, [0; 0]);
    track.handle_renegotiation(&uplink(1, VP8, 1));
    receive(&mut track, start + ms(20), 0, &frame(4)).unwrap();
    assert_eq!(feedback(&mut track, start + ms(30)).0, [3]);
}
