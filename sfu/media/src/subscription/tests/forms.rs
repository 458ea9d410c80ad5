// SPDX-License-Identifier: EUPL-1.2
//! What the packets look like that a receiver gets.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

#[test]
fn short_and_absent_picture_ids_are_kept_as_they_are() {
    let (mut rig, mut camera) = Rig::video();
    let short = |payload: &mut Vec<u8>, id: u8| *payload = vec![0x90, 0x80, id & 0x7f, u8::from(id != 120), 1, 2];
    rig.configure(false, 0);
    for (id, layer) in [(120, 0), (121, 0), (120, 1)] {
        if layer == 1 {
            rig.configure(false, 1);
        }
        let mut sent = camera.picture(rig.now, layer, id == 120).remove(0);
        sent.meta.marker = true;
        short(&mut sent.payload, id);
        rig.deliver(&sent).unwrap();
        rig.now += ms(33);
    }
    let ids: Vec<_> = rig.got.iter().map(|got| got.picture_id.unwrap()).collect();
    assert_eq!(ids, [120, 121, 122]);

    let (mut rig, mut camera) = Rig::video();
    let mut sent = camera.picture(rig.now, 0, true).remove(0);
    sent.payload = vec![0x10, 0, 1, 2];
    let got = rig.deliver(&sent).unwrap();
    assert_eq!(&got.bytes[got.bytes.len() - 4..], [0x10, 0, 1, 2]);
}

#[test]
fn extensions_come_under_the_receivers_ids() {
    let mut rig = Rig::new(&audio_downlink());
    let mut sent = voice(0, 70_000, 0, rig.now);
    sent.meta.video_orientation = Some(3);
    let got = rig.deliver(&sent).unwrap();
    let view = RtpView::parse(&got.bytes).unwrap();
    let elements: Vec<_> = view.extensions().collect();
    assert_eq!(elements, [(9, &[30][..]), (7, &[3][..])]);
    assert_eq!(view.payload, opus_payload());
}

#[test]
fn transport_wide_numbers_are_written_where_they_are_safe() {
    let transport_seq = |downlink: &Downlink, index| {
        let mut rig = Rig::new(downlink);
        let mut sent = voice(0, index, 0, rig.now);
        if downlink.codec.codec == Codec::Vp8 {
            sent.payload = vp8_payload(true, true, 1, 0, 50);
        }
        let delivery = rig.feed.handle_media(rig.now, sent.meta, &sent.payload).unwrap();
        let mut out = [0; MAX_PACKET_BYTES];
        let forwarding = rig.subscription.handle_media(rig.now, &delivery, Some(SeqNo(77)), &mut out);
        let Forwarding::Forward { len } = forwarding else { panic!("{forwarding:?}") };
        let view = RtpView::parse(&out[..len]).unwrap();
        let written = HeaderExtensions::read(view.extensions(), &RECEIVER_IDS).transport_seq;
        assert_eq!(rig.subscription.wants_transport_seq(), written.is_some());
        written
    };
    let mut downlink = video_downlink();
    assert_eq!(transport_seq(&downlink, 70_000), Some(SeqNo(77)), "it is sent again in a stream of its own");
    downlink.rtx_ssrc = None;
    assert_eq!(transport_seq(&downlink, 70_000), None, "it may have to be sent again as it was");
    downlink.codec.nack = false;
    assert_eq!(transport_seq(&downlink, 70_000), Some(SeqNo(77)));
    downlink.codec.transport_cc = false;
    assert_eq!(transport_seq(&downlink, 70_000), None, "not agreed on");
    let mut downlink = audio_downlink();
    downlink.codec.nack = false;
    assert_eq!(transport_seq(&downlink, 70_000), None, "sound does not follow the link");
}

#[test]
fn a_buffer_that_is_too_short_is_no_panic() {
    let (mut rig, mut camera) = Rig::video();
    let sent = camera.picture(rig.now, 0, true).remove(0);
    let delivery = rig.feed.handle_media(rig.now, sent.meta, &sent.payload).unwrap();
    for len in 0..MAX_HEADER_BYTES + sent.payload.len() - 16 {
        let forwarding = rig.subscription.handle_media(rig.now, &delivery, None, &mut vec![0; len]);
        assert_eq!(forwarding, Forwarding::Drop(DropReason::Malformed));
    }
}

#[test]
fn garbage_neither_panics_nor_repeats_a_number() {
    for seed in 0..4 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut rig, _) = Rig::video();
        let mut indices = [0x1_0000u64; 5];
        let mut written = std::collections::HashSet::new();
        let mut out = [0; MAX_PACKET_BYTES];
        for _ in 0..20_000 {
            rig.now += Duration::from_micros(rng.random_range(0..50_000));
            let layer = rng.random_range(0..5);
            let index = &mut indices[layer];
            *index += if rng.random_ratio(1, 200) { 0x2_0000 } else { rng.random_range(1..4) };
            let mut payload = vp8_payload(rng.random(), rng.random_ratio(1, 9), rng.random(), rng.random(), 40);
            for _ in 0..rng.random_range(0..4) {
                let at = rng.random_range(0..payload.len());
                payload[at] = rng.random();
            }
            payload.truncate(rng.random_range(0..80));
            let meta = PacketMeta {
                rtp_timestamp: rng.random(),
                marker: rng.random(),
                starts_keyframe: crate::codec::starts_keyframe(Codec::Vp8, &payload),
                ..PacketMeta::new(Layer(layer as u8), *index, rig.now)
            };
            if rng.random_ratio(1, 50) {
                let clock = SenderClock { ntp: rng.random(), rtp_timestamp: rng.random(), received: rig.now };
                rig.feed.handle_sender_clock(Layer(rng.random_range(0..6)), clock);
            }
            if rng.random_ratio(1, 100) {
                rig.configure(rng.random_ratio(1, 4), rng.random());
            }
            if let Some(delivery) = rig.feed.handle_media(rig.now, meta, &payload)
                && let Forwarding::Forward { len } = rig.subscription.handle_media(rig.now, &delivery, None, &mut out)
            {
                let view = RtpView::parse(&out[..len]).unwrap();
                assert_eq!(view.payload.len(), payload.len());
                assert!(written.insert(view.seq_no), "seed {seed}: {:?} again", view.seq_no);
            }
            let _ = rig.nack(SeqNo(rng.random()));
            rig.subscription.handle_keyframe_request(rig.now);
            rig.subscription.write_sender_report(rig.now, rig.feed.activity(), &mut Vec::new());
        }
        assert!(written.len() > 1_000, "seed {seed}: {}", written.len());
    }
}
