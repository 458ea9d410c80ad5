// SPDX-License-Identifier: EUPL-1.2
//! The way of a packet from its track to its audience: once to every other shard that wants it, and into this shard's own
//! copy, from where it fans out to this shard's receivers.

use std::time::Instant;

use smallvec::SmallVec;

use super::Shard;
use super::counters::DropReason;
use super::message::ShardMessage;
use super::subscribing::SubscriptionKey;
use crate::feed::Feed;
use crate::ids::{Layer, ShardId, TrackId};
use crate::media_packet::{MediaPacket, PacketMeta};
use crate::rtcp::SenderClock;
use crate::track::Accepted;

/// This shard's copy of a track, and who receives it here.
pub(super) struct LocalFeed {
    pub(super) feed: Feed,
    /// In the order of their slots.
    pub(super) listeners: Vec<Listener>,
    /// Of the sounds that wait for one another this one is to be the first.
    pub(super) begins_round: bool,
}

impl LocalFeed {
    pub(super) const fn new(feed: Feed) -> Self {
        Self { feed, listeners: Vec::new(), begins_round: false }
    }

    pub(super) fn add_listener(&mut self, listener: Listener) {
        let place = self.listeners.partition_point(|known| known.client < listener.client);
        self.listeners.insert(place, listener);
    }
}

/// Who receives a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listener {
    /// Its slot.
    pub(super) client: usize,
    pub(super) key: SubscriptionKey,
}

impl Shard {
    /// Gives a packet of a track that is published here to its audience.
    pub(super) fn forward(&mut self, now: Instant, slot: usize, track: TrackId, accepted: &Accepted<'_>) {
        let Some(published) = self.clients[slot].track_mut(track) else { return };
        let audience = published.audience();
        if audience.is_empty() {
            return self.counters.dropped_packets.count(DropReason::NoAudience);
        }
        let has_local_feed = audience.has_local_feed();
        let shards: SmallVec<[ShardId; 8]> = audience.shards().into();
        for shard in shards {
            let packet = MediaPacket { meta: accepted.meta, payload: accepted.payload.to_vec(), padding: 0 };
            self.tell(shard, ShardMessage::Media { track, packet: Box::new(packet) });
        }
        if has_local_feed {
            self.deliver(now, track, accepted.meta, accepted.payload);
        }
    }

    /// A packet for this shard's receivers of a track. One for a feed that has just ended is dropped: the shard where it
    /// is published learns of it soon.
    pub(super) fn deliver(&mut self, now: Instant, track: TrackId, meta: PacketMeta, payload: &[u8]) {
        let Some(LocalFeed { feed, .. }) = self.feeds.get_mut(&track) else {
            return self.counters.dropped_packets.count(DropReason::NoAudience);
        };
        let kind = feed.codec().kind();
        if self.shedding.level().leaves_out(kind) {
            return self.counters.dropped_packets.count(DropReason::Overload);
        }
        if feed.handle_media(now, meta, payload).is_none() {
            return self.counters.dropped_packets.count(DropReason::TooLate);
        }
        self.gather(now, track, &meta, kind);
    }

    /// Sends the keyframe requests that are due for a feed to where its track is published.
    pub(super) fn pass_on_keyframe_requests(&mut self, now: Instant, track: TrackId) {
        while let Some((home, layer)) = self
            .feeds
            .get_mut(&track)
            .and_then(|local| Some((local.feed.home(), local.feed.poll_keyframe_request(now)?)))
        {
            if home == self.id {
                self.request_keyframe(now, track, layer);
            } else {
                self.tell(home, ShardMessage::RequestKeyframe { track, layer });
            }
        }
    }

    /// Somebody needs a keyframe of a track that is published here.
    pub(super) fn request_keyframe(&mut self, now: Instant, track: TrackId, layer: Layer) {
        let Some(&slot) = self.homes.get(&track) else { return };
        if let Some(track) = self.clients[slot].track_mut(track) {
            track.request_keyframe(now, layer);
        }
        self.reschedule(slot);
    }

    /// A publisher's clock, for the audience of its track.
    pub(super) fn pass_on_sender_clock(&mut self, slot: usize, track: TrackId, layer: Layer, clock: SenderClock) {
        let Some(published) = self.clients[slot].track_mut(track) else { return };
        let shards: SmallVec<[ShardId; 8]> = published.audience().shards().into();
        for shard in shards {
            self.tell(shard, ShardMessage::SenderClock { track, layer, clock });
        }
        self.take_sender_clock(track, layer, clock);
    }

    pub(super) fn take_sender_clock(&mut self, track: TrackId, layer: Layer, clock: SenderClock) {
        if let Some(local) = self.feeds.get_mut(&track) {
            local.feed.handle_sender_clock(layer, clock);
        }
    }
}
