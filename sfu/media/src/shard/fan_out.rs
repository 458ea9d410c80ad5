// SPDX-License-Identifier: EUPL-1.2
//! Packets that leave together, written and sealed for each receiver where they will be sent from: one receiver after the
//! other, because what is known of a receiver is far apart in memory, and a packet is not.

use std::time::Instant;

use smallvec::SmallVec;

use super::Shard;
use super::clients::Client;
use super::counters::DropReason;
use super::forwarding::{Listener, LocalFeed};
use super::gathering::sounds::MAX_SPEAKERS;
use super::gathering::{MAX_WAITING, Waiting};
use super::output::SendBatch;
use super::subscribing::SubscriptionSlot;
use crate::feed::Delivery;
use crate::ids::{Layer, TrackId};
use crate::subscription::{Forwarding, MAX_PACKET_BYTES};
use crate::track::layers::{LARGEST_LAYER, MAX_LAYERS};
use crate::transport::SEAL_OVERHEAD_BYTES;

/// How many errands ahead what is known of a receiver is called for from memory, in three steps: the beginning of its
/// places, what matters in them, and what that points at. Each step needs what the one before has called for, which takes as
/// long to come as a packet takes to be sealed.
const PLACES_AHEAD: usize = 4;
const RECEIVER_AHEAD: usize = 2;
const STREAM_AHEAD: usize = 1;

type WantedKeyframes = SmallVec<[(TrackId, Layer); MAX_LAYERS]>;

/// Packets of one track on their way to one receiver.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errand {
    listener: Listener,
    /// Their place among all that leave together.
    first: usize,
    end: usize,
}

/// Who receives some packets of a track and has not been given an errand.
struct Audience<'a> {
    listeners: &'a [Listener],
    first: usize,
    end: usize,
}

impl Shard {
    /// Forwards packets, which their feeds keep, to all of their receivers here, to each in the order given.
    pub(super) fn fan_out(&mut self, now: Instant, packets: &[Waiting]) {
        for (track, layer) in self.write_for_receivers(now, packets) {
            if let Some(local) = self.feeds.get_mut(&track) {
                local.feed.want_keyframe(now, layer);
            }
            self.pass_on_keyframe_requests(now, track);
        }
    }

    /// Writes them, and gives the keyframes that receivers need to go on, each once however many wait for it.
    fn write_for_receivers(&mut self, now: Instant, packets: &[Waiting]) -> WantedKeyframes {
        let mut deliveries: SmallVec<[Delivery<'_>; MAX_WAITING]> = SmallVec::new();
        let mut audiences: SmallVec<[Audience<'_>; MAX_SPEAKERS]> = SmallVec::new();
        for of_one_track in packets.chunk_by(|one, next| one.track == next.track) {
            let Some(LocalFeed { feed, listeners, .. }) = self.feeds.get(&of_one_track[0].track) else { continue };
            let first = deliveries.len();
            deliveries.extend(of_one_track.iter().filter_map(|packet| feed.delivery(packet.layer, packet.index)));
            let end = deliveries.len();
            for _ in end - first..of_one_track.len() {
                self.counters.dropped_packets.count(DropReason::TooLate);
            }
            audiences.push(Audience { listeners, first, end });
        }
        write_errands(&mut audiences, &mut self.errands);
        let mut wanted_keyframes = WantedKeyframes::new();
        for (place, Errand { listener, first, end }) in self.errands.iter().enumerate() {
            if let Some(next) = self.errands.get(place + PLACES_AHEAD) {
                self.subscriptions.prefetch(next.listener.key.0);
                self.clients.prefetch(next.listener.client);
            }
            if let Some(next) = self.errands.get(place + RECEIVER_AHEAD) {
                self.subscriptions[next.listener.key.0].subscription.prefetch();
                self.clients[next.listener.client].transport.prefetch();
            }
            if let Some(next) = self.errands.get(place + STREAM_AHEAD) {
                let place = self.subscriptions[next.listener.key.0].sealing;
                self.clients[next.listener.client].transport.prefetch_sealing(place);
            }
            let slot = &mut self.subscriptions[listener.key.0];
            let client = &mut self.clients[listener.client];
            let mut may_want_keyframe = false;
            for delivery in &deliveries[*first..*end] {
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
                let layer = slot.subscription.wanted_keyframe().map(|layer| layer.min(LARGEST_LAYER));
                let wanted = layer.map(|layer| (slot.subscription.track(), layer));
                wanted_keyframes.extend(wanted.filter(|wanted| !wanted_keyframes.contains(wanted)));
            }
        }
        wanted_keyframes
    }
}

/// Brings together what goes to one receiver: listeners stand in the order of their slots.
fn write_errands(audiences: &mut [Audience<'_>], errands: &mut Vec<Errand>) {
    errands.clear();
    let next_of = |audience: &Audience<'_>| audience.listeners.first().map(|listener| listener.client);
    while let Some(client) = audiences.iter().filter_map(next_of).min() {
        for audience in audiences.iter_mut().filter(|audience| next_of(audience) == Some(client)) {
            let Some((listener, rest)) = audience.listeners.split_first() else { continue };
            errands.push(Errand { listener: *listener, first: audience.first, end: audience.end });
            audience.listeners = rest;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::subscribing::SubscriptionKey;

    fn listeners(clients: &[usize]) -> Vec<Listener> {
        clients.iter().map(|client| Listener { client: *client, key: SubscriptionKey(client * 10) }).collect()
    }

    #[test]
    fn what_goes_to_one_receiver_stands_together_in_the_order_of_the_packets() {
        let (one, other) = (listeners(&[1, 4, 6]), listeners(&[0, 4, 6, 9]));
        let mut audiences =
            [Audience { listeners: &one, first: 0, end: 2 }, Audience { listeners: &other, first: 2, end: 3 }];
        let mut errands = Vec::new();
        write_errands(&mut audiences, &mut errands);
        let order: Vec<_> = errands.iter().map(|errand| (errand.listener.client, errand.first..errand.end)).collect();
        assert_eq!(order, [(0, 2..3), (1, 0..2), (4, 0..2), (4, 2..3), (6, 0..2), (6, 2..3), (9, 2..3)]);
    }
}
