// SPDX-License-Identifier: EUPL-1.2
//! A publisher whose packets are made in place, for tests that count allocations and time.

use std::time::{Duration, Instant};

use sfu_media::feed::Feed;
use sfu_media::ids::{Layer, ShardId, SpeakerGroup, TrackId};
use sfu_media::rtp::extensions::HeaderExtensions;
use sfu_media::rtp::packet::RtpView;
use sfu_media::session::{Downlink, Mid, NegotiatedCodec, Uplink};
use sfu_media::shard::message::SubscriptionSettings;
use sfu_media::subscription::Subscription;
use sfu_media::track::uplink_router::UplinkRouter;
use sfu_media::track::{Accepted, Track};

pub(crate) use agreed::IDS;
use agreed::{OPUS, VP8, start};

mod agreed;

/// What is sent: 2.5 Mbit/s of video in 30 frames of ten packets a second, or audio in packets of 20 ms.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Video,
    Audio,
}

impl Kind {
    pub(crate) fn codec(self) -> NegotiatedCodec {
        match self {
            Self::Video => VP8,
            Self::Audio => OPUS,
        }
    }

    const fn packets_per_frame(self) -> u64 {
        match self {
            Self::Video => 10,
            Self::Audio => 1,
        }
    }

    pub(crate) const fn frame_time(self) -> Duration {
        match self {
            Self::Video => Duration::from_micros(33_333),
            Self::Audio => Duration::from_millis(20),
        }
    }
}

/// One stream of a client, one packet after another in the same buffer.
pub(crate) struct Publisher {
    kind: Kind,
    packet: Vec<u8>,
    sent: u64,
}

/// Header, extension block of two words, and in video the VP8 descriptor.
const PAYLOAD_AT: usize = 12 + 4 + 8;

impl Publisher {
    pub(crate) fn new(kind: Kind) -> Self {
        let codec = kind.codec();
        let mut packet = vec![0x90, codec.payload_type, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0xbe, 0xde, 0, 2];
        packet.extend_from_slice(&[0x10, 20, 0x31, 0, 0, 0xd0, 0, 0]);
        match kind {
            Kind::Video => packet.resize(PAYLOAD_AT + 1_100, 0xab),
            Kind::Audio => packet.resize(PAYLOAD_AT + 100, 0x78),
        }
        Self { kind, packet, sent: 0 }
    }

    /// The next packet and the time it is sent after the first.
    pub(crate) fn next_packet(&mut self) -> (&[u8], Duration) {
        let per_frame = self.kind.packets_per_frame();
        let (frame, place) = (self.sent / per_frame, self.sent % per_frame);
        let elapsed = self.kind.frame_time() * frame as u32;
        let ticks = elapsed.as_micros() as u64 * u64::from(self.kind.codec().codec.clock_rate_hz()) / 1_000_000;
        self.packet[2..4].copy_from_slice(&(self.sent as u16).to_be_bytes());
        self.packet[4..8].copy_from_slice(&(ticks as u32).to_be_bytes());
        self.packet[19..21].copy_from_slice(&(self.sent as u16).to_be_bytes());
        if self.kind == Kind::Video {
            let is_last = place + 1 == per_frame;
            self.packet[1] = u8::from(is_last) << 7 | VP8.payload_type;
            let [high, low] = (0x8000 | frame as u16).to_be_bytes();
            let is_key = self.sent < per_frame;
            let descriptor = [0x80 | u8::from(place == 0) << 4, 0xe0, high, low, frame as u8, 0, u8::from(!is_key)];
            self.packet[PAYLOAD_AT..PAYLOAD_AT + 7].copy_from_slice(&descriptor);
        }
        self.sent += 1;
        (&self.packet, elapsed)
    }
}

/// A track, its feed on the same shard, and its receivers.
pub(crate) struct Room {
    pub(crate) epoch: Instant,
    pub(crate) router: UplinkRouter,
    pub(crate) track: Track,
    pub(crate) feed: Feed,
    pub(crate) subscriptions: Vec<Subscription>,
}

impl Room {
    pub(crate) fn new(kind: Kind, receivers: u32) -> Self {
        let epoch = start();
        let codec = kind.codec();
        let uplink = Uplink {
            mid: Mid::parse("0").expect("a mid"),
            track: TrackId(1),
            speaker_group: SpeakerGroup(1),
            codec,
            rids: Vec::new(),
            ssrcs: vec![(10, Some(11))],
        };
        let mut track = Track::new(&uplink);
        track.audience_mut().set_local_feed(true);
        let subscription = |number: u32| {
            let downlink = Downlink {
                mid: Mid::parse("0").expect("a mid"),
                track: TrackId(1),
                codec,
                ssrc: 1_000 + number,
                rtx_ssrc: codec.rtx_payload_type.map(|_| 5_000 + number),
            };
            Subscription::new(epoch, &downlink, IDS, SubscriptionSettings { is_paused: false, max_layer: Layer(2) })
        };
        Self {
            epoch,
            router: UplinkRouter::new(&[uplink]),
            track,
            feed: Feed::new(TrackId(1), ShardId(0), codec.codec),
            subscriptions: (0..receivers).map(subscription).collect(),
        }
    }
}

/// What a shard does with a packet before it reaches the feed.
pub(crate) fn accept<'a>(router: &mut UplinkRouter, track: &mut Track, now: Instant, packet: &'a [u8]) -> Accepted<'a> {
    let view = RtpView::parse(packet).expect("RTP");
    let extensions = HeaderExtensions::read(view.extensions(), &IDS);
    let route = router.route(&view, &extensions).expect("a known stream");
    track.handle_rtp(now, &view, &extensions, route.layer, route.is_rtx).expect("accepted")
}
