// SPDX-License-Identifier: EUPL-1.2
//! Which packets a receiver gets, and that they make one stream.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

#[test]
fn a_late_joiner_gets_a_keyframe_first() {
    let (mut rig, mut camera) = Rig::video();
    assert_eq!(rig.subscription.wanted_keyframe(), Some(Layer(u8::MAX)), "whatever is the largest");
    for _ in 0..3 {
        let picture = camera.picture(rig.now, 0, false);
        assert_eq!(rig.deliver_all(&picture), Some(DropReason::AwaitsKeyframe));
        assert_eq!(rig.subscription.wanted_keyframe(), Some(Layer(0)));
        rig.now += ms(33);
    }
    let keyframe = camera.picture(rig.now, 0, true);
    assert_eq!(rig.deliver_all(&keyframe), None);
    assert!(rig.got[0].starts_keyframe);
    assert!(rig.got[0].seq_no.0 < 0x4000, "far from the first wrap");
    assert_eq!(rig.subscription.wanted_keyframe(), None);
}

#[test]
fn who_sees_nothing_gets_a_smaller_picture_until_the_wanted_one_comes() {
    let (mut rig, mut camera) = Rig::video();
    for layer in 0..3 {
        let picture = camera.picture(rig.now, layer, false);
        assert_eq!(rig.deliver_all(&picture), Some(DropReason::AwaitsKeyframe));
    }
    rig.now += ms(33);
    let small = camera.picture(rig.now, 0, true);
    let middle = camera.picture(rig.now, 1, true);
    let large = camera.picture(rig.now, 2, true);
    assert_eq!(rig.deliver_all(&small), None);
    assert_eq!(rig.subscription.wanted_keyframe(), Some(Layer(2)));
    assert_eq!(rig.deliver_all(&middle), Some(DropReason::OtherLayer), "the wanted one comes in a moment");
    assert_eq!(rig.deliver_all(&large), None);
    assert_eq!(rig.subscription.wanted_keyframe(), None);
    rig.assert_is_one_stream();
    assert_eq!(rig.got[6].timestamp, rig.got[0].timestamp.plus_ticks(1), "the same instant, a moment later");
}

#[test]
fn the_old_layer_goes_on_until_a_keyframe_of_the_new_one() {
    let (mut rig, mut camera) = Rig::video();
    rig.configure(false, 0);
    for round in 0..20 {
        if round == 10 {
            rig.configure(false, 1);
            assert_eq!(rig.subscription.wanted_keyframe(), Some(Layer(1)));
        }
        for layer in 0..2 {
            let picture = camera.picture(rig.now, layer, round == 0 || round == 15);
            let expected = if layer == u8::from(round > 15) { None } else { Some(DropReason::OtherLayer) };
            if round != 15 {
                assert_eq!(rig.deliver_all(&picture), expected, "round {round}, layer {layer}");
            } else {
                assert_eq!(rig.deliver_all(&picture), None);
            }
        }
        rig.now += ms(33);
    }
    rig.assert_is_one_stream();
}

/// Layers, pauses and limits change at random; keyframes come when they are wanted.
fn switch_at_random(seed: u64, has_clocks: bool) {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut rig, mut camera) = Rig::video();
    let mut first = None;
    let mut active = [true; 3];
    let mut is_paused = false;
    let mut frames = 0;
    let mut answer_at = None;
    for picture in 0..3_000u32 {
        if picture % 30 == 7 && has_clocks {
            for layer in 0..3 {
                rig.feed.handle_sender_clock(Layer(layer), camera.clock(rig.now, layer));
            }
        }
        match rng.random_range(0..120) {
            0 => active[rng.random_range(1..3)] ^= true,
            1 => is_paused ^= true,
            _ => {}
        }
        if rng.random_ratio(1, 40) || picture % 60 == 0 {
            rig.configure(is_paused, rng.random_range(0..4));
        }
        if let Some(layer) = rig.subscription.wanted_keyframe()
            && answer_at.is_none()
        {
            answer_at = Some((picture + rng.random_range(1..6), layer));
        }
        let due = answer_at.filter(|(at, _)| *at <= picture);
        for layer in 0..3u8 {
            if active[usize::from(layer)] {
                let is_key = due.is_some_and(|(_, wanted)| layer == wanted.0);
                for sent in camera.picture(rig.now, layer, is_key) {
                    let got = rig.deliver(&sent);
                    let Ok(got) = got else { continue };
                    frames += u32::from(got.marker);
                    let (first, first_at) = *first.get_or_insert((got.timestamp, rig.now));
                    let expected = first.plus_ticks(RtpTime::ticks_in(rig.now - first_at, 90_000));
                    let error = got.timestamp.ticks_since(expected);
                    // Each switch within one picture costs a tick, and clocks are rounded.
                    assert!(error.unsigned_abs() < 900, "seed {seed}, picture {picture}: {error} ticks off");
                }
            }
        }
        if due.is_some() {
            answer_at = None;
        }
        rig.now += ms(33);
    }
    rig.assert_is_one_stream();
    assert!(frames > 500, "seed {seed}: {frames} frames");
}

#[test]
fn random_switching_gives_one_stream() {
    for seed in 0..30 {
        switch_at_random(seed, seed % 2 == 0);
    }
}

#[test]
fn switching_by_the_publishers_clock_keeps_capture_times() {
    let (mut rig, mut camera) = Rig::video();
    rig.configure(false, 0);
    let first = camera.picture(rig.now, 0, true);
    rig.deliver_all(&first);
    for layer in 0..2 {
        rig.feed.handle_sender_clock(Layer(layer), camera.clock(rig.now, layer));
    }
    for _ in 0..10 {
        rig.now += ms(33);
        let pictures = [camera.picture(rig.now, 0, false), camera.picture(rig.now, 1, false)].concat();
        for sent in pictures {
            let _ = rig.deliver(&sent);
        }
    }
    rig.configure(false, 1);
    rig.now += ms(33);
    let keyframe = camera.picture(rig.now, 1, true);
    // It waits 200 ms in the publisher's uplink.
    rig.now += ms(200);
    assert_eq!(rig.deliver_all(&keyframe), None);
    let elapsed = rig.got.last().unwrap().timestamp.ticks_since(rig.got[0].timestamp);
    assert!(elapsed.abs_diff(11 * 33 * 90) <= 2, "{elapsed} ticks after the first picture");
    rig.assert_is_one_stream();
}

#[test]
fn switching_without_clocks_goes_by_arrival() {
    let (mut rig, mut camera) = Rig::video();
    rig.configure(false, 0);
    let first = camera.picture(rig.now, 0, true);
    rig.deliver_all(&first);
    rig.configure(false, 1);
    rig.now += ms(500);
    let keyframe = camera.picture(rig.now, 1, true);
    rig.deliver_all(&keyframe);
    let elapsed = rig.got.last().unwrap().timestamp.ticks_since(rig.got[0].timestamp);
    assert_eq!(elapsed, 45_000);
}

#[test]
fn a_clock_that_contradicts_the_arrival_is_not_believed() {
    let (mut rig, mut camera) = Rig::video();
    rig.configure(false, 0);
    let first = camera.picture(rig.now, 0, true);
    rig.deliver_all(&first);
    rig.feed.handle_sender_clock(Layer(0), camera.clock(rig.now, 0));
    let lie =
        SenderClock { rtp_timestamp: camera.rtp_at(rig.now, 1).wrapping_add(10_000_000), ..camera.clock(rig.now, 1) };
    rig.feed.handle_sender_clock(Layer(1), lie);
    rig.configure(false, 1);
    rig.now += ms(500);
    let keyframe = camera.picture(rig.now, 1, true);
    rig.deliver_all(&keyframe);
    let elapsed = rig.got.last().unwrap().timestamp.ticks_since(rig.got[0].timestamp);
    assert_eq!(elapsed, 45_000);
}

#[test]
fn when_the_layer_stops_another_one_takes_over() {
    let (mut rig, mut camera) = Rig::video();
    let mut last_large = rig.now;
    for round in 0..200 {
        let is_key = rig.subscription.wanted_keyframe();
        for layer in 0..3u8 {
            if layer == 2 && (60..150).contains(&round) {
                continue;
            }
            // A publisher that takes a layer up again starts with a keyframe.
            let is_key = is_key == Some(Layer(layer)) || round == 0 || layer == 2 && round == 150;
            for sent in camera.picture(rig.now, layer, is_key) {
                let _ = rig.deliver(&sent);
            }
        }
        let current = rig.subscription.switching.current();
        match round {
            0..60 => {
                assert_eq!(current, Some(Layer(2)));
                last_large = rig.now;
            }
            60..150 if rig.now >= last_large + ms(1_100) => assert_eq!(current, Some(Layer(1)), "round {round}"),
            60..150 => {}
            _ => assert_eq!(current, Some(Layer(2)), "round {round}"),
        }
        rig.now += ms(33);
    }
    rig.assert_is_one_stream();
}

#[test]
fn a_pause_leaves_no_gap_and_ends_with_a_keyframe() {
    let (mut rig, mut camera) = Rig::video();
    let picture = camera.picture(rig.now, 0, true);
    rig.deliver_all(&picture);
    rig.configure(true, 2);
    assert_eq!((rig.subscription.wanted_keyframe(), rig.subscription.wanted_layer()), (None, None));
    for _ in 0..60 {
        rig.now += ms(33);
        let picture = camera.picture(rig.now, 0, false);
        assert_eq!(rig.deliver_all(&picture), Some(DropReason::Paused));
    }
    rig.configure(false, 2);
    assert_eq!(rig.subscription.wanted_keyframe(), Some(Layer(0)));
    rig.now += ms(33);
    let picture = camera.picture(rig.now, 0, false);
    assert_eq!(rig.deliver_all(&picture), Some(DropReason::AwaitsKeyframe));
    rig.now += ms(33);
    let picture = camera.picture(rig.now, 0, true);
    assert_eq!(rig.deliver_all(&picture), None);
    rig.assert_is_one_stream();
    let elapsed = rig.got.last().unwrap().timestamp.ticks_since(rig.got[0].timestamp);
    assert_eq!(elapsed, 62 * 33 * 90, "time went on meanwhile");
}

#[test]
fn a_mute_at_the_track_leaves_no_gap_either() {
    let (mut rig, mut camera) = Rig::video();
    let picture = camera.picture(rig.now, 0, true);
    rig.deliver_all(&picture);
    camera.streams[0].next_index += 0x2_0000 + 500;
    rig.now += ms(5_000);
    let picture = camera.picture(rig.now, 0, false);
    assert_eq!(rig.deliver_all(&picture), Some(DropReason::AwaitsKeyframe));
    assert_eq!(rig.subscription.wanted_keyframe(), Some(Layer(0)));
    let picture = camera.picture(rig.now, 0, true);
    assert_eq!(rig.deliver_all(&picture), None);
    // The frame that was not forwarded leaves no gap in picture ids either.
    rig.assert_is_one_stream();
    let elapsed = rig.got.last().unwrap().timestamp.ticks_since(rig.got[0].timestamp);
    assert_eq!(elapsed, 450_000);
}

#[test]
fn audio_starts_anywhere_and_goes_on_after_pauses_and_new_sources() {
    let mut rig = Rig::new(&audio_downlink());
    let (mut index, mut timestamp) = (0x1_0000 + 65_500u64, 0xffff_f000u32);
    let first = rig.now;
    for place in 0..1_000 {
        match place {
            300 => rig.configure(true, 0),
            400 => rig.configure(false, 0),
            // The publisher's SSRC changes, and with it everything else.
            600 => (index, timestamp) = (index + 0x2_0000, timestamp.wrapping_add(0x3456_7890)),
            _ => {}
        }
        let result = rig.deliver(&voice(place, index, timestamp, rig.now));
        assert_eq!(result.is_ok(), !(300..400).contains(&place));
        (index, timestamp) = (index + 1, timestamp.wrapping_add(960));
        rig.now += ms(20);
    }
    assert_eq!(rig.subscription.wanted_keyframe(), None);
    for pair in rig.got.windows(2) {
        assert_eq!(pair[1].seq_no, pair[0].seq_no.next());
        assert!(pair[1].timestamp.is_newer_than(pair[0].timestamp));
    }
    let elapsed = rig.got.last().unwrap().timestamp.ticks_since(rig.got[0].timestamp);
    assert_eq!(Duration::from_millis(elapsed as u64 / 48), rig.now - first - ms(20));
}

#[test]
fn loss_stays_loss_and_late_packets_find_their_place() {
    let (mut rig, mut camera) = Rig::video();
    rig.configure(false, 0);
    let keyframe = camera.picture(rig.now, 0, true);
    rig.deliver_all(&keyframe);
    let frame = camera.picture(rig.now + ms(33), 0, false);
    let first = rig.deliver(&frame[0]).unwrap();
    let third = rig.deliver(&frame[2]).unwrap();
    assert_eq!(third.seq_no.packets_since(first.seq_no), 2, "the receiver sees the loss");

    // The layer is switched before the lost packet comes.
    rig.configure(false, 1);
    rig.now += ms(66);
    let large = camera.picture(rig.now, 1, true);
    rig.deliver_all(&large);
    assert_eq!(rig.got.last().unwrap().seq_no.packets_since(third.seq_no), 6, "no gap between the layers");
    let second = rig.deliver(&frame[1]).unwrap();
    assert_eq!(second.seq_no, first.seq_no.next());
    assert_eq!((second.timestamp, second.picture_id, second.tl0), (first.timestamp, first.picture_id, first.tl0));

    let other = camera.picture(rig.now + ms(33), 0, false);
    assert_eq!(rig.deliver_all(&other), Some(DropReason::OtherLayer));
}

#[test]
fn what_precedes_the_first_keyframe_has_no_place() {
    let (mut rig, mut camera) = Rig::video();
    let before = camera.picture(rig.now, 0, false);
    let keyframe = camera.picture(rig.now, 0, true);
    rig.deliver_all(&keyframe);
    assert_eq!(rig.deliver_all(&before), Some(DropReason::TooLate));
}

#[test]
fn padding_in_the_stream_keeps_its_place() {
    let (mut rig, mut camera) = Rig::video();
    let keyframe = camera.picture(rig.now, 0, true);
    rig.deliver_all(&keyframe);
    let mut padding = camera.picture(rig.now, 0, false).remove(0);
    padding.payload.clear();
    let got = rig.deliver(&padding).unwrap();
    assert_eq!(got.seq_no, rig.got[rig.got.len() - 2].seq_no.next());
}
