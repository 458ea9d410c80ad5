// SPDX-License-Identifier: EUPL-1.2
//! Which track and layer a packet is found to belong to.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;
use crate::test_support::{IDS, OPUS, TestPacket, VP8, uplink};

fn route(router: &mut UplinkRouter, packet: &TestPacket) -> Option<(u64, u8, bool)> {
    let bytes = packet.bytes();
    let view = RtpView::parse(&bytes).unwrap();
    let extensions = HeaderExtensions::read(view.extensions(), &IDS);
    router.route(&view, &extensions).map(|route| (route.track.0, route.layer.0, route.is_rtx))
}

fn video(ssrc: u32) -> TestPacket {
    TestPacket::new(ssrc, 96, 1, 1, &[0])
}

fn video_rtx(ssrc: u32) -> TestPacket {
    TestPacket::new(ssrc, 97, 1, 1, &[0])
}

#[test]
fn announced_ssrcs_are_known_from_the_first_packet() {
    let mut announced = uplink(1, VP8, 0);
    announced.ssrcs = vec![(100, Some(101)), (200, None)];
    let mut router = UplinkRouter::new(&[announced, uplink(2, VP8, 0)]);
    assert_eq!(route(&mut router, &video(100)), Some((1, 0, false)));
    assert_eq!(route(&mut router, &video_rtx(101)), Some((1, 0, true)));
    assert_eq!(route(&mut router, &video(200)), Some((1, 1, false)));
    assert_eq!(route(&mut router, &video(300)), None, "two m-lines could have sent it");
}

#[test]
fn where_rids_name_the_layers_the_order_of_ssrcs_says_nothing() {
    let mut both = uplink(1, VP8, 3);
    both.ssrcs = vec![(100, None), (200, None), (300, None), (400, None)];
    assert_eq!(layer_count(&both), 3);
    let mut router = UplinkRouter::new(&[both]);
    assert_eq!(route(&mut router, &video(100)), None);
    let tagged = video(100).with(IDS.mid, b"m1").with(IDS.rid, b"2");
    assert_eq!(route(&mut router, &tagged), Some((1, 2, false)));
}

#[test]
fn simulcast_streams_are_learnt_from_mid_and_rid() {
    let mut router = UplinkRouter::new(&[uplink(1, VP8, 3), uplink(2, VP8, 3)]);
    let tagged = |ssrc, mid: &[u8], rid: &[u8]| video(ssrc).with(IDS.mid, mid).with(IDS.rid, rid);
    assert_eq!(route(&mut router, &tagged(10, b"m2", b"2")), Some((2, 2, false)));
    assert_eq!(route(&mut router, &tagged(11, b"m2", b"0")), Some((2, 0, false)));
    let repaired = video_rtx(12).with(IDS.mid, b"m2").with(IDS.repaired_rid, b"2");
    assert_eq!(route(&mut router, &repaired), Some((2, 2, true)));
    assert_eq!(route(&mut router, &video(10)), Some((2, 2, false)), "remembered without them");
    assert_eq!(route(&mut router, &video_rtx(12)), Some((2, 2, true)));
    assert_eq!(route(&mut router, &tagged(13, b"m2", b"7")), None, "a rid that was not agreed on");
    assert_eq!(route(&mut router, &tagged(13, b"m9", b"0")), None, "a mid that was not agreed on");
    assert_eq!(route(&mut router, &video(13).with(IDS.mid, b"m2")), None, "no rid");
}

#[test]
fn a_payload_type_of_one_m_line_only_identifies_it() {
    let mut router = UplinkRouter::new(&[uplink(1, OPUS, 0), uplink(2, VP8, 0)]);
    assert_eq!(route(&mut router, &TestPacket::new(5, 111, 1, 1, &[0])), Some((1, 0, false)));
    assert_eq!(route(&mut router, &video_rtx(6)), Some((2, 0, true)));
    assert_eq!(route(&mut router, &TestPacket::new(7, 99, 1, 1, &[0])), None);
}

#[test]
fn a_payload_type_that_was_not_agreed_on_takes_nobodys_place() {
    let mut router = UplinkRouter::new(&[uplink(1, VP8, 0), uplink(2, VP8, 0)]);
    assert_eq!(route(&mut router, &video(5).with(IDS.mid, b"m1")), Some((1, 0, false)));
    let other = TestPacket::new(6, 99, 1, 1, &[0]).with(IDS.mid, b"m1");
    assert_eq!(route(&mut router, &other), None);
    assert_eq!(route(&mut router, &video(5)), Some((1, 0, false)));
}

#[test]
fn an_ssrc_that_moves_to_another_m_line_is_followed() {
    let mut router = UplinkRouter::new(&[uplink(1, VP8, 0), uplink(2, VP8, 0)]);
    assert_eq!(route(&mut router, &video(5).with(IDS.mid, b"m1")), Some((1, 0, false)));
    assert_eq!(route(&mut router, &video(5).with(IDS.mid, b"m2")), Some((2, 0, false)));
    assert_eq!(route(&mut router, &video(5)), Some((2, 0, false)));
}

#[test]
fn a_renegotiation_keeps_what_was_learnt_about_the_uplinks_that_stay() {
    let mut router = UplinkRouter::new(&[uplink(1, VP8, 3), uplink(2, VP8, 3)]);
    for (ssrc, mid) in [(10, b"m1"), (20, b"m2")] {
        route(&mut router, &video(ssrc).with(IDS.mid, mid).with(IDS.rid, b"1"));
    }
    router.handle_renegotiation(&[uplink(2, VP8, 3), uplink(3, OPUS, 0)]);
    assert_eq!(route(&mut router, &video(20)), Some((2, 1, false)));
    assert_eq!(route(&mut router, &video(10)), None, "its track is gone");
    assert_eq!(router.route_of_ssrc(20).map(|route| route.track), Some(TrackId(2)));
}

#[test]
fn a_client_that_makes_up_ssrcs_fills_no_memory() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut router = UplinkRouter::new(&[uplink(1, VP8, 3), uplink(2, OPUS, 0)]);
    for _ in 0..5_000 {
        let payload_type = [96, 97, 111][rng.random_range(0..3)];
        let mut packet = TestPacket::new(rng.random(), payload_type, 1, 1, &[0]);
        for (id, values) in [(IDS.mid, [b"m1", b"m2", b"m3"]), (IDS.rid, [b"0 ", b"1 ", b"2 "])] {
            let value = values[rng.random_range(0..3)];
            packet = packet.with(id, value.trim_ascii());
        }
        route(&mut router, &packet);
        assert!(router.streams.len() <= 3 * 2 + 2);
        assert!(router.streams.is_sorted_by_key(|(ssrc, _)| *ssrc));
    }
}
