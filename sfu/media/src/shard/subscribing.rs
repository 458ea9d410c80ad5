// SPDX-License-Identifier: EUPL-1.2
//! Who receives what on this shard: subscriptions come and go, and with the first and the last of a track its feed.

use std::time::Instant;

use super::Shard;
use super::forwarding::{Listener, LocalFeed};
use super::message::{ShardMessage, SubscriptionSettings};
use crate::feed::Feed;
use crate::ids::{ShardId, TrackId, TransportId};
use crate::session::MediaKind;
use crate::subscription::Subscription;
use crate::transport::{StreamPlace, Transport};

/// Where a subscription is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SubscriptionKey(pub(super) usize);

/// A subscription of a client of this shard.
pub(super) struct SubscriptionSlot {
    pub(super) subscription: Subscription,
    /// Where the receiver's transport keeps what it knows of the stream.
    pub(super) sealing: StreamPlace,
}

impl SubscriptionSlot {
    /// Seals a packet of the subscription, written into the first `len` bytes of `space`, for its receiver.
    pub(super) fn seal(&mut self, transport: &mut Transport, space: &mut [u8], len: usize) -> Option<usize> {
        if self.subscription.repeats_packets() {
            transport.seal_rtp_repeatably(&mut self.sealing, space, len)
        } else {
            transport.seal_rtp(&mut self.sealing, space, len)
        }
    }
}

impl Shard {
    /// Begins to forward a track by the downlink that the receiver's session has for it.
    pub(super) fn subscribe(&mut self, now: Instant, transport: TransportId, track: TrackId, home: ShardId) {
        let Some(&slot) = self.slots_by_transport.get(&transport) else { return };
        let is_gone = home == self.id && !self.homes.contains_key(&track);
        if is_gone || self.subscription_of(slot, track).is_some() {
            return;
        }
        let client = &self.clients[slot];
        let Some(downlink) = client.session.downlinks.iter().find(|downlink| downlink.track == track) else { return };
        let settings = SubscriptionSettings::default();
        let subscription = Subscription::new(now, downlink, client.session.extensions, settings);
        let codec = downlink.codec.codec;
        let key = SubscriptionKey(
            self.subscriptions.insert(SubscriptionSlot { subscription, sealing: StreamPlace::default() }),
        );
        self.clients[slot].subscriptions.push(key);
        let mut is_first = false;
        let local = self.feeds.entry(track).or_insert_with(|| {
            is_first = true;
            let mut feed = Feed::new(track, home, codec);
            feed.limit_layers(self.shedding.level().max_layer());
            LocalFeed::new(feed)
        });
        local.add_listener(Listener { client: slot, key });
        if is_first {
            self.set_in_audience(track, home, true);
        }
        self.update_demand(track);
        self.want_keyframe_of(now, key);
        self.hasten_care(now, slot);
    }

    pub(super) fn unsubscribe(&mut self, transport: TransportId, track: TrackId) {
        let Some(&slot) = self.slots_by_transport.get(&transport) else { return };
        if let Some(key) = self.subscription_of(slot, track) {
            self.clients[slot].subscriptions.retain(|known| *known != key);
            self.remove_subscription(key);
        }
    }

    /// Forgets a subscription that its client does not list any more.
    pub(super) fn remove_subscription(&mut self, key: SubscriptionKey) {
        let track = self.subscriptions.remove(key.0).subscription.track();
        let Some(local) = self.feeds.get_mut(&track) else { return };
        local.listeners.retain(|listener| listener.key != key);
        if !local.listeners.is_empty() {
            return self.update_demand(track);
        }
        let home = local.feed.home();
        self.feeds.remove(&track);
        self.set_in_audience(track, home, false);
    }

    pub(super) fn configure_subscription(
        &mut self,
        now: Instant,
        transport: TransportId,
        track: TrackId,
        settings: SubscriptionSettings,
    ) {
        let Some(&slot) = self.slots_by_transport.get(&transport) else { return };
        let Some(key) = self.subscription_of(slot, track) else { return };
        let Some(local) = self.feeds.get_mut(&track) else { return };
        self.subscriptions[key.0].subscription.configure(settings, local.feed.activity());
        self.update_demand(track);
        self.want_keyframe_of(now, key);
    }

    /// The track is over: nobody here receives it any more.
    pub(super) fn end_feed(&mut self, track: TrackId) {
        let Some(local) = self.feeds.remove(&track) else { return };
        for Listener { client, key } in local.listeners {
            self.subscriptions.remove(key.0);
            self.clients[client].subscriptions.retain(|known| *known != key);
        }
    }

    /// Another shard wants a track that is published here.
    pub(super) fn join_audience(&mut self, track: TrackId, shard: ShardId) {
        let Some(&slot) = self.homes.get(&track) else {
            return self.tell(shard, ShardMessage::TrackEnded { track });
        };
        if let Some(track) = self.clients[slot].track_mut(track) {
            track.audience_mut().join(shard);
        }
    }

    pub(super) fn leave_audience(&mut self, track: TrackId, shard: ShardId) {
        let Some(&slot) = self.homes.get(&track) else { return };
        if let Some(track) = self.clients[slot].track_mut(track) {
            track.audience_mut().leave(shard);
        }
    }

    /// Lets the publisher's shard know whether this one wants a track.
    fn set_in_audience(&mut self, track: TrackId, home: ShardId, wants: bool) {
        if home != self.id {
            let message =
                if wants { ShardMessage::JoinAudience { track } } else { ShardMessage::LeaveAudience { track } };
            return self.tell(home, message);
        }
        let Some(&slot) = self.homes.get(&track) else { return };
        if let Some(track) = self.clients[slot].track_mut(track) {
            track.audience_mut().set_local_feed(wants);
        }
    }

    /// The subscription of a client to a track. A client has few enough to look through them.
    pub(super) fn subscription_of(&self, slot: usize, track: TrackId) -> Option<SubscriptionKey> {
        let mut keys = self.clients[slot].subscriptions.iter();
        keys.find(|key| self.subscriptions[key.0].subscription.track() == track).copied()
    }

    fn update_demand(&mut self, track: TrackId) {
        let Some(LocalFeed { feed, listeners, .. }) = self.feeds.get_mut(&track) else { return };
        let wanted = listeners.iter().map(|listener| self.subscriptions[listener.key.0].subscription.wanted_layer());
        feed.handle_demand(wanted);
    }

    /// Asks for the keyframe that a subscription waits for, if it waits for one.
    pub(super) fn want_keyframe_of(&mut self, now: Instant, key: SubscriptionKey) {
        let subscription = &self.subscriptions[key.0].subscription;
        let (track, Some(layer)) = (subscription.track(), subscription.wanted_keyframe()) else { return };
        // A keyframe that is then left out, of a layer or of all video, would only add to the load.
        let level = self.shedding.level();
        if level.leaves_out(MediaKind::Video) {
            return;
        }
        let layer = level.max_layer().map_or(layer, |limit| layer.min(limit));
        if let Some(local) = self.feeds.get_mut(&track) {
            local.feed.want_keyframe(now, layer);
            self.pass_on_keyframe_requests(now, track);
        }
    }
}
