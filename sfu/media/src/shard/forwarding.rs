// SPDX-License-Identifier: EUPL-1.2
//! The way of a packet from its track to its receivers: once to every other shard that wants it, and from this shard's
//! own copy to each of this shard's receivers, written and sealed where it will be sent from.

use std::time::Instant;

use smallvec::SmallVec;

use super::Shard;
use super::clients::Client;
use super::counters::DropReason;
use super::gathering::{MAX_WAITING, Waiting};
use super::message::ShardMessage;
use super::output::SendBatch;
use super::subscribing::{SubscriptionKey, SubscriptionSlot};
use crate::feed::{Delivery, Feed};
use crate::ids::{Layer, ShardId, TrackId};
use crate::media_packet::{MediaPacket, PacketMeta};
use crate::rtcp::SenderClock;
use crate::subscription::{Forwarding, MAX_PACKET_BYTES};
use crate::track::Accepted;
use crate::track::layers::{LARGEST_LAYER, MAX_LAYERS};
use crate::transport::SEAL_OVERHEAD_BYTES;

/// This shard's copy of a track, and who receives it here.
pub(super) struct LocalFeed {
    pub(super) feed: Feed,
    pub(super) subscriptions: Vec<SubscriptionKey>,
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

    /// Writes packets of one track, which its feed keeps, for each of its receivers here: one receiver after the other,
    /// because what is known of a receiver is far apart in memory, and a packet is not.
    pub(super) fn forward_to_receivers(&mut self, now: Instant, packets: &[Waiting]) {
        let Some(track) = packets.first().map(|packet| packet.track) else { return };
        let Some(LocalFeed { feed, subscriptions }) = self.feeds.get_mut(&track) else { return };
        let mut deliveries: SmallVec<[Delivery<'_>; MAX_WAITING]> = SmallVec::new();
        deliveries.extend(packets.iter().filter_map(|packet| feed.delivery(packet.layer, packet.index)));
        for _ in deliveries.len()..packets.len() {
            self.counters.dropped_packets.count(DropReason::TooLate);
        }
        let mut wanted_keyframes: SmallVec<[Layer; MAX_LAYERS]> = SmallVec::new();
        for key in subscriptions.iter() {
            let slot = &mut self.subscriptions[key.0];
            let client = &mut self.clients[slot.client];
            let mut may_want_keyframe = false;
            for delivery in &deliveries {
                match forward_to(now, delivery, slot, client, &mut self.transmits) {
                    Ok(len) => {
                        self.counters.forwarded_packets += 1;
                        self.counters.forwarded_bytes += len as u64;
                    }
                    Err(reason) => {
                        self.counters.dropped_packets.count(reason);
                        may_want_keyframe |= reason != DropReason::NotConnected;
                    }
                }
            }
            if may_want_keyframe {
                // Each layer once, however many receivers wait for it.
                let wanted = slot.subscription.wanted_keyframe().map(|layer| layer.min(LARGEST_LAYER));
                wanted_keyframes.extend(wanted.filter(|layer| !wanted_keyframes.contains(layer)));
            }
        }
        drop(deliveries);
        if wanted_keyframes.is_empty() {
            return;
        }
        for layer in wanted_keyframes {
            feed.want_keyframe(now, layer);
        }
        self.pass_on_keyframe_requests(now, track);
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

/// Writes and seals a packet for one receiver, and gives its length.
fn forward_to(
    now: Instant,
    delivery: &Delivery<'_>,
    slot: &mut SubscriptionSlot,
    client: &mut Client,
    transmits: &mut SendBatch,
) -> Result<usize, DropReason> {
    // A subscription must not take for sent what could not be sealed.
    let destination = client.transport.remote().filter(|_| client.transport.is_connected());
    let destination = destination.ok_or(DropReason::NotConnected)?;
    let seq = slot.subscription.wants_transport_seq().then_some(client.next_transport_seq);
    let mut outcome = Forwarding::Drop(DropReason::NotConnected);
    let sent = transmits.push_with(destination, MAX_PACKET_BYTES + SEAL_OVERHEAD_BYTES, |space| {
        outcome = slot.subscription.handle_media(now, delivery, seq, space);
        match outcome {
            Forwarding::Forward { len } => slot.seal(&mut client.transport, space, len),
            Forwarding::Drop(_) => None,
        }
    });
    if let Forwarding::Drop(reason) = outcome {
        return Err(reason);
    }
    // When sealing refused it, the transport has counted why.
    let len = sent.ok_or(DropReason::TooLate)?;
    if seq.is_some() {
        client.next_transport_seq = client.next_transport_seq.next();
    }
    Ok(len)
}
