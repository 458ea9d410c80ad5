// SPDX-License-Identifier: EUPL-1.2
//! Answers to NACKs and keyframe requests.

use super::*;

/// A rig whose receiver got a keyframe and some frames of the smallest layer.
fn playing(downlink: &Downlink) -> (Rig, Camera) {
    let mut rig = Rig::new(downlink);
    let mut camera = Camera::new(rig.now, 3);
    for round in 0..30 {
        let picture = camera.picture(rig.now, 0, round == 0);
        rig.deliver_all(&picture);
        rig.now += ms(33);
    }
    (rig, camera)
}

fn video_without_rtx() -> Downlink {
    let mut downlink = video_downlink();
    (downlink.rtx_ssrc, downlink.codec.rtx_payload_type) = (None, None);
    downlink
}

#[test]
fn a_missed_packet_comes_again_in_the_retransmission_stream() {
    let (mut rig, _) = playing(&video_downlink());
    let mut last = None;
    for at in [10, 40, 11] {
        let original = rig.got[at].clone();
        let bytes = rig.nack(original.seq_no).unwrap();
        let view = RtpView::parse(&bytes).unwrap();
        assert_eq!((view.ssrc, view.payload_type), (RTX_SSRC, 121));
        assert_eq!((view.timestamp, view.marker), (original.timestamp, original.marker));
        let (osn, payload) = view.payload.split_at(2);
        assert_eq!(osn, original.seq_no.0.to_be_bytes());
        assert!(original.bytes.ends_with(payload) && payload.len() > 50);
        assert!(last.is_none_or(|last: SeqNo| view.seq_no == last.next()), "numbers of its own");
        last = Some(view.seq_no);
    }
}

#[test]
fn a_receiver_without_retransmission_streams_gets_the_very_same_packet() {
    let (mut rig, mut camera) = playing(&video_without_rtx());
    rig.configure(false, 1);
    let large = camera.picture(rig.now, 1, true);
    rig.deliver_all(&large);
    for original in rig.got.clone().iter().rev() {
        assert_eq!(rig.nack(original.seq_no).as_deref(), Some(&original.bytes[..]), "also from before the switch");
        rig.now += ms(1);
    }
}

#[test]
fn packets_that_were_never_sent_are_not_sent_again() {
    let (mut rig, _) = playing(&video_downlink());
    let (first, last) = (rig.got[0].seq_no, rig.got.last().unwrap().seq_no);
    assert_eq!(rig.nack(SeqNo(first.0.wrapping_sub(1))), None);
    assert_eq!(rig.nack(last.next()), None);
    assert_eq!(rig.nack(SeqNo(last.0.wrapping_add(30_000))), None);
    assert_eq!(rig.nack(SeqNo(last.0.wrapping_sub(30_000))), None);
    let mut fresh = Rig::new(&video_downlink());
    assert!((0..=u16::MAX).all(|seq_no| fresh.nack(SeqNo(seq_no)).is_none()));
}

#[test]
fn a_packet_that_overtook_the_keyframe_start_can_be_asked_for() {
    let (mut rig, mut camera) = Rig::video();
    let keyframe = camera.picture(rig.now, 0, true);
    assert_eq!(rig.deliver(&keyframe[1]), Err(DropReason::AwaitsKeyframe));
    let first = rig.deliver(&keyframe[0]).unwrap();
    let third = rig.deliver(&keyframe[2]).unwrap();
    assert_eq!(third.seq_no.packets_since(first.seq_no), 2);
    let bytes = rig.nack(first.seq_no.next()).unwrap();
    assert_eq!(RtpView::parse(&bytes).unwrap().payload.len(), keyframe[1].payload.len() + 2);
}

#[test]
fn a_packet_is_not_sent_again_before_the_last_time_could_arrive() {
    let (mut rig, _) = playing(&video_downlink());
    let seq_no = rig.got[5].seq_no;
    assert!(rig.nack(seq_no).is_some());
    rig.now += ms(19);
    assert!(rig.nack(seq_no).is_none());
    assert!(rig.nack(rig.got[6].seq_no).is_some(), "others are not concerned");
    rig.now += ms(1);
    assert!(rig.nack(seq_no).is_some());
}

#[test]
fn a_receiver_that_asks_for_everything_all_the_time_gets_a_sixth_more() {
    let mut rig = Rig::new(&video_downlink());
    let mut camera = Camera::new(rig.now, 1);
    let (mut forwarded, mut again) = (0, 0);
    for round in 0..3_000 {
        for mut sent in camera.picture(rig.now, 0, round == 0) {
            sent.payload.resize(1_100, 0);
            forwarded += rig.deliver(&sent).unwrap().bytes.len();
        }
        let newest = rig.got.last().unwrap().seq_no;
        for back in 0..200 {
            again += rig.nack(SeqNo(newest.0.wrapping_sub(back))).map_or(0, |bytes| bytes.len());
        }
        rig.now += ms(33);
    }
    let share = (again - 128 * 1_024) * 100 / forwarded;
    assert!((14..=15).contains(&share), "{share} %");
}

#[test]
fn nacks_that_were_not_agreed_on_are_not_answered() {
    let mut downlink = video_downlink();
    downlink.codec.nack = false;
    let (mut rig, _) = playing(&downlink);
    assert_eq!(rig.nack(rig.got[10].seq_no), None);
}

#[test]
fn after_a_renegotiation_nothing_is_written_twice_in_two_forms() {
    let (mut rig, mut camera) = playing(&video_without_rtx());
    let original = rig.got[20].clone();
    let extensions = ExtensionIds { video_orientation: Some(2), ..RECEIVER_IDS };
    rig.subscription.handle_renegotiation(&video_without_rtx(), RECEIVER_IDS);
    assert!(rig.nack(original.seq_no).is_some(), "nothing changed");
    rig.subscription.handle_renegotiation(&video_without_rtx(), extensions);
    assert_eq!(rig.nack(rig.got[21].seq_no), None);
    let picture = camera.picture(rig.now, 0, false);
    rig.deliver_all(&picture);
    assert!(rig.nack(rig.got.last().unwrap().seq_no).is_some());

    let (mut rig, _) = playing(&video_downlink());
    rig.nack(rig.got[20].seq_no).unwrap();
    rig.subscription.handle_renegotiation(&video_downlink(), extensions);
    assert!(rig.nack(rig.got[21].seq_no).is_some(), "a stream of its own may change form");
}

#[test]
fn the_history_forgets_and_so_do_answers() {
    let (mut rig, mut camera) = playing(&video_downlink());
    let old = rig.got[1].seq_no;
    for _ in 0..600 {
        let picture = camera.picture(rig.now, 0, false);
        rig.deliver_all(&picture);
        rig.now += ms(33);
    }
    assert_eq!(rig.nack(old), None);
}

#[test]
fn a_receivers_keyframe_request_is_passed_on_until_a_keyframe_comes() {
    let (mut rig, mut camera) = playing(&video_downlink());
    assert_eq!(rig.subscription.wanted_keyframe(), None);
    for _ in 0..1_000 {
        rig.subscription.handle_keyframe_request(rig.now);
    }
    assert_eq!(rig.subscription.wanted_keyframe(), Some(Layer(0)));
    let keyframe = camera.picture(rig.now, 0, true);
    rig.deliver_all(&keyframe);
    assert_eq!(rig.subscription.wanted_keyframe(), None);
    rig.now += ms(50);
    rig.subscription.handle_keyframe_request(rig.now);
    assert_eq!(rig.subscription.wanted_keyframe(), None, "the answer is under way");
    rig.now += ms(50);
    rig.subscription.handle_keyframe_request(rig.now);
    assert_eq!(rig.subscription.wanted_keyframe(), Some(Layer(0)), "the answer was lost");
}

#[test]
fn a_receiver_that_always_asks_for_keyframes_gets_one_every_two_seconds() {
    let (mut rig, mut camera) = playing(&video_downlink());
    let mut keyframes = 0;
    for _ in 0..600 {
        rig.subscription.handle_keyframe_request(rig.now);
        let is_key = rig.subscription.wanted_keyframe().is_some();
        keyframes += u32::from(is_key);
        let picture = camera.picture(rig.now, 0, is_key);
        rig.deliver_all(&picture);
        rig.now += ms(100);
    }
    assert!((30..=34).contains(&keyframes), "{keyframes} in a minute, and a few in a row");
}
