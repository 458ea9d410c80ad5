// SPDX-License-Identifier: EUPL-1.2
//! One shard's copy of a track: it keeps the last packets for those who miss some, knows which layers are alive, and puts
//! together what its subscriptions want. A shard has one feed of a track however many of its clients watch it.
//!
//! What each receiver gets of a packet is the business of its [`crate::subscription::Subscription`].

use std::time::Instant;

use crate::codec::{self, vp8};
use crate::feed::demand::Demand;
use crate::feed::layer_activity::LayerActivity;
use crate::feed::packet_history::PacketHistory;
use crate::ids::{Layer, ShardId, TrackId};
use crate::media_packet::{MediaPacket, PacketMeta};
use crate::rtcp::SenderClock;
use crate::session::Codec;
use crate::track::layers::MAX_LAYERS;

mod demand;
pub mod layer_activity;
pub mod packet_history;

/// A packet on its way to the subscriptions.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The packet.
    pub packet: &'a MediaPacket,
    /// What its payload begins with, for codecs that keep counters there.
    pub descriptor: Option<vp8::Descriptor>,
    /// What is known of its track's layers.
    pub activity: &'a LayerActivity,
}

/// One shard's copy of a track.
#[derive(Debug)]
pub struct Feed {
    track: TrackId,
    home: ShardId,
    codec: Codec,
    activity: LayerActivity,
    histories: [PacketHistory; MAX_LAYERS],
    demand: Demand,
}

impl Feed {
    /// A feed before its first packet. `home` is the shard of the track's publisher.
    #[must_use]
    pub fn new(track: TrackId, home: ShardId, codec: Codec) -> Self {
        Self {
            track,
            home,
            codec,
            activity: LayerActivity::default(),
            histories: std::array::from_fn(|_| PacketHistory::new(codec.kind())),
            demand: Demand::default(),
        }
    }

    /// Of which track.
    #[must_use]
    pub const fn track(&self) -> TrackId {
        self.track
    }

    /// The shard of the track's publisher.
    #[must_use]
    pub const fn home(&self) -> ShardId {
        self.home
    }

    /// What the track is encoded with.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// What is known of the track's layers.
    #[must_use]
    pub const fn activity(&self) -> &LayerActivity {
        &self.activity
    }

    /// Keeps a packet of the track and gives it for the subscriptions; `None` when it is too old for any of them.
    pub fn handle_media(&mut self, now: Instant, meta: PacketMeta, payload: &[u8]) -> Option<Delivery<'_>> {
        let history = self.histories.get_mut(usize::from(meta.layer.0))?;
        self.activity.handle_packet(now, &meta);
        if meta.starts_keyframe {
            let largest = self.activity.live().best_up_to(Layer(u8::MAX));
            self.demand.handle_keyframe(meta.layer, largest == Some(meta.layer));
        }
        let packet = history.insert(meta, payload)?;
        Some(Delivery { descriptor: codec::descriptor(self.codec, payload), packet, activity: &self.activity })
    }

    /// A packet that was handled a moment ago, for the subscriptions.
    #[must_use]
    pub fn delivery(&self, layer: Layer, index: u64) -> Option<Delivery<'_>> {
        let packet = self.packet(layer, index)?;
        Some(Delivery { descriptor: codec::descriptor(self.codec, &packet.payload), packet, activity: &self.activity })
    }

    /// Decides with how much padding a packet is forwarded, before it is forwarded to anybody.
    pub fn set_padding(&mut self, layer: Layer, index: u64, padding: u8) {
        let history = self.histories.get_mut(usize::from(layer.0));
        if let Some(packet) = history.and_then(|history| history.get_mut(index)) {
            packet.padding = padding;
        }
    }

    /// Offers subscriptions no larger layers than this one from the next packet on; `None` offers all.
    pub const fn limit_layers(&mut self, limit: Option<Layer>) {
        self.activity.limit_layers(limit);
    }

    /// Notes how a layer's RTP time maps to the publisher's clock.
    pub fn handle_sender_clock(&mut self, layer: Layer, clock: SenderClock) {
        self.activity.handle_sender_clock(layer, clock);
    }

    /// A packet that was handled not long ago.
    #[must_use]
    pub fn packet(&self, layer: Layer, index: u64) -> Option<&MediaPacket> {
        self.histories.get(usize::from(layer.0))?.get(index)
    }

    /// The subscriptions changed, or what they want: `None` for each that is paused, else its largest layer. Says
    /// whether [`Self::wanted_layer`] changed by it.
    pub fn handle_demand(&mut self, wanted: impl Iterator<Item = Option<Layer>>) -> bool {
        self.demand.handle_layers(wanted)
    }

    /// The largest layer that any subscription wants; `None` when none wants any.
    #[must_use]
    pub const fn wanted_layer(&self) -> Option<Layer> {
        self.demand.max_layer()
    }

    /// A subscription needs a keyframe of the layer.
    pub fn want_keyframe(&mut self, now: Instant, layer: Layer) {
        self.demand.want_keyframe(now, layer);
    }

    /// A layer to request a keyframe of at the track; to be called until `None`.
    pub fn poll_keyframe_request(&mut self, now: Instant) -> Option<Layer> {
        self.demand.poll_keyframe_request(now)
    }

    /// When [`Self::poll_keyframe_request`] has something.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.demand.poll_timeout()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ms, start};

    fn meta(layer: u8, index: u64, starts_keyframe: bool, arrival: Instant) -> PacketMeta {
        PacketMeta { starts_keyframe, ..PacketMeta::new(Layer(layer), index, arrival) }
    }

    fn feed() -> Feed {
        Feed::new(TrackId(1), ShardId(0), Codec::Vp8)
    }

    #[test]
    fn layers_are_kept_apart() {
        let now = start();
        let mut feed = feed();
        for layer in 0..3 {
            let delivery = feed.handle_media(now, meta(layer, 70_000, false, now), &[layer]).unwrap();
            assert_eq!(delivery.packet.payload, [layer]);
        }
        assert_eq!(feed.packet(Layer(1), 70_000).unwrap().payload, [1]);
        assert!(feed.packet(Layer(3), 70_000).is_none());
        assert!(feed.handle_media(now, meta(9, 1, false, now), &[]).is_none());
    }

    #[test]
    fn keyframe_requests_of_many_subscriptions_become_one() {
        let start = start();
        let mut feed = feed();
        for _ in 0..100 {
            feed.want_keyframe(start, Layer(1));
            feed.want_keyframe(start, Layer(200));
        }
        assert_eq!(feed.poll_keyframe_request(start), Some(Layer(1)));
        assert_eq!(feed.poll_keyframe_request(start), Some(Layer(3)));
        assert_eq!(feed.poll_keyframe_request(start), None);
        feed.want_keyframe(start + ms(100), Layer(1));
        feed.want_keyframe(start + ms(100), Layer(200));
        assert_eq!(feed.poll_timeout(), Some(start + ms(500)));
        feed.handle_media(start + ms(150), meta(1, 70_000, true, start), &[0]);
        assert_eq!(feed.poll_timeout(), None, "answered for everyone, as there is no larger layer");
    }

    #[test]
    fn the_largest_wanted_layer_wins() {
        let mut feed = feed();
        assert!(feed.handle_demand([Some(Layer(0)), None, Some(Layer(2))].into_iter()));
        assert_eq!(feed.wanted_layer(), Some(Layer(2)));
        assert!(!feed.handle_demand([Some(Layer(2))].into_iter()));
        assert!(feed.handle_demand([None, None].into_iter()));
        assert_eq!(feed.wanted_layer(), None);
    }
}
