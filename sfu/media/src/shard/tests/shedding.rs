// SPDX-License-Identifier: EUPL-1.2
//! What receivers get of a shard that has too much to do: less video, all of the sound, and streams that go on.

use super::*;
use crate::ids::Layer;
use crate::rtcp::keyframe_request::write_picture_loss;
use crate::rtp::seq_no::SeqNo;

const CAMERA: u64 = 1;
const MICROPHONE: u64 = 2;

/// The streams of the camera's layers, by the layer, and of the microphone.
const LAYER_SSRCS: [u32; 3] = [10, 20, 30];
const SOUND_SSRC: u32 = 40;

/// The streams that the viewer gets.
const PICTURE_OUT: u32 = 0x1000;
const SOUND_OUT: u32 = 0x3000;

/// Longer than a shard waits between two steps.
const SETTLED: Duration = ms(600);

/// Longer than a shard waits before a step back.
const CALM: Duration = ms(5_100);

/// Somebody with a camera and a microphone, who answers requests for keyframes, and a viewer.
struct Call {
    rig: Rig,
    publisher: usize,
    viewer: usize,
    layers: usize,
    next_seq_no: u16,
    answered: usize,
}

/// A packet of the picture that the viewer got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    seq_no: u16,
    layer: Layer,
    is_key: bool,
}

impl Call {
    fn with_layers(layers: usize) -> Self {
        let mut rig = Rig::new();
        let mut session = sends(uplink(CAMERA, VP8, layers));
        session.uplinks.push(uplink(MICROPHONE, OPUS, 0));
        let publisher = rig.join(session);
        let viewer = rig.join(Self::viewer_session());
        rig.subscribe(viewer, CAMERA);
        rig.subscribe(viewer, MICROPHONE);
        let mut call = Self { rig, publisher, viewer, layers, next_seq_no: 0, answered: 0 };
        call.run_for(ms(1_000));
        call.take_seen();
        call.take_heard();
        call
    }

    fn viewer_session() -> Session {
        let mut session = receives(CAMERA, VP8);
        let sound = Downlink { mid: mid("1"), ssrc: SOUND_OUT, ..receives(MICROPHONE, OPUS).downlinks[0] };
        session.downlinks.push(sound);
        session
    }

    /// Lets time pass, with a picture of every layer and a packet of sound each 20 ms.
    fn run_for(&mut self, time: Duration) {
        let end = self.rig.now + time;
        while self.rig.now < end {
            let requested = self.rig.requested_keyframes(self.publisher);
            let wanted = &requested[self.answered..];
            for (layer, ssrc) in LAYER_SSRCS.iter().enumerate().take(self.layers) {
                let picture = self.picture(layer, wanted.contains(ssrc));
                self.rig.send_rtp(self.publisher, &picture);
            }
            self.answered = requested.len();
            let sound = self.sound();
            self.rig.send_rtp(self.publisher, &sound);
            self.next_seq_no += 1;
            self.rig.run_for(ms(20));
        }
    }

    /// The viewer tells layers apart by their lengths.
    fn picture(&self, layer: usize, is_key: bool) -> TestPacket {
        let seq_no = self.next_seq_no;
        let payload = vp8_payload(true, is_key, seq_no, 0, 100 * (layer + 1));
        TestPacket::new(LAYER_SSRCS[layer], VP8.payload_type, seq_no, u32::from(seq_no) * 1_800, &payload)
            .marker()
            .with(IDS.mid, b"m1")
            .with(IDS.rid, layer.to_string().as_bytes())
    }

    fn sound(&self) -> TestPacket {
        let seq_no = self.next_seq_no;
        TestPacket::new(SOUND_SSRC, OPUS.payload_type, seq_no, u32::from(seq_no) * 960, &opus_payload())
            .with(IDS.mid, b"m2")
    }

    fn overload(&mut self) {
        self.rig.shard.handle_overload(self.rig.now);
    }

    /// Signs of overload, each after the effect of the one before, until so much is left out.
    fn overload_to(&mut self, level: u64) {
        for _ in self.rig.shard.counters().shedding_level..level {
            self.overload();
            self.run_for(SETTLED);
        }
        assert_eq!(self.rig.shard.counters().shedding_level, level);
    }

    /// What came of the picture since the last call.
    fn take_seen(&mut self) -> Vec<Seen> {
        let rtp = &mut self.rig.members[self.viewer].rtp;
        let taken = rtp.extract_if(.., |packet| RtpView::parse(packet).unwrap().ssrc == PICTURE_OUT);
        let seen = taken.map(|packet| {
            let view = RtpView::parse(&packet).unwrap();
            let layer = Layer((view.payload.len() / 100 - 1) as u8);
            Seen { seq_no: view.seq_no.0, layer, is_key: view.payload[6] & 1 == 0 }
        });
        seen.collect()
    }

    /// How much came of the sound since the last call.
    fn take_heard(&mut self) -> usize {
        let rtp = &mut self.rig.members[self.viewer].rtp;
        rtp.extract_if(.., |packet| RtpView::parse(packet).unwrap().ssrc == SOUND_OUT).count()
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.rig.shard.counters().dropped_packets[reason]
    }
}

/// Numbers without a gap, and each layer begins with a keyframe.
#[track_caller]
fn assert_can_be_decoded(seen: &[Seen]) {
    for pair in seen.windows(2) {
        assert_eq!(pair[1].seq_no, pair[0].seq_no.wrapping_add(1), "{pair:?}");
        assert!(pair[1].layer == pair[0].layer || pair[1].is_key, "{pair:?}");
    }
}

fn layers_of(seen: &[Seen]) -> Vec<u8> {
    let mut layers: Vec<_> = seen.iter().map(|seen| seen.layer.0).collect();
    layers.dedup();
    layers
}

#[test]
fn an_overloaded_shard_gives_smaller_layers_and_later_larger_ones_again() {
    let mut call = Call::with_layers(3);
    call.run_for(ms(200));
    let mut seen = call.take_seen();
    assert_eq!(layers_of(&seen), [2]);
    call.overload();
    call.run_for(ms(10));
    seen.extend(call.take_seen());
    assert_eq!(layers_of(&seen), [2], "the large one goes on until a keyframe of the smaller one");
    call.run_for(SETTLED);
    seen.extend(call.take_seen());
    assert_eq!(layers_of(&seen), [2, 1]);
    call.overload();
    call.run_for(SETTLED);
    seen.extend(call.take_seen());
    assert_eq!(layers_of(&seen), [2, 1, 0]);
    for layers in [&[2, 1, 0, 1][..], &[2, 1, 0, 1, 2]] {
        call.run_for(CALM);
        seen.extend(call.take_seen());
        assert_eq!(layers_of(&seen), layers);
    }
    assert_can_be_decoded(&seen);
    assert_eq!(call.rig.shard.counters().shedding_level, 0);
    assert_eq!(call.dropped(DropReason::Overload), 0);
}

#[test]
fn sound_goes_on_when_all_video_is_left_out() {
    let mut call = Call::with_layers(3);
    call.overload_to(3);
    let mut seen = call.take_seen();
    call.take_heard();
    let dropped = call.dropped(DropReason::Overload);
    call.run_for(ms(2_000));
    assert_eq!(call.take_seen(), []);
    assert_eq!(call.take_heard(), 100);
    assert_eq!(call.dropped(DropReason::Overload) - dropped, 300, "every layer, once each");
    call.run_for(CALM);
    let after = call.take_seen();
    assert!(after.first().is_some_and(|first| first.is_key && first.layer == Layer(0)), "{:?}", after.first());
    seen.extend(after);
    assert_can_be_decoded(&seen);
    call.run_for(CALM * 2);
    seen.extend(call.take_seen());
    assert_can_be_decoded(&seen);
    assert_eq!(layers_of(&seen), [2, 1, 0, 1, 2]);
}

#[test]
fn nobody_is_asked_for_keyframes_that_are_then_left_out() {
    let mut call = Call::with_layers(3);
    call.overload_to(3);
    let requested = call.rig.requested_keyframes(call.publisher);
    let mut picture_loss = Vec::new();
    write_picture_loss(1, PICTURE_OUT, &mut picture_loss);
    call.rig.send_rtcp(call.viewer, &picture_loss);
    call.viewer = call.rig.join(Call::viewer_session());
    call.rig.subscribe(call.viewer, CAMERA);
    call.run_for(ms(1_000));
    assert_eq!(call.rig.requested_keyframes(call.publisher), requested);
    assert_eq!(call.take_seen(), []);
    call.run_for(CALM);
    let seen = call.take_seen();
    assert!(!seen.is_empty());
    assert_can_be_decoded(&seen);
}

#[test]
fn a_shard_recovers_even_when_nothing_else_happens() {
    let mut shard = Shard::new(HERE, DtlsIdentity::generate().unwrap(), 1);
    assert_eq!(shard.poll_timeout(), None);
    shard.handle_overload(start());
    assert_eq!(shard.counters().shedding_level, 1);
    let due = shard.poll_timeout().unwrap();
    assert!(due <= start() + CALM);
    shard.handle_timeout(due);
    assert_eq!((shard.counters().shedding_level, shard.poll_timeout()), (0, None));
}

#[test]
fn what_receivers_miss_of_the_picture_is_sent_again_only_while_there_is_one() {
    let mut call = Call::with_layers(1);
    let nack = |call: &mut Call, lost: Seen| {
        let mut nack = Vec::new();
        write_nack(1, PICTURE_OUT, std::iter::once(SeqNo(lost.seq_no)), &mut nack);
        call.rig.send_rtcp(call.viewer, &nack);
        call.rig.shard.counters().retransmitted_packets
    };
    call.overload_to(2);
    let last = *call.take_seen().last().unwrap();
    assert_eq!(nack(&mut call, last), 1);
    call.overload();
    assert_eq!(nack(&mut call, Seen { seq_no: last.seq_no - 1, ..last }), 1, "no video at all");
}

#[test]
fn a_picture_of_one_layer_stays_until_all_video_is_left_out() {
    let mut call = Call::with_layers(1);
    call.overload_to(2);
    let seen = call.take_seen();
    assert_eq!(seen.len(), 60, "50 pictures a second");
    assert!(seen.iter().all(|seen| !seen.is_key), "and nothing is asked for");
    assert_can_be_decoded(&seen);
    call.overload_to(3);
    call.take_seen();
    call.run_for(ms(200));
    assert_eq!(call.take_seen(), []);
}

#[test]
fn who_joins_an_overloaded_shard_gets_what_the_others_get() {
    let mut call = Call::with_layers(3);
    call.overload_to(2);
    call.viewer = call.rig.join(Call::viewer_session());
    let requested = call.answered;
    call.rig.subscribe(call.viewer, CAMERA);
    call.run_for(SETTLED);
    assert_eq!(layers_of(&call.take_seen()), [0]);
    let requested = call.rig.requested_keyframes(call.publisher).split_off(requested);
    assert!(!requested.is_empty() && requested.iter().all(|ssrc| *ssrc == LAYER_SSRCS[0]), "{requested:?}");
}

/// A feed begins with its first subscription, which may come at any time.
#[test]
fn a_track_that_is_first_received_on_an_overloaded_shard_is_limited_too() {
    let mut call = Call::with_layers(3);
    let transport = Rig::transport(call.viewer);
    call.rig.command(ShardCommand::Unsubscribe { transport, track: TrackId(CAMERA) });
    call.overload_to(1);
    call.viewer = call.rig.join(Call::viewer_session());
    call.rig.subscribe(call.viewer, CAMERA);
    call.run_for(SETTLED);
    let seen = call.take_seen();
    assert_eq!(seen.last().map(|seen| seen.layer), Some(Layer(1)));
    assert!(seen.iter().all(|seen| seen.layer <= Layer(1)), "{:?}", layers_of(&seen));
}
