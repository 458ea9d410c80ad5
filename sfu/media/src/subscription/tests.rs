// SPDX-License-Identifier: EUPL-1.2
//! A camera with several layers, a feed and one receiver; what the receiver gets is read by the parsers that others
//! have checked.

use std::time::{Duration, Instant};

use super::*;
use crate::feed::Feed;
use crate::ids::{Layer, ShardId};
use crate::media_packet::PacketMeta;
use crate::rtcp::SenderClock;
use crate::rtp::extensions::HeaderExtensions;
use crate::rtp::packet::RtpView;
use crate::rtp::rtp_time::RtpTime;
use crate::session::Codec;
use crate::test_support::{OPUS, VP8, mid, ms, opus_payload, start, vp8_payload};

mod forms;
mod reporting;
mod resending;
mod switching;

const SSRC: u32 = 0x8001_2345;
const RTX_SSRC: u32 = 0x8001_9999;

/// The receiver's ids, which are not the publisher's.
const RECEIVER_IDS: ExtensionIds = ExtensionIds {
    mid: Some(1),
    rid: None,
    repaired_rid: None,
    audio_level: Some(9),
    transport_cc: Some(5),
    video_orientation: Some(7),
};

fn video_downlink() -> Downlink {
    let codec = NegotiatedCodec { payload_type: 120, rtx_payload_type: Some(121), ..VP8 };
    Downlink { mid: mid("7"), track: TrackId(1), codec, ssrc: SSRC, rtx_ssrc: Some(RTX_SSRC) }
}

fn audio_downlink() -> Downlink {
    let codec = NegotiatedCodec { payload_type: 109, ..OPUS };
    Downlink { mid: mid("8"), track: TrackId(1), codec, ssrc: SSRC, rtx_ssrc: None }
}

/// One packet as the publisher's track annotated it.
#[derive(Clone, Debug)]
struct Sent {
    meta: PacketMeta,
    payload: Vec<u8>,
}

/// One packet as the receiver gets it.
#[derive(Clone, Debug, PartialEq)]
struct Got {
    seq_no: SeqNo,
    timestamp: RtpTime,
    marker: bool,
    picture_id: Option<u16>,
    tl0: Option<u8>,
    starts_keyframe: bool,
    bytes: Vec<u8>,
}

fn read(bytes: &[u8]) -> Got {
    let view = RtpView::parse(bytes).expect("RTP");
    assert!((view.ssrc, view.payload_type) == (SSRC, 120) || (view.ssrc, view.payload_type) == (SSRC, 109));
    let descriptor = (view.payload_type == 120).then(|| vp8::Descriptor::parse(view.payload)).flatten();
    Got {
        seq_no: view.seq_no,
        timestamp: view.timestamp,
        marker: view.marker,
        picture_id: descriptor.and_then(|descriptor| descriptor.picture_id).map(|id| id.value),
        tl0: descriptor.and_then(|descriptor| descriptor.tl0_picture_index),
        starts_keyframe: descriptor.is_some_and(|descriptor| descriptor.starts_keyframe),
        bytes: bytes.to_vec(),
    }
}

/// One simulcast stream of a camera, with numbers of its own.
#[derive(Clone, Debug)]
struct Stream {
    next_index: u64,
    timestamp_base: u32,
    picture_id: u16,
    tl0: u8,
}

/// A camera whose layers show the same pictures.
struct Camera {
    epoch: Instant,
    streams: Vec<Stream>,
}

impl Camera {
    fn new(epoch: Instant, layers: u64) -> Self {
        let stream = |layer: u64| Stream {
            next_index: 0x1_0000 + layer * 20_000 + 65_400,
            timestamp_base: (layer as u32).wrapping_mul(0x5555_5555).wrapping_sub(20_000),
            picture_id: 0x7ff0 + layer as u16 * 3,
            tl0: 250_u8.wrapping_add(layer as u8 * 100),
        };
        Self { epoch, streams: (0..layers).map(stream).collect() }
    }

    fn rtp_at(&self, now: Instant, layer: u8) -> u32 {
        let base = RtpTime(self.streams[usize::from(layer)].timestamp_base);
        base.plus_ticks(RtpTime::ticks_in(now - self.epoch, 90_000)).0
    }

    /// The packets of one picture of a layer: three of a frame, six of a keyframe.
    fn picture(&mut self, now: Instant, layer: u8, is_key: bool) -> Vec<Sent> {
        let rtp_timestamp = self.rtp_at(now, layer);
        let stream = &mut self.streams[usize::from(layer)];
        stream.picture_id = stream.picture_id.wrapping_add(1) & 0x7fff;
        stream.tl0 = stream.tl0.wrapping_add(1);
        let packets = if is_key { 6 } else { 3 };
        (0..packets)
            .map(|place| {
                let index = stream.next_index;
                stream.next_index += 1;
                Sent {
                    meta: PacketMeta {
                        rtp_timestamp,
                        marker: place == packets - 1,
                        starts_keyframe: is_key && place == 0,
                        ..PacketMeta::new(Layer(layer), index, now)
                    },
                    payload: vp8_payload(place == 0, is_key, stream.picture_id, stream.tl0, 60 + place),
                }
            })
            .collect()
    }

    /// What a sender report of the layer says now.
    fn clock(&self, now: Instant, layer: u8) -> SenderClock {
        let ntp = (3_900_000_000 << 32) + crate::rtcp::reports::ntp_duration(now - self.epoch);
        SenderClock { ntp, rtp_timestamp: self.rtp_at(now, layer), received: now + ms(20) }
    }
}

/// A packet of audio.
fn voice(place: u64, index: u64, rtp_timestamp: u32, now: Instant) -> Sent {
    let meta = PacketMeta {
        rtp_timestamp,
        marker: place == 0,
        starts_keyframe: true,
        audio_level: Some(30),
        ..PacketMeta::new(Layer(0), index, now)
    };
    Sent { meta, payload: opus_payload() }
}

/// A feed with one receiver.
struct Rig {
    now: Instant,
    feed: Feed,
    subscription: Subscription,
    got: Vec<Got>,
}

impl Rig {
    fn new(downlink: &Downlink) -> Self {
        let now = start();
        Self {
            now,
            feed: Feed::new(TrackId(1), ShardId(0), downlink.codec.codec),
            subscription: Subscription::new(now, downlink, RECEIVER_IDS, SubscriptionSettings::default()),
            got: Vec::new(),
        }
    }

    fn video() -> (Self, Camera) {
        let rig = Self::new(&video_downlink());
        let camera = Camera::new(rig.now, 3);
        (rig, camera)
    }

    /// Gives one packet to the feed and the receiver.
    fn deliver(&mut self, sent: &Sent) -> Result<Got, DropReason> {
        let meta = PacketMeta { arrival: self.now, ..sent.meta };
        let delivery = self.feed.handle_media(self.now, meta, &sent.payload).expect("new enough to keep");
        let mut out = [0; MAX_PACKET_BYTES];
        match self.subscription.handle_media(self.now, &delivery, None, &mut out) {
            Forwarding::Forward { len } => {
                let got = read(&out[..len]);
                self.got.push(got.clone());
                Ok(got)
            }
            Forwarding::Drop(reason) => Err(reason),
        }
    }

    /// Gives packets to the receiver, who gets all of them or none.
    fn deliver_all(&mut self, packets: &[Sent]) -> Option<DropReason> {
        let results: Vec<_> = packets.iter().map(|sent| self.deliver(sent).err()).collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        results[0]
    }

    fn nack(&mut self, seq_no: SeqNo) -> Option<Vec<u8>> {
        let mut out = [0; MAX_PACKET_BYTES];
        let len = self.subscription.handle_nacked(self.now, seq_no, &self.feed, None, &mut out)?;
        Some(out[..len].to_vec())
    }

    fn configure(&mut self, is_paused: bool, max_layer: u8) {
        let settings = SubscriptionSettings { is_paused, max_layer: Layer(max_layer) };
        self.subscription.configure(settings, self.feed.activity());
        assert_eq!(self.subscription.settings(), settings);
    }

    /// Without loss, what the receiver got must be one stream: consecutive packets and pictures, and time that only
    /// advances, about as fast as ours.
    fn assert_is_one_stream(&self) {
        for (place, pair) in self.got.windows(2).enumerate() {
            let [before, after] = pair else { unreachable!() };
            assert_eq!(after.seq_no, before.seq_no.next(), "packet {place}");
            if after.timestamp == before.timestamp {
                assert_eq!((after.picture_id, after.tl0), (before.picture_id, before.tl0), "packet {place}");
            } else {
                assert!(after.timestamp.is_newer_than(before.timestamp), "packet {place}: {before:?} {after:?}");
                let next = |id: Option<u16>| id.map(|id| (id + 1) & 0x7fff);
                assert_eq!(after.picture_id, next(before.picture_id), "packet {place}");
                assert_eq!(after.tl0, before.tl0.map(|tl0| tl0.wrapping_add(1)), "packet {place}");
            }
        }
    }
}

#[test]
fn a_subscription_takes_little_memory() {
    let resent = 256 * size_of::<(SeqNo, u32)>();
    assert!(size_of::<Subscription>() + resent <= 4_096, "{} + {resent} bytes", size_of::<Subscription>());
}
